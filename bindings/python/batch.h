// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Batch: columns of requests as events, block after block.
//
// Tested by  tests/python/test_columns.py

#ifndef DISTILLWATCH_BINDINGS_PYTHON_BATCH_H_
#define DISTILLWATCH_BINDINGS_PYTHON_BATCH_H_

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "column.h"
#include "custom.h"

namespace distillwatch::python {

class Batch {
 public:
  //   Errors  ValueError when the columns have unlike numbers of rows
  Batch(py::handle accounts, py::handle times, py::handle prompts, py::handle systems,
        py::handle models, py::handle earlier_turns, py::handle completion_tokens,
        py::handle prompt_tokens, py::handle attributes);

  std::size_t size() const noexcept { return size_; }

  // Calls see(row, event) for every row, without the interpreter's lock; an account's rows come in
  // order, to one thread.  Stops between blocks when Python was interrupted.
  template <typename See>
  void ForEach(std::size_t threads, See&& see);

 private:
  struct Counts {
    py::array_t<std::int64_t> values;  // empty: all are `all`
    std::uint32_t all = 0;
    std::uint32_t operator[](std::size_t row) const noexcept {
      return values.size() == 0 ? all : static_cast<std::uint32_t>(values.data()[row]);
    }
  };
  Counts CountColumn(py::handle values, const char* name);
  void Rows(std::size_t rows, const char* name);
  void Load(std::size_t begin, std::size_t end);
  Event At(std::size_t row, std::vector<Attribute>& attributes) const noexcept;

  std::optional<std::size_t> rows_;
  std::string first_name_;
  std::size_t size_ = 0;
  TextColumn accounts_;
  py::array_t<std::int64_t> times_;
  TextColumn prompts_;
  TextColumn systems_, models_;
  Counts earlier_turns_, completion_tokens_, prompt_tokens_;
  std::vector<std::pair<Text, std::unique_ptr<TextColumn>>> attributes_;
  const std::int64_t* times_us_ = nullptr;
};

template <typename See>
void Batch::ForEach(std::size_t threads, See&& see) {
  const std::size_t block = TextColumn::kBlock * threads;
  for (std::size_t begin = 0; begin < size_; begin += block) {
    const std::size_t end = std::min(size_, begin + block);
    Load(begin, end);
    {
      const Unlocked unlocked;
      // The very first event decides where horizons begin, so it comes before all others.
      const bool alone = begin == 0 && threads > 1;
      if (alone) {
        std::vector<Attribute> attributes;
        see(0, At(0, attributes));
      }
      const auto work = [&](std::size_t worker) noexcept {
        std::vector<Attribute> attributes;
        attributes.reserve(attributes_.size());
        for (std::size_t row = alone ? 1 : begin; row < end; ++row) {
          if (threads > 1 && std::hash<std::string_view>()(accounts_[row]) % threads != worker) {
            continue;
          }
          see(row, At(row, attributes));
        }
      };
      std::vector<std::jthread> others;
      for (std::size_t worker = 1; worker < threads; ++worker) others.emplace_back(work, worker);
      work(0);
    }
    AfterDetectors();
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

}  // namespace distillwatch::python

#endif  // DISTILLWATCH_BINDINGS_PYTHON_BATCH_H_
