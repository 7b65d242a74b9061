// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <utility>

#include "calibrate/promise.h"
#include "calibrate/reference_content.h"
#include "distillwatch/calibration.h"
#include "wire/wire.h"

namespace distillwatch {
namespace {

constexpr wire::Kind kKind = {{"DWRF"}, 1};

std::string Bytes(const calibrate::ReferenceContent& content) {
  wire::Writer out;
  out(content);
  return std::move(out).Take();
}

}  // namespace

bool calibrate::ReferenceContent::Valid() const {
  constexpr std::int64_t kLongest_s = 366 * 86400;
  constexpr Time kEarliest{}, kLatest{std::chrono::seconds(7258118400)};  // 1970 to 2200
  const auto named = [](const std::string& name) { return !name.empty() && name.size() <= 64; };
  return ranks.Valid() && model.Valid() && histogram.Valid() &&
         ranks.features() == model.features() && feature_names.size() == ranks.features() &&
         std::all_of(feature_names.begin(), feature_names.end(), named) && looks.interval_s >= 60 &&
         looks.interval_s <= kLongest_s && horizon_s >= 60 && horizon_s <= kLongest_s &&
         kEarliest <= first && first <= last && last <= kLatest && key.size() <= 4096;
}

Result<Reference> Reference::Parse(std::string_view bytes) {
  Result<calibrate::ReferenceContent> content =
      wire::Unframed<calibrate::ReferenceContent>(kKind, 0, bytes);
  if (!content.ok()) return content.status();
  return Reference(std::make_shared<const calibrate::ReferenceContent>(*std::move(content)));
}

std::string Reference::Serialize() const {
  return wire::FrameOf(kKind, 0, *content_);
}

Result<Reference> Reference::Merge(const Reference& a, const Reference& b) {
  if (Bytes(a.content()) == Bytes(b.content()))
    return InvalidArgument("a reference is not merged with itself: its accounts would count twice");
  auto sum = std::make_shared<calibrate::ReferenceContent>(a.content());
  calibrate::ReferenceContent other = b.content();
  // Everything but the histogram and the span of the logs has to agree, to the last bit.
  other.histogram = sum->histogram;
  other.first = sum->first;
  other.last = sum->last;
  if (Bytes(*sum) != Bytes(other)) {
    return FailedPrecondition(
        "references merge only when model, ranks, looks, horizon and key are the same");
  }
  sum->histogram.Merge(b.content().histogram);
  if (!sum->histogram.Valid()) {
    return FailedPrecondition("references merge only while no score is that of 2^48 accounts");
  }
  sum->first = std::min(sum->first, b.first());
  sum->last = std::max(sum->last, b.last());
  return Reference(std::move(sum));
}

std::uint64_t Reference::accounts() const noexcept {
  return content_->histogram.accounts();
}
std::uint64_t Reference::fit_accounts() const noexcept {
  return content_->fit_accounts;
}
std::chrono::seconds Reference::horizon() const noexcept {
  return std::chrono::seconds(content_->horizon_s);
}
Time Reference::first() const noexcept {
  return content_->first;
}
Time Reference::last() const noexcept {
  return content_->last;
}

double Reference::SmallestPromise(const Promise& promise) const noexcept {
  return calibrate::SmallestPerMillion(promise, accounts());
}
Status Reference::Check(const Promise& promise) const {
  return calibrate::Check(promise, accounts());
}

}  // namespace distillwatch
