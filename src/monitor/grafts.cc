// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "monitor/grafts.h"

#include <algorithm>
#include <limits>

namespace distillwatch::monitor {
namespace {

using simulate::Pipeline;

constexpr std::size_t kMostRequests = 900;  // of one graft
constexpr double kSourceRequestsADay = 5;   // what one source account can be expected to give

Time At(Time origin, double seconds) {
  return origin + std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

}  // namespace

Grafts::Grafts(const Shingler& shingler, calibrate::LookPlan looks, std::uint64_t seed,
               const CustomList& custom)
    : engine_(shingler, looks, 1, std::numeric_limits<std::size_t>::max() / 2, custom),
      random_(seed) {}

bool Grafts::Relays(const Graft& graft) const {
  return graft.campaign.pipeline == Pipeline::kRelay ||
         graft.campaign.pipeline == Pipeline::kInjectedRelay;
}

void Grafts::Start(std::size_t place, Time now, bool first_generation) {
  const simulate::Campaign campaign = simulate::AnyCampaign(random_);
  Graft graft{.campaign = campaign,
              .harvest = simulate::Harvest(campaign.pipeline, campaign.samples, random_),
              .injected = campaign.pipeline == Pipeline::kInjectedRelay
                              ? simulate::InjectedInstruction(random_)
                              : simulate::Frame("{0}")};
  graft.number = ++started_;
  // The first grafts do not all begin with the log.
  const double wait_s = first_generation ? random_.Uniform(0, 6) * simulate::kDay_s
                                         : random_.Uniform(0, simulate::kDay_s);
  const simulate::Window life = {
      wait_s, wait_s + campaign.days * random_.Uniform(0.5, 1) * simulate::kDay_s};
  graft.ends = At(now, life.last_s);
  if (!Relays(graft)) {
    for (const double t : simulate::MemberTimes(campaign, life, random_)) {
      if (graft.times.size() == kMostRequests) break;
      graft.times.push_back(At(now, t));
    }
    if (!graft.times.empty() && graft.times.size() == kMostRequests)
      graft.ends = graft.times.back();
  }
  const auto enough = static_cast<std::size_t>(campaign.requests_a_day / kSourceRequestsADay);
  graft.most_sources = std::max(random_.Choose<std::size_t>({1, 2, 5, 20, 100}), enough);
  if (place == live_.size())
    live_.push_back(std::move(graft));
  else
    live_[place] = std::move(graft);
  Schedule(place);
}

// Puts the graft's next planned request, or else its end, into the queue.
void Grafts::Schedule(std::size_t place) {
  const Graft& graft = live_[place];
  due_.push({graft.next < graft.times.size() ? graft.times[graft.next] : graft.ends, place,
             graft.number});
}

void Grafts::Send(const Graft& graft, Time time, std::string_view prompt) {
  const std::string account = std::to_string(graft.number);
  engine_.Observe(
      {.account = account, .time = time, .prompt = prompt}, [](Header&, const Observation&) {},
      [this, &graft](Header& header, const FullAccount&, const FeatureVector& features) {
        looks_.push_back({graft.number,
                          header.last.time_since_epoch().count(),
                          header.requests,
                          {features.begin(), features.end()}});
      },
      [](const Header&, bool, std::string_view, const Observation&) { return 0; });
}

void Grafts::AskPlanned(Time now) {
  while (!due_.empty() && due_.top().time <= now) {
    const Due due = due_.top();
    due_.pop();
    Graft& graft = live_[due.place];
    if (graft.number != due.number) continue;
    if (graft.next == graft.times.size()) {
      Start(due.place, now, false);
      continue;
    }
    ++graft.next;
    if (!graft.pool.empty()) {
      // Each text is used once, in no order; without any left the last one has to do.
      const simulate::SlotSource slots = [&](simulate::Slot) {
        std::string& chosen = graft.pool[random_.Below(graft.pool.size())];
        std::swap(chosen, graft.pool.back());
        std::string text = graft.pool.back();
        if (graft.pool.size() > 1) graft.pool.pop_back();
        return text;
      };
      Send(graft, due.time, graft.harvest.Next(slots, random_));
      if (graft.pool.size() == 1) graft.pool.clear();
    }
    Schedule(due.place);
  }
}

// Lets one graft that still looks for sources read the account from now on.
void Grafts::Offer(std::uint64_t account) {
  const std::size_t place = random_.Below(live_.size());
  Graft& graft = live_[place];
  const Due entry = {{}, place, graft.number};
  if (Relays(graft)) {
    if (graft.forwards_left > 0) return;
    graft.forwards_left = 2 + random_.Below(38);  // a session
    graft.host = account;
  } else if (graft.campaign.dilution > 0 && graft.host == 0) {
    graft.host = account;
    graft.forwards_left = std::numeric_limits<std::size_t>::max();
  } else if (graft.sources < graft.most_sources) {
    ++graft.sources;
  } else {
    return;
  }
  listeners_[account].push_back(entry);
}

void Grafts::Observe(std::uint64_t account, Time time, std::string_view newest_turn) {
  while (live_.size() < kLive) Start(live_.size(), time, true);
  AskPlanned(time);
  Offer(account);
  const auto found = listeners_.find(account);
  if (found == listeners_.end()) return;
  std::erase_if(found->second,
                [this](const Due& entry) { return live_[entry.place].number != entry.number; });
  const std::string text(newest_turn.substr(0, kLongestText));
  for (const Due& entry : found->second) {
    Graft& graft = live_[entry.place];
    if (graft.host == account) {
      if (graft.forwards_left == 0) continue;
      if (graft.forwards_left != std::numeric_limits<std::size_t>::max()) --graft.forwards_left;
      Send(graft, time, simulate::Fill(graft.injected, {text}));
    } else if (!Relays(graft)) {
      if (graft.pool.size() < kPool)
        graft.pool.push_back(text);
      else
        graft.pool[random_.Below(kPool)] = text;
    }
  }
  if (found->second.empty()) listeners_.erase(found);
}

std::vector<HarvesterLook> Grafts::Looks() const {
  std::vector<score::Look> last = looks_;
  KeepLastOfEpoch(last);
  std::vector<HarvesterLook> out;
  for (score::Look& look : last) {
    const auto campaign = static_cast<std::uint32_t>(look.account);
    out.push_back({std::move(look), campaign});
  }
  return out;
}

}  // namespace distillwatch::monitor
