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

void ReadLine(RecordReader& reader, std::string_view text, Record& record) {
  // On the heap and no larger than promised, so that reading too far is seen.
  std::string bytes(text);
  bytes.append(LineSource::kPadding, '"');
  bytes.shrink_to_fit();
  const LineSource::Line line = {.text = std::string_view(bytes).substr(0, text.size()),
                                 .number = 1};
  for (Status status = reader.Read(line, record); status.code() != StatusCode::kNotFound;
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
  if (data[0] >= 128) ReadFile(rest);  // slower by far
  return 0;
}
