// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// RawBytes and Decoder: a file as it lies there, and what turns it into text.
//
// Both give every byte that comes before a damage. Used by LineSource only.
// Tested by  tests/log/line_source_test.cc

#ifndef DISTILLWATCH_SRC_LOG_DECODER_H_
#define DISTILLWATCH_SRC_LOG_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "distillwatch/status.h"

namespace distillwatch::log {

// The bytes of an open file, which it closes unless it is standard input.
class RawBytes {
 public:
  explicit RawBytes(int descriptor);
  ~RawBytes();
  RawBytes(const RawBytes&) = delete;
  RawBytes& operator=(const RawBytes&) = delete;

  // The next bytes: at least `least`, unless the file ends or fails before.
  std::string_view Peek(std::size_t least = 1);
  void Consume(std::size_t n) { begin_ += n; }
  // Moves at most `size` bytes to `out`; 0 at the end.
  std::size_t Read(char* out, std::size_t size);

  // Unavailable once the operating system could not read on.
  const Status& status() const { return status_; }
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  std::size_t ReadFile(char* out, std::size_t size);

  int descriptor_;
  std::vector<char> buffer_;  // what is read ahead lies in [begin, end)
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t bytes_read_ = 0;
  Status status_;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Writes at most `size` bytes of text. Fewer than one: the end, or damage, which status() tells.
  virtual std::size_t Read(RawBytes& raw, char* out, std::size_t size) = 0;
  const Status& status() const { return status_; }

 protected:
  // What it means that the bytes end inside of an archive.
  void EndedInside(const RawBytes& raw, std::string_view kind);

  Status status_;
};

// By the first bytes of the file.
//   Errors  InvalidArgument for an archive of another kind and for UTF-16
Result<std::unique_ptr<Decoder>> DecoderFor(RawBytes& raw);

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_DECODER_H_
