// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/echo.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <new>
#include <tuple>
#include <type_traits>

namespace distillwatch::campaign {
namespace {

using Asking = EchoLog::Asking;

constexpr auto kDay = std::chrono::hours(24);

auto Distance(Time a, Time b) noexcept {
  return std::max(a, b) - std::min(a, b);
}

bool IsLookedAt(std::uint32_t prompt, std::uint32_t thinning) noexcept {
  return thinning == 0 || prompt >> (32 - thinning) == 0;
}

bool AreClose(const Asking& a, const Asking& b) noexcept {
  return Distance(a.time, b.time) <= EchoLog::kWindow;
}

}  // namespace

bool EchoLog::Ring::MayHave(std::uint32_t prompt) const noexcept {
  if (size() == 0) return false;  // and its tags are not near
  bool any = false;
  for (const std::uint16_t tag : places_.tags) any |= tag == static_cast<std::uint16_t>(prompt);
  return any;
}

bool EchoLog::Ring::Push(const Asking& asking) noexcept {
  const std::size_t place = Next(), n = size();
  const bool too_early = n == kPlaces && AreClose(places_.askings[place], asking);
  places_.tags[place] = static_cast<std::uint16_t>(asking.prompt);
  places_.askings[place] = asking;
  head_.next.store(static_cast<std::uint8_t>((place + 1) % kPlaces), std::memory_order_relaxed);
  head_.size.store(static_cast<std::uint8_t>(std::min(n + 1, kPlaces)), std::memory_order_relaxed);
  return too_early;
}

template <typename Visit>
void EchoLog::Ring::ForEach(std::uint32_t prompt, Visit&& visit) {
  std::array<std::uint8_t, kPlaces> hits;
  for (std::size_t i = 0; i < kPlaces; ++i)
    hits[i] = places_.tags[i] == static_cast<std::uint16_t>(prompt) ? 1 : 0;
  for (std::size_t word = 0; word < kPlaces; word += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, &hits[word], sizeof(eight));
    for (; eight != 0; eight &= eight - 1) {
      const std::size_t i = word + static_cast<std::size_t>(std::countr_zero(eight)) / 8;
      if (i < size() && places_.askings[i].prompt == prompt) visit(places_.askings[i]);
    }
  }
}

std::vector<Asking> EchoLog::Ring::InOrder() const {
  std::vector<Asking> out;
  out.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) out.push_back(at(i));
  return out;
}

EchoLog::EchoLog()
    : heads_(std::make_unique<Heads[]>(kBuckets)),
      mutexes_(std::make_unique<std::mutex[]>(kMutexes)) {
  static_assert(std::is_trivially_copyable_v<BucketPlaces>);
  static_assert(kBuckets * (sizeof(Heads) + sizeof(BucketPlaces)) <= 14'000'000);
  // Pages that nobody touched yet are zeros, and take no memory.
  std::size_t bytes = kBuckets * sizeof(BucketPlaces) + kLine;
  void* places = std::calloc(bytes, 1);
  if (places == nullptr) throw std::bad_alloc();
  memory_.reset(places);
  std::align(kLine, kBuckets * sizeof(BucketPlaces), places, bytes);
  places_ = static_cast<BucketPlaces*>(places);
}

// The askings of a prompt that are kept.
class EchoLog::Bucket::Askers {
 public:
  Askers(Ring& kept, std::uint32_t prompt) : kept_(kept) {
    kept.ForEach(prompt, [this](Asking& k) {
      if (size_ < known_.size()) known_[size_++] = &k;
    });
  }
  // Whether there are more than kMostAskers, now or once.
  bool AreMany() noexcept {
    if (size_ > 0 && known_[0]->common) return true;
    if (size_ <= kMostAskers) return false;
    for (std::size_t i = 0; i < size_; ++i) known_[i]->common = true;
    return true;
  }
  // With the first time of all that make it known.
  void Keep(const Asking& asking) noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      if (known_[i]->account != asking.account) continue;
      known_[i]->time = std::min(known_[i]->time, asking.time);
      return;
    }
    if (size_ < known_.size()) known_[size_++] = &kept_.next();
    kept_.Push(asking);
  }
  // The first echo; after all times while there is none.
  Time first() const noexcept {
    Time out = Time::max();
    for (std::size_t i = 0; i < size_; ++i) out = std::min(out, known_[i]->time);
    return out;
  }

 private:
  Ring& kept_;
  std::array<Asking*, kMostAskers + 1> known_;
  std::size_t size_ = 0;
};

bool EchoLog::Bucket::Add(const Asking& asking) noexcept {
  const bool is_kept = kept.MayHave(asking.prompt);
  if (!is_kept && !recent.MayHave(asking.prompt)) return recent.Push(asking);  // nearly always
  Askers askers(kept, asking.prompt);
  if (askers.AreMany()) return false;
  Asking* own = nullptr;
  bool echo = false;
  recent.ForEach(asking.prompt, [&](Asking& r) {
    if (r.account == asking.account) {
      if (Distance(r.time, asking.time) <= EchoLog::kNear) own = &r;
    } else if (AreClose(r, asking)) {
      echo = true;
      askers.Keep(r);
    }
  });
  if (echo) askers.Keep(asking);
  // Since the first echo everybody counts, in whatever order they come.
  if (asking.time >= askers.first()) askers.Keep(asking);
  if (echo) {
    recent.ForEach(asking.prompt, [&askers](const Asking& r) {
      if (r.time >= askers.first()) askers.Keep(r);
    });
  }
  if (own == nullptr) return recent.Push(asking);
  own->time = std::min(own->time, asking.time);  // some minutes' requests are one
  return false;
}

