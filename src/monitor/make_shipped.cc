// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// make_shipped: writes the reference that comes with the library, from simulated traffic alone.
//
//   cmake --build --preset release --target make_shipped
//   build/release/make_shipped src/calibrate/shipped_reference.inc     (two minutes)
//
// Run it whenever a detector's features change: until then the library refuses to make a Monitor
// without a reference. The accounts that calibrated it are taken out, for they are nobody's: it
// scores, and promises nothing.
// Tested by  tests/monitor/shipped_test.cc

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "calibrate/reference_content.h"
#include "distillwatch/calibration.h"
#include "simulate/month.h"

namespace {

using namespace distillwatch;

constexpr std::size_t kAccounts = 8000, kTrees = 120;
constexpr std::uint64_t kSeed = 20260101;
constexpr const char* kKey = "nobody's: only the shape of things is learned";
constexpr std::size_t kLine = 96;  // columns

Reference Learn() {
  Result<ReferenceLearner> learner =
      ReferenceLearner::Create({.key = kKey, .seed = kSeed, .trees = kTrees});
  const simulate::LabelledMonth month =
      simulate::SimulateMonth({.seed = kSeed, .accounts = kAccounts, .campaigns = 0});
  const Time start{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
  for (const simulate::Place& place : month.order) {
    const simulate::Account& account = month.accounts[place.account];
    const simulate::Request& request = account.requests[place.request];
    learner->Observe(
        {.account = account.id,
         .time = start + std::chrono::microseconds(static_cast<std::int64_t>(request.time_s * 1e6)),
         .prompt = request.prompt,
         .system = account.system,
         .model = request.new_model ? "model-2" : "model-1"});
  }
  Result<Reference> reference = learner->Learn();
  if (!reference.ok()) {
    std::fprintf(stderr, "make_shipped: %s\n", reference.status().message().c_str());
    std::exit(EXIT_FAILURE);
  }
  return *std::move(reference);
}

std::string Stripped(const Reference& reference) {
  auto content = std::make_shared<calibrate::ReferenceContent>(reference.content());
  content->histogram = {};
  content->key_id = 0;
  content->key.clear();
  return Reference(std::move(content)).Serialize();
}

// The bytes as string literals, a line each: compilers read those fast.
std::string AsText(std::string_view bytes) {
  std::string out = "constexpr char kShippedReference[] =\n    \"";
  std::size_t column = 5;
  for (const char c : bytes) {
    if (column > kLine) out += "\"\n    \"", column = 5;
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte > 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '?';
    char text[8];
    // Always three digits, so that no digit behind it belongs to it.
    column += static_cast<std::size_t>(
        std::snprintf(text, sizeof(text), plain ? "%c" : "\\%03o", plain ? c : byte));
    out += text;
  }
  return out + "\";\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_shipped FILE.inc\n");
    return 2;
  }
  const std::string bytes = Stripped(Learn());
  const std::string text =
      "// Written by make_shipped (src/monitor/make_shipped.cc). Do not edit.\n" + AsText(bytes);
  std::FILE* file = std::fopen(argv[1], "wb");
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size() ||
      std::fclose(file) != 0) {
    std::fprintf(stderr, "make_shipped: cannot write '%s'\n", argv[1]);
    return EXIT_FAILURE;
  }
  std::printf("%zu bytes of reference, %zu of text\n", bytes.size(), text.size());
  return EXIT_SUCCESS;
}
