// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Infrastructure: the addresses, payment marks and devices that accounts use, and who shares them.
//
// Sharing proves little by itself: a firm's keys have one payment mark and the same addresses, and
// strangers meet at the exits of carriers and clouds. What neither explains is a pool: accounts
// that share one value with some and another value with others, where hardly anyone else uses
// either. Such an account is a bridge.
// Thread-compatible values and pure functions.
// Tested by  tests/campaign/infrastructure_test.cc

#ifndef DISTILLWATCH_SRC_CAMPAIGN_INFRASTRUCTURE_H_
#define DISTILLWATCH_SRC_CAMPAIGN_INFRASTRUCTURE_H_

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "campaign/lists.h"
#include "campaign/steps.h"
#include "campaign/surrogate.h"

namespace distillwatch::campaign {

// A value knows of what kind it is (an address, a payment mark, ...), the number of its name among
// those that count.
inline constexpr std::uint32_t kMostKinds = 8;
constexpr std::uint32_t ValueOf(std::uint64_t hash, std::uint32_t kind) noexcept {
  const auto value = static_cast<std::uint32_t>(hash >> 32) / kMostKinds * kMostKinds + kind;
  return value != 0 ? value : kMostKinds;
}
constexpr std::uint32_t KindOf(std::uint32_t value) noexcept {
  return value % kMostKinds;
}

// The infrastructure of one request, as keyed hashes; 0 is none. Two values among ten million are
// taken for one another now and then; that links two accounts at most, and five make a group.
struct RequestInfrastructure {
  static constexpr std::size_t kMost = 8;
  std::array<std::uint32_t, kMost> values{};
  std::uint32_t organisation = 0;
};

// What an account uses most, ascending.
struct AttributeSet {
  static constexpr std::size_t kMost = 8;
  std::array<std::uint32_t, kMost> sorted{};
  std::uint8_t size = 0;
  std::uint32_t organisation = 0;
  std::span<const std::uint32_t> values() const noexcept { return {sorted.data(), size}; }

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.sorted, s.size, s.organisation);
  }
};

// Counts of an account's values, eight of them.
// Paper  A. Metwally, D. Agrawal, A. El Abbadi, Efficient computation of frequent and top-k
//        elements in data streams, ICDT 2005 (Space-Saving).
class AttributeCounts {
 public:
  void Update(const RequestInfrastructure& request) noexcept;
  // The other's requests, too.
  void Merge(const AttributeCounts& other) noexcept;
  // Values of two requests or more; an address that was met once says nothing.
  AttributeSet Frequent() const noexcept;

  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.values_, s.counts_, s.organisation_);
  }

 private:
  void Add(std::uint32_t value, std::uint32_t count) noexcept;
  std::array<std::uint32_t, AttributeSet::kMost> values_{};
  std::array<std::uint16_t, AttributeSet::kMost> counts_{};  // 0: free; saturates
  std::uint32_t organisation_ = 0;                           // of the newest request that had one
};

// How linking knows a system prompt, by its hash; 0: none.
constexpr std::uint32_t SystemOf(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash >> 32);
}

// The value that most requests have, where more than half of those that have one have it.
// Paper  R. Boyer and J. Moore, MJRTY, in Automated Reasoning 1991.
class Majority {
 public:
  void Update(std::uint32_t value) noexcept;
  // 0 while it leads by less than four requests.
  std::uint32_t value() const noexcept { return lead_ >= 4 ? value_ : 0; }

  template <typename Io>
  static void Fields(Io& io, auto& s) {
    io(s.value_, s.lead_);
  }

 private:
  std::uint32_t value_ = 0;
  std::uint16_t lead_ = 0;  // saturates
};

// What several accounts share in different sets.
struct Pool {
  std::vector<std::uint32_t> values;  // ascending
  std::size_t bridges = 0;            // accounts

  // Whether it has two values or more of each of two kinds. One firm's keys may share any number of
  // exits, but have one payment mark.
  bool HasSeveralOwners() const;
  // How many values of the pool the account uses.
  std::size_t CountIn(const AttributeSet& account) const;
};

// Who uses a value, and accounts by how many values they use.
class Neighbourhood {
 public:
  // Adds its work to `steps`, which may fill the vector before.
  Neighbourhood(const std::vector<const AttributeSet*>& accounts, Steps& steps);
  Neighbourhood(const Neighbourhood&) = delete;
  Neighbourhood& operator=(const Neighbourhood&) = delete;

  const std::vector<const AttributeSet*>& accounts() const noexcept { return accounts_; }
  // Values that two accounts use have numbers.
  //   Returns  the accounts that use it, as positions, ascending
  std::span<const std::uint32_t> UsersOf(std::size_t number) const noexcept {
    return users_[number];
  }
  // The numbers of the values that the account uses.
  std::span<const std::uint32_t> CommonOf(std::uint32_t position) const noexcept {
    return (*common_)[position];
  }
  // The same by value: empty for what one account uses, or none.
  std::span<const std::uint32_t> Sharing(std::uint32_t value) const noexcept;

  // 1 for what one account uses, or none.
  std::size_t Users(std::uint32_t value) const noexcept;
  // 0 for what everyone uses.
  double RarityOf(std::uint32_t value) const;
  // The pool of these accounts, of which 128 at most are looked at. Its values are those that a
  // bridge shares. A member is a bridge if each of two values of its is shared with members that do
  // not share the other, at most half of all who share either share both, and of all accounts that
  // use such a value at least a third are members.
  Pool PoolOf(std::span<const AttributeSet* const> members) const;
  // Whether two fifths of what the account uses, by rarity, is of the pool, and two values at
  // least.
  bool LivesIn(const Pool& pool, const AttributeSet& account) const;
  // The share of random sets of accounts, each with as many values as the member in its place,
  // that have as many bridges; 1 for fewer than three, who may be friends.
  double BridgesP(std::span<const AttributeSet* const> members, const SurrogatePlan& plan) const;

 private:
  // At most so many bridges has the pool of the accounts at these positions.
  //   draw    from 1, ascending; below 2^24
  //   counts  one of each common value; zero before the first draw
  std::size_t MostBridges(std::span<const std::uint32_t> positions, std::size_t draw,
                          std::vector<std::uint32_t>& counts) const;
  void AddValues(std::size_t bucket);

  const std::vector<const AttributeSet*>& accounts_;
  std::optional<Index> index_;                                   // of values
  absl::flat_hash_map<std::uint32_t, std::uint32_t> number_of_;  // by value
  Lists users_;
  std::vector<std::uint32_t> least_members_;  // by number: how many users make it a pool's
  std::optional<Turned> common_;
  std::array<std::vector<std::uint32_t>, AttributeSet::kMost + 1> by_size_;
};

// The organisation of more than half of the members; 0: none.
std::uint32_t OrganisationOf(std::span<const AttributeSet* const> members);

}  // namespace distillwatch::campaign

#endif  // DISTILLWATCH_SRC_CAMPAIGN_INFRASTRUCTURE_H_
