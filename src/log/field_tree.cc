// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/field_tree.h"

#include <charconv>
#include <utility>

#include "log/json_view.h"

namespace distillwatch::log {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::uint32_t kEmptyRank = 1u << 16;  // behind every rank

bool IsEmpty(element value) {
  switch (value.type()) {
    case element_type::STRING:
      return value.get_string_length().value_unsafe() == 0;
    case element_type::OBJECT:
      return value.get_object().value_unsafe().size() == 0;
    case element_type::ARRAY:
      return value.get_array().value_unsafe().size() == 0;
    default:
      return false;
  }
}

}  // namespace

std::size_t FieldTree::Names::Hash(std::string_view name) {
  if (name.empty()) return 0;
  const auto byte = [name](std::size_t i) { return static_cast<unsigned char>(name[i]); };
  return name.size() * 131 + byte(0) * 31u + byte(name.size() / 2) * 17u +
         byte(name.size() - 1) * 7u;
}

std::uint32_t FieldTree::Names::Find(std::string_view name) const {
  if (table_.empty()) return 0;
  for (std::size_t at = Hash(name);; ++at) {
    const Entry& entry = table_[at & (table_.size() - 1)];
    if (entry.node == 0 || entry.name == name) return entry.node;
  }
}

void FieldTree::Names::Add(std::string_view name, std::uint32_t node) {
  if (2 * ++entries_ > table_.size()) {
    std::vector<Entry> before =
        std::exchange(table_, std::vector<Entry>(std::max<std::size_t>(8, table_.size() * 2)));
    entries_ = 1;
    for (const Entry& entry : before) {
      if (entry.node != 0) Add(entry.name, entry.node);
    }
  }
  std::size_t at = Hash(name);
  while (table_[at & (table_.size() - 1)].node != 0) ++at;
  table_[at & (table_.size() - 1)] = {std::string(name), node};
}

std::uint32_t FieldTree::Child(std::uint32_t node, const JsonPath::Step& step) {
  const auto next = static_cast<std::uint32_t>(nodes_.size());
  Node& parent = nodes_[node];
  if (const auto* name = std::get_if<std::string>(&step)) {
    if (const std::uint32_t child = parent.fields.Find(*name)) return child;
    parent.fields.Add(*name, next);
  } else if (const auto* index = std::get_if<std::uint32_t>(&step)) {
    for (const Item& item : parent.items) {
      if (item.index == *index) return item.node;
    }
    parent.items.push_back({*index, next});
  } else {
    if (parent.any_item != 0) return parent.any_item;
    parent.any_item = next;
  }
  nodes_.emplace_back();  // `parent` is no longer valid
  return next;
}

std::uint32_t FieldTree::NodeOf(const JsonPath& path, std::size_t steps, bool is_sign) {
  std::uint32_t node = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    node = Child(node, path.steps()[i]);
    nodes_[node].is_path |= !is_sign;
  }
  return node;
}

void FieldTree::Add(const JsonPath& path, Slot slot) {
  const bool is_sign = slot.accept == Accept::kSign;
  nodes_[NodeOf(path, path.steps().size(), is_sign)].slots.push_back(slot);
}

void FieldTree::Mention(const JsonPath& path) {
  NodeOf(path, path.steps().size(), false);
}

void FieldTree::AddIndexed(const JsonPath& path) {
  const std::uint32_t node = NodeOf(path, path.steps().size() - 1, false);
  nodes_[node].prefix = std::get<std::string>(path.steps().back());
}

class FieldTree::Walk {
 public:
  Walk(const FieldTree& tree, LineJson& json, Findings& findings)
      : tree_(tree), json_(json), findings_(findings) {}

  void Visit(std::uint32_t number, element value) {
    const Node& node = tree_.nodes_[number];
    if (!node.slots.empty()) Take(node, value);
    if (!node.is_leaf()) Descend(node, Unwrap(value));
  }

 private:
  void Take(const Node& node, element value) {
    const element inner = Unwrap(value);
    if (inner.is_null()) return;
    const bool compound = inner.is_object() || inner.is_array();
    const bool is_empty = IsEmpty(inner);
    const bool is_absent = !tree_.absent_text_.empty() && TextOf(inner) == tree_.absent_text_;
    for (const Slot& slot : node.slots) {
      if (is_absent && slot.accept != Accept::kSign) continue;
      if (compound && slot.accept == Accept::kScalar) continue;
      const std::uint32_t rank = slot.rank + (is_empty ? kEmptyRank : 0);
      Findings::Value& found = findings_.values[slot.number];
      if (rank <= found.rank) found = {value, rank};  // where a name is repeated, the last wins
    }
  }

  void Descend(const Node& node, element value) {
    switch (value.type()) {
      case element_type::STRING:
        if (const auto inside = json_.Open(*TextOf(value))) DescendCompound(node, *inside);
        return;
      case element_type::OBJECT:
      case element_type::ARRAY:
        return DescendCompound(node, value);
      default:
        return;
    }
  }

  void DescendCompound(const Node& node, element value) {
    if (!node.items.empty() || node.any_item != 0) VisitItems(node, value);
    if (node.fields.empty() && node.prefix.empty()) return;
    ForEachField(value, [&](std::string_view name, element field) {
      if (const std::uint32_t child = node.fields.Find(name)) {
        Visit(child, field);
        if (tree_.nodes_[child].is_path) return;
      }
      if (!node.prefix.empty() && name.starts_with(node.prefix)) {
        TakeIndexed(name.substr(node.prefix.size()), field);
      }
      if (&node == &tree_.nodes_.front()) findings_.others.push_back({name, field});
    });
  }

  void VisitItems(const Node& node, element value) {
    std::uint32_t index = 0;
    ForEachItem(value, [&](element item) {
      if (node.any_item != 0) Visit(node.any_item, item);
      for (const Item& wanted : node.items) {
        if (wanted.index == index) Visit(wanted.node, item);
      }
      ++index;
    });
  }

  // rest: "3.message.role"
  void TakeIndexed(std::string_view rest, element value) {
    std::uint32_t index = 0;
    const char* const end = rest.data() + rest.size();
    const auto [behind, error] = std::from_chars(rest.data(), end, index);
    if (error != std::errc() || behind == end || *behind != '.') return;
    findings_.indexed.push_back({index, {behind + 1, end}, value});
  }

  const FieldTree& tree_;
  LineJson& json_;
  Findings& findings_;
};

void FieldTree::Find(element root, std::size_t slots, LineJson& json, Findings& findings) const {
  findings.values.assign(slots, {});
  findings.indexed.clear();
  findings.others.clear();
  Walk(*this, json, findings).Visit(0, root);
}

}  // namespace distillwatch::log
