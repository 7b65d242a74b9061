// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "column.h"

#include <cmath>

namespace distillwatch::python {
namespace {

// None, NaN and pandas' NA.
bool IsMissing(py::handle value) {
  if (value.is_none()) return true;
  if (PyFloat_Check(value.ptr())) return std::isnan(PyFloat_AS_DOUBLE(value.ptr()));
  return std::string_view(Py_TYPE(value.ptr())->tp_name).ends_with("NAType");
}

}  // namespace

void TextColumn::Require(std::size_t row, bool present) const {
  if (present || missing_ == Missing::kEmpty) return;
  throw py::value_error(name_ + "[" + std::to_string(row) + "] is missing");
}

TextColumn::TextColumn(py::handle values, const std::string& name, Missing missing)
    : name_(name), missing_(missing) {
  if (PyUnicode_Check(values.ptr()) || PyBytes_Check(values.ptr())) {
    all_ = Text(values, name.c_str());
    return;
  }
  const bool of_pandas =
      std::string(py::str(py::type::handle_of(values).attr("__module__"))).starts_with("pandas");
  if (!of_pandas && ArrowColumn::Offers(values)) {
    arrow_.emplace(values, name.c_str());
    views_ = arrow_->Texts();
    size_ = views_.size();
    for (std::size_t i = 0; i < views_.size(); ++i) Require(i, views_[i].data() != nullptr);
    return;
  }
  py::object sequence = Python("distillwatch._columns", "texts")(values, name);
  if (py::isinstance<py::tuple>(sequence)) {  // codes and words
    coded_ = true;
    codes_ = sequence[py::int_(0)].cast<py::array_t<std::int32_t>>();
    sequence = sequence[py::int_(1)];
  }
  // A tuple, because a list could change while the lock is released.
  objects_ = py::reinterpret_steal<py::tuple>(PySequence_Tuple(sequence.ptr()));
  if (!objects_) throw py::error_already_set();
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    const py::handle value = PyTuple_GET_ITEM(objects_.ptr(), static_cast<py::ssize_t>(i));
    if (PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr())) continue;
    if (IsMissing(value)) {
      Require(i, false);
    } else if (!Text::Accepts(value)) {
      const std::string place = name + "[" + std::to_string(i) + "]";
      Text(value, place.c_str());  // which throws
    }
  }
  size_ = objects_.size();
  if (!coded_) return;
  size_ = static_cast<std::size_t>(codes_.size());
  for (const py::handle word : objects_)
    texts_.push_back(IsMissing(word) ? Text() : Text(word, name.c_str()));
  views_.reserve(*size_);
  for (std::size_t i = 0; i < *size_; ++i) {
    const std::int32_t code = codes_.data()[i];
    Require(i, code >= 0);
    if (code >= static_cast<std::int32_t>(texts_.size()))
      throw py::value_error("a categorical has a code beyond its categories");
    views_.push_back(code < 0 ? std::string_view() : texts_[static_cast<std::size_t>(code)].view());
  }
}

void TextColumn::Load(std::size_t begin, std::size_t end) {
  if (!size_ || arrow_ || coded_) return;
  texts_.clear();
  views_.clear();
  views_.reserve(end - begin);
  begin_ = begin;
  PyObject* const* items = PySequence_Fast_ITEMS(objects_.ptr());
  for (std::size_t i = begin; i < end; ++i) {
    constexpr std::size_t kAhead = 16;  // the objects lie anywhere in memory
    if (i + kAhead < end) __builtin_prefetch(items[i + kAhead]);
    if (const auto view = Text::Borrow(items[i])) {
      views_.push_back(*view);
      continue;
    }
    texts_.push_back(IsMissing(items[i]) ? Text() : Text(items[i], name_.c_str()));
    views_.push_back(texts_.back().view());
  }
}

py::array_t<std::int64_t> TimeColumn(py::handle values, const char* name) {
  const bool of_pandas =
      std::string(py::str(py::type::handle_of(values).attr("__module__"))).starts_with("pandas");
  if (!of_pandas && ArrowColumn::Offers(values)) return ToArray(ArrowColumn(values, name).Times());
  return Python("distillwatch._columns", "times")(values, name).cast<py::array_t<std::int64_t>>();
}

void BindColumn(py::module_& m) {
  m.def(
      "microseconds",
      [](py::handle times, const std::string& name) { return TimeColumn(times, name.c_str()); },
      py::arg("times"), py::arg("name") = "times");
}

}  // namespace distillwatch::python
