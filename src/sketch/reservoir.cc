// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/reservoir.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "simd/kernels.h"
#include "text/key.h"
#include "wire/wire.h"

namespace distillwatch {
namespace {

constexpr wire::Kind kKind = {{"RS16"}, 1};

// The empty set's signature is all ones. No other set's is: a value of 16 ones in 64 slots.
bool OfEmptySet(const SlimSignature& signature) noexcept {
  return signature[0] == 0xffff && std::all_of(signature.begin(), signature.end(),
                                               [](std::uint16_t slot) { return slot == 0xffff; });
}

double AgeIn(std::chrono::seconds half_life, Time time) noexcept {
  const double age = static_cast<double>(time.time_since_epoch().count()) * 1e-6;
  return age * std::numbers::ln2 / static_cast<double>(half_life.count());
}

// What -ln(-ln u) is below, by the upper 8 bits of u; more than any rounding beyond it.
const std::array<double, 256>& LogLogBounds() noexcept {
  static const std::array<double, 256> bounds = [] {
    std::array<double, 256> out;
    for (std::size_t i = 0; i < 255; ++i) {
      out[i] = 1e-6 - std::log(-std::log(static_cast<double>(i + 1) / 256));
    }
    out[255] = std::numeric_limits<double>::infinity();
    return out;
  }();
  return bounds;
}

// The order in which events are kept: by priority, and where two floats meet, by signature. So no
// two events are equal, and neither the order of arrival nor a merge can tell.
struct Ranked {
  float priority;
  const SlimSignature& signature;
};
bool Before(const Ranked& a, const Ranked& b) noexcept {
  return a.priority != b.priority ? a.priority > b.priority : a.signature > b.signature;
}

}  // namespace

SlimSignature Slim(const MinHash64& signature) noexcept {
  SlimSignature slim;
  const auto slots = signature.slots();
  for (std::size_t i = 0; i < slim.size(); ++i) slim[i] = static_cast<std::uint16_t>(slots[i]);
  return slim;
}

float Agreement(const SlimSignature& a, const SlimSignature& b) noexcept {
  if (OfEmptySet(a)) return 0;
  return static_cast<float>(simd::Active().count_equal(a.data(), b.data(), a.size())) /
         static_cast<float>(a.size());
}

float Priority(Time time, std::chrono::seconds half_life, std::uint64_t hash) noexcept {
  // 52 bits of the hash as a number strictly inside (0, 1); with 53 the largest would round to 1.
  const double u = (static_cast<double>(text::Mix(hash) >> 12) + 0.5) * 0x1p-52;
  return static_cast<float>(AgeIn(half_life, time) - std::log(-std::log(u)));
}

void SignatureReservoir::Update(const SlimSignature& signature, Time time,
                                std::chrono::seconds half_life, std::uint64_t hash) noexcept {
  if (size_ == kCapacity) {
    float least = priorities_[0];
    for (const float p : priorities_) least = std::min(least, p);
    const double most = AgeIn(half_life, time) + LogLogBounds()[text::Mix(hash) >> 56];
    if (static_cast<float>(most) < least) return;
  }
  Update(signature, Priority(time, half_life, hash));
}

void SignatureReservoir::Update(const SlimSignature& signature, float priority) noexcept {
  if (!std::isfinite(priority)) return;
  std::size_t last = 0;  // the entry that comes last in order
  for (std::size_t i = 0; i < size_; ++i) {
    if (priorities_[i] == priority && signatures_[i] == signature) return;
    if (Before({priorities_[last], signatures_[last]}, {priorities_[i], signatures_[i]})) last = i;
  }
  std::size_t place = size_;
  if (size_ < kCapacity) {
    ++size_;
  } else if (Before({priority, signature}, {priorities_[last], signatures_[last]})) {
    place = last;
  } else {
    return;
  }
  signatures_[place] = signature;
  priorities_[place] = priority;
}

auto SignatureReservoir::AgreementWithEach(const SlimSignature& signature,
                                           std::size_t n) const noexcept
    -> std::array<float, kCapacity> {
  std::array<float, kCapacity> agreement{};
  if (OfEmptySet(signature)) return agreement;
  std::array<std::uint32_t, kCapacity> equal{};
  n = std::min<std::size_t>(n, size_);
  simd::Active().count_equal_each(signature.data(), signatures_[0].data(), n, equal.data());
  for (std::size_t i = 0; i < kCapacity; ++i) {
    agreement[i] = static_cast<float>(equal[i]) / static_cast<float>(signature.size());
  }
  return agreement;
}

auto SignatureReservoir::FindNearest(const SlimSignature& signature) const noexcept -> Nearest {
  const std::array<float, kCapacity> agreement = AgreementWithEach(signature, size_);
  const auto best = std::max_element(agreement.begin(), agreement.end());
  return {*best, static_cast<std::size_t>(best - agreement.begin())};
}

void SignatureReservoir::Merge(const SignatureReservoir& other) noexcept {
  for (std::size_t i = 0; i < other.size_; ++i) Update(other.signatures_[i], other.priorities_[i]);
}

std::size_t SignatureReservoir::CountRecurring(std::size_t least) const noexcept {
  // All slots at once. A value counts where it comes first, and is `known` from there on.
  using Slots = std::array<std::uint16_t, SlimSignature{}.size()>;
  std::array<Slots, kCapacity> known{};
  std::size_t recurring = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const SlimSignature& first = signatures_[i];
    Slots count;
    count.fill(1);
    for (std::size_t j = i + 1; j < size_; ++j) {
      const SlimSignature& second = signatures_[j];
      for (std::size_t slot = 0; slot < count.size(); ++slot) {
        const auto same = static_cast<std::uint16_t>(first[slot] == second[slot] ? 1 : 0);
        count[slot] = static_cast<std::uint16_t>(count[slot] + same);
        known[j][slot] |= same;
      }
    }
    for (std::size_t slot = 0; slot < count.size(); ++slot) {
      recurring += known[i][slot] == 0 && count[slot] >= least ? 1 : 0;
    }
  }
  return recurring;
}

bool SignatureReservoir::Valid() const noexcept {
  if (size_ > kCapacity) return false;
  for (std::size_t i = 0; i < kCapacity; ++i) {
    if (!std::isfinite(priorities_[i])) return false;
    if (i >= size_ && (priorities_[i] != 0 || signatures_[i] != SlimSignature{})) return false;
    for (std::size_t j = 0; j < i && i < size_; ++j) {
      if (priorities_[i] == priorities_[j] && signatures_[i] == signatures_[j]) return false;
    }
  }
  return true;
}

std::string SignatureReservoir::Serialize(std::uint64_t key_id) const {
  return wire::FrameOf(kKind, key_id, *this);
}

Result<SignatureReservoir> SignatureReservoir::Parse(std::string_view bytes, std::uint64_t key_id) {
  return wire::Unframed<SignatureReservoir>(kKind, key_id, bytes);
}

}  // namespace distillwatch
