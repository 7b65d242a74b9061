// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/coverage_cells.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "wire/wire.h"

namespace distillwatch {
namespace {

constexpr wire::Kind kKind = {{"CELL"}, 1};
constexpr float kMostTotal = 512;

// A weight in 16 bits: 5 of exponent and 11 of fraction, no sign, from 2^-16 to 65,504; what is
// less is 0.
constexpr int kDroppedBits = 23 - 11;
constexpr std::int32_t kLeastExponent = (127 - 16) << 11;

float Wide(std::uint16_t weight) noexcept {
  const std::uint32_t bits = (std::uint32_t{weight} + kLeastExponent) << kDroppedBits;
  return weight == 0 ? 0 : std::bit_cast<float>(bits);
}

// To the nearest; a tie goes to the even one, so that rounding does not lean.
std::uint16_t Narrow(float weight) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(weight);
  const std::uint32_t half = (1u << (kDroppedBits - 1)) - 1 + (bits >> kDroppedBits & 1);
  const auto kept = static_cast<std::int32_t>((bits + half) >> kDroppedBits) - kLeastExponent;
  return static_cast<std::uint16_t>(std::clamp(kept, 0, 0xffff));
}

}  // namespace

void CoverageCells::Update(std::uint8_t cell) noexcept {
  if (total_ >= kMostTotal) Decay(0.5f);
  cells_[cell] = Narrow(Wide(cells_[cell]) + 1);
  total_ += 1;
  squares_ += 1;
}

void CoverageCells::Decay(float factor) noexcept {
  if (!(factor < 1)) return;
  factor = std::max(factor, 0.0f);
  for (std::uint16_t& cell : cells_) cell = Narrow(Wide(cell) * factor);
  total_ *= factor;
  squares_ *= factor * factor;
}

void CoverageCells::Merge(const CoverageCells& other) noexcept {
  for (std::size_t i = 0; i < kCells; ++i) {
    cells_[i] = Narrow(Wide(cells_[i]) + Wide(other.cells_[i]));
  }
  total_ += other.total_;
  squares_ += other.squares_;
  while (total_ > kMostTotal) Decay(0.5f);
}

float CoverageCells::weight(std::uint8_t cell) const noexcept {
  return Wide(cells_[cell]);
}

CoverageCells::Estimate CoverageCells::Measure() const noexcept {
  Estimate out;
  if (squares_ <= 0) return out;
  double sum_of_squares = 0, once = 0;
  for (const std::uint16_t cell : cells_) {
    const double weight = Wide(cell);
    sum_of_squares += weight * weight;
    if (weight <= 1) once += weight;
  }
  const double w = total_, q = squares_;
  out.effective_events = w * w / q;
  out.unseen_mass = std::min(1.0, once / w);
  if (out.effective_events <= 1.0 + 1e-6) return out;
  const double pairs = w * w - q;
  out.collision = std::clamp((sum_of_squares - q) / pairs, 0.0, 1.0);
  // With no pair in one cell the entropy is unknown; it is reported as that of the least chance
  // that so few events could have shown.
  const double floor = 1.0 / (out.effective_events * out.effective_events);
  out.entropy_nats = -std::log(std::max(out.collision, floor));
  return out;
}

bool CoverageCells::Valid() const noexcept {
  // No weight is above 1, so Q <= W; and the last request may have come just below the limit.
  return total_ >= 0 && total_ <= kMostTotal + 1 && squares_ >= 0 && squares_ <= total_;
}

std::string CoverageCells::Serialize(std::uint64_t key_id) const {
  return wire::FrameOf(kKind, key_id, *this);
}

Result<CoverageCells> CoverageCells::Parse(std::string_view bytes, std::uint64_t key_id) {
  return wire::Unframed<CoverageCells>(kKind, key_id, bytes);
}

}  // namespace distillwatch
