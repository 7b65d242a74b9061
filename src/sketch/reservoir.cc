// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/reservoir.h"

#include <algorithm>
#include <cmath>
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
  const double age = static_cast<double>(time.time_since_epoch().count()) * 1e-6;
  // 52 bits of the hash as a number strictly inside (0, 1); with 53 the largest would round to 1.
  const double u = (static_cast<double>(text::Mix(hash) >> 12) + 0.5) * 0x1p-52;
  return static_cast<float>(age * std::numbers::ln2 / static_cast<double>(half_life.count()) -
                            std::log(-std::log(u)));
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

auto SignatureReservoir::FindNearest(const SlimSignature& signature) const noexcept -> Nearest {
  Nearest nearest;
  if (OfEmptySet(signature)) return nearest;
  const auto count_equal = simd::Active().count_equal;
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const std::uint32_t equal =
        count_equal(signatures_[i].data(), signature.data(), signature.size());
    if (equal > most) {
      most = equal;
      nearest.index = i;
    }
  }
  nearest.similarity = static_cast<float>(most) / static_cast<float>(signature.size());
  return nearest;
}

void SignatureReservoir::Merge(const SignatureReservoir& other) noexcept {
  for (std::size_t i = 0; i < other.size_; ++i) Update(other.signatures_[i], other.priorities_[i]);
}

std::size_t SignatureReservoir::CountRecurring(std::size_t least) const noexcept {
  std::size_t recurring = 0;
  std::array<std::uint16_t, kCapacity> values;
  for (std::size_t slot = 0; slot < SlimSignature{}.size(); ++slot) {
    for (std::size_t i = 0; i < size_; ++i) values[i] = signatures_[i][slot];
    std::sort(values.begin(), values.begin() + size_);
    for (std::size_t i = 0; i < size_;) {
      std::size_t j = i;
      while (j < size_ && values[j] == values[i]) ++j;
      recurring += j - i >= least;
      i = j;
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
