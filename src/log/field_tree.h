// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// FieldTree: finds the values at many paths in one walk over a JSON document.
//
// Each path belongs to a slot and has a rank in it: of the paths of a slot that are present, the
// one of lowest rank wins. Names that no path has cost one look into a small table, and what lies
// below them nothing. The walk sees through OTLP wrappers (json_view.h) and through strings that
// hold JSON. Tested by  tests/log/field_tree_test.cc    Measured by  benchmarks/log_bench.cc

#ifndef DISTILLWATCH_SRC_LOG_FIELD_TREE_H_
#define DISTILLWATCH_SRC_LOG_FIELD_TREE_H_

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "log/json_path.h"
#include "log/line_json.h"

namespace distillwatch::log {

// What a walk found; its memory is used again.
struct Findings {
  static constexpr std::uint32_t kAbsent = 0xffffffff;
  struct Value {
    simdjson::dom::element element;
    std::uint32_t rank = kAbsent;
    bool present() const { return rank != kAbsent; }
  };
  // One of a list that was flattened into names: "llm.input_messages.3.message.role".
  struct Indexed {
    std::uint32_t index;    // 3
    std::string_view name;  // "message.role"
    simdjson::dom::element element;
  };
  // A field of the root that no path leads through.
  struct Other {
    std::string_view name;
    simdjson::dom::element element;
  };
  std::vector<Value> values;  // by slot
  std::vector<Indexed> indexed;
  std::vector<Other> others;
};

// immutable once built: safe to use concurrently.
class FieldTree {
 public:
  enum class Accept {
    kAnything,
    kScalar,  // an object or array there is as good as nothing
    kSign     // only whether anything is there is asked: for all else no path has the name
  };
  struct Slot {
    std::uint32_t number, rank;
    Accept accept = Accept::kAnything;
  };

  FieldTree() : nodes_(1) {}
  void Add(const JsonPath& path, Slot slot);
  // Text that the writer puts where there is no value, and that counts as absent, but as a sign.
  void SetAbsentText(std::string_view text) { absent_text_ = text; }
  // Makes the path known, and takes nothing from it.
  void Mention(const JsonPath& path);
  // The last step of the path is what the names of a flattened list begin with.
  void AddIndexed(const JsonPath& path);

  // Fills `findings` with the slots 0 to slots - 1. Null counts as absent; what is empty yields to
  // what is not.
  void Find(simdjson::dom::element root, std::size_t slots, LineJson& json,
            Findings& findings) const;

 private:
  // From names to nodes; open addressing.
  class Names {
   public:
    std::uint32_t Find(std::string_view name) const;  // 0: none
    void Add(std::string_view name, std::uint32_t node);
    bool empty() const { return entries_ == 0; }

   private:
    struct Entry {
      std::string name;
      std::uint32_t node = 0;
    };
    static std::size_t Hash(std::string_view name);
    std::vector<Entry> table_;  // a power of two, at most half full
    std::size_t entries_ = 0;
  };
  struct Item {
    std::uint32_t index, node;
  };
  struct Node {
    std::vector<Slot> slots;
    Names fields;
    std::vector<Item> items;
    std::uint32_t any_item = 0;
    std::string prefix;    // of a flattened list; empty: none
    bool is_path = false;  // one leads through it that is no sign's
    bool is_leaf() const {
      return fields.empty() && items.empty() && any_item == 0 && prefix.empty();
    }
  };
  class Walk;

  std::uint32_t Child(std::uint32_t node, const JsonPath::Step& step);
  // The node behind the first `steps` of the path.
  std::uint32_t NodeOf(const JsonPath& path, std::size_t steps, bool is_sign);

  std::string absent_text_;
  std::vector<Node> nodes_;  // the first is the root, and no child of any
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_FIELD_TREE_H_
