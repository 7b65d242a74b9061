// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/decoder.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace distillwatch::log {
namespace {

constexpr std::size_t kReadAhead = std::size_t{1} << 18;
constexpr int kGzipOnly = 15 + 16;  // zlib's code for its largest window and a gzip header

class Plain : public Decoder {
 public:
  std::size_t Read(RawBytes& raw, char* out, std::size_t size) override {
    const std::size_t n = raw.Read(out, size);
    if (n == 0) status_ = raw.status();
    return n;
  }
};

class Gzip : public Decoder {
 public:
  Gzip() {
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK)
      status_ = ResourceExhausted("no memory to unpack gzip");
  }
  ~Gzip() override { inflateEnd(&stream_); }

  std::size_t Read(RawBytes& raw, char* out, std::size_t size) override {
    const auto room = static_cast<uInt>(std::min<std::size_t>(size, 1u << 30));
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = room;
    while (status_.ok() && stream_.avail_out == room) {
      const std::string_view bytes = raw.Peek();
      if (bytes.empty()) {
        if (inside_ || !raw.status().ok()) EndedInside(raw, "gzip");
        break;
      }
      if (!inside_ && members_ > 0 && bytes.front() != '\x1f') {
        // Archives on tapes and block devices are filled up with zeros; anything else is not ours.
        const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
        if (zeros == 0) status_ = DataLoss("bytes that are no gzip follow the gzip archive");
        raw.Consume(zeros);
        continue;
      }
      Inflate(raw, bytes);
    }
    return room - stream_.avail_out;
  }

 private:
  void Inflate(RawBytes& raw, std::string_view bytes) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    inside_ = true;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    raw.Consume(bytes.size() - stream_.avail_in);
    if (result == Z_STREAM_END) {  // archives may be joined end to end
      inside_ = false;
      ++members_;
      inflateReset(&stream_);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      status_ = DataLoss("the gzip archive is damaged");
    }
  }

  z_stream stream_{};
  bool inside_ = false;  // of a member
  std::uint64_t members_ = 0;
};

class Zstd : public Decoder {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) status_ = ResourceExhausted("no memory to unpack zstd");
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  std::size_t Read(RawBytes& raw, char* out, std::size_t size) override {
    ZSTD_outBuffer to = {out, size, 0};
    while (status_.ok() && to.pos == 0) {
      const std::string_view bytes = raw.Peek();
      // No more than it asks for, which is a block: what it is given at once is lost at once when
      // part of it is damaged. When nothing is left to give, it may still hold text to hand out.
      ZSTD_inBuffer from = {bytes.data(), std::min(bytes.size(), wanted_), 0};
      const std::size_t left = ZSTD_decompressStream(stream_, &to, &from);
      raw.Consume(from.pos);
      if (ZSTD_isError(left)) {
        status_ = DataLoss("the zstd archive is damaged: " + std::string(ZSTD_getErrorName(left)));
        break;
      }
      if (bytes.empty() && to.pos == 0) {
        if (inside_ || !raw.status().ok()) EndedInside(raw, "zstd");
        break;
      }
      if (from.pos > 0 || to.pos > 0) inside_ = left != 0;
      wanted_ = std::max<std::size_t>(left, 1);
    }
    return to.pos;
  }

 private:
  ZSTD_DStream* stream_;
  std::size_t wanted_ = 1;  // bytes
  bool inside_ = false;     // of a frame
};

struct Magic {
  std::string_view bytes;
  std::string_view name;
};
constexpr Magic kNotLogs[] = {
    {{"\xfd\x37zXZ\0", 6}, "an xz archive"},
    {"BZh", "a bzip2 archive"},
    {"PK\x03\x04", "a zip archive"},
    {"\x04\x22\x4d\x18", "an lz4 archive"},
    {"PAR1", "a Parquet file"},
    {"\xff\xfe", "UTF-16 text"},
    {"\xfe\xff", "UTF-16 text"},
};

// A frame, or one to be skipped, with which parallel packers begin.
bool IsZstd(std::string_view head) {
  if (head.starts_with("\x28\xb5\x2f\xfd")) return true;
  return head.size() >= 4 && (head[0] & '\xf0') == '\x50' && head.substr(1, 3) == "\x2a\x4d\x18";
}

}  // namespace

RawBytes::RawBytes(int descriptor) : descriptor_(descriptor), buffer_(kReadAhead) {}

RawBytes::~RawBytes() {
  if (descriptor_ != STDIN_FILENO) close(descriptor_);
}

std::size_t RawBytes::ReadFile(char* out, std::size_t size) {
  if (!status_.ok()) return 0;
  while (true) {
    const ssize_t n = read(descriptor_, out, size);
    if (n >= 0) {
      bytes_read_ += static_cast<std::uint64_t>(n);
      return static_cast<std::size_t>(n);
    }
    if (errno == EINTR) continue;
    status_ = Unavailable("reading stopped: " + std::string(std::strerror(errno)));
    return 0;
  }
}

std::string_view RawBytes::Peek(std::size_t least) {
  while (end_ - begin_ < least) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const std::size_t n = ReadFile(buffer_.data() + end_, buffer_.size() - end_);
    if (n == 0) break;
    end_ += n;
  }
  return {buffer_.data() + begin_, end_ - begin_};
}

std::size_t RawBytes::Read(char* out, std::size_t size) {
  if (begin_ == end_) return ReadFile(out, size);
  const std::size_t n = std::min(size, end_ - begin_);
  std::memcpy(out, buffer_.data() + begin_, n);
  begin_ += n;
  return n;
}

void Decoder::EndedInside(const RawBytes& raw, std::string_view kind) {
  status_ = raw.status().ok() ? DataLoss("the " + std::string(kind) + " archive is truncated")
                              : raw.status();
}

Result<std::unique_ptr<Decoder>> DecoderFor(RawBytes& raw) {
  const std::string_view head = raw.Peek(6);
  for (const Magic& other : kNotLogs) {
    if (head.starts_with(other.bytes)) {
      return InvalidArgument("it is " + std::string(other.name) +
                             "; allowed: UTF-8 text, plain or as a gzip or zstd archive");
    }
  }
  if (head.starts_with("\x1f\x8b")) return std::unique_ptr<Decoder>(std::make_unique<Gzip>());
  if (IsZstd(head)) return std::unique_ptr<Decoder>(std::make_unique<Zstd>());
  return std::unique_ptr<Decoder>(std::make_unique<Plain>());
}

}  // namespace distillwatch::log
