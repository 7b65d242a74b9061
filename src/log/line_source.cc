// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/line_source.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "log/decoder.h"

namespace distillwatch::log {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

struct LineSource::State {
  explicit State(int descriptor) : raw(descriptor), buffer(kChunk + kPadding) {}

  RawBytes raw;
  std::unique_ptr<Decoder> decoder;
  std::vector<char> buffer;  // text that is not yet delivered lies in [begin, end)
  std::size_t begin = 0, end = 0;
  std::uint64_t in_all = 0, number = 0;
  bool ended = false;
  bool inside_cut_line = false;

  const char* text() const { return buffer.data() + begin; }
  std::size_t have() const { return end - begin; }

  // Makes room and reads more; false at the end.
  bool Fill() {
    if (ended) return false;
    std::memmove(buffer.data(), text(), have());
    end -= begin;
    begin = 0;
    if (buffer.size() - kPadding - end < kChunk / 2) buffer.resize(buffer.size() * 2);
    const std::size_t n = decoder->Read(raw, buffer.data() + end, buffer.size() - kPadding - end);
    end += n;
    ended = n == 0 || !decoder->status().ok();
    return n > 0;
  }

  void SkipToLineEnd() {
    do {
      const void* const found = std::memchr(text(), '\n', have());
      if (found != nullptr) {
        begin += static_cast<std::size_t>(static_cast<const char*>(found) - text()) + 1;
        return;
      }
      begin = end;
    } while (Fill());
  }

  // The next line is [begin, begin + size); `taken` counts its line end, too.
  struct Extent {
    std::size_t size, taken;
  };
  bool FindLine(Extent& extent) {
    std::size_t searched = 0;
    while (true) {
      const std::size_t window = std::min(have(), kLongestLine + 1);
      const void* const found = std::memchr(text() + searched, '\n', window - searched);
      if (found != nullptr) {
        const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - text());
        extent = {size, size + 1};
        return true;
      }
      if (have() > kLongestLine) {
        extent = {kLongestLine, kLongestLine};
        inside_cut_line = true;
        return true;
      }
      searched = have();
      if (Fill()) continue;
      extent = {have(), have()};
      return have() > 0 && decoder->status().ok();  // what lies before a damage may be half a line
    }
  }
};

LineSource::LineSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineSource::~LineSource() = default;
LineSource::LineSource(LineSource&&) noexcept = default;
LineSource& LineSource::operator=(LineSource&&) noexcept = default;

Result<LineSource> LineSource::Open(const std::string& path) {
  const std::string quoted = "'" + path + "'";
  const int descriptor = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return NotFound("cannot open " + quoted + ": " + std::strerror(errno));
  auto state = std::make_unique<State>(descriptor);
  struct stat file {};
  if (fstat(descriptor, &file) != 0) {
    return NotFound("cannot open " + quoted + ": " + std::strerror(errno));
  }
  if (S_ISDIR(file.st_mode)) return NotFound("cannot open " + quoted + ": it is a folder");
  if (S_ISREG(file.st_mode)) state->in_all = static_cast<std::uint64_t>(file.st_size);
  Result<std::unique_ptr<Decoder>> decoder = DecoderFor(state->raw);
  if (!decoder.ok()) {
    return Status(decoder.status().code(),
                  "cannot read " + quoted + ": " + decoder.status().message());
  }
  state->decoder = *std::move(decoder);
  return LineSource(std::move(state));
}

bool LineSource::Next(Line& line) {
  State& s = *state_;
  if (s.inside_cut_line) s.SkipToLineEnd();
  s.inside_cut_line = false;
  State::Extent extent{};
  if (!s.FindLine(extent)) return false;
  line.text = {s.text(), extent.size};
  line.number = ++s.number;
  line.cut = s.inside_cut_line;
  s.begin += extent.taken;
  if (line.text.ends_with('\r') && !line.cut) line.text.remove_suffix(1);
  if (line.number == 1 && line.text.starts_with(kByteOrderMark)) {
    line.text.remove_prefix(kByteOrderMark.size());
  }
  return true;
}

const Status& LineSource::status() const {
  return state_->decoder->status();
}
std::uint64_t LineSource::bytes_read() const {
  return state_->raw.bytes_read();
}
std::uint64_t LineSource::bytes_in_all() const {
  return state_->in_all;
}

std::vector<std::string> Expand(const std::vector<std::string>& patterns) {
  std::vector<std::string> out;
  for (const std::string& pattern : patterns) {
    glob_t found{};
    if (pattern.find_first_of("*?[") != std::string::npos &&
        glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      for (std::size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
    } else {
      out.push_back(pattern);
    }
    globfree(&found);
  }
  return out;
}

}  // namespace distillwatch::log
