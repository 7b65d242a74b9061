// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// How fast logs are read: lines out of files, and records out of lines.
//
// The lines are made here: prompts of about 600 bytes of words, as in a month of mixed traffic, in
// a chat request after two earlier turns for the formats that resend them.

#include <benchmark/benchmark.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "log/line_source.h"
#include "log/record.h"

namespace {

using distillwatch::log::Format;
using distillwatch::log::LineSource;
using distillwatch::log::Record;
using distillwatch::log::RecordReader;

constexpr std::size_t kLines = 20'000;

std::string Words(std::mt19937_64& random, std::size_t bytes) {
  constexpr std::string_view kSyllables[] = {"ka", "lo", "min", "te", "ras", "vu", "en", "do"};
  std::string text;
  while (text.size() < bytes) {
    for (std::uint64_t n = 1 + random() % 4; n > 0; --n) text += kSyllables[random() % 8];
    text += random() % 12 == 0 ? "\\n" : " ";
  }
  return text;
}

struct Turns {
  std::string earlier, answer, prompt;
};

std::string PlainLine(const Turns& words, const std::string& account) {
  return R"({"time": 1776859200.125, "account": ")" + account + R"(", "prompt": ")" + words.prompt +
         R"(", "ip": "203.0.113.9", "user_agent": "client/1.2", "payment": "card-77",)"
         R"( "model": "large-1", "completion_tokens": 412})";
}

std::string OpenAiLine(const Turns& words, const std::string& account) {
  return R"({"timestamp": "2026-04-22T12:00:00.125Z", "api_key_hash": ")" + account +
         R"(", "client_ip": "203.0.113.9", "request": {"model": "large-1", "temperature": 0.7,)"
         R"( "max_tokens": 1024, "messages": [{"role": "system", "content": "You are helpful."},)"
         R"( {"role": "user", "content": ")" +
         words.earlier + R"("}, {"role": "assistant", "content": ")" + words.answer +
         R"("}, {"role": "user", "content": [{"type": "text", "text": ")" + words.prompt +
         R"("}]}]}, "response": {"id": "r", "usage": {"prompt_tokens": 300,)"
         R"( "completion_tokens": 412}}, "status": 200, "latency_ms": 812})";
}

std::string OtelLine(const Turns& words, const std::string& account) {
  const auto text = [](std::string_view key, const std::string& value) {
    return R"({"key": ")" + std::string(key) + R"(", "value": {"stringValue": ")" + value +
           "\"}}, ";
  };
  const auto message = [](std::string_view role, const std::string& content) {
    std::string inside;  // a string in a string: what is escaped is escaped again
    for (const char c : content) inside += c == '\\' ? "\\\\" : std::string(1, c);
    return R"({\"role\": \")" + std::string(role) +
           R"(\", \"parts\": [{\"type\": \"text\", \"content\": \")" + inside + R"(\"}]})";
  };
  return R"({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",)"
         R"( "name": "chat large-1", "kind": 3, "startTimeUnixNano": "1776859200125000000",)"
         R"( "attributes": [)" +
         text("gen_ai.operation.name", "chat") + text("gen_ai.provider.name", "p") +
         text("gen_ai.request.model", "large-1") + text("user.id", account) +
         text("client.address", "203.0.113.9") +
         R"({"key": "gen_ai.usage.output_tokens", "value": {"intValue": "412"}}, )" +
         text("gen_ai.input.messages", "[" + message("user", words.earlier) + ", " +
                                           message("assistant", words.answer) + ", " +
                                           message("user", words.prompt) + "]") +
         R"({"key": "server.port", "value": {"intValue": "443"}}], "status": {}})";
}

using WriteLine = std::string (*)(const Turns&, const std::string&);

std::string Log(WriteLine write) {
  std::mt19937_64 random(5);
  std::string log;
  for (std::size_t i = 0; i < kLines; ++i) {
    const Turns words = {Words(random, 500), Words(random, 900),
                         Words(random, 200 + random() % 800)};
    log += write(words, "account-" + std::to_string(random() % 2000)) + "\n";
  }
  return log;
}

std::string Gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstded(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string AsItIs(const std::string& text) {
  return text;
}

// bytes/s are of text, whatever the archive.
void BM_LineSource_Next(benchmark::State& state, std::string (*pack)(const std::string&)) {
  const std::string text = Log(PlainLine);
  std::string path = (std::filesystem::temp_directory_path() / "log_bench_XXXXXX").string();
  const int descriptor = mkstemp(path.data());
  const std::string packed = pack(text);
  std::ofstream(path, std::ios::binary)
      .write(packed.data(), static_cast<std::streamsize>(packed.size()));
  for (auto _ : state) {
    auto source = LineSource::Open(path);
    LineSource::Line line;
    std::size_t bytes = 0;
    while (source->Next(line)) bytes += line.text.size() + 1;
    if (bytes != text.size()) state.SkipWithError("lines are missing");
  }
  close(descriptor);
  std::filesystem::remove(path);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kLines));
}
BENCHMARK_CAPTURE(BM_LineSource_Next, plain, AsItIs)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_LineSource_Next, gzip, Gzipped)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_LineSource_Next, zstd, Zstded)->Unit(benchmark::kMillisecond);

void BM_RecordReader_Read(benchmark::State& state, Format format, WriteLine write) {
  const std::string text = Log(write);
  const std::string padded = text + std::string(LineSource::kPadding, ' ');
  std::vector<LineSource::Line> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(
        {.text = std::string_view(padded).substr(begin, end - begin), .number = lines.size() + 1});
    begin = end + 1;
  }
  auto reader = RecordReader::Create(format, {});
  Record record;
  for (auto _ : state) {
    for (const LineSource::Line& line : lines) {
      if (!reader->Read(line, record).ok()) state.SkipWithError("a line was refused");
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kLines));
}
BENCHMARK_CAPTURE(BM_RecordReader_Read, plain, Format::kPlain, PlainLine)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RecordReader_Read, plain_auto, Format::kAuto, PlainLine)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RecordReader_Read, openai, Format::kOpenAi, OpenAiLine)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RecordReader_Read, openai_auto, Format::kAuto, OpenAiLine)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RecordReader_Read, otel, Format::kOtel, OtelLine)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RecordReader_Read, otel_auto, Format::kAuto, OtelLine)
    ->Unit(benchmark::kMillisecond);

}  // namespace
