// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/custom.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "monitor/engine.h"

namespace distillwatch {

CustomDetector::~CustomDetector() = default;

namespace monitor {
namespace {

constexpr std::size_t kLongestName = 64;

std::size_t Room(const CustomDetector& detector) {
  constexpr std::size_t kAlign = CustomDetector::kAlignment;
  return (detector.state_bytes() + kAlign - 1) / kAlign * kAlign;
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

Status Refuse(std::size_t i, const std::string& what, const std::string& allowed) {
  return InvalidArgument("detectors[" + std::to_string(i) + "] " + what + "; allowed: " + allowed);
}

}  // namespace

Status Check(const CustomList& detectors) {
  if (detectors.size() > CustomDetector::kMostDetectors) {
    return InvalidArgument("detectors has " + std::to_string(detectors.size()) +
                           " entries; allowed: at most " +
                           std::to_string(CustomDetector::kMostDetectors));
  }
  std::set<std::string_view> names, features;
  for (const NamedFeature& known : FeatureNames()) {
    names.insert(known.detector);
    features.insert(known.spec.name);
  }
  for (std::size_t i = 0; i < detectors.size(); ++i) {
    if (detectors[i] == nullptr) return Refuse(i, "is null", "a detector");
    const CustomDetector& d = *detectors[i];
    if (!IsName(d.name()) || !names.insert(d.name()).second) {
      return Refuse(i, "is named '" + std::string(d.name()) + "'",
                    "a name of its own, 1 to 64 of a-z, 0-9 and _");
    }
    if (d.state_bytes() < 1 || d.state_bytes() > CustomDetector::kMostStateBytes) {
      return Refuse(i, "has a state of " + std::to_string(d.state_bytes()) + " bytes",
                    "1 to " + std::to_string(CustomDetector::kMostStateBytes));
    }
    if (d.features().empty() || d.features().size() > CustomDetector::kMostFeatures) {
      return Refuse(i, "has " + std::to_string(d.features().size()) + " features",
                    "1 to " + std::to_string(CustomDetector::kMostFeatures));
    }
    for (const FeatureSpec& spec : d.features()) {
      if (!IsName(spec.name) || !features.insert(spec.name).second) {
        return Refuse(i, "has a feature '" + std::string(spec.name) + "'",
                      "a name of its own, 1 to 64 of a-z, 0-9 and _");
      }
    }
  }
  if (features.size() > FeatureVector::kMost) {
    return InvalidArgument("detectors bring the features to " + std::to_string(features.size()) +
                           "; allowed: " + std::to_string(FeatureVector::kMost));
  }
  return {};
}

CustomDetectors::CustomDetectors(CustomList detectors) : list_(std::move(detectors)) {
  for (const auto& d : list_) {
    state_bytes_ += Room(*d);
    features_ += d->features().size();
  }
}

std::vector<std::string> CustomDetectors::Layout() const {
  std::vector<std::string> out;
  for (const auto& d : list_) {
    out.push_back(std::string(d->name()) + ":" + std::to_string(d->state_bytes()));
  }
  return out;
}

void CustomDetectors::Begin(std::byte* states) const noexcept {
  if (state_bytes_ > 0) std::memset(states, 0, state_bytes_);
  for (const auto& d : list_) {
    d->Begin({states, d->state_bytes()});
    states += Room(*d);
  }
}

void CustomDetectors::Update(const Observation& seen, std::byte* states) const noexcept {
  for (const auto& d : list_) {
    d->Update(seen, {states, d->state_bytes()});
    states += Room(*d);
  }
}

void CustomDetectors::Measure(const std::byte* states, float* features) const noexcept {
  for (const auto& d : list_) {
    const std::span<float> own(features, d->features().size());
    d->Measure({states, d->state_bytes()}, own);
    // No reference could hold an infinite rank.
    std::replace_if(
        own.begin(), own.end(), [](float f) { return !std::isfinite(f); },
        std::numeric_limits<float>::quiet_NaN());
    states += Room(*d);
    features += d->features().size();
  }
}

bool CustomDetectors::Valid(const std::byte* states) const noexcept {
  for (const auto& d : list_) {
    if (!d->Valid({states, d->state_bytes()})) return false;
    states += Room(*d);
  }
  return true;
}

}  // namespace monitor
}  // namespace distillwatch
