// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/line_source.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace distillwatch::log {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;

struct FileCloser {
  void operator()(std::FILE* f) const {
    if (f != stdin) std::fclose(f);
  }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

// Bytes of a file as they lie there.
class Raw {
 public:
  explicit Raw(File file) : file_(std::move(file)), buffer_(kChunk) {}
  // The next bytes, at least one unless the file ends.
  std::string_view Peek() {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
      read_ += end_;
    }
    return {buffer_.data() + begin_, end_ - begin_};
  }
  void Consume(std::size_t n) { begin_ += n; }
  bool failed() const { return std::ferror(file_.get()) != 0; }
  std::uint64_t read() const { return read_; }

 private:
  File file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t read_ = 0;
};

// Turns raw bytes into text.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Writes at most `size` bytes; 0 at the end or at damage.
  virtual std::size_t Read(Raw& raw, char* out, std::size_t size, Status& status) = 0;
};

class Plain : public Decoder {
 public:
  std::size_t Read(Raw& raw, char* out, std::size_t size, Status& status) override {
    const std::string_view bytes = raw.Peek().substr(0, size);
    std::memcpy(out, bytes.data(), bytes.size());
    raw.Consume(bytes.size());
    if (bytes.empty() && raw.failed()) status = DataLoss("reading stopped: " + std::string(std::strerror(errno)));
    return bytes.size();
  }
};

class Gzip : public Decoder {
 public:
  Gzip() { ok_ = inflateInit2(&stream_, 15 + 32) == Z_OK; }
  ~Gzip() override { inflateEnd(&stream_); }
  std::size_t Read(Raw& raw, char* out, std::size_t size, Status& status) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1u << 30));
    const uInt room = stream_.avail_out;
    while (ok_ && stream_.avail_out == room) {
      const std::string_view bytes = raw.Peek();
      if (bytes.empty()) {
        if (inside_) status = DataLoss("the gzip archive is truncated");
        break;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream_.avail_in = static_cast<uInt>(bytes.size());
      inside_ = true;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      raw.Consume(bytes.size() - stream_.avail_in);
      if (result == Z_STREAM_END) {  // archives may be joined end to end
        inside_ = false;
        ok_ = inflateReset2(&stream_, 15 + 32) == Z_OK;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        status = DataLoss("the gzip archive is damaged");
        break;
      }
    }
    return room - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  bool ok_ = false, inside_ = false;
};

class Zstd : public Decoder {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {}
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  std::size_t Read(Raw& raw, char* out, std::size_t size, Status& status) override {
    ZSTD_outBuffer to = {out, size, 0};
    while (to.pos == 0) {
      const std::string_view bytes = raw.Peek();
      ZSTD_inBuffer from = {bytes.data(), bytes.size(), 0};
      // An empty input still flushes what the decoder holds.
      const std::size_t left = ZSTD_decompressStream(stream_, &to, &from);
      raw.Consume(from.pos);
      if (ZSTD_isError(left)) {
        status = DataLoss("the zstd archive is damaged: " + std::string(ZSTD_getErrorName(left)));
        break;
      }
      if (bytes.empty() && to.pos == 0) {
        if (inside_) status = DataLoss("the zstd archive is truncated");
        break;
      }
      if (from.pos > 0 || to.pos > 0) inside_ = left != 0;
    }
    return to.pos;
  }

 private:
  ZSTD_DStream* stream_;
  bool inside_ = false;
};

}  // namespace

struct LineSource::State {
  explicit State(File file) : raw(std::move(file)), buffer(kChunk + kPadding) {}

  Raw raw;
  std::unique_ptr<Decoder> decoder;
  std::vector<char> buffer;  // text that is not yet delivered lies in [begin, end)
  std::size_t begin = 0, end = 0;
  std::uint64_t in_all = 0, number = 0;
  bool finished = false;
  Status status;

  // Makes room and reads more; false at the end.
  bool Fill() {
    if (finished) return false;
    if (begin > 0) {
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= begin;
      begin = 0;
    }
    if (buffer.size() - kPadding - end < kChunk / 2) buffer.resize(buffer.size() * 2);
    const std::size_t n = decoder->Read(raw, buffer.data() + end, buffer.size() - kPadding - end, status);
    if (n == 0) finished = true;
    end += n;
    return n > 0;
  }
};

LineSource::LineSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineSource::~LineSource() = default;
LineSource::LineSource(LineSource&&) noexcept = default;
LineSource& LineSource::operator=(LineSource&&) noexcept = default;

Result<LineSource> LineSource::Open(const std::string& path) {
  File file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  struct stat info {};
  if (file == nullptr || fstat(fileno(file.get()), &info) != 0) {
    return NotFound("cannot open '" + path + "': " + std::strerror(errno));
  }
  if (S_ISDIR(info.st_mode)) return NotFound("cannot open '" + path + "': it is a folder");
  auto state = std::make_unique<State>(std::move(file));
  if (S_ISREG(info.st_mode)) state->in_all = static_cast<std::uint64_t>(info.st_size);
  const std::string_view head = state->raw.Peek();
  if (head.starts_with("\x1f\x8b")) state->decoder = std::make_unique<Gzip>();
  else if (head.starts_with("\x28\xb5\x2f\xfd")) state->decoder = std::make_unique<Zstd>();
  else state->decoder = std::make_unique<Plain>();
  return LineSource(std::move(state));
}

bool LineSource::Next(Line& line) {
  State& s = *state_;
  std::size_t searched = 0;  // bytes of the line that hold no line end
  while (true) {
    const char* const from = s.buffer.data() + s.begin;
    const std::size_t have = s.end - s.begin;
    const void* found = std::memchr(from + searched, '\n', have - searched);
    const bool cut = found == nullptr && have >= kLongestLine;
    if (found == nullptr && !cut) {
      searched = have;
      if (s.Fill()) continue;
      if (s.begin == s.end) return false;
    }
    std::size_t length = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - from) : s.end - s.begin;
    const char* const text = s.buffer.data() + s.begin;
    s.begin += length + (found != nullptr ? 1 : 0);
    if (cut) {  // skip the rest of the line
      line.text = {};
      while (true) {
        const void* end = std::memchr(s.buffer.data() + s.begin, '\n', s.end - s.begin);
        if (end != nullptr) {
          s.begin = static_cast<std::size_t>(static_cast<const char*>(end) - s.buffer.data()) + 1;
          break;
        }
        s.begin = s.end;
        if (!s.Fill()) break;
      }
    } else {
      if (length > 0 && text[length - 1] == '\r') --length;
      line.text = {text, length};
    }
    line.number = ++s.number;
    line.cut = cut;
    return true;
  }
}

const Status& LineSource::status() const { return state_->status; }
std::uint64_t LineSource::bytes_read() const { return state_->raw.read(); }
std::uint64_t LineSource::bytes_in_all() const { return state_->in_all; }

std::vector<std::string> Expand(const std::vector<std::string>& patterns) {
  std::vector<std::string> out;
  for (const std::string& pattern : patterns) {
    glob_t found{};
    if (pattern.find_first_of("*?[") != std::string::npos && glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      for (std::size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
    } else {
      out.push_back(pattern);
    }
    globfree(&found);
  }
  return out;
}

}  // namespace distillwatch::log
