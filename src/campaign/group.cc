// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/group.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace distillwatch::campaign {
namespace {

constexpr std::uint64_t kLeastJudged = 20;  // requests
constexpr double kLeastShare = 0.04;        // of them with the frame
constexpr double kLeastOfUsual = 0.2;
constexpr double kSplitLevel = 0.01;
constexpr int kGrowth = 3;
constexpr double kLeastLogNamed = 0.2;  // who acts together may ask as equally as this
// Surrogates for a level of 1: twice as many as the least p-value is multiplied with when it is
// corrected for all that is combined, so that one surrogate like the truth is not too many.
constexpr double kDraws = 100;
// After a test; then a tenth more requests are enough for the next.
constexpr auto kLongestWait = std::chrono::hours(96);
constexpr double kLeastOfContainment = 0.7;
constexpr std::int64_t kSeconds_us = 20'000'000, kQuarter_us = 900'000'000;

bool IsByFrame(const CampaignMember& member) {
  return !member.by_pool && !member.by_echo;
}

double ShareOf(const CampaignMember& member) {
  return static_cast<double>(member.matching) / static_cast<double>(member.requests);
}

}  // namespace

void Group::Join(std::uint64_t account, Time now, Time first_seen, Link by) {
  Take({.account = account,
        .since = now,
        .by_pool = by == Link::kPool,
        .by_echo = by == Link::kEcho},
       first_seen);
}

void Group::Take(const CampaignMember& member, Time first_seen) {
  const auto place = static_cast<std::uint32_t>(members_.size());
  if (!places_.try_emplace(member.account, place).second) return;
  first_seen_.push_back(first_seen);
  members_.push_back(member);
}

bool Group::Observe(std::uint64_t account, Time time, const SlimSignature& signature,
                    std::uint32_t system) {
  const auto place = places_.find(account);
  if (place == places_.end()) return false;
  CampaignMember& member = members_[place->second];
  ++member.requests;
  if (framed() && CountMatches(frame_, signature, system) < kLeastMatches) return false;
  ++member.matching;
  if (!named() && pending_.size() < kMostPending) {
    pending_.push_back({time.time_since_epoch().count(), place->second});
  }
  return true;
}

bool Group::SetFrame(std::vector<Pair> frame) {
  std::vector<Pair> common;
  std::set_intersection(frame_.begin(), frame_.end(), frame.begin(), frame.end(),
                        std::back_inserter(common));
  const bool another = framed() && 2 * common.size() < frame.size();
  frame_ = std::move(frame);
  if (!another) return false;
  // What matched the old frame says nothing of who uses the new one.
  for (CampaignMember& m : members_) m.requests = m.matching = 0;
  events_.clear();
  pending_.clear();
  return true;
}

void Group::AddFrame(std::span<const Pair> frame) {
  std::vector<Pair> both;
  std::set_union(frame_.begin(), frame_.end(), frame.begin(), frame.end(),
                 std::back_inserter(both));
  if (both.size() <= kMostPairs) frame_ = std::move(both);
}

void Group::Leave(std::span<const std::uint64_t> accounts) {
  if (accounts.empty()) return;
  std::vector<std::uint32_t> moved(members_.size(), 0);
  const absl::flat_hash_set<std::uint64_t> leaving(accounts.begin(), accounts.end());
  std::vector<CampaignMember> left;
  std::vector<Time> first_seen;
  std::vector<std::uint8_t> typical;
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const bool leaves = leaving.contains(members_[i].account);
    moved[i] = leaves ? ~std::uint32_t{0} : static_cast<std::uint32_t>(left.size());
    if (leaves) continue;
    left.push_back(members_[i]);
    first_seen.push_back(first_seen_[i]);
    if (i < typical_.size()) typical.push_back(typical_[i]);
  }
  for (auto* events : {&events_, &pending_}) {
    for (MemberEvent& e : *events) e.member = moved[e.member];
    std::erase_if(*events, [](const MemberEvent& e) { return e.member == ~std::uint32_t{0}; });
  }
  members_ = std::move(left);
  first_seen_ = std::move(first_seen);
  typical_ = std::move(typical);
  places_.clear();
  for (std::uint32_t i = 0; i < members_.size(); ++i) places_[members_[i].account] = i;
}

std::vector<std::uint64_t> Group::DropStrangers() {
  // A member's share of matching requests, beside what is usual in the group.
  const auto is_judged = [](const CampaignMember& m) {
    return m.requests >= kLeastJudged && IsByFrame(m);
  };
  std::vector<double> shares;
  for (const CampaignMember& m : members_) {
    if (is_judged(m)) shares.push_back(ShareOf(m));
  }
  if (shares.empty()) return {};
  const double least = std::max(kLeastShare, kLeastOfUsual * Median(shares));
  std::vector<std::uint64_t> strangers;
  for (const CampaignMember& m : members_) {
    if (is_judged(m) && ShareOf(m) < least) strangers.push_back(m.account);
  }
  Leave(strangers);
  return strangers;
}

