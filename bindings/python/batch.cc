// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "batch.h"

namespace distillwatch::python {

void Batch::Rows(std::size_t rows, const char* name) {
  if (!rows_) {
    rows_ = rows;
    first_name_ = name;
  } else if (*rows_ != rows) {
    throw py::value_error(std::string(name) + " has " + std::to_string(rows) + " rows, " +
                          first_name_ + " has " + std::to_string(*rows_));
  }
}

Batch::Counts Batch::CountColumn(py::handle values, const char* name) {
  constexpr std::uint64_t kMost = ~std::uint32_t{0};
  if (values.is_none()) return {};
  if (PyIndex_Check(values.ptr()) && !py::isinstance<py::array>(values)) {
    return {.owner = {},
            .values = nullptr,
            .all = static_cast<std::uint32_t>(ToCount(values, name, kMost))};
  }
  auto counts =
      Python("distillwatch._columns", "counts")(values, name).cast<py::array_t<std::int64_t>>();
  Rows(static_cast<std::size_t>(counts.size()), name);
  const std::int64_t* data = counts.data();
  return {.owner = std::move(counts), .values = data};
}

Batch::Batch(py::handle accounts, py::handle times, py::handle prompts, py::handle systems,
             py::handle models, py::handle earlier_turns, py::handle completion_tokens,
             py::handle prompt_tokens, py::handle attributes)
    : accounts_(accounts, "accounts", Missing::kError),
      times_(TimeColumn(times, "times")),
      prompts_(prompts, "prompts", Missing::kEmpty),
      systems_(systems.is_none() ? py::handle(py::bytes()) : systems, "systems", Missing::kEmpty),
      models_(models.is_none() ? py::handle(py::bytes()) : models, "models", Missing::kEmpty) {
  Rows(static_cast<std::size_t>(times_.size()), "times");
  const auto rows_of = [&](const TextColumn& column, const char* name) {
    if (column.size()) Rows(*column.size(), name);
  };
  rows_of(accounts_, "accounts");
  rows_of(prompts_, "prompts");
  rows_of(systems_, "systems");
  rows_of(models_, "models");
  earlier_turns_ = CountColumn(earlier_turns, "earlier_turns");
  completion_tokens_ = CountColumn(completion_tokens, "completion_tokens");
  prompt_tokens_ = CountColumn(prompt_tokens, "prompt_tokens");
  if (!attributes.is_none()) {
    if (!py::hasattr(attributes, "items"))
      throw py::type_error("attributes must be a dict of name and column");
    for (const py::handle item : py::iter(attributes.attr("items")())) {
      const py::tuple pair = py::reinterpret_borrow<py::tuple>(item);
      Text name(pair[0], "the name of an attribute");
      const std::string named = "attribute '" + std::string(name.view()) + "'";
      auto column = std::make_unique<TextColumn>(pair[1], named, Missing::kEmpty);
      rows_of(*column, named.c_str());
      attributes_.emplace_back(std::move(name), std::move(column));
    }
  }
  size_ = *rows_;
  times_us_ = times_.data();
}

void Batch::Load(std::size_t begin, std::size_t end) {
  accounts_.Load(begin, end);
  prompts_.Load(begin, end);
  systems_.Load(begin, end);
  models_.Load(begin, end);
  for (const auto& [name, column] : attributes_) column->Load(begin, end);
}

Event Batch::At(std::size_t row, std::vector<Attribute>& attributes) const noexcept {
  const std::size_t before = attributes.size();
  for (const auto& [name, column] : attributes_) {
    const std::string_view value = (*column)[row];
    if (!value.empty()) attributes.push_back({name.view(), value});
  }
  return {.account = accounts_[row],
          .time = Time(std::chrono::microseconds(times_us_[row])),
          .prompt = prompts_[row],
          .system = systems_[row],
          .earlier_turns = earlier_turns_[row],
          .model = models_[row],
          .completion_tokens = completion_tokens_[row],
          .attributes = std::span(attributes).subspan(before),
          .prompt_tokens = prompt_tokens_[row]};
}

}  // namespace distillwatch::python
