// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/coverage_cells.h"

#include <algorithm>
#include <cmath>

#include "wire/wire.h"

namespace distillwatch {
namespace {

constexpr wire::Kind kKind = {{"CELL"}, 1};

}  // namespace

void CoverageCells::Update(std::uint8_t cell) noexcept {
  if (total_ >= kMostTotal) Decay(0.5f);
  cells_[cell] = static_cast<std::uint16_t>(std::min(cells_[cell] + 64, 0xffff));
  total_ += 1;
  squares_ += 1;
}

void CoverageCells::Decay(float factor) noexcept {
  if (factor >= 1) return;
  for (std::uint16_t& cell : cells_) {
    cell = static_cast<std::uint16_t>(static_cast<float>(cell) * factor + 0.5f);
  }
  total_ *= factor;
  squares_ *= factor * factor;
}

void CoverageCells::Merge(const CoverageCells& other) noexcept {
  for (std::size_t i = 0; i < kCells; ++i) {
    cells_[i] = static_cast<std::uint16_t>(std::min(cells_[i] + other.cells_[i], 0xffff));
  }
  total_ += other.total_;
  squares_ += other.squares_;
}

CoverageCells::Estimate CoverageCells::Measure() const noexcept {
  Estimate out;
  if (squares_ <= 0) return out;
  double sum_of_squares = 0, once = 0;
  for (const std::uint16_t cell : cells_) {
    const double weight = cell * static_cast<double>(kUnit);
    sum_of_squares += weight * weight;
    if (weight <= 1) once += weight;
  }
  const double w = total_, q = squares_;
  out.effective_events = w * w / q;
  out.unseen_mass = std::min(1.0, once / w);
  if (out.effective_events <= 1.0 + 1e-6) return out;
  const double pairs = w * w - q;
  out.collision = std::clamp((sum_of_squares - q) / pairs, 0.0, 1.0);
  // With no pair in one cell the entropy is unknown; it is reported as that of the least chance that so
  // few events could have shown.
  const double floor = 1.0 / (out.effective_events * out.effective_events);
  out.entropy_nats = -std::log(std::max(out.collision, floor));
  return out;
}

bool CoverageCells::Valid() const noexcept {
  return std::isfinite(total_) && std::isfinite(squares_) && total_ >= 0 && squares_ >= 0;
}

std::string CoverageCells::Serialize(std::uint64_t key_id) const {
  return wire::FrameOf(kKind, key_id, *this);
}

Result<CoverageCells> CoverageCells::Parse(std::string_view bytes, std::uint64_t key_id) {
  return wire::Unframed<CoverageCells>(kKind, key_id, bytes);
}

}  // namespace distillwatch
