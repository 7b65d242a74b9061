// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "arrow.h"

#include <cstring>

namespace distillwatch::python {
namespace {

// As Arrow's C data interface has them, to the letter.
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
  int (*get_next)(ArrowArrayStream*, ArrowArray*);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

// Owns what it holds, as the interface's rules for moving say.
template <typename T>
class Owned {
 public:
  Owned() = default;
  explicit Owned(T* from) : held_(*from) { from->release = nullptr; }
  Owned(Owned&& other) noexcept : held_(other.held_) { other.held_.release = nullptr; }
  Owned& operator=(Owned&&) = delete;
  ~Owned() {
    if (held_.release != nullptr) held_.release(&held_);
  }
  T& operator*() { return held_; }
  const T& operator*() const { return held_; }
  T* operator->() { return &held_; }

 private:
  T held_{};
};

template <typename T>
Owned<T> Take(py::handle capsule, const char* what) {
  auto* content = static_cast<T*>(PyCapsule_GetPointer(capsule.ptr(), what));
  if (content == nullptr) throw py::error_already_set();
  if (content->release == nullptr) throw py::value_error("an Arrow capsule was used before");
  return Owned<T>(content);
}

bool IsNull(const ArrowArray& array, std::int64_t i) {
  if (array.null_count == 0 || array.n_buffers == 0 || array.buffers[0] == nullptr) return false;
  const std::int64_t at = i + array.offset;
  return (static_cast<const std::uint8_t*>(array.buffers[0])[at / 8] >> (at % 8) & 1) == 0;
}

template <typename T>
const T* Buffer(const ArrowArray& array, std::int64_t buffer) {
  if (buffer >= array.n_buffers) throw py::value_error("an Arrow array lacks a buffer");
  return static_cast<const T*>(array.buffers[buffer]);
}

template <typename Offset>
void AppendOffsets(const ArrowArray& array, std::vector<std::string_view>& out) {
  const Offset* offsets = Buffer<Offset>(array, 1);
  const char* bytes = Buffer<char>(array, 2);
  for (std::int64_t i = 0; i < array.length; ++i) {
    if (IsNull(array, i)) {
      out.emplace_back();
      continue;
    }
    const Offset begin = offsets[i + array.offset], end = offsets[i + array.offset + 1];
    if (begin < 0 || end < begin) throw py::value_error("an Arrow column has offsets that fall");
    // Not null even when it is empty: no data pointer means that the value is missing.
    out.emplace_back(begin == end ? "" : bytes + begin, static_cast<std::size_t>(end - begin));
  }
}

void AppendViews(const ArrowArray& array, std::vector<std::string_view>& out) {
  const char* views = Buffer<char>(array, 1);
  for (std::int64_t i = 0; i < array.length; ++i) {
    if (IsNull(array, i)) {
      out.emplace_back();
      continue;
    }
    const char* view = views + 16 * (i + array.offset);
    std::int32_t head[4];
    std::memcpy(head, view, sizeof(head));
    if (head[0] < 0) throw py::value_error("an Arrow column has a negative length");
    const bool is_inline = head[0] <= 12;
    const char* bytes =
        is_inline ? view + 4 : Buffer<char>(array, 2 + std::int64_t{head[2]}) + head[3];
    out.emplace_back(bytes, static_cast<std::size_t>(head[0]));
  }
}

void AppendPlain(std::string_view format, const ArrowArray& array, const char* name,
                 std::vector<std::string_view>& out) {
  if (format == "u" || format == "z") {
    if (array.length > 0) AppendOffsets<std::int32_t>(array, out);
  } else if (format == "U" || format == "Z") {
    if (array.length > 0) AppendOffsets<std::int64_t>(array, out);
  } else if (format == "vu" || format == "vz") {
    AppendViews(array, out);
  } else if (format == "n") {
    out.resize(out.size() + static_cast<std::size_t>(array.length));
  } else {
    throw py::value_error(std::string(name) + " is an Arrow column of type '" +
                          std::string(format) +
                          "'; allowed: string, large_string, string_view, binary and "
                          "dictionaries of them");
  }
}

template <typename Out, typename In>
void Convert(const ArrowArray& array, const char* name, Out&& convert,
             std::vector<std::int64_t>& out) {
  const In* values = Buffer<In>(array, 1);
  for (std::int64_t i = 0; i < array.length; ++i) {
    if (IsNull(array, i)) {
      throw py::value_error(std::string(name) + "[" + std::to_string(out.size()) + "] is missing");
    }
    out.push_back(convert(values[i + array.offset]));
  }
}

// Calls `use(value)` with every index of a dictionary column.
template <typename Use>
void ForEachIndex(char format, const ArrowArray& array, Use&& use) {
  const auto each = [&](const auto* values) {
    for (std::int64_t i = 0; i < array.length; ++i) {
      use(IsNull(array, i) ? -1 : static_cast<std::int64_t>(values[i + array.offset]));
    }
  };
  switch (format) {
    case 'c':
      return each(Buffer<std::int8_t>(array, 1));
    case 'C':
      return each(Buffer<std::uint8_t>(array, 1));
    case 's':
      return each(Buffer<std::int16_t>(array, 1));
    case 'S':
      return each(Buffer<std::uint16_t>(array, 1));
    case 'i':
      return each(Buffer<std::int32_t>(array, 1));
    case 'I':
      return each(Buffer<std::uint32_t>(array, 1));
    case 'l':
      return each(Buffer<std::int64_t>(array, 1));
    case 'L':
      return each(Buffer<std::uint64_t>(array, 1));
    default:
      throw py::value_error("an Arrow dictionary has indices that are not whole numbers");
  }
}

// Microseconds in one unit of a timestamp, or 0 and the units in a microsecond.
std::int64_t MicrosecondsIn(std::int64_t units, char unit) {
  constexpr std::int64_t kMost = std::int64_t{9} * 1'000'000'000'000'000'000;
  const auto times = [&](std::int64_t factor) {
    if (units > kMost / factor) return kMost;
    if (units < -kMost / factor) return -kMost;
    return units * factor;
  };
  switch (unit) {
    case 's':
      return times(1'000'000);
    case 'm':
      return times(1'000);
    case 'n':
      return (units - (units % 1000 + 1000) % 1000) / 1000;
    default:
      return units;
  }
}

}  // namespace

struct ArrowColumn::Content {
  Owned<ArrowSchema> schema;
  std::vector<Owned<ArrowArray>> chunks;
  std::string name;
};

bool ArrowColumn::Offers(py::handle value) {
  return py::hasattr(value, "__arrow_c_stream__") || py::hasattr(value, "__arrow_c_array__");
}

ArrowColumn::ArrowColumn(py::handle value, const char* name) {
  if (py::hasattr(value, "__arrow_c_array__")) {
    const auto pair =
        py::reinterpret_steal<py::tuple>(PySequence_Tuple(value.attr("__arrow_c_array__")().ptr()));
    if (!pair) throw py::error_already_set();
    if (pair.size() != 2) throw py::type_error("__arrow_c_array__ must give two capsules");
    auto schema = Take<ArrowSchema>(pair[0], "arrow_schema");
    content_.reset(new Content{std::move(schema), {}, name});
    content_->chunks.push_back(Take<ArrowArray>(pair[1], "arrow_array"));
  } else {
    const py::object capsule = value.attr("__arrow_c_stream__")();
    auto stream = Take<ArrowArrayStream>(capsule, "arrow_array_stream");
    const auto check = [&](int error) {
      if (error == 0) return;
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
      const char* why = stream->get_last_error(&*stream);
      throw py::value_error(std::string(name) + ": " + (why == nullptr ? "Arrow failed" : why));
    };
    ArrowSchema schema{};
    check(stream->get_schema(&*stream, &schema));
    content_.reset(new Content{Owned<ArrowSchema>(&schema), {}, name});
    while (true) {
      ArrowArray chunk{};
      check(stream->get_next(&*stream, &chunk));
      if (chunk.release == nullptr) break;
      content_->chunks.push_back(Owned<ArrowArray>(&chunk));
    }
  }
  const ArrowSchema& schema = *content_->schema;
  if (std::string_view(schema.format) == "+s") {
    throw py::type_error(std::string(name) + " is a table; give one of its columns");
  }
}

ArrowColumn::~ArrowColumn() = default;
ArrowColumn::ArrowColumn(ArrowColumn&&) noexcept = default;
ArrowColumn& ArrowColumn::operator=(ArrowColumn&&) noexcept = default;

std::size_t ArrowColumn::size() const noexcept {
  std::int64_t rows = 0;
  for (const auto& chunk : content_->chunks) rows += (*chunk).length;
  return static_cast<std::size_t>(rows);
}

std::vector<std::string_view> ArrowColumn::Texts() const {
  const ArrowSchema& schema = *content_->schema;
  const char* name = content_->name.c_str();
  std::vector<std::string_view> out;
  out.reserve(size());
  for (const auto& chunk : content_->chunks) {
    const ArrowArray& array = *chunk;
    if (schema.dictionary == nullptr) {
      AppendPlain(schema.format, array, name, out);
      continue;
    }
    std::vector<std::string_view> words;
    if (array.dictionary == nullptr)
      throw py::value_error("an Arrow dictionary column has no words");
    AppendPlain(schema.dictionary->format, *array.dictionary, name, words);
    ForEachIndex(schema.format[0], array, [&](std::int64_t index) {
      if (index < 0) {
        out.emplace_back();
      } else if (static_cast<std::size_t>(index) < words.size()) {
        out.push_back(words[static_cast<std::size_t>(index)]);
      } else {
        throw py::value_error("an Arrow dictionary column has an index beyond its words");
      }
    });
  }
  return out;
}

std::vector<std::int64_t> ArrowColumn::Times() const {
  const std::string_view format = (*content_->schema).format;
  const char* name = content_->name.c_str();
  std::vector<std::int64_t> out;
  out.reserve(size());
  for (const auto& chunk : content_->chunks) {
    const ArrowArray& array = *chunk;
    const auto of_seconds = [&](auto seconds) {
      return SecondsToTime(static_cast<double>(seconds), name).time_since_epoch().count();
    };
    using Seconds = decltype(of_seconds);
    if (format.starts_with("ts") && format.size() > 2) {
      const auto of_units = [&](std::int64_t units) { return MicrosecondsIn(units, format[2]); };
      Convert<decltype(of_units), std::int64_t>(array, name, decltype(of_units)(of_units), out);
    } else if (format == "g") {
      Convert<Seconds, double>(array, name, Seconds(of_seconds), out);
    } else if (format == "f") {
      Convert<Seconds, float>(array, name, Seconds(of_seconds), out);
    } else if (format == "l") {
      Convert<Seconds, std::int64_t>(array, name, Seconds(of_seconds), out);
    } else if (format == "i") {
      Convert<Seconds, std::int32_t>(array, name, Seconds(of_seconds), out);
    } else {
      throw py::value_error(std::string(name) + " is an Arrow column of type '" +
                            std::string(format) + "'; allowed: timestamp, or seconds as a number");
    }
  }
  return out;
}

}  // namespace distillwatch::python
