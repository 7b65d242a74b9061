// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// TextColumn: texts in whatever form Python has them, readable without the interpreter's lock.
//
// Arrow's memory is read where it lies, and so are bytes and ASCII strings in lists and arrays of
// objects; other strings are encoded a block at a time. Tested by  tests/python/test_columns.py

#ifndef DISTILLWATCH_BINDINGS_PYTHON_COLUMN_H_
#define DISTILLWATCH_BINDINGS_PYTHON_COLUMN_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arrow.h"
#include "bind.h"

namespace distillwatch::python {

enum class Missing { kEmpty, kError };  // what None, NaN and nulls are

class TextColumn {
 public:
  static constexpr std::size_t kBlock = 4096;

  // A single str or bytes stands for all rows.
  //   Errors  TypeError, ValueError naming column and row
  TextColumn(py::handle values, const std::string& name, Missing missing);

  // The number of rows; nothing for a column that says the same in every row.
  std::optional<std::size_t> size() const noexcept { return size_; }

  // Makes rows [begin, end) readable until the next call. Takes the interpreter's lock.
  void Load(std::size_t begin, std::size_t end);
  // A row that was made readable; needs no lock.
  std::string_view operator[](std::size_t row) const noexcept {
    if (!size_) return all_.view();
    return views_[row - begin_];
  }

 private:
  void Require(std::size_t row, bool present) const;

  std::string name_;
  Missing missing_;
  std::optional<std::size_t> size_;
  Text all_;
  std::optional<ArrowColumn> arrow_;
  py::tuple objects_;                // of a sequence, or the words of codes_
  py::array_t<std::int32_t> codes_;  // of a categorical; -1 is missing
  bool coded_ = false;
  std::vector<Text> texts_;              // of the block, or the words
  std::vector<std::string_view> views_;  // from row begin_ on
  std::size_t begin_ = 0;
};

// Times as microseconds since 1970.
py::array_t<std::int64_t> TimeColumn(py::handle values, const char* name);

}  // namespace distillwatch::python

#endif  // DISTILLWATCH_BINDINGS_PYTHON_COLUMN_H_
