// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the readers of logs: the first byte picks a format, the rest is a line, and then a file.

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "log/line_source.h"
#include "log/record.h"

namespace {

using distillwatch::Result;
using distillwatch::Status;
using distillwatch::StatusCode;
using distillwatch::log::Format;
using distillwatch::log::kFormats;
using distillwatch::log::LineSource;
using distillwatch::log::Record;
using distillwatch::log::RecordReader;

void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// On the heap and no larger than promised, so that reading too far is seen.
class HeapLine {
 public:
  explicit HeapLine(std::string_view text) : bytes_(text), size_(text.size()) {
    bytes_.append(LineSource::kPadding, '"');
    bytes_.shrink_to_fit();
  }
  LineSource::Line line() const { return {.text = {bytes_.data(), size_}, .number = 1}; }

 private:
  std::string bytes_;
  std::size_t size_;
};

void ReadLine(RecordReader& reader, std::string_view text, Record& record) {
  const HeapLine line(text);
  for (Status status = reader.Read(line.line(), record); status.code() != StatusCode::kNotFound;
       status = reader.ReadNext(record)) {
    Expect(status.ok() == status.message().empty(), "a refusal says why");
    Expect(status.message().size() < 2000, "a message does not grow with the line");
    if (!status.ok()) continue;
    Expect(record.time >= distillwatch::Time{}, "times are not before 1970");
    Expect(record.attributes.size() <= 64, "attributes are bounded");
    // Broken bytes become three; what names no account is 'batch'.
    Expect(record.account.size() <= 3 * text.size() + 5, "the account is of the line");
  }
}

// A line is read alike behind the line of the input before and behind one of another format.
void ReadAlike(RecordReader& reader, std::string_view text) {
  static RecordReader other = *RecordReader::Create(Format::kAuto, {});
  static Record record, others;
  constexpr std::string_view kEnvoy =
      R"({"start_time": 1, "response_code": 200, "x-account-id": "a", "bytes_received": 5})";
  Expect(other.Read(HeapLine(kEnvoy).line(), others).ok(), "the line before is read");
  const HeapLine line(text);
  Status status = reader.Read(line.line(), record);
  Status of_other = other.Read(line.line(), others);
  while (true) {
    Expect(status.message() == of_other.message(), "a line is refused alike");
    if (status.code() == StatusCode::kNotFound) return;
    if (status.ok()) {
      Expect(record.account == others.account && record.time == others.time &&
                 record.prompt == others.prompt && record.system == others.system &&
                 record.model == others.model && record.attributes == others.attributes &&
                 record.earlier_turns == others.earlier_turns,
             "a line is read alike");
    }
    status = reader.ReadNext(record);
    of_other = other.ReadNext(others);
  }
}

// An archive, or text, as the bytes begin.
void ReadFile(std::string_view bytes) {
  static const std::string path = [] {
    const char* const folder = std::getenv("TMPDIR");
    std::string name = std::string(folder == nullptr ? "/tmp" : folder) + "/log_fuzz_XXXXXX";
    close(mkstemp(name.data()));
    std::atexit([] { unlink(path.c_str()); });
    return name;
  }();
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return;
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  Result<LineSource> source = LineSource::Open(path);
  if (!source.ok()) return;
  LineSource::Line line;
  std::uint64_t lines = 0;
  while (source->Next(line)) Expect(line.number == ++lines, "lines are counted");
  Expect(!source->Next(line), "the end stays the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<std::optional<RecordReader>, kFormats> readers;
  static Record record;
  if (size == 0) return 0;
  const std::size_t format = data[0] % kFormats;
  if (!readers[format]) readers[format] = *RecordReader::Create(static_cast<Format>(format), {});
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReadLine(*readers[format], rest, record);
  if (static_cast<Format>(format) == Format::kAuto) ReadAlike(*readers[format], rest);
  if (data[0] >= 128) ReadFile(rest);  // slower by far
  return 0;
}
