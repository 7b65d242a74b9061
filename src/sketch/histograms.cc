// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/histograms.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <span>
#include <utility>

#include "wire/wire.h"

namespace distillwatch {
namespace {

constexpr wire::Kind kGapKind = {{"GAPS"}, 1}, kScaleKind = {{"SCAL"}, 1},
                     kHourKind = {{"HOUR"}, 1};
constexpr float kPaceGap_s = 1800;

template <std::size_t n>
bool NotNegative(const std::array<float, n>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](float x) { return std::isfinite(x) && x >= 0; });
}

float Entropy(std::span<const float> weights) {
  float total = 0, sum = 0;
  for (const float w : weights) total += w;
  if (total <= 0) return 0;
  for (const float w : weights) {
    if (w > 0) sum -= w / total * std::log(w / total);
  }
  return std::max(0.0f, sum);
}

// Cosine and sine of the hours on the clock's circle.
using Points = std::array<std::pair<float, float>, 24>;
const Points& Circle() {
  static const Points points = [] {
    Points out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float angle = static_cast<float>(i) * (2 * std::numbers::pi_v<float> / 24);
      out[i] = {std::cos(angle), std::sin(angle)};
    }
    return out;
  }();
  return points;
}

}  // namespace

void Moments::Update(float x) noexcept {
  weight += 1;
  const float away = x - mean;
  mean += away / weight;
  // After a full decay rounding can leave x on the far side of the mean.
  squares += std::max(0.0f, away * (x - mean));
}

void Moments::Merge(const Moments& other) noexcept {
  const float total = weight + other.weight;
  if (total <= 0) return;
  const float away = other.mean - mean;
  squares += other.squares + away * away * weight * other.weight / total;
  mean += away * other.weight / total;
  weight = total;
}

float Moments::deviation() const noexcept {
  return weight > 1 ? std::sqrt(std::max(0.0f, squares / weight)) : 0;
}

void GapHistogram::Update(std::chrono::microseconds gap) noexcept {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(gap.count(), 1));
  const std::size_t bin = std::min<std::size_t>(std::bit_width(us >> 12), kBins - 1);
  const float gap_s = static_cast<float>(static_cast<double>(us) * 1e-6);
  const float log_gap = std::log(gap_s);
  bins_[bin] += 1;
  // Both deviations are from the mean before this gap, which makes the product of independent gaps
  // zero on average from the first pair on.
  if (log_gap_.weight > 0) products_ += (log_gap - log_gap_.mean) * (last_log_ - log_gap_.mean);
  log_gap_.Update(log_gap);
  gap_.Update(gap_s);
  if (gap_s < kPaceGap_s) pace_.Update(log_gap);
  last_log_ = log_gap;
}

void GapHistogram::Decay(float factor) noexcept {
  for (float& bin : bins_) bin *= factor;
  log_gap_.Decay(factor);
  pace_.Decay(factor);
  gap_.Decay(factor);
  products_ *= factor;
}

void GapHistogram::Merge(const GapHistogram& other) noexcept {
  for (std::size_t i = 0; i < kBins; ++i) bins_[i] += other.bins_[i];
  log_gap_.Merge(other.log_gap_);
  pace_.Merge(other.pace_);
  gap_.Merge(other.gap_);
  products_ += other.products_;
}

GapHistogram::Estimate GapHistogram::Measure() const noexcept {
  Estimate out;
  out.events = log_gap_.weight;
  if (log_gap_.weight <= 1) return out;
  out.log_deviation = log_gap_.deviation();
  out.pace_deviation = pace_.deviation();
  out.entropy_nats = Entropy(bins_);

  // Kim and Jo 2016, equation 22: burstiness of m gaps with coefficient of variation r.
  const float m = gap_.weight;
  const float r = gap_.mean > 0 ? gap_.deviation() / gap_.mean : 0;
  const float high = std::sqrt(m + 1), low = std::sqrt(std::max(0.0f, m - 1));
  const float below = (high - 2) * r + low;
  out.burstiness = below > 0 ? std::clamp((high * r - low) / below, -1.0f, 1.0f) : 0;

  if (log_gap_.weight > 2 && log_gap_.squares > 1e-6f * log_gap_.weight) {
    out.memory = std::clamp(products_ / log_gap_.squares, -1.0f, 1.0f);
  }

  float seen = 0;
  std::size_t median = 0, longest = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (seen < out.events / 2) median = i;
    seen += bins_[i];
    if (bins_[i] > 0.01f) longest = i;
  }
  out.longest_to_median_log2 = static_cast<float>(longest) - static_cast<float>(median);
  return out;
}

