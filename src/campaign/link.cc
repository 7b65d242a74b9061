// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "campaign/link.h"

#include <algorithm>
#include <numeric>

#include "wire/mix.h"

namespace distillwatch::campaign {
namespace {

using Account = std::uint32_t;

struct Edge {
  Account to;
  std::uint32_t shared;
};

// For every account its links, by what they share, most first.
using Graph = std::vector<std::vector<Edge>>;

constexpr std::size_t kClosest = 5;

// Lists one after the other; list i is [starts[i], starts[i + 1]).
struct Lists {
  std::vector<std::uint32_t> items;
  std::vector<std::size_t> starts{0};
  std::size_t size() const { return starts.size() - 1; }
  std::span<const std::uint32_t> operator[](std::size_t i) const {
    return std::span(items).subspan(starts[i], starts[i + 1] - starts[i]);
  }
};

// For every pair that several accounts have, these accounts, ascending.
Lists AccountsByPair(std::span<const Fingerprint* const> fingerprints,
                     std::span<const std::uint64_t> ids, const LinkRules& rules) {
  std::vector<std::uint64_t> index;  // pair and account
  for (Account a = 0; a < fingerprints.size(); ++a) {
    for (const Pair pair : fingerprints[a]->values())
      index.push_back(std::uint64_t{pair} << 32 | a);
  }
  std::sort(index.begin(), index.end());
  Lists lists;
  for (std::size_t begin = 0; begin < index.size();) {
    std::size_t end = begin;
    while (end < index.size() && index[end] >> 32 == index[begin] >> 32) ++end;
    if (end - begin > 1) {
      for (std::size_t i = begin; i < end; ++i) {
        lists.items.push_back(static_cast<Account>(index[i]));
      }
      if (end - begin > rules.longest_list) {
        // The same sample of accounts in every list: what is common stays visible, at a bounded
        // cost.
        const auto first = lists.items.begin() + static_cast<std::ptrdiff_t>(lists.starts.back());
        const auto last = first + static_cast<std::ptrdiff_t>(rules.longest_list);
        std::nth_element(first, last, lists.items.end(), [&ids](Account a, Account b) {
          return wire::Mix(ids[a]) < wire::Mix(ids[b]);
        });
        lists.items.erase(last, lists.items.end());
        std::sort(first, last);
      }
      lists.starts.push_back(lists.items.size());
    }
    begin = end;
  }
  return lists;
}

// Which lists each of n accounts is in.
Lists ListsByAccount(const Lists& accounts, std::size_t n) {
  Lists lists;
  lists.starts.assign(n + 1, 0);
  for (const Account a : accounts.items) ++lists.starts[a + 1];
  std::partial_sum(lists.starts.begin(), lists.starts.end(), lists.starts.begin());
  lists.items.resize(accounts.items.size());
  std::vector<std::size_t> next(lists.starts.begin(), lists.starts.end() - 1);
  for (std::uint32_t list = 0; list < accounts.size(); ++list) {
    for (const Account a : accounts[list]) lists.items[next[a]++] = list;
  }
  return lists;
}

// Links one account after the other, so that no more is held than the links themselves.
Graph SharedPairs(std::span<const Fingerprint* const> fingerprints,
                  std::span<const std::uint64_t> ids, const LinkRules& rules,
                  const std::stop_token& stop) {
  const Lists accounts = AccountsByPair(fingerprints, ids, rules);
  const Lists lists = ListsByAccount(accounts, fingerprints.size());
  Graph graph(fingerprints.size());
  std::vector<std::uint8_t> shared(fingerprints.size(), 0);  // at most Fingerprint::kMostPairs
  std::vector<Account> met;
  for (Account a = 0; a < fingerprints.size() && !stop.stop_requested(); ++a) {
    for (const std::uint32_t list : lists[a]) {
      const auto others = accounts[list];
      for (auto b = std::upper_bound(others.begin(), others.end(), a); b != others.end(); ++b) {
        if (shared[*b]++ == 0) met.push_back(*b);
      }
    }
    for (const Account b : met) {
      const double smaller = std::min(fingerprints[a]->size, fingerprints[b]->size);
      if (shared[b] >= rules.least_shared && shared[b] >= rules.least_containment * smaller) {
        graph[a].push_back({b, shared[b]});
        graph[b].push_back({a, shared[b]});
      }
      shared[b] = 0;
    }
    met.clear();
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
                            std::span<const std::uint64_t> ids, const LinkRules& rules,
                            const std::stop_token& stop) {
  Graph graph = SharedPairs(fingerprints, ids, rules, stop);
  if (stop.stop_requested()) return {};  // half of the links would make other groups
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
