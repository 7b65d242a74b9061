// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as text. The first two bytes choose how much of the rest the shingler may read.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/shingler.h"
#include "support/text_oracle.h"

namespace {

using distillwatch::Shingler;
using distillwatch::TextFeatures;
using distillwatch::TextScratch;
namespace oracle = distillwatch::oracle;
namespace text = distillwatch::text;

constexpr std::string_view kSecret = "sixteen bytes ok";

void Require(bool condition) {
  if (!condition) std::abort();
}

// The whole text, against the definition of units, shingles and terms.
void CheckWhole(std::string_view bytes) {
  static const Shingler shingler = *Shingler::Create(kSecret, 1 << 20);
  static const text::Key key = *text::Key::FromSecret(kSecret);
  static TextScratch scratch(1 << 20);
  const std::string once = shingler.Normalise(bytes);
  Require(once == oracle::Normalise(bytes));
  Require(shingler.Normalise(once) == once);

  const std::vector<std::uint64_t> units = oracle::UnitHashes(key, bytes);
  const std::vector<std::uint64_t> shingles = oracle::Shingles(units);
  for (const std::string_view same : {bytes, std::string_view(once)}) {
    const TextFeatures got = shingler.Extract(same, scratch);
    if (got.truncated) continue;
    Require(got.units == units.size());
    Require(std::equal(got.shingles.begin(), got.shingles.end(), shingles.begin(), shingles.end()));
    Require(std::set(got.terms.begin(), got.terms.end()) == oracle::Terms(oracle::AllTerms(units)));
  }
}

// A text of which only the ends may be read.
void CheckTruncated(std::string_view bytes, std::size_t max_prompt_bytes) {
  const Shingler shingler = *Shingler::Create(kSecret, max_prompt_bytes);
  TextScratch scratch(max_prompt_bytes);
  const TextFeatures got = shingler.Extract(bytes, scratch);
  Require(got.truncated || bytes.size() <= max_prompt_bytes);
  Require(got.units <= max_prompt_bytes / 2 + 2);
  Require(got.terms.size() <= Shingler::kMaxTerms);
  Require(got.shingles.empty() == (got.units == 0));
  (void)shingler.HashPrefix(bytes, bytes.size());
  (void)shingler.HashPrefix(bytes, bytes.size() / 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  CheckWhole(bytes);
  CheckTruncated(bytes, Shingler::kLeastPromptBytes + data[0] * 8 + data[1] % 8);
  return 0;
}
