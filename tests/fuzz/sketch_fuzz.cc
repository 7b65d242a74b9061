// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a saved sketch. The first byte chooses the sketch; the rest is tried as it is, and
// as the payload of a frame with a right checksum, which is what a forger would write. What parses
// must serialise to the same bytes and survive everything that is done with sketches.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "distillwatch/coverage_cells.h"
#include "distillwatch/heavy_hitters.h"
#include "distillwatch/histograms.h"
#include "distillwatch/hyperloglog.h"
#include "distillwatch/minhash.h"
#include "distillwatch/reservoir.h"
#include "wire/wire.h"

namespace {

using namespace distillwatch;  // NOLINT: a fuzz target is one page
using std::chrono::hours;
using std::chrono::microseconds;

constexpr std::uint64_t kKey = 42;

void Require(bool condition) {
  if (!condition) std::abort();
}

template <std::size_t kSlots>
void Use(BasicMinHash<kSlots> sketch) {
  const std::uint64_t hashes[] = {1, 2, 3, std::uint64_t{1} << 63};
  const BasicMinHash<kSlots> before = sketch;
  sketch.Update(hashes);
  sketch.Merge(before);
  Require(sketch.Jaccard(before).value <= 1);
  Require(sketch.Valid());
}

void Use(SignatureReservoir sketch) {
  SignatureReservoir other;
  for (int i = 0; i < 20; ++i)
    other.Update(SlimSignature{static_cast<std::uint16_t>(i)}, static_cast<float>(i));
  sketch.Merge(other);
  sketch.Merge(sketch);
  Require(sketch.FindNearest(SlimSignature{}).similarity <= 1);
  Require(sketch.CountRecurring(1) <= 64 * SignatureReservoir::kCapacity);
  Require(sketch.Valid());
}

void Use(HeavyHitters sketch) {
  for (std::uint64_t term = 0; term < 100; ++term) sketch.Update(term << 30);
  const HeavyHitters before = sketch;
  sketch.Merge(before);
  sketch.Halve();
  Require(sketch.Find(3).least <= sketch.Find(3).most);
  Require(sketch.CountAtLeast(1) <= HeavyHitters::kSets * HeavyHitters::kWays);
  Require(sketch.Valid());
}

template <std::size_t kRegisters>
void Use(BasicHyperLogLog<kRegisters> sketch) {
  const double before = sketch.Estimate();
  Require(before >= 0 && before <= 0x1p64);
  Require(sketch.Update(0) >= 0);
  sketch.Merge(sketch);
  Require(sketch.Valid());
}

void Use(CoverageCells sketch) {
  const CoverageCells before = sketch;
  for (int i = 0; i < 600; ++i) sketch.Update(static_cast<std::uint8_t>(i));
  sketch.Merge(before);
  sketch.Decay(0.9f);
  const CoverageCells::Estimate measured = sketch.Measure();
  Require(measured.collision >= 0 && measured.collision <= 1);
  Require(measured.unseen_mass >= 0 && measured.unseen_mass <= 1);
  Require(sketch.Valid());
}

void Use(GapHistogram sketch) {
  const GapHistogram before = sketch;
  sketch.Update(microseconds(-1));
  sketch.Update(microseconds::max());
  sketch.Merge(before);
  sketch.Decay(0.5f);
  (void)sketch.Measure();
}

void Use(ScaleCounts sketch) {
  const ScaleCounts before = sketch;
  sketch.Update(Time(hours(480'000)), hours(1));
  sketch.Update(Time::max(), hours(1));
  sketch.Update(Time::min(), hours(1));
  sketch.Merge(before);
  sketch.Decay(0.5f);
  (void)sketch.Measure();
}

void Use(HourHistogram sketch) {
  const HourHistogram before = sketch;
  sketch.Update(Time::min());
  sketch.Update(Time::max());
  sketch.Merge(before);
  sketch.Decay(0.5f);
  Require(sketch.Measure().idle_hours <= 24);
}

template <typename Sketch>
Result<Sketch> Parse(std::string_view bytes) {
  if constexpr (requires { Sketch::Parse(bytes, kKey); }) {
    return Sketch::Parse(bytes, kKey);
  } else {
    return Sketch::Parse(bytes);
  }
}

template <typename Sketch>
std::string Serialise(const Sketch& sketch) {
  if constexpr (requires { sketch.Serialize(kKey); }) {
    return sketch.Serialize(kKey);
  } else {
    return sketch.Serialize();
  }
}

template <typename Sketch>
void Try(std::string_view bytes) {
  // The frame that this sketch writes around an empty payload shows its letters, version and key.
  const std::string own = Serialise(Sketch());
  wire::Kind kind{{own[0], own[1], own[2], own[3], 0}, static_cast<std::uint8_t>(own[4])};
  const std::uint64_t key = own[8] == 0 ? 0 : kKey;
  for (const std::string& candidate : {std::string(bytes), wire::Frame(kind, key, bytes)}) {
    const Result<Sketch> sketch = Parse<Sketch>(candidate);
    if (!sketch.ok()) continue;
    Require(Serialise(*sketch) == candidate);
    Use(*sketch);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 12) {
    case 0:
      Try<MinHash64>(bytes);
      break;
    case 1:
      Try<MinHash>(bytes);
      break;
    case 2:
      Try<BasicMinHash<256>>(bytes);
      break;
    case 3:
      Try<SignatureReservoir>(bytes);
      break;
    case 4:
      Try<HeavyHitters>(bytes);
      break;
    case 5:
      Try<BasicHyperLogLog<64>>(bytes);
      break;
    case 6:
      Try<BasicHyperLogLog<128>>(bytes);
      break;
    case 7:
      Try<HyperLogLog>(bytes);
      break;
    case 8:
      Try<CoverageCells>(bytes);
      break;
    case 9:
      Try<GapHistogram>(bytes);
      break;
    case 10:
      Try<ScaleCounts>(bytes);
      break;
    default:
      Try<HourHistogram>(bytes);
      break;
  }
  return 0;
}
