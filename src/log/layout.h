// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Layout: where the fields of a request lie in the lines of one format; and Signs: which format it
// is. A layout finds the signs, too, so that lines of one format need one walk.
//
// Both are made of the tables of field_table.h; the operator's own paths take the place of the
// table's. Tested by  tests/log/formats_test.cc

#ifndef DISTILLWATCH_SRC_LOG_LAYOUT_H_
#define DISTILLWATCH_SRC_LOG_LAYOUT_H_

#include <simdjson.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/field_table.h"
#include "log/field_tree.h"
#include "log/record.h"

namespace distillwatch::log {

// immutable: safe to use concurrently.
class Signs {
 public:
  Signs();
  // Adds a slot for each of them to a tree, from `first` on.
  void AddTo(FieldTree& tree, std::size_t first) const;
  std::size_t size() const { return slots_.size(); }
  // By what such a tree found.
  std::optional<Format> FormatOf(const Findings& findings, std::size_t first) const;
  // By a walk of its own.
  std::optional<Format> FormatOf(simdjson::dom::element root, LineJson& json,
                                 Findings& findings) const;

 private:
  struct Row {
    Format format;
    std::vector<std::size_t> slots;
  };
  std::size_t SlotOf(Format format, std::string_view path);

  std::vector<Row> rows_;
  std::vector<std::vector<std::string>> slots_;  // of each its paths
  FieldTree tree_;
};

// immutable: safe to use concurrently.
class Layout {
 public:
  //   Errors  InvalidArgument for a name or path that is not well formed
  static Result<Layout> Create(Format format, const FieldPaths& own, const Signs& signs);

  void Find(simdjson::dom::element root, LineJson& json, Findings& findings) const {
    tree_.Find(root, slots_, json, findings);
  }
  // Behind the attributes.
  std::size_t first_sign() const { return kFields + attributes_.size(); }
  // Attribute i is slot kFields + i of the findings.
  std::span<const std::string> attributes() const { return attributes_; }

  // Whether the operator said himself where the field lies.
  bool is_own(Field field) const { return own_[static_cast<std::size_t>(field)]; }
  // Whether the value found for the account is an address, which names no account but stands for
  // one.
  bool is_address(const Findings::Value& account) const { return account.rank >= first_address_; }
  // Where a field was looked for, as messages tell it.
  std::string Places(Field field) const;

 private:
  Layout() = default;
  Status AddOwn(const FieldPaths& own);
  void AddTables(Formats format);
  void Add(Formats format, std::size_t slot, std::string_view path);
  std::size_t AttributeSlot(std::string_view name);

  FieldTree tree_;
  std::vector<std::string> attributes_;
  std::array<bool, kFields> own_{};
  std::array<std::vector<std::string>, kFields> places_;
  std::uint32_t rank_ = 0, first_address_ = 0;
  std::size_t slots_ = 0;
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_LAYOUT_H_
