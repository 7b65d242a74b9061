// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <map>

#include "bind.h"

namespace distillwatch::python {

py::handle Python(const char* module, const char* name) {
  // Never destroyed: the interpreter may be gone by then.
  static auto& known = *new std::map<std::pair<std::string, std::string>, py::object>();
  py::object& object = known[{module, name}];
  if (!object) object = py::module_::import(module).attr(name);
  return object;
}

void Raise(const Status& status) {
  py::handle type = PyExc_RuntimeError;
  switch (status.code()) {
    case StatusCode::kOk:
      break;
    case StatusCode::kInvalidArgument:
      type = PyExc_ValueError;
      break;
    case StatusCode::kFailedPrecondition:
      type = Python("distillwatch._types", "FailedPrecondition");
      break;
    case StatusCode::kDataLoss:
      type = Python("distillwatch._types", "DataLoss");
      break;
    case StatusCode::kNotFound:
      type = Python("distillwatch._types", "NotFound");
      break;
    case StatusCode::kResourceExhausted:
      type = PyExc_MemoryError;
      break;
    case StatusCode::kUnavailable:
      type = PyExc_OSError;
      break;
  }
  // A message may hold an account's name, which may be any bytes.
  const py::object message = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
      status.message().data(), static_cast<py::ssize_t>(status.message().size()), "replace"));
  PyErr_SetObject(type.ptr(), message.ptr());
  throw py::error_already_set();
}

bool Text::Accepts(py::handle value) noexcept {
  return PyUnicode_Check(value.ptr()) || PyObject_CheckBuffer(value.ptr());
}

std::optional<std::string_view> Text::Borrow(py::handle value) noexcept {
  PyObject* object = value.ptr();
  if (PyUnicode_Check(object)) {
    if (!PyUnicode_IS_READY(object) || !PyUnicode_IS_COMPACT_ASCII(object)) return std::nullopt;
    return std::string_view(static_cast<const char*>(PyUnicode_DATA(object)),
                            static_cast<std::size_t>(PyUnicode_GET_LENGTH(object)));
  }
  if (!PyBytes_Check(object)) return std::nullopt;
  return std::string_view(PyBytes_AS_STRING(object),
                          static_cast<std::size_t>(PyBytes_GET_SIZE(object)));
}

Text::Text(py::handle value, const char* name) {
  PyObject* object = value.ptr();
  if (PyUnicode_Check(object) && PyUnicode_READY(object) != 0) throw py::error_already_set();
  if (const auto view = Borrow(value)) {
    owner_ = py::reinterpret_borrow<py::object>(value);
    view_ = *view;
    return;
  }
  if (PyUnicode_Check(object)) {
    PyObject* bytes = PyUnicode_AsUTF8String(object);
    if (bytes == nullptr && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
      PyErr_Clear();
      bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass");
    }
    if (bytes == nullptr) throw py::error_already_set();
    owner_ = py::reinterpret_steal<py::object>(bytes);
  } else if (PyObject_CheckBuffer(object) && !py::isinstance<py::array>(value)) {
    // It may change while we read it without the lock, so it is copied.
    PyObject* bytes = PyBytes_FromObject(object);
    if (bytes == nullptr) throw py::error_already_set();
    owner_ = py::reinterpret_steal<py::object>(bytes);
  } else {
    throw py::type_error(std::string(name) + " must be str or bytes, not " +
                         Py_TYPE(object)->tp_name);
  }
  view_ = {PyBytes_AS_STRING(owner_.ptr()),
           static_cast<std::size_t>(PyBytes_GET_SIZE(owner_.ptr()))};
}

void CheckInterrupt() {
  const py::gil_scoped_acquire locked;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

std::uint64_t ToCount(py::handle value, const char* name, std::uint64_t most, std::uint64_t least) {
  const auto fail = [&] {
    throw py::value_error(std::string(name) + " is " + std::string(py::str(value)) +
                          "; allowed: " + std::to_string(least) + " to " + std::to_string(most));
  };
  if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr())) {
    throw py::type_error(std::string(name) + " must be a whole number, not " +
                         Py_TYPE(value.ptr())->tp_name);
  }
  const py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!number) throw py::error_already_set();
  const std::uint64_t count = PyLong_AsUnsignedLongLong(number.ptr());
  if (count == ~std::uint64_t{0} && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail();
  }
  if (count < least || count > most) fail();
  return count;
}

py::bytes ToBytes(std::string_view bytes) {
  return py::bytes(bytes.data(), bytes.size());
}

OwnedEvent::OwnedEvent(py::handle account, py::handle time, py::handle prompt, py::handle system,
                       py::handle earlier_turns, py::handle model, py::handle completion_tokens,
                       py::handle attributes, py::handle prompt_tokens) {
  Take(account, time, prompt, system, earlier_turns, model, completion_tokens, attributes,
       prompt_tokens);
}

OwnedEvent::OwnedEvent(py::handle e) {
  if (!py::hasattr(e, "prompt_tokens")) {
    throw py::type_error(std::string("event must be a distillwatch.Event, not ") +
                         Py_TYPE(e.ptr())->tp_name);
  }
  Take(e.attr("account"), e.attr("time"), e.attr("prompt"), e.attr("system"),
       e.attr("earlier_turns"), e.attr("model"), e.attr("completion_tokens"), e.attr("attributes"),
       e.attr("prompt_tokens"));
}

void OwnedEvent::Take(py::handle account, py::handle time, py::handle prompt, py::handle system,
                      py::handle earlier_turns, py::handle model, py::handle completion_tokens,
                      py::handle attributes, py::handle prompt_tokens) {
  constexpr std::uint64_t kMost = ~std::uint32_t{0};
  account_ = Text(account, "account");
  prompt_ = Text(prompt, "prompt");
  system_ = Text(system, "system");
  model_ = Text(model, "model");
  if (!attributes.is_none()) {
    py::object pairs = py::reinterpret_borrow<py::object>(attributes);
    if (py::hasattr(pairs, "items")) pairs = pairs.attr("items")();
    for (const py::handle pair : py::iter(pairs)) {
      const auto two = py::reinterpret_steal<py::tuple>(PySequence_Tuple(pair.ptr()));
      if (!two) throw py::error_already_set();
      if (two.size() != 2) throw py::value_error("attributes must be pairs of name and value");
      texts_.emplace_back(Text(two[0], "the name of an attribute"),
                          Text(two[1], "the value of an attribute"));
    }
  }
  attributes_.reserve(texts_.size());
  for (const auto& [name, value] : texts_) attributes_.push_back({name.view(), value.view()});
  event_ = {
      .account = account_.view(),
      .time = ToTime(time, "time"),
      .prompt = prompt_.view(),
      .system = system_.view(),
      .earlier_turns = static_cast<std::uint32_t>(ToCount(earlier_turns, "earlier_turns", kMost)),
      .model = model_.view(),
      .completion_tokens =
          static_cast<std::uint32_t>(ToCount(completion_tokens, "completion_tokens", kMost)),
      .attributes = attributes_,
      .prompt_tokens = static_cast<std::uint32_t>(ToCount(prompt_tokens, "prompt_tokens", kMost))};
}

}  // namespace distillwatch::python