template <typename Which>
void EchoLog::Ring::Drop(Which&& which) noexcept {
  std::array<Asking, kPlaces> left;
  std::size_t n = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!which(at(i))) left[n++] = at(i);
  }
  places_ = {};
  head_.next.store(0, std::memory_order_relaxed);
  head_.size.store(0, std::memory_order_relaxed);
  for (std::size_t i = 0; i < n; ++i) Push(left[i]);
}

void EchoLog::Bucket::Thin(std::uint32_t to, Time now) noexcept {
  if (to > thinning) {
    recent.Drop([to](const Asking& a) { return !IsLookedAt(a.prompt, to); });
    kept.Drop([to, now](const Asking& a) {
      return !IsLookedAt(a.prompt, to) && Distance(a.time, now) <= EchoLog::kWindow;
    });
  }
  thinning = static_cast<std::uint8_t>(to);
}

void EchoLog::Thin(std::uint32_t from, Time now) noexcept {
  if (from == kMostThinning) return;
  if (thinning_.compare_exchange_strong(from, from + 1, std::memory_order_relaxed))
    thinned_.store(now, std::memory_order_relaxed);
}

void EchoLog::Relax(Time now) noexcept {
  Time last = thinned_.load(std::memory_order_relaxed);
  if (thinning() == 0 || Distance(last, now) <= kDay) return;
  if (thinned_.compare_exchange_strong(last, now, std::memory_order_relaxed))
    thinning_.fetch_sub(1, std::memory_order_relaxed);
}

void EchoLog::Observe(std::uint64_t prompt, std::uint64_t account, Time time) noexcept {
  const std::size_t number = prompt >> 52;
  static_assert(kBuckets == std::size_t{1} << 12);
  const Asking asking{account, time, static_cast<std::uint32_t>(prompt)};
  const std::uint32_t now_thinning = thinning();
  if (!IsLookedAt(asking.prompt, now_thinning)) return;
  Bucket bucket = BucketOf(number);
  const std::lock_guard lock(MutexOf(number));
  if (bucket.thinning != now_thinning) bucket.Thin(now_thinning, asking.time);
  if (bucket.Add(asking)) Thin(now_thinning, asking.time);
}

void EchoLog::Prefetch(std::uint64_t prompt) const noexcept {
  Bucket bucket = BucketOf(prompt >> 52);
  const auto prefetch = [](const Places& places) {
    const auto* const tags = reinterpret_cast<const char*>(&places.tags);
    for (std::size_t i = 0; i < sizeof(places.tags); i += kLine) __builtin_prefetch(tags + i);
  };
  const BucketPlaces& places = places_[prompt >> 52];
  prefetch(places.recent);
  __builtin_prefetch(&bucket.recent.next(), 1);
  if (bucket.kept.size() > 0) prefetch(places.kept);
}

std::vector<Asking> EchoLog::Kept(std::size_t bucket) const {
  std::vector<Asking> out;
  {
    const std::lock_guard lock(MutexOf(bucket));
    out = BucketOf(bucket).kept.InOrder();
  }
  std::sort(out.begin(), out.end(), [](const Asking& a, const Asking& b) {
    return std::tie(a.prompt, a.time, a.account) < std::tie(b.prompt, b.time, b.account);
  });
  return out;
}

void EchoLog::Save(wire::Writer& out) const {
  Content content;
  content.thinning = thinning();
  content.thinned = thinned_.load(std::memory_order_relaxed);
  for (std::size_t b = 0; b < kBuckets; ++b) {
    const std::lock_guard lock(MutexOf(b));
    const Bucket bucket = BucketOf(b);
    if (bucket.recent.size() + bucket.kept.size() == 0) continue;
    content.buckets.push_back(
        {static_cast<std::uint16_t>(b), bucket.recent.InOrder(), bucket.kept.InOrder()});
  }
  out(content);
}

bool EchoLog::Content::Valid() const noexcept {
  const auto fine = [](const std::vector<Asking>& askings) {
    return askings.size() <= kPlaces &&
           std::all_of(askings.begin(), askings.end(),
                       [](const Asking& a) { return InHistory(a.time); });
  };
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const Bucket& b = buckets[i];
    if (b.number >= kBuckets || (i > 0 && b.number <= buckets[i - 1].number)) return false;
    if (!fine(b.recent) || !fine(b.kept)) return false;
  }
  return thinning <= kMostThinning && InHistory(thinned);
}

void EchoLog::Add(const Content& content) {
  if (content.thinning > thinning()) {
    thinning_.store(content.thinning, std::memory_order_relaxed);
    thinned_.store(content.thinned, std::memory_order_relaxed);
  }
  for (const Content::Bucket& from : content.buckets) {
    const std::lock_guard lock(MutexOf(from.number));
    Bucket bucket = BucketOf(from.number);
    const bool empty = bucket.recent.size() + bucket.kept.size() == 0;
    for (const Asking& a : from.kept) Bucket::Askers(bucket.kept, a.prompt).Keep(a);
    for (const Asking& a : from.recent) {
      // Into an empty bucket as it was; else some may be echoes of what this one has.
      if (empty) {
        bucket.recent.Push(a);
      } else {
        bucket.Add(a);
      }
    }
  }
}

}  // namespace distillwatch::campaign
