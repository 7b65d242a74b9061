// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/infrastructure.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <limits>
#include <utility>

#include "campaign/monte_carlo.h"
#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kMostMembers = 128, kLeastBridges = 3;
using Members = std::bitset<kMostMembers>;

// Every value of a set of accounts, ascending, with the accounts that use it.
struct Use {
  std::uint32_t value = 0;
  std::uint32_t account = 0;
  auto operator<=>(const Use&) const = default;
};

// Calls visit(uses) for each run of uses of one value; the uses must be sorted.
template <typename Visit>
void ForEachValue(std::span<const Use> uses, Visit&& visit) {
  for (std::size_t begin = 0; begin < uses.size();) {
    std::size_t end = begin;
    while (end < uses.size() && uses[end].value == uses[begin].value) ++end;
    visit(uses.subspan(begin, end - begin));
    begin = end;
  }
}

// Of the users of a value that may be a pool's.
std::size_t LeastMembers(std::size_t users) {
  return std::max<std::size_t>(2, (users + 2) / 3);
}

// Whether two values' users are different sets of accounts, neither part of the other.
bool AreApart(const Members& a, const Members& b) {
  const std::size_t both = (a & b).count(), either = (a | b).count();
  return both < a.count() && both < b.count() && 2 * both <= either;
}

}  // namespace

bool AttributeSet::Valid() const noexcept {
  if (size > kMost) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (sorted[i] == 0 || (i > 0 && sorted[i] <= sorted[i - 1])) return false;
  }
  return true;
}

void AttributeCounts::Add(std::uint32_t value, std::uint32_t count) noexcept {
  if (value == 0 || count == 0) return;
  constexpr std::uint32_t kMostCount = std::numeric_limits<std::uint16_t>::max();
  std::size_t place = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (counts_[i] > 0 && values_[i] == value) {
      place = i;
      break;
    }
    if (counts_[i] < counts_[place]) place = i;
  }
  if (values_[place] != value) values_[place] = value;
  counts_[place] = static_cast<std::uint16_t>(std::min(kMostCount, counts_[place] + count));
}

void Majority::Update(std::uint32_t value) noexcept {
  if (value == 0) return;
  if (lead_ == 0) value_ = value;
  if (value != value_) {
    --lead_;
  } else if (lead_ < std::numeric_limits<std::uint16_t>::max()) {
    ++lead_;
  }
}

void AttributeCounts::Update(const RequestInfrastructure& request) noexcept {
  for (const std::uint32_t value : request.values) Add(value, 1);
  if (request.organisation != 0) organisation_ = request.organisation;
}

void AttributeCounts::Merge(const AttributeCounts& other) noexcept {
  for (std::size_t i = 0; i < other.values_.size(); ++i) Add(other.values_[i], other.counts_[i]);
  if (other.organisation_ != 0) organisation_ = other.organisation_;
}

AttributeSet AttributeCounts::Frequent() const noexcept {
  AttributeSet out;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (counts_[i] >= 2) out.sorted[out.size++] = values_[i];
  }
  std::sort(out.sorted.begin(), out.sorted.begin() + out.size);
  out.organisation = organisation_;
  return out;
}

bool AttributeCounts::Valid() const noexcept {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (counts_[i] == 0) continue;
    if (values_[i] == 0) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (counts_[j] > 0 && values_[j] == values_[i]) return false;
    }
  }
  return true;
}

Neighbourhood::Neighbourhood(const std::vector<const AttributeSet*>& accounts, Steps& steps)
    : accounts_(accounts) {
  constexpr std::size_t kAccountsOfAStep = 4096;
  const auto n = [this] { return accounts_.size(); };
  steps.Add(kAccountsOfAStep, n, [this](std::size_t a) {
    by_size_[accounts_[a]->values().size()].push_back(static_cast<std::uint32_t>(a));
  });
  index_.emplace(
      n, [this](std::size_t a) { return accounts_[a]->values(); },
      [](std::uint32_t value) { return value / kMostKinds % Index::kBuckets; }, steps);
  steps.Add(
      1, [] { return Index::kBuckets; }, [this](std::size_t bucket) { AddValues(bucket); });
  steps.Add([this] { index_->Clear(); });
  common_.emplace(users_, n, steps);
}

void Neighbourhood::AddValues(std::size_t bucket) {
  index_->ForEachShared(bucket, [this](std::uint32_t value, std::span<const std::uint64_t> users) {
    number_of_[value] = static_cast<std::uint32_t>(users_.size());
    least_members_.push_back(static_cast<std::uint32_t>(LeastMembers(users.size())));
    for (const std::uint64_t user : users) users_.items.push_back(static_cast<std::uint32_t>(user));
    users_.Close();
  });
}

std::span<const std::uint32_t> Neighbourhood::Sharing(std::uint32_t value) const noexcept {
  const auto number = number_of_.find(value);
  return number == number_of_.end() ? std::span<const std::uint32_t>() : users_[number->second];
}

std::size_t Neighbourhood::Users(std::uint32_t value) const noexcept {
  return std::max<std::size_t>(1, Sharing(value).size());
}

