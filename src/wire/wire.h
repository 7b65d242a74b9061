// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Wire: how state becomes bytes and comes back. Little-endian, framed by kind, version, key and
// checksum.
//
// A class lists its fields once, in `template <typename Io> static void Fields(Io& io, auto&
// self)`, for writing and for reading. Every byte that is read is hostile: a Reader never reads
// past its end, and after the first failure it delivers zeros and says so; values are judged by the
// class's Valid(). Tested by  tests/wire/wire_test.cc, tests/fuzz/

#ifndef DISTILLWATCH_SRC_WIRE_WIRE_H_
#define DISTILLWATCH_SRC_WIRE_WIRE_H_

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "distillwatch/event.h"
#include "distillwatch/status.h"

static_assert(std::endian::native == std::endian::little,
              "state is written as it lies in memory; a big-endian port must swap here");

namespace distillwatch::wire {

// Opens the private Fields of sketches to Writer and Reader.
struct Access {
  template <typename Io, typename T>
  static void Fields(Io& io, T& object) {
    std::remove_const_t<T>::Fields(io, object);
  }
};

template <typename T>
concept Plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;

class Writer {
 public:
  template <typename... T>
  void operator()(const T&... fields) {
    (Put(fields), ...);
  }
  void Raw(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
  }
  const std::string& bytes() const { return bytes_; }
  std::string Take() && { return std::move(bytes_); }

 private:
  template <typename T>
  void Put(const T& field) {
    if constexpr (Plain<T>) {
      bytes_.append(reinterpret_cast<const char*>(&field), sizeof(field));
    } else if constexpr (std::is_same_v<T, Time>) {
      Put(static_cast<std::int64_t>(field.time_since_epoch().count()));
    } else {
      Access::Fields(*this, field);
    }
  }
  template <typename T, std::size_t n>
  void Put(const std::array<T, n>& fields) {
    if constexpr (Plain<T>) {
      bytes_.append(reinterpret_cast<const char*>(fields.data()), sizeof(fields));
    } else {
      for (const T& field : fields) Put(field);
    }
  }
  template <typename T>
  void Put(const std::vector<T>& fields) {
    Put(static_cast<std::uint32_t>(fields.size()));
    for (const T& field : fields) Put(field);
  }
  void Put(const std::string& text) {
    Put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename... T>
  void operator()(T&... fields) {
    (Get(fields), ...);
  }
  // False, and nothing is written, when there are fewer.
  bool Raw(void* data, std::size_t size) {
    if (size > bytes_.size()) Fail();
    if (failed_) return false;
    if (size > 0) std::memcpy(data, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return true;
  }
  std::size_t left() const { return bytes_.size(); }
  bool failed() const { return failed_; }
  void Fail() {
    failed_ = true;
    bytes_ = {};
  }
  // Everything was there and nothing is left.
  bool Finished() const { return !failed_ && bytes_.empty(); }

 private:
  template <typename T>
  void Get(T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      Get(byte);
      if (byte > 1) Fail();
      field = byte == 1;
    } else if constexpr (Plain<T>) {
      if (sizeof(field) > bytes_.size()) {
        Fail();
        field = T{};
        return;
      }
      std::memcpy(&field, bytes_.data(), sizeof(field));
      bytes_.remove_prefix(sizeof(field));
    } else if constexpr (std::is_same_v<T, Time>) {
      std::int64_t us = 0;
      Get(us);
      field = Time(std::chrono::microseconds(us));
    } else {
      Access::Fields(*this, field);
    }
  }
  template <typename T, std::size_t n>
  void Get(std::array<T, n>& fields) {
    if constexpr (Plain<T> && !std::is_same_v<T, bool>) {
      if (sizeof(fields) > bytes_.size()) {
        Fail();
        fields = {};
        return;
      }
      std::memcpy(fields.data(), bytes_.data(), sizeof(fields));
      bytes_.remove_prefix(sizeof(fields));
    } else {
      for (T& field : fields) Get(field);
    }
  }
  template <typename T>
  void Get(std::vector<T>& fields) {
    std::uint32_t size = 0;
    Get(size);
    // An element takes at least a byte, so a size beyond what is left is a lie; nothing is reserved
    // for it.
    if (size > bytes_.size()) Fail();
    fields.clear();
    for (std::uint32_t i = 0; i < size && !failed_; ++i) {
      fields.emplace_back();
      Get(fields.back());
    }
  }
  void Get(std::string& text) {
    std::uint32_t size = 0;
    Get(size);
    if (size > bytes_.size()) Fail();
    text.assign(bytes_.substr(0, failed_ ? 0 : size));
    if (!failed_) bytes_.remove_prefix(size);
  }
  std::string_view bytes_;
  bool failed_ = false;
};

// What a frame holds. The four letters open its bytes.
struct Kind {
  std::array<char, 5> letters;
  std::uint16_t version;
  std::string_view name() const { return {letters.data(), 4}; }
};

// key_id 0: the content does not depend on a key.
std::string Frame(Kind kind, std::uint64_t key_id, std::string_view payload);

// The payload, when kind, version, length and checksum are right and the key is the expected one.
//   Errors  DataLoss, FailedPrecondition (another key)
Result<std::string_view> Unframe(Kind kind, std::uint64_t key_id, std::string_view bytes);

// A frame of any kind, version and key.
struct Opened {
  Kind kind;
  std::uint64_t key_id = 0;
  std::string_view payload;
};

// Takes the first of several frames off `bytes`.
//   Errors  DataLoss when its length or checksum is wrong
Result<Opened> TakeFrame(std::string_view& bytes);

template <typename T>
std::string FrameOf(Kind kind, std::uint64_t key_id, const T& object) {
  Writer out;
  out(object);
  return Frame(kind, key_id, out.bytes());
}

template <typename T>
Result<T> Unframed(Kind kind, std::uint64_t key_id, std::string_view bytes) {
  Result<std::string_view> payload = Unframe(kind, key_id, bytes);
  if (!payload.ok()) return payload.status();
  Reader in(*payload);
  T object;
  in(object);
  if (!in.Finished() || !object.Valid()) {
    return DataLoss("'" + std::string(kind.name()) + "' holds values that it cannot have produced");
  }
  return object;
}

}  // namespace distillwatch::wire

#endif  // DISTILLWATCH_SRC_WIRE_WIRE_H_
