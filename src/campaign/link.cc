// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/link.h"

#include <algorithm>
#include <cmath>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

using Account = std::uint32_t;

struct Entry {
  Pair pair;
  Account account;
  auto operator<=>(const Entry&) const = default;
};

struct Edge {
  Account to;
  std::uint32_t shared;
};

// For every account its links, by what they share, most first.
using Graph = std::vector<std::vector<Edge>>;

constexpr std::size_t kClosest = 5;

Graph SharedPairs(std::span<const Fingerprint* const> fingerprints,
                  std::span<const std::uint64_t> ids, const LinkRules& rules) {
  std::vector<Entry> index;
  for (Account a = 0; a < fingerprints.size(); ++a) {
    for (const Pair pair : fingerprints[a]->values()) index.push_back({pair, a});
  }
  std::sort(index.begin(), index.end());

  // Accounts that share a pair, once for each such pair.
  std::vector<std::uint64_t> meetings;
  for (std::size_t begin = 0; begin < index.size();) {
    std::size_t end = begin;
    while (end < index.size() && index[end].pair == index[begin].pair) ++end;
    std::size_t listed = end - begin;
    if (listed > rules.longest_list) {
      // The same sample of accounts in every list: what is common stays visible, at a bounded cost.
      listed = rules.longest_list;
      std::nth_element(index.begin() + begin, index.begin() + begin + listed, index.begin() + end,
                       [&ids](const Entry& a, const Entry& b) {
                         return wire::Mix(ids[a.account]) < wire::Mix(ids[b.account]);
                       });
      std::sort(index.begin() + begin, index.begin() + begin + listed);
    }
    for (std::size_t i = begin; i < begin + listed; ++i) {
      for (std::size_t j = i + 1; j < begin + listed; ++j) {
        meetings.push_back(std::uint64_t{index[i].account} << 32 | index[j].account);
      }
    }
    begin = end;
  }
  std::sort(meetings.begin(), meetings.end());

  Graph graph(fingerprints.size());
  for (std::size_t begin = 0; begin < meetings.size();) {
    std::size_t end = begin;
    while (end < meetings.size() && meetings[end] == meetings[begin]) ++end;
    const auto a = static_cast<Account>(meetings[begin] >> 32);
    const auto b = static_cast<Account>(meetings[begin]);
    const auto shared = static_cast<std::uint32_t>(end - begin);
    const double smaller = std::min(fingerprints[a]->size, fingerprints[b]->size);
    if (shared >= rules.least_shared && shared >= rules.least_containment * smaller) {
      graph[a].push_back({b, shared});
      graph[b].push_back({a, shared});
    }
    begin = end;
  }
  return graph;
}

// Drops links that are weak beside either side's closest ones.
void KeepClose(Graph& graph, const LinkRules& rules) {
  std::vector<double> least(graph.size(), 0);
  for (Account a = 0; a < graph.size(); ++a) {
    auto& links = graph[a];
    std::sort(links.begin(), links.end(), [](const Edge& x, const Edge& y) {
      return x.shared != y.shared ? x.shared > y.shared : x.to < y.to;
    });
    if (links.size() >= kClosest) {
      least[a] = rules.beside_closest * links[kClosest - 1].shared;
    }
  }
  for (Account a = 0; a < graph.size(); ++a) {
    std::erase_if(graph[a],
                  [&](const Edge& e) { return e.shared < least[a] || e.shared < least[e.to]; });
  }
}

}  // namespace

std::vector<Candidate> Link(std::span<const Fingerprint* const> fingerprints,
                            std::span<const std::uint64_t> ids, const LinkRules& rules) {
  Graph graph = SharedPairs(fingerprints, ids, rules);
  KeepClose(graph, rules);

  std::vector<Account> seeds(graph.size());
  for (Account a = 0; a < graph.size(); ++a) seeds[a] = a;
  std::stable_sort(seeds.begin(), seeds.end(),
                   [&graph](Account a, Account b) { return graph[a].size() > graph[b].size(); });

  std::vector<bool> taken(graph.size(), false);
  std::vector<std::uint32_t> links_into(graph.size(), 0);
  std::vector<Candidate> out;
  for (const Account seed : seeds) {
    if (taken[seed] || graph[seed].size() + 1 < rules.least_members) continue;
    std::vector<Account> star{seed};
    for (const Edge& e : graph[seed]) {
      if (!taken[e.to]) star.push_back(e.to);
    }
    if (star.size() < rules.least_members) continue;
    // Whoever is linked to half of the star, itself in it or not.
    std::vector<Account> touched;
    for (const Account a : star) {
      for (const Edge& e : graph[a]) {
        if (!taken[e.to] && links_into[e.to]++ == 0) touched.push_back(e.to);
      }
    }
    Candidate group;
    for (const Account a : touched) {
      if (2 * links_into[a] + 2 >= star.size()) group.members.push_back(a);
      links_into[a] = 0;
    }
    if (group.members.size() < rules.least_members) continue;
    std::sort(group.members.begin(), group.members.end());
    for (const Account a : group.members) taken[a] = true;

    std::vector<Pair> pairs;
    for (const Account a : group.members) {
      const auto values = fingerprints[a]->values();
      pairs.insert(pairs.end(), values.begin(), values.end());
    }
    std::sort(pairs.begin(), pairs.end());
    const std::size_t least = std::max<std::size_t>(3, group.members.size() / 5);
    for (std::size_t begin = 0; begin < pairs.size();) {
      std::size_t end = begin;
      while (end < pairs.size() && pairs[end] == pairs[begin]) ++end;
      if (end - begin >= least) group.frame.push_back(pairs[begin]);
      begin = end;
    }
    if (!group.frame.empty()) out.push_back(std::move(group));
  }
  std::stable_sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
    return a.members.size() > b.members.size();
  });
  return out;
}

}  // namespace distillwatch::campaign
