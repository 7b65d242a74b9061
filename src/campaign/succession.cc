// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/succession.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>

namespace distillwatch::campaign {
namespace {

constexpr std::size_t kLeastPairs = 4, kLeastValues = 2;
constexpr double kLeastContainment = 0.5;
constexpr std::array kWindows = {std::chrono::minutes(10), std::chrono::minutes(60),
                                 std::chrono::minutes(Succession::kWindow)};
constexpr std::size_t kMostUsers = 32;  // of a value that says something

struct Likeness {
  std::uint32_t pairs = 0, values = 0;
};

bool IsLike(const Likeness& like, const Record& banned, const Record& other) {
  const double smaller = std::min(banned.fingerprint.size, other.fingerprint.size);
  return like.values >= kLeastValues ||
         (like.pairs >= kLeastPairs && like.pairs >= kLeastContainment * smaller);
}

}  // namespace

bool IsValid(const Record& r) noexcept {
  return r.fingerprint.Valid() && r.attributes.Valid() && r.habits.Valid() &&
         InHistory(r.seen.first) && InHistory(r.seen.last) && r.seen.requests > 0 &&
         r.seen.own_p_value > 0 && r.seen.own_p_value <= 1;
}

bool Succession::Add(Ban ban) {
  const bool known = std::any_of(bans_.begin(), bans_.end(), [&ban](const Ban& b) {
    return b.record.seen.account == ban.record.seen.account;
  });
  if (known) return true;
  if (bans_.size() >= kMostBans) return false;
  bans_.push_back(std::move(ban));
  return true;
}

bool Succession::Restored() const {
  return bans_.size() <= kMostBans && std::all_of(bans_.begin(), bans_.end(), [](const Ban& b) {
           return IsValid(b.record) && InHistory(b.time) &&
                  std::is_sorted(b.found.begin(), b.found.end()) &&
                  std::is_sorted(b.told.begin(), b.told.end());
         });
}

std::vector<Successor> Succession::Find(std::span<const Record> records,
                                        const Neighbourhood& neighbourhood, Time now) {
  std::erase_if(bans_, [now](const Ban& b) { return now - b.time > kPatience; });
  // Bans by what a successor would share.
  absl::flat_hash_map<Pair, std::vector<std::uint32_t>> by_pair;
  absl::flat_hash_map<std::uint32_t, std::vector<std::uint32_t>> by_value;
  for (std::uint32_t b = 0; b < bans_.size(); ++b) {
    for (const Pair pair : bans_[b].record.fingerprint.values()) by_pair[pair].push_back(b);
    for (const std::uint32_t value : bans_[b].record.attributes.values()) {
      if (neighbourhood.Users(value) <= kMostUsers) by_value[value].push_back(b);
    }
  }
  struct Alike {
    std::size_t ever = 0;  // accounts like the banned one
    std::vector<Successor> then;
  };
  std::vector<Alike> alike(bans_.size());
  absl::flat_hash_map<std::uint32_t, Likeness> likeness;
  for (const Record& r : records) {
    likeness.clear();
    for (const Pair pair : r.fingerprint.values()) {
      const auto bans = by_pair.find(pair);
      if (bans == by_pair.end()) continue;
      for (const std::uint32_t b : bans->second) ++likeness[b].pairs;
    }
    for (const std::uint32_t value : r.attributes.values()) {
      const auto bans = by_value.find(value);
      if (bans == by_value.end()) continue;
      for (const std::uint32_t b : bans->second) ++likeness[b].values;
    }
    for (const auto& [b, like] : likeness) {
      const Ban& ban = bans_[b];
      if (r.seen.account == ban.record.seen.account || !IsLike(like, ban.record, r)) continue;
      ++alike[b].ever;
      if (r.seen.first < ban.time || r.seen.first > ban.time + kWindow) continue;
      alike[b].then.push_back({.account = r.seen.account,
                               .banned = ban.record.seen.account,
                               .began = r.seen.first,
                               .pairs = like.pairs,
                               .values = like.values});
    }
  }
  std::vector<Successor> out;
  std::vector<Time> begins;
  for (const Record& r : records) begins.push_back(r.seen.first);
  std::sort(begins.begin(), begins.end());
  for (std::size_t b = 0; b < bans_.size(); ++b) {
    Ban& ban = bans_[b];
    std::vector<std::uint64_t> found;
    for (const Successor& s : alike[b].then) found.push_back(s.account);
    if (found.empty() || found == ban.found) continue;
    ban.found = std::move(found);
    double least = 1;
    std::chrono::minutes within{};
    for (const std::chrono::minutes window : kWindows) {
      const auto all =
          static_cast<double>(std::upper_bound(begins.begin(), begins.end(), ban.time + window) -
                              std::lower_bound(begins.begin(), begins.end(), ban.time));
      const auto then = static_cast<std::size_t>(
          std::count_if(alike[b].then.begin(), alike[b].then.end(),
                        [&](const Successor& s) { return s.began <= ban.time + window; }));
      const double p =
          BinomialTail(then, alike[b].ever, (all + 1) / (static_cast<double>(records.size()) + 2));
      if (p >= least) continue;
      least = p;
      within = window;
    }
    const double p_value = std::min(1.0, static_cast<double>(kWindows.size()) * least);
    const double looks = ++ban.looks;
    if (p_value > kLevel / (looks * (looks + 1))) continue;
    for (Successor& s : alike[b].then) {
      const auto told = std::lower_bound(ban.told.begin(), ban.told.end(), s.account);
      if (s.began > ban.time + within || (told != ban.told.end() && *told == s.account)) continue;
      ban.told.insert(told, s.account);
      s.p_value = p_value;
      out.push_back(s);
    }
  }
  return out;
}

}  // namespace distillwatch::campaign
