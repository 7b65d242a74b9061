// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Any text as options, and as what the C interface gets. Lines that name files are left out: a
// fuzzer must not wander through the machine's folders.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "distillwatch/calibration.h"
#include "distillwatch/options.h"

namespace {

using namespace distillwatch;  // NOLINT: a fuzz target is one page

void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Result<Reference> reference = Reference::Parse(text);
  if (reference.ok()) Expect(reference->Serialize() == text, "a reference has one form");
  if (text.find("_file") != std::string::npos) return 0;
  const Result<Options> options = ParseOptions(text);
  if (options.ok()) {
    Expect(Check(*options).ok(), "what was parsed is in range");
    Expect(!options->reference && options->key.empty(), "no file was named");
    return 0;
  }
  const std::string& message = options.status().message();
  Expect(options.status().code() == StatusCode::kInvalidArgument, "it is the caller's value");
  Expect(!message.empty() && message.size() < text.size() + 400, "a message is about its line");
  return 0;
}
