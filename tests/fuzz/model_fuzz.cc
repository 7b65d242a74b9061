// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a reference. They are tried as they are, and as the payload of a frame with a right
// checksum, which is what a forger would write. What parses must serialise to the same bytes and
// survive everything that is done with references; rows are drawn from the bytes themselves.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/drift.h"
#include "calibrate/reference_content.h"
#include "distillwatch/calibration.h"
#include "wire/wire.h"

namespace {

using namespace distillwatch;  // NOLINT: a fuzz target is one page

void Require(bool condition) {
  if (!condition) std::abort();
}

void UsePromises(const Reference& reference) {
  for (const Promise::Mode mode : {Promise::Mode::kExpectation, Promise::Mode::kConfidence95}) {
    for (const double per_million : {0.001, 100.0, 400'000.0, 1e6}) {
      const Promise promise = {.per_million = per_million, .mode = mode};
      const double smallest = reference.SmallestPromise(promise);
      Require(smallest > 0);
      const Status status = reference.Check(promise);
      Require(status.ok() || status.code() == StatusCode::kFailedPrecondition);
      Require(status.ok() == (smallest <= per_million * (1 + 1e-9)));
    }
  }
  Require(reference.Check({.per_million = -1}).code() == StatusCode::kInvalidArgument);
}

void UseRows(const calibrate::ReferenceContent& content, std::string_view bytes) {
  const std::size_t features = content.ranks.features();
  std::vector<std::uint8_t> bins(features);
  std::size_t at = 0;
  for (std::size_t epoch = 0; epoch < score::kEpochs; ++epoch) {
    for (std::size_t f = 0; f < features; ++f) {
      float value = 0;
      if (at + sizeof(value) > bytes.size()) at = 0;
      if (bytes.size() >= sizeof(value)) std::memcpy(&value, bytes.data() + at, sizeof(value));
      at += sizeof(value);
      bins[f] = content.ranks.Bin(epoch, f, value);
      Require(bins[f] <= score::kUnknownBin);
      Require(score::Ranks::Place(bins[f]) > 0 && score::Ranks::Place(bins[f]) < 1);
    }
    const score::Points score = content.model.Score(epoch, bins);
    Require(score >= score::kLeastScore && score <= score::kMostScore);
    const score::Model::Parts parts = content.model.Explain(epoch, bins);
    score::Points sum = parts.base;
    for (const score::Points part : parts.by_feature) sum += part;
    Require(score == std::min(std::max(sum, score::kLeastScore), score::kMostScore));
    (void)content.model.LogOdds(bins);

    const double p = content.histogram.PValue(score);
    Require(p > 0 && p <= 1);
    calibrate::DriftMartingale martingale;
    martingale.Update(content.histogram, score, epoch);
    Require(martingale.Valid());
  }
}

void Use(const Reference& reference, std::string_view bytes) {
  Require(reference.first() <= reference.last());
  (void)(reference.last() - reference.first());
  Require(reference.horizon() > std::chrono::seconds(0));
  UsePromises(reference);
  UseRows(reference.content(), bytes);
  const Result<Reference> sum = Reference::Merge(reference, reference);
  if (!sum.ok()) return;
  Require(sum->accounts() == 2 * reference.accounts());
  Require(Reference::Parse(sum->Serialize()).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string& candidate : {std::string(bytes), wire::Frame({{"DWRF"}, 1}, 0, bytes)}) {
    const Result<Reference> reference = Reference::Parse(candidate);
    if (!reference.ok()) {
      Require(reference.status().code() == StatusCode::kDataLoss ||
              reference.status().code() == StatusCode::kFailedPrecondition);
      continue;
    }
    Require(reference->Serialize() == candidate);
    Use(*reference, bytes);
  }
  return 0;
}