void Group::Refresh(std::span<const Known> known) {
  known_.clear();
  lives_.clear();
  std::vector<double> containments;
  for (const Known& k : known) {
    known_.push_back(k.account);
    lives_.push_back(k.life);
    if (IsByFrame(members_[places_.at(k.account)])) {
      containments.push_back(Containment(*k.fingerprint, frame_));
    }
  }
  middle_ = MiddleOf(lives_, named() ? kLeastLogNamed : kLeastLog);
  typical_.assign(members_.size(), false);
  for (std::size_t i = 0; i < known_.size(); ++i) {
    typical_[places_.at(known_[i])] = middle_.HasVolume(lives_[i]);
  }
  containment_ = Median(containments);
  // As of the review: between two of them it depends on threads which requests are counted.
  double requests = 0, matching = 0;
  for (const CampaignMember& m : members_) {
    if (!IsByFrame(m)) continue;
    requests += static_cast<double>(m.requests);
    matching += static_cast<double>(m.matching);
  }
  share_ = matching / std::max(1.0, requests);
}

bool Group::Admits(const Life& life, const Fingerprint& fingerprint) const noexcept {
  if (!named()) return true;
  return !by_pool_ && middle_.Has(life) &&
         (!framed() || Containment(fingerprint, frame_) >= kLeastOfContainment * containment_);
}

bool Group::IsMoreOf(const Group& campaign) const noexcept {
  if (!campaign.named() || !framed() || !campaign.framed()) return false;
  const double apart = middle_.median.log_volume - campaign.middle_.median.log_volume;
  if (std::abs(apart) > campaign.middle_.width.log_volume) return false;
  std::vector<Pair> common;
  std::set_intersection(frame_.begin(), frame_.end(), campaign.frame_.begin(),
                        campaign.frame_.end(), std::back_inserter(common));
  return 2 * common.size() >= std::max(frame_.size(), campaign.frame_.size());
}

std::vector<std::uint64_t> Group::DropUnlike(std::span<const std::uint64_t> echoing) {
  if (split_) {
    std::vector<Life> together;
    for (const std::uint32_t m : cohort_.members) together.push_back(lives_[m]);
    middle_ = MiddleOf(together, kLeastLogNamed);
    // The box in which the cohort was found may have cut it; grow it to what lies around.
    for (int round = 0; evidence_.cohort <= kSplitLevel && round < kGrowth; ++round) {
      together.clear();
      for (const Life& life : lives_) {
        if (middle_.Has(life)) together.push_back(life);
      }
      middle_ = MiddleOf(together, kLeastLogNamed);
    }
  }
  std::vector<std::uint64_t> unlike;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (std::binary_search(echoing.begin(), echoing.end(), known_[i])) continue;
    if (!middle_.Has(lives_[i])) unlike.push_back(known_[i]);
  }
  Leave(unlike);
  return unlike;
}

void Group::Dissolve() {
  named_ = {};
  frame_.clear();
  members_.clear();
  first_seen_.clear();
  typical_.clear();
  places_.clear();
  events_.clear();
  pending_.clear();
}

bool Group::Gather(Time now) {
  const auto is_far = [now](const MemberEvent& e) {
    const Time time{std::chrono::microseconds(e.time_us)};
    return time < now - kLongestWatch || time > now + kLongestWatch;
  };
  std::erase_if(pending_, is_far);
  std::erase_if(events_, is_far);
  // One busy stranger in the group would drown the others' rhythm.
  std::erase_if(pending_, [this](const MemberEvent& e) {
    return e.member < typical_.size() && !typical_[e.member];
  });
  matched_ += pending_.size();
  events_.insert(events_.end(), pending_.begin(), pending_.end());
  pending_.clear();
  std::sort(events_.begin(), events_.end());
  if (events_.size() > kMostEvents) events_.erase(events_.begin(), events_.end() - kMostEvents);
  return matched_ >= 2 * tested_events_ || 2 * members_.size() >= 3 * tested_members_ ||
         (now >= tested_ + kLongestWait && 10 * matched_ >= 11 * tested_events_);
}

Group::Watch Group::WatchOf(const std::vector<std::uint8_t>& chosen, Time now) const {
  Watch watch;
  std::vector<MemberEvent>& events = watch.events;
  for (const MemberEvent& e : events_) {
    if (chosen[e.member]) events.push_back(e);
  }
  if (events.empty()) return watch;
  const std::int64_t earliest = events.front().time_us;
  std::sort(events.begin(), events.end(), [](const MemberEvent& a, const MemberEvent& b) {
    return std::pair(a.member, a.time_us) < std::pair(b.member, b.time_us);
  });
  for (const CampaignMember& m : members_) {
    watch.from_us.push_back(std::max(earliest, m.since.time_since_epoch().count()));
  }
  watch.to_us = now.time_since_epoch().count();
  for (const MemberEvent& e : events) {  // clocks need not agree with the review's
    watch.to_us = std::max(watch.to_us, e.time_us);
    watch.from_us[e.member] = std::min(watch.from_us[e.member], e.time_us);
  }
  return watch;
}

