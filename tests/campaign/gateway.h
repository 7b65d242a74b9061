// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Gateway: synthetic accounts that ask through a Linker as they would through a Monitor.

#ifndef DISTILLWATCH_TESTS_CAMPAIGN_GATEWAY_H_
#define DISTILLWATCH_TESTS_CAMPAIGN_GATEWAY_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "campaign/frames.h"
#include "campaign/linker.h"
#include "campaign/rhythms.h"
#include "wire/mix.h"

namespace distillwatch::campaign {

struct Asker {
  std::uint64_t id = 0;
  Frame frame{};
  double dilution = 0;  // share of requests that are its own text
  Times times{};        // in seconds since Gateway::kStart
  AttributeSet attributes{};
  float own_p_value = 1;
  Habits habits{};
  std::vector<std::uint64_t> prompts{};  // of each time, its hash; empty: nobody else asks the same
};

// What the caller of all reviews was told.
struct Outcome {
  std::vector<std::uint32_t> named;
  std::set<std::pair<std::uint64_t, std::uint32_t>> joined;
  std::map<std::uint64_t, std::pair<std::uint32_t, bool>> homes;  // of accounts in a group
};

class Gateway {
 public:
  static constexpr Time kStart{std::chrono::seconds(1767225600)};  // 2026-01-01
  static constexpr double kFrameShare = 0.5;                       // of a request's shingles

  // Not 0: reviews are made in slices of up to 60 steps, drawn by it.
  std::uint64_t slices = 0;

  void Add(Asker asker) { askers_.push_back(std::move(asker)); }
  const Frame& frame(std::uint64_t account) const {
    return std::find_if(askers_.begin(), askers_.end(),
                        [account](const Asker& a) { return a.id == account; })
        ->frame;
  }

  // All requests in the order of time, with looks at 16, 32, ... requests and at every eighth, and
  // a review every 12 hours.  order: of accounts that ask at the same time.
  Outcome Run(Linker& linker, std::uint64_t seed,
              const std::function<void(const Review&)>& reviewed = {},
              std::uint64_t order = 0) const {
    struct Request {
      double time_s;
      std::uint64_t rank;
      std::size_t asker;
      std::uint64_t prompt;
    };
    std::vector<Request> requests;
    for (std::size_t a = 0; a < askers_.size(); ++a) {
      const Asker& asker = askers_[a];
      for (std::size_t i = 0; i < asker.times.size(); ++i) {
        const double t = asker.times[i];
        // To the minute, so that the order among equals matters at all.
        requests.push_back(
            {order == 0 ? t : std::floor(t / 60) * 60, wire::Mix(order * 1'000'003 + asker.id), a,
             asker.prompts.empty() ? wire::Mix(wire::Mix(asker.id) + i) : asker.prompts[i]});
      }
    }
    std::sort(requests.begin(), requests.end(), [](const Request& a, const Request& b) {
      return std::tuple(a.time_s, a.rank) < std::tuple(b.time_s, b.rank);
    });
    struct State {
      SignatureReservoir reservoir;
      Seen seen;
      support::Random random;
    };
    std::vector<State> states;
    for (const Asker& a : askers_)
      states.push_back({{}, {.account = a.id}, support::Random(seed ^ a.id)});
    Outcome out;
    double review_s = 0;
    support::Random slice(slices);
    const auto assign = [&out](std::uint64_t account, std::uint32_t group, bool named) {
      if (group == 0) out.homes.erase(account);
      if (group != 0) out.homes[account] = {group, named};
    };
    const auto review = [&](double until_s) {
      for (; review_s + 12 * kHour_s <= until_s; review_s += 12 * kHour_s) {
        Time now = TimeOf(review_s + 12 * kHour_s);
        bool interrupted = true;
        for (; interrupted; now += std::chrono::seconds(1)) {
          StepLimit limit;
          if (slices != 0) limit.most_steps = slice.Below(60);
          const Review r = linker.Run(now, assign, limit);
          interrupted = r.interrupted;
          out.named.insert(out.named.end(), r.named.begin(), r.named.end());
          out.joined.insert(r.joined.begin(), r.joined.end());
          if (reviewed) reviewed(r);
        }
      }
    };
    for (const Request& r : requests) {
      review(r.time_s);
      const Asker& asker = askers_[r.asker];
      State& state = states[r.asker];
      const SlimSignature signature = state.random.Chance(asker.dilution)
                                          ? RandomSignature(state.random)
                                          : RequestOf(asker.frame, kFrameShare, state.random);
      const Time now = TimeOf(r.time_s);
      if (state.seen.requests++ == 0) state.seen.first = now;
      state.seen.last = now;
      state.reservoir.Update(signature,
                             Priority(now, std::chrono::hours(168), state.random.Bits()));
      if (state.seen.requests >= 16 &&
          (std::has_single_bit(state.seen.requests) || state.seen.requests % 8 == 0)) {
        state.seen.own_p_value = asker.own_p_value;
        linker.Note(state.seen, state.reservoir, asker.attributes, 0, asker.habits);
      }
      linker.Listen(asker.id, now, r.prompt, EchoLog::kLeastUnits);
      const auto home = out.homes.find(asker.id);
      if (home != out.homes.end()) linker.Observe(home->second.first, asker.id, now, signature);
    }
    if (!requests.empty()) review(requests.back().time_s + kDay_s);
    return out;
  }

 private:
  static Time TimeOf(double t) {
    return kStart + std::chrono::microseconds(static_cast<std::int64_t>(t * 1e6));
  }
  std::vector<Asker> askers_;
};

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_TESTS_CAMPAIGN_GATEWAY_H_
