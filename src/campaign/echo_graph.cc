// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/echo_graph.h"

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <tuple>
#include <utility>

namespace distillwatch::campaign {
namespace {

using Account = EchoGraph::Account;
using Asking = EchoLog::Asking;
using Echo = EchoGraph::Echo;

constexpr auto kMonth = std::chrono::hours(30 * 24);

// Jobs that strangers start at a quarter of an hour agree by the clock.
constexpr std::chrono::minutes kQuarter{15};
constexpr std::chrono::seconds kByTheClock{90};
bool IsByTheClock(const Asking& asking) noexcept {
  return asking.time.time_since_epoch() % kQuarter < kByTheClock;
}

// Of cores that are apart.
constexpr std::size_t kEchoesOfALink = 5, kMostAcross = 1;

// The parts of a graph that no single edge holds together.
class Blocks {
 public:
  // edges: ascending, every one from both sides; an edge that is there twice is no bridge.
  explicit Blocks(const std::vector<Echo>& edges) : edges_(edges) {
    for (const Echo& e : edges) {
      if (accounts_.empty() || accounts_.back() != e.from) {
        accounts_.push_back(e.from);
        starts_.push_back(places_.size());
      }
      places_.push_back(0);
    }
    starts_.push_back(edges.size());
    for (std::size_t i = 0; i < edges.size(); ++i) places_[i] = PlaceOf(edges[i].to);
    order_.assign(accounts_.size(), 0);
    low_.assign(accounts_.size(), 0);
    next_ = {starts_.begin(), starts_.end() - 1};
    through_.assign(accounts_.size(), kNone);
  }

