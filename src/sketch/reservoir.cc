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

}  // namespace

SlimSignature Slim(const MinHash64& signature) noexcept {
  SlimSignature slim;
  const auto slots = signature.slots();
  for (std::size_t i = 0; i < slim.size(); ++i) slim[i] = static_cast<std::uint16_t>(slots[i]);
  return slim;
}

float Agreement(const SlimSignature& a, const SlimSignature& b) noexcept {
  return static_cast<float>(simd::Active().count_equal(a.data(), b.data(), a.size())) /
         static_cast<float>(a.size());
}

float Priority(Time time, std::chrono::seconds half_life, std::uint64_t hash) noexcept {
  const double age = static_cast<double>(time.time_since_epoch().count()) * 1e-6;
  // 53 bits of the hash as a number strictly inside (0, 1).
  const double u = (static_cast<double>(text::Mix(hash) >> 11) + 0.5) * 0x1p-53;
  return static_cast<float>(age * std::numbers::ln2 / static_cast<double>(half_life.count()) -
                            std::log(-std::log(u)));
}

void SignatureReservoir::Update(const SlimSignature& signature, float priority) noexcept {
  std::size_t place = size_;
  if (size_ == kCapacity) {
    place = static_cast<std::size_t>(std::min_element(priorities_.begin(), priorities_.end()) -
                                     priorities_.begin());
    if (priority <= priorities_[place]) return;
  } else {
    ++size_;
  }
  signatures_[place] = signature;
  priorities_[place] = priority;
}

auto SignatureReservoir::FindNearest(const SlimSignature& signature) const noexcept
    -> Nearest {
  const auto count_equal = simd::Active().count_equal;
  std::uint32_t most = 0;
  Nearest nearest;
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
  for (std::size_t i = 0; i < other.size_; ++i) {
    // An event that both replicas saw has one priority and stays one entry.
    const auto end = priorities_.begin() + size_;
    if (std::find(priorities_.begin(), end, other.priorities_[i]) != end) continue;
    Update(other.signatures_[i], other.priorities_[i]);
  }
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
  return size_ <= kCapacity && std::all_of(priorities_.begin(), priorities_.end(),
                                           [](float p) { return std::isfinite(p); });
}

std::string SignatureReservoir::Serialize(std::uint64_t key_id) const {
  return wire::FrameOf(kKind, key_id, *this);
}

Result<SignatureReservoir> SignatureReservoir::Parse(std::string_view bytes,
                                                                   std::uint64_t key_id) {
  return wire::Unframed<SignatureReservoir>(kKind, key_id, bytes);
}


}  // namespace distillwatch
