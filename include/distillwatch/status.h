// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Status and Result: how functions at the library's boundary say what went wrong.
//
// The library throws nothing of its own. A message names the field, the value and what is allowed:
//   `max_memory_bytes is 10; allowed: 1048576 to 1125899906842624`.
// Not used on the hot path: Observe, Update and Measure are total and cannot fail.
// Tested by  tests/status/status_test.cc

#ifndef DISTILLWATCH_STATUS_H_
#define DISTILLWATCH_STATUS_H_

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace distillwatch {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,     // the caller's value is outside what is allowed
  kFailedPrecondition,  // the value is fine, the state is not (keys differ, reference too small)
  kDataLoss,            // bytes that should be ours are damaged, truncated or of an unknown version
  kNotFound,
  kResourceExhausted,
  kUnavailable,  // the operating system said no (a file, a random source)
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == StatusCode::kOk; }
  StatusCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status InvalidArgument(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}
inline Status FailedPrecondition(std::string message) {
  return {StatusCode::kFailedPrecondition, std::move(message)};
}
inline Status DataLoss(std::string message) {
  return {StatusCode::kDataLoss, std::move(message)};
}
inline Status NotFound(std::string message) {
  return {StatusCode::kNotFound, std::move(message)};
}
inline Status ResourceExhausted(std::string message) {
  return {StatusCode::kResourceExhausted, std::move(message)};
}
inline Status Unavailable(std::string message) {
  return {StatusCode::kUnavailable, std::move(message)};
}

// A value or the reason why there is none. Reading the value of a failed result is a programmer's
// error: it asserts in debug builds and is undefined in release builds, so ask ok() first.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(runtime/explicit)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(runtime/explicit)
    assert(!status_.ok());
  }

  bool ok() const noexcept { return value_.has_value(); }
  const Status& status() const noexcept { return status_; }

  T& value() & {
    assert(ok());
    return *value_;
  }
  const T& value() const& {
    assert(ok());
    return *value_;
  }
  T&& value() && {
    assert(ok());
    return *std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_STATUS_H_
