// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// ArrowColumn: a column that another library hands over through Arrow's PyCapsule interface.
//
// No Arrow library is needed: the C data interface is two structs. The producer's memory is read
// where it lies. Paper      https://arrow.apache.org/docs/format/CDataInterface.html
// Tested by  tests/python/test_arrow.py

#ifndef DISTILLWATCH_BINDINGS_PYTHON_ARROW_H_
#define DISTILLWATCH_BINDINGS_PYTHON_ARROW_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bind.h"

namespace distillwatch::python {

class ArrowColumn {
 public:
  // Whether the object offers __arrow_c_stream__ or __arrow_c_array__.
  static bool Offers(py::handle value);

  //   Errors  TypeError for what is not a column, ValueError for a type that is not understood
  ArrowColumn(py::handle value, const char* name);
  ~ArrowColumn();
  ArrowColumn(ArrowColumn&&) noexcept;
  ArrowColumn& operator=(ArrowColumn&&) noexcept;

  std::size_t size() const noexcept;
  // Texts (string, large_string, string_view, binary, dictionaries of them), without a copy; valid
  // as long as this. A missing one has no data pointer.
  std::vector<std::string_view> Texts() const;
  // Timestamps as microseconds since 1970; floats and integers as seconds.
  std::vector<std::int64_t> Times() const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace distillwatch::python

#endif  // DISTILLWATCH_BINDINGS_PYTHON_ARROW_H_