  std::vector<std::vector<Account>> Find() {
    for (std::uint32_t a = 0; a < accounts_.size(); ++a) {
      if (order_[a] == 0) Search(a);
    }
    return std::move(blocks_);
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::uint32_t PlaceOf(Account account) const {
    return static_cast<std::uint32_t>(
        std::lower_bound(accounts_.begin(), accounts_.end(), account) - accounts_.begin());
  }
  void Enter(std::uint32_t a, std::size_t edge) {
    order_[a] = low_[a] = ++visited_;
    through_[a] = edge;
    path_.push_back(a);
    open_.push_back(a);
  }
  bool IsSameEdge(std::size_t back, std::size_t edge) const {
    return edge != kNone && edges_[back].prompt == edges_[edge].prompt &&
           edges_[back].to == edges_[edge].from && edges_[back].time == edges_[edge].time;
  }
  // Depth first, on a stack of its own.
  void Search(std::uint32_t root) {
    Enter(root, kNone);
    while (!path_.empty()) {
      const std::uint32_t a = path_.back();
      if (next_[a] < starts_[a + 1]) {
        const std::size_t edge = next_[a]++;
        const std::uint32_t b = places_[edge];
        if (order_[b] == 0) {
          Enter(b, edge);
        } else if (!IsSameEdge(edge, through_[a])) {
          low_[a] = std::min(low_[a], order_[b]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) low_[path_.back()] = std::min(low_[path_.back()], low_[a]);
      if (low_[a] == order_[a]) Close(a);
    }
  }
  // The edge by which `a` was entered is a bridge, or there is none.
  void Close(std::uint32_t a) {
    std::vector<Account> block;
    std::uint32_t b;
    do {
      b = open_.back();
      open_.pop_back();
      block.push_back(accounts_[b]);
      // What is closed is behind a bridge: no order is less than it.
      order_[b] = ~std::uint32_t{0};
    } while (b != a);
    std::sort(block.begin(), block.end());
    blocks_.push_back(std::move(block));
  }

  const std::vector<Echo>& edges_;
  std::vector<Account> accounts_;
  std::vector<std::size_t> starts_;    // of each account's edges
  std::vector<std::uint32_t> places_;  // in accounts_, of each edge's other end
  std::vector<std::uint32_t> order_, low_;
  std::vector<std::size_t> next_, through_;  // edges
  std::vector<std::uint32_t> path_, open_;
  std::uint32_t visited_ = 0;
  std::vector<std::vector<Account>> blocks_;
};

}  // namespace

EchoGraph::EchoGraph(const EchoLog& log, Time now, const std::vector<std::uint64_t>& ids,
                     Steps& steps)
    : log_(log), ids_(ids) {
  constexpr std::size_t kBucketsOfAStep = 64;
  earliest_ = now - kMonth;
  latest_ = now + kMonth;  // whose clock is further ahead is not believed
  steps.Add(
      kBucketsOfAStep, [] { return EchoLog::kBuckets; },
      [this](std::size_t bucket) { Read(bucket); });
  steps.Add([this] {
    std::sort(echoes_.begin(), echoes_.end(), [](const Echo& a, const Echo& b) {
      return std::tie(a.from, a.prompt, a.time, a.to) < std::tie(b.from, b.prompt, b.time, b.to);
    });
    starts_.assign(ids_.size() + 1, 0);
    for (const Echo& e : echoes_) ++starts_[e.from + 1];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  });
  steps.Add([this] { FindCores(); });
}

void EchoGraph::Read(std::size_t bucket) {
  const std::vector<Asking> kept = log_.Kept(bucket);
  const auto position_of = [this](std::uint64_t id) {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    return at != ids_.end() && *at == id ? at - ids_.begin() : -1;
  };
  for (auto first = kept.begin(); first != kept.end();) {
    const auto end = std::find_if(first, kept.end(),
                                  [first](const Asking& a) { return a.prompt != first->prompt; });
    const auto askers = static_cast<std::size_t>(end - first);
    const std::uint32_t prompt = prompts_++;
    for (auto b = first + 1; b < end && askers <= EchoLog::kMostAskers; ++b) {
      if (b->time < earliest_ || b->time > latest_) continue;
      for (auto a = b; a-- > first && b->time - a->time <= EchoLog::kWindow;) {
        if (IsByTheClock(*a) && IsByTheClock(*b)) continue;
        const auto from = position_of(a->account), to = position_of(b->account);
        if (from < 0 || to < 0) continue;
        Echo echo{.from = static_cast<Account>(from),
                  .to = static_cast<Account>(to),
                  .prompt = prompt,
                  .time = b->time,
                  .after = b->time - a->time,
                  .next = a + 1 == b};
        echoes_.push_back(echo);
        std::swap(echo.from, echo.to);
        echo.later = echo.after.count() > 0;
        echoes_.push_back(echo);
      }
    }
    first = end;
  }
}

std::span<const Echo> EchoGraph::EchoesOf(Account account) const noexcept {
  return std::span(echoes_).subspan(starts_[account], starts_[account + 1] - starts_[account]);
}

std::vector<Echo> EchoGraph::With(std::span<const Member> members,
                                  std::span<const Member> others) const {
  const bool among = members.data() == others.data();
  const auto other = [others](Account account) -> const Member* {
    const auto at = std::ranges::lower_bound(others, account, {}, &Member::account);
    return at != others.end() && at->account == account ? &*at : nullptr;
  };
  std::vector<Echo> with;
  for (const Member& m : members) {
    for (const Echo& e : EchoesOf(m.account)) {
      if (among && e.from >= e.to) continue;
      const Member* to = other(e.to);
      if (to != nullptr && e.time >= std::max(m.since, to->since)) with.push_back(e);
    }
  }
  std::stable_sort(with.begin(), with.end(),
                   [](const Echo& a, const Echo& b) { return a.prompt < b.prompt; });
  std::vector<Echo> out;
  for (auto first = with.begin(); first != with.end();) {
    const auto end = std::find_if(first, with.end(),
                                  [first](const Echo& e) { return e.prompt != first->prompt; });
    std::vector<Account> askers;
    std::for_each(first, end, [&askers, among](const Echo& e) {
      askers.push_back(e.from);
      if (among) askers.push_back(e.to);
    });
    std::sort(askers.begin(), askers.end());
    askers.erase(std::unique(askers.begin(), askers.end()), askers.end());
    if (2 * askers.size() <= members.size()) out.insert(out.end(), first, end);
    first = end;
  }
  return out;
}

bool EchoGraph::IsCopied(Account account, const std::vector<Account>& others) const {
  std::size_t echoes = 0, later = 0;
  for (const Echo& e : EchoesOf(account)) {
    if (!e.near() || !std::binary_search(others.begin(), others.end(), e.to)) continue;
    ++echoes;
    later += e.later;
  }
  return echoes >= kLeastOfACopied && later == 0;
}

std::vector<Echo> EchoGraph::SoonAmong(const std::vector<Account>& accounts) const {
  std::vector<Echo> out;
  for (const Account a : accounts) {
    const auto echoes = EchoesOf(a);
    std::copy_if(echoes.begin(), echoes.end(), std::back_inserter(out), [&accounts](const Echo& e) {
      return e.soon() && std::binary_search(accounts.begin(), accounts.end(), e.to);
    });
  }
  return out;
}

void EchoGraph::FindCores() {
  std::vector<Account> accounts;
  for (const Echo& e : echoes_) {
    if (accounts.empty() || accounts.back() != e.from) accounts.push_back(e.from);
  }
  std::vector<Account> left;  // who is not copied
  for (const std::vector<Account>& block : Blocks(SoonAmong(accounts)).Find()) {
    if (block.size() < kLeastMembers) continue;
    std::copy_if(block.begin(), block.end(), std::back_inserter(left),
                 [this, &block](Account a) { return !IsCopied(a, block); });
  }
  std::sort(left.begin(), left.end());
  for (std::vector<Account>& block : Blocks(SoonAmong(left)).Find()) {
    if (block.size() < kLeastMembers) continue;
    std::vector<Member> members;
    for (const Account a : block) members.push_back({a, Time{}});
    if (EvidenceOf(members).prompts >= kLeastPrompts) cores_.push_back(std::move(block));
  }
  std::stable_sort(cores_.begin(), cores_.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  core_of_.assign(ids_.size(), kNoCore);
  for (std::uint32_t core = 0; core < cores_.size(); ++core) {
    for (const Account a : cores_[core]) core_of_[a] = core;
  }
}

bool EchoGraph::AreApart(std::uint32_t core, std::uint32_t other) const {
  const auto near_echoes = [this](std::uint32_t from, std::uint32_t to) {
    std::size_t echoes = 0;
    for (const Account a : cores_[from]) {
      for (const Echo& e : EchoesOf(a)) echoes += e.near() && core_of_[e.to] == to;
    }
    return echoes;
  };
  const auto is_complete = [this, &near_echoes](std::uint32_t of) {
    const std::size_t links = cores_[of].size() - 1;  // at least, whoever asks again after whom
    return near_echoes(of, of) >= 2 * kEchoesOfALink * links;  // seen from both sides
  };
  return (is_complete(core) || is_complete(other)) && near_echoes(core, other) <= kMostAcross;
}

namespace {

// Echoes by the members that they have as an end.
class Tally {
 public:
  explicit Tally(std::span<const EchoGraph::Member> members)
      : members_(members), counts_(members.size()) {}

  // An echo of an end, or of two; those of a prompt one after the other.
  void Add(const Echo& e, std::initializer_list<Account> ends) {
    found_.prompts += prompt_ != e.prompt || found_.echoes == 0;
    prompt_ = e.prompt;
    const bool near = e.after <= EchoLog::kNear, soon = e.after <= EchoLog::kSoon;
    found_.near += near;
    found_.soon += soon;
    ++found_.echoes;
    for (const Account a : ends) {
      const auto at = std::ranges::lower_bound(members_, a, {}, &EchoGraph::Member::account);
      Counts& counts = counts_[static_cast<std::size_t>(at - members_.begin())];
      ++counts.all;
      counts.near += near;
      counts.soon += soon;
    }
  }

  // A member's echoes depend on each other, as those of two who read one list in step do: it
  // counts once, by its share; and half, where each echo has two ends that are members.
  EchoEvidence Evidence(double ends) const {
    EchoEvidence out = found_;
    out.tested = out.prompts >= EchoGraph::kLeastPrompts;
    if (!out.tested) return out;
    double near = 0, soon = 0, with = 0, with_near = 0;
    for (const Counts& counts : counts_) {
      if (counts.all == 0) continue;
      near += counts.near / counts.all;
      with += 1;
      if (counts.near == 0) continue;
      soon += counts.soon / counts.near;
      with_near += 1;
    }
    const auto part = [ends](double x) { return static_cast<std::uint32_t>(x / ends + 1e-9); };
    out.p_value = std::min(
        1.0, 2 * std::min(TenthP(part(with), part(near)), TenthP(part(with_near), part(soon))));
    return out;
  }

 private:
  struct Counts {
    double all = 0, near = 0, soon = 0;
  };
  std::span<const EchoGraph::Member> members_;
  std::vector<Counts> counts_;
  EchoEvidence found_;
  std::uint32_t prompt_ = 0;
};

}  // namespace

EchoEvidence EchoGraph::EvidenceOf(std::span<const Member> members) const {
  Tally tally(members);
  for (const Echo& e : With(members, members)) tally.Add(e, {e.from, e.to});
  return tally.Evidence(2);
}

EchoGraph::Between EchoGraph::EvidenceBetween(std::span<const Member> members,
                                              std::span<const Member> others) const {
  Between out;
  Tally tally(members), back(others);
  for (const Echo& e : With(members, others)) {
    tally.Add(e, {e.from});
    out.followed += e.later && e.after <= EchoLog::kNear;
  }
  for (const Echo& e : With(others, members)) back.Add(e, {e.from});
  out.evidence = tally.Evidence(1);
  out.evidence.p_value = std::max(out.evidence.p_value, back.Evidence(1).p_value);
  return out;
}

}  // namespace distillwatch::campaign