TimeEvidence Group::TestTimes(const std::vector<std::uint8_t>& chosen, Time now,
                              const SurrogatePlan& plan) const {
  const Watch watch = WatchOf(chosen, now);
  if (watch.events.empty()) return {};
  const Watched watched = watch.watched();
  return {.regularity = RegularityP(watched, plan),
          .seconds = CoactivityP(watched, kSeconds_us, plan),
          .quarter_hours = CoactivityP(watched, kQuarter_us, plan)};
}

double Group::Level(double share) const noexcept {
  const double look = 1.0 + looks_;
  return share / (look * (look + 1));
}

std::size_t Group::Draws(double share) const noexcept {
  return static_cast<std::size_t>(std::clamp(kDraws / Level(share), 1000.0, 1'200'000.0));
}

bool Group::Test(double share, const Backdrop& backdrop, Time now, std::uint64_t seed) {
  const double level = Level(share);
  const std::size_t draws = Draws(share);
  ++looks_;
  tested_ = now;
  const SurrogatePlan plan{.most_draws = draws, .seed = seed ^ looks_};
  Evidence now_seen;
  tested_events_ = std::max(tested_events_, matched_);
  tested_members_ = std::max<std::uint64_t>(tested_members_, members_.size());
  cohort_ = FindCohort(lives_, backdrop.population);
  now_seen.cohort = cohort_.p_value;
  now_seen.pool = backdrop.pool;
  now_seen.conduct = backdrop.conduct;
  now_seen.echo = backdrop.echo;
  if (members_.size() >= kLeastMembers) now_seen.everyone = TestTimes(typical_, now, plan);
  if (cohort_.members.size() >= kLeastMembers) {
    // Of several campaigns with the same frame, the cohort may be one; when and how much accounts
    // ask says nothing of how their requests interleave.
    std::vector<std::uint8_t> together(members_.size(), false);
    for (const std::uint32_t m : cohort_.members) together[places_.at(known_[m])] = true;
    now_seen.together = TestTimes(together, now, plan);
  }
  if (now_seen.all() > level) return false;
  const bool cohort =
      now_seen.cohort <= kSplitLevel || now_seen.together.least() < now_seen.everyone.least();
  split_ = cohort && !now_seen.by_echo();  // which are everyone's
  by_pool_ = now_seen.without_pool() > level;
  evidence_ = now_seen;
  return true;
}

void Group::SplitFrom(const Group& campaign, Time now) {
  named_ = now;
  evidence_ = campaign.evidence_;
  kin = campaign.id_;
}

void Group::Renumber(std::uint32_t offset) noexcept {
  id_ += offset;
  if (kin != 0) kin += offset;
}

bool Group::Restored() {
  places_.clear();
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    if (!places_.try_emplace(members_[i].account, i).second) return false;
    if (members_[i].matching > members_[i].requests || !InHistory(members_[i].since)) return false;
  }
  const auto in_group = [this](const MemberEvent& e) {
    return e.member < members_.size() && InHistory(Time(std::chrono::microseconds(e.time_us)));
  };
  const auto is_p = [](double p) { return p > 0 && p <= 1; };
  const auto are_p = [&is_p](const TimeEvidence& t) {
    return is_p(t.regularity) && is_p(t.seconds) && is_p(t.quarter_hours);
  };
  const auto finite = [](const Life& life) {
    return std::isfinite(life.begin_days) && std::isfinite(life.log_volume);
  };
  return id_ != 0 && first_seen_.size() == members_.size() &&
         std::all_of(first_seen_.begin(), first_seen_.end(), InHistory) && InHistory(linked_) &&
         InHistory(named_) && InHistory(tested_) && IsFrame(frame_) &&
         std::all_of(pending_.begin(), pending_.end(), in_group) &&
         std::all_of(events_.begin(), events_.end(), in_group) &&
         std::is_sorted(events_.begin(), events_.end()) && pending_.size() <= kMostPending &&
         events_.size() <= kMostEvents && typical_.size() <= members_.size() &&
         finite(middle_.median) && finite(middle_.width) &&
         std::isfinite(middle_.latest_begin_days) && containment_ >= 0 && containment_ <= 1 &&
         share_ >= 0 && share_ <= 1 && are_p(evidence_.everyone) && are_p(evidence_.together) &&
         is_p(evidence_.cohort) && is_p(evidence_.pool.p_value) &&
         is_p(evidence_.conduct.notable) && is_p(evidence_.conduct.alike) &&
         is_p(evidence_.echo.p_value) && evidence_.echo.soon <= evidence_.echo.near &&
         evidence_.echo.near <= evidence_.echo.echoes;
}

Campaign Group::Describe() const {
  const auto earliest = std::min_element(first_seen_.begin(), first_seen_.end());
  Campaign out{.id = id_,
               .first_seen = earliest == first_seen_.end() ? linked_ : *earliest,
               .linked = linked_,
               .named = named_,
               .p_value = evidence_.all(),
               .frame = frame_.size(),
               .members = members_};
  out.words = WordsOf(evidence_, framed(), share_, members_);
  return out;
}

}  // namespace distillwatch::campaign