Pool Neighbourhood::PoolOf(std::span<const AttributeSet* const> members) const {
  members = members.first(std::min(members.size(), kMostMembers));
  std::vector<Use> uses;
  for (std::uint32_t m = 0; m < members.size(); ++m) {
    for (const std::uint32_t value : members[m]->values()) {
      if (Users(value) > 1) uses.push_back({value, m});
    }
  }
  std::sort(uses.begin(), uses.end());
  std::vector<Members> shared;
  std::vector<std::uint32_t> values;
  std::vector<std::vector<std::uint32_t>> shared_by(members.size());
  ForEachValue(uses, [&](std::span<const Use> same) {
    if (same.size() < LeastMembers(Users(same.front().value))) return;
    Members users;
    for (const Use& use : same) {
      users.set(use.account);
      shared_by[use.account].push_back(static_cast<std::uint32_t>(shared.size()));
    }
    shared.push_back(users);
    values.push_back(same.front().value);
  });
  Pool pool;
  Members bridges;
  for (std::uint32_t m = 0; m < members.size(); ++m) {
    const auto& own = shared_by[m];
    const bool bridge = std::any_of(own.begin(), own.end(), [&](std::uint32_t v) {
      return std::any_of(own.begin(), own.end(),
                         [&shared, v](std::uint32_t w) { return AreApart(shared[v], shared[w]); });
    });
    if (!bridge) continue;
    ++pool.bridges;
    bridges.set(m);
  }
  for (std::size_t v = 0; v < shared.size(); ++v) {
    if ((shared[v] & bridges).any()) pool.values.push_back(values[v]);
  }
  return pool;
}

double Neighbourhood::BridgesP(std::span<const AttributeSet* const> members,
                               const SurrogatePlan& plan) const {
  members = members.first(std::min(members.size(), kMostMembers));
  const std::size_t truth = PoolOf(members).bridges;
  if (truth < kLeastBridges) return 1;
  // A member need not be one of the accounts that are known here.
  const bool known = std::none_of(members.begin(), members.end(), [this](const AttributeSet* m) {
    return by_size_[m->size].empty();
  });
  if (!known) return 1;
  std::vector<std::uint32_t> positions(members.size());
  std::vector<std::uint32_t> counts(least_members_.size(), 0);
  std::vector<const AttributeSet*> drawn(members.size());
  return SequentialP(plan.most_draws, [&](std::size_t draw) {
    std::size_t able = 0;  // to be a bridge, in some company
    for (std::size_t m = 0; m < members.size(); ++m) {
      const std::vector<std::uint32_t>& alike = by_size_[members[m]->size];
      const std::uint64_t bits = wire::Mix(plan.seed ^ wire::Mix(draw << 32 | m));
      positions[m] = alike[bits % alike.size()];
      able += CommonOf(positions[m]).size() >= 2;
    }
    // Hardly any draw needs a closer look.
    if (able < truth || MostBridges(positions, draw, counts) < truth) return false;
    for (std::size_t m = 0; m < members.size(); ++m) drawn[m] = accounts_[positions[m]];
    return PoolOf(drawn).bridges >= truth;
  });
}

std::size_t Neighbourhood::MostBridges(std::span<const std::uint32_t> positions, std::size_t draw,
                                       std::vector<std::uint32_t>& counts) const {
  // A count that another draw left is none, so that nothing need be cleared.
  constexpr std::uint32_t kMostCount = 0xff;
  static_assert(kMostMembers <= kMostCount);
  const auto tag = static_cast<std::uint32_t>(draw) << 8;
  std::size_t shared_values = 0;
  for (const std::uint32_t p : positions) {
    for (const std::uint32_t number : CommonOf(p)) {
      std::uint32_t& count = counts[number];
      count = (count > tag ? count : tag) + 1;
      shared_values += (count & kMostCount) == least_members_[number];
    }
  }
  if (shared_values < 2) return 0;
  return static_cast<std::size_t>(
      std::count_if(positions.begin(), positions.end(), [&](std::uint32_t p) {
        const auto common = CommonOf(p);
        return std::count_if(common.begin(), common.end(), [&](std::uint32_t number) {
                 return (counts[number] & kMostCount) >= least_members_[number];
               }) >= 2;
      }));
}

bool Pool::HasSeveralOwners() const {
  std::array<std::size_t, kMostKinds> of_kind{};
  for (const std::uint32_t value : values) ++of_kind[KindOf(value)];
  return std::count_if(of_kind.begin(), of_kind.end(), [](std::size_t n) { return n >= 2; }) >= 2;
}

std::size_t Pool::CountIn(const AttributeSet& account) const {
  const auto own = account.values();
  return static_cast<std::size_t>(std::count_if(own.begin(), own.end(), [this](std::uint32_t v) {
    return std::binary_search(values.begin(), values.end(), v);
  }));
}

bool Neighbourhood::LivesIn(const Pool& pool, const AttributeSet& account) const {
  double all = 0, common = 0;
  std::size_t values = 0;
  for (const std::uint32_t value : account.values()) {
    all += RarityOf(value);
    if (!std::binary_search(pool.values.begin(), pool.values.end(), value)) continue;
    common += RarityOf(value);
    ++values;
  }
  return values >= 2 && 5 * common >= 2 * all;
}

double Neighbourhood::RarityOf(std::uint32_t value) const {
  return std::log(static_cast<double>(accounts_.size()) / static_cast<double>(Users(value)));
}

std::uint32_t OrganisationOf(std::span<const AttributeSet* const> members) {
  absl::flat_hash_map<std::uint32_t, std::size_t> counts;
  for (const AttributeSet* member : members) {
    if (member->organisation == 0) continue;
    if (2 * ++counts[member->organisation] > members.size()) return member->organisation;
  }
  return 0;
}

}  // namespace distillwatch::campaign
