// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What all bindings share: errors, texts, times and counts that come from Python.
//
// Everything here needs the interpreter's lock, except what a Text already views.

#ifndef DISTILLWATCH_BINDINGS_PYTHON_BIND_H_
#define DISTILLWATCH_BINDINGS_PYTHON_BIND_H_

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "distillwatch/event.h"
#include "distillwatch/status.h"
#include "wire/wire.h"

namespace distillwatch::python {

namespace py = pybind11;

// Raises the Python exception of the status, with its message.
[[noreturn]] void Raise(const Status& status);

template <typename T>
T Unwrap(Result<T> result) {
  if (!result.ok()) Raise(result.status());
  return *std::move(result);
}
inline void Unwrap(const Status& status) {
  if (!status.ok()) Raise(status);
}

// An attribute of a module of this package, looked up once.
py::handle Python(const char* module, const char* name);

// A str or bytes-like object as bytes. ASCII and bytes are not copied; a lone surrogate becomes
// bytes that are not UTF-8, as any bytes may be.
class Text {
 public:
  Text() = default;
  //   Errors  TypeError naming the argument
  Text(py::handle value, const char* name);
  std::string_view view() const noexcept { return view_; }
  // Of bytes, or str of ASCII, while somebody else keeps the object; nothing otherwise.
  static std::optional<std::string_view> Borrow(py::handle value) noexcept;
  // Whether Text can be made of it.
  static bool Accepts(py::handle value) noexcept;

 private:
  py::object owner_;
  std::string_view view_;
};

// Seconds since 1970, a datetime (without zone: UTC) or a numpy.datetime64.
//   Errors  TypeError, ValueError
Time ToTime(py::handle value, const char* name);
// Of seconds; ValueError when they are not finite.
Time SecondsToTime(double seconds, const char* name);
// With zone UTC.
py::object FromTime(Time time);
// A timedelta or seconds.
std::chrono::seconds ToSeconds(py::handle value, const char* name);

// A timedelta or seconds, a second at least.
std::chrono::seconds ToHalfLife(py::handle value);

// A whole number of [least, most].
//   Errors  TypeError, ValueError
std::uint64_t ToCount(py::handle value, const char* name, std::uint64_t most,
                      std::uint64_t least = 0);

// Raises what the user asked for meanwhile (Ctrl-C). Takes the interpreter's lock.
void CheckInterrupt();

py::bytes ToBytes(std::string_view bytes);

// Pickling of what has Fields and Valid, as bytes; those that are read may be anybody's.
template <typename T>
auto Pickled() {
  return py::pickle(
      [](const T& of) {
        wire::Writer out;
        out(of);
        return ToBytes(out.bytes());
      },
      [](const py::bytes& bytes) {
        wire::Reader in{std::string_view(bytes)};
        T out;
        in(out);
        if (!in.Finished() || !out.Valid())
          Raise(Status(StatusCode::kDataLoss, "the pickle is damaged"));
        return out;
      });
}

// An event whose views live as long as this.
class OwnedEvent {
 public:
  OwnedEvent(py::handle account, py::handle time, py::handle prompt, py::handle system,
             py::handle earlier_turns, py::handle model, py::handle completion_tokens,
             py::handle attributes, py::handle prompt_tokens);
  // Of a distillwatch.Event.
  explicit OwnedEvent(py::handle event);
  const Event& event() const noexcept { return event_; }

 private:
  void Take(py::handle account, py::handle time, py::handle prompt, py::handle system,
            py::handle earlier_turns, py::handle model, py::handle completion_tokens,
            py::handle attributes, py::handle prompt_tokens);
  Text account_, prompt_, system_, model_;
  std::vector<std::pair<Text, Text>> texts_;
  std::vector<Attribute> attributes_;
  Event event_;
};

// An array that takes over the vector's memory.
template <typename T>
py::array_t<T> ToArray(std::vector<T> values, std::vector<py::ssize_t> shape = {}) {
  auto* kept = new std::vector<T>(std::move(values));
  py::capsule owner(kept, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  if (shape.empty()) shape = {static_cast<py::ssize_t>(kept->size())};
  return py::array_t<T>(shape, kept->data(), owner);
}

// Rows and columns of a C-contiguous array of exactly this type; ValueError or TypeError otherwise.
template <typename T>
using Matrix = py::array_t<T, py::array::c_style>;

void BindVerdict(py::module_& m);
void BindSketch(py::module_& m);
void BindDetect(py::module_& m);
void BindSimilar(py::module_& m);
void BindReference(py::module_& m);
void BindMonitor(py::module_& m);
void BindSimulate(py::module_& m);
void BindLooks(py::module_& m);
void BindFit(py::module_& m);
void BindColumn(py::module_& m);

}  // namespace distillwatch::python

#endif  // DISTILLWATCH_BINDINGS_PYTHON_BIND_H_
