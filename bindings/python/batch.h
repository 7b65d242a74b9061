// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Batch: columns of requests as events, block after block.
//
// Tested by  tests/python/test_columns.py

#ifndef DISTILLWATCH_BINDINGS_PYTHON_BATCH_H_
#define DISTILLWATCH_BINDINGS_PYTHON_BATCH_H_

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "column.h"
#include "custom.h"

namespace distillwatch::python {

class Batch {
 public:
  static constexpr std::size_t kRun = 128;  // long beside what ObserveMany looks ahead

  //   Errors  ValueError when the columns have unlike numbers of rows
  Batch(py::handle accounts, py::handle times, py::handle prompts, py::handle systems,
        py::handle models, py::handle earlier_turns, py::handle completion_tokens,
        py::handle prompt_tokens, py::handle attributes);

  std::size_t size() const noexcept { return size_; }

  // Calls see(rows, events) for runs of up to kRun rows, without the interpreter's lock; an
  // account's rows come in order, to one thread.  Stops between blocks when Python was interrupted.
  template <typename See>
  void ForEachRun(std::size_t threads, See&& see);
  // Calls see(row, event) likewise.
  template <typename See>
  void ForEach(std::size_t threads, See&& see);

 private:
  struct Counts {
    py::array_t<std::int64_t> owner;
    const std::int64_t* values = nullptr;  // nullptr: all are `all`
    std::uint32_t all = 0;
    std::uint32_t operator[](std::size_t row) const noexcept {
      return values == nullptr ? all : static_cast<std::uint32_t>(values[row]);
    }
  };
  Counts CountColumn(py::handle values, const char* name);
  void Rows(std::size_t rows, const char* name);
  void Load(std::size_t begin, std::size_t end);
  // Its attributes are added to the vector, which has room for them.
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
void Batch::ForEachRun(std::size_t threads, See&& see) {
  const std::size_t block = TextColumn::kBlock * threads;
  for (std::size_t begin = 0; begin < size_; begin += block) {
    const std::size_t end = std::min(size_, begin + block);
    Load(begin, end);
    {
      const Unlocked unlocked;
      // The rows from `first` on that are this worker's.
      const auto see_rows = [&](std::size_t first, std::size_t last, std::size_t workers,
                                std::size_t worker) noexcept {
        std::array<std::size_t, kRun> rows;
        std::array<Event, kRun> events;
        std::vector<Attribute> attributes;
        attributes.reserve(kRun * attributes_.size());
        std::size_t size = 0;
        const auto flush = [&] {
          see(std::span<const std::size_t>(rows.data(), size),
              std::span<const Event>(events.data(), size));
          attributes.clear();
          size = 0;
        };
        for (std::size_t row = first; row < last; ++row) {
          if (workers > 1 && std::hash<std::string_view>()(accounts_[row]) % workers != worker) {
            continue;
          }
          rows[size] = row;
          events[size] = At(row, attributes);
          if (++size == kRun) flush();
        }
        if (size > 0) flush();
      };
      // The very first event decides where horizons begin, so it comes before all others.
      const bool alone = begin == 0 && threads > 1;
      if (alone) see_rows(0, 1, 1, 0);
      const auto work = [&](std::size_t worker) noexcept {
        see_rows(begin + (alone ? 1 : 0), end, threads, worker);
      };
      std::vector<std::jthread> others;
      for (std::size_t worker = 1; worker < threads; ++worker) others.emplace_back(work, worker);
      work(0);
    }
    AfterDetectors();
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

template <typename See>
void Batch::ForEach(std::size_t threads, See&& see) {
  ForEachRun(threads, [&see](std::span<const std::size_t> rows, std::span<const Event> events) {
    for (std::size_t i = 0; i < rows.size(); ++i) see(rows[i], events[i]);
  });
}

}  // namespace distillwatch::python

#endif  // DISTILLWATCH_BINDINGS_PYTHON_BATCH_H_