bool Moments::Valid() const noexcept {
  return std::isfinite(mean) && NotNegative(std::array{weight, squares});
}

bool GapHistogram::Valid() const noexcept {
  return NotNegative(bins_) && log_gap_.Valid() && pace_.Valid() && gap_.Valid() &&
         std::isfinite(products_) && std::isfinite(last_log_);
}

std::string GapHistogram::Serialize() const {
  return wire::FrameOf(kGapKind, 0, *this);
}

Result<GapHistogram> GapHistogram::Parse(std::string_view bytes) {
  return wire::Unframed<GapHistogram>(kGapKind, 0, bytes);
}

void ScaleCounts::Finish(float empty_bins) noexcept {
  bins_ += 1 + empty_bins;
  sum_ += count_;
  squares_ += count_ * count_;
  if (count_ > 0) {
    busy_ += 1;
    fullest_ = std::max(fullest_, count_);
    if (count_ >= 0.85f * fullest_) near_fullest_ += 1;
  }
  count_ = 0;
}

void ScaleCounts::Update(Time time, std::chrono::seconds width) noexcept {
  const std::int64_t bin = std::max<std::int64_t>(time.time_since_epoch().count(), 0) /
                           std::chrono::microseconds(width).count();
  if (bin > bin_) {
    if (bin_ >= 0) Finish(static_cast<float>(bin - bin_ - 1));
    bin_ = bin;
  }
  count_ += 1;
}

void ScaleCounts::Decay(float factor) noexcept {
  for (float* x : {&bins_, &busy_, &sum_, &squares_, &near_fullest_}) *x *= factor;
}

void ScaleCounts::Merge(const ScaleCounts& other) noexcept {
  bins_ += other.bins_;
  busy_ += other.busy_;
  sum_ += other.sum_;
  squares_ += other.squares_;
  fullest_ = std::max(fullest_, other.fullest_);
  near_fullest_ += other.near_fullest_;
}

ScaleCounts::Estimate ScaleCounts::Measure() const noexcept {
  Estimate out;
  out.bins = bins_;
  if (bins_ <= 0) return out;
  out.duty = std::min(1.0f, busy_ / bins_);
  if (busy_ > 0) out.quota = std::min(1.0f, near_fullest_ / busy_);
  const float mean = sum_ / bins_;
  if (mean > 0) out.dispersion = std::max(0.0f, squares_ / bins_ - mean * mean) / mean;
  return out;
}

void HourHistogram::Update(Time time) noexcept {
  const auto hour = std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count() % 24;
  hours_[static_cast<std::size_t>(hour < 0 ? hour + 24 : hour)] += 1;
}

void HourHistogram::Decay(float factor) noexcept {
  for (float& hour : hours_) hour *= factor;
}

void HourHistogram::Merge(const HourHistogram& other) noexcept {
  for (std::size_t i = 0; i < hours_.size(); ++i) hours_[i] += other.hours_[i];
}

HourHistogram::Estimate HourHistogram::Measure() const noexcept {
  Estimate out;
  float total = 0, x = 0, y = 0;
  for (std::size_t i = 0; i < 24; ++i) {
    total += hours_[i];
    x += hours_[i] * Circle()[i].first;
    y += hours_[i] * Circle()[i].second;
  }
  if (total <= 0) return out;
  out.entropy_nats = Entropy(hours_);
  out.concentration = std::min(1.0f, std::sqrt(x * x + y * y) / total);
  int run = 0, longest = 0;  // an hour in 24 is never idle, so a run ends within the second round
  for (std::size_t i = 0; i < 48; ++i) {
    run = hours_[i % 24] < 0.01f * total ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  out.idle_hours = static_cast<float>(longest);
  return out;
}

bool ScaleCounts::Valid() const noexcept {
  return bin_ >= -1 &&
         NotNegative(std::array{count_, bins_, busy_, sum_, squares_, fullest_, near_fullest_});
}

std::string ScaleCounts::Serialize() const {
  return wire::FrameOf(kScaleKind, 0, *this);
}

Result<ScaleCounts> ScaleCounts::Parse(std::string_view bytes) {
  return wire::Unframed<ScaleCounts>(kScaleKind, 0, bytes);
}

bool HourHistogram::Valid() const noexcept {
  return NotNegative(hours_);
}

std::string HourHistogram::Serialize() const {
  return wire::FrameOf(kHourKind, 0, *this);
}

Result<HourHistogram> HourHistogram::Parse(std::string_view bytes) {
  return wire::Unframed<HourHistogram>(kHourKind, 0, bytes);
}

}  // namespace distillwatch
