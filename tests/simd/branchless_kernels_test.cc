// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The kernels that stand for loops with branches that nobody can guess.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "simd/kernels.h"
#include "simd/on_a_target.h"
#include "support/random_inputs.h"

namespace distillwatch::simd {
namespace {

using support::Random;

class BranchlessKernels : public OnATarget {};
INSTANTIATE_TEST_SUITE_P(KernelsOracle, BranchlessKernels,
                         testing::ValuesIn(Available().begin(), Available().end()),
                         [](const auto& target) { return std::string(target.param->name); });

// Dense and sparse words, none and one long one; what lies beyond n does not count.
TEST_P(BranchlessKernels, WordEdgesAreWhereBitsChange) {
  Random random(21);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    for (const double share : {0.0, 0.03, 0.5, 0.9, 1.0}) {
      AtTheEdge<std::uint64_t> words((n + 63) / 64);
      for (std::size_t i = 0; i < words.size() * 64; ++i) {
        if (i % 64 == 0) words[i / 64] = 0;
        words[i / 64] |= std::uint64_t{random.Chance(share)} << i % 64;
      }
      std::vector<std::uint16_t> truth;
      bool before = false;
      for (std::size_t i = 0; i <= n; ++i) {
        const bool word = i < n && (words[i / 64] >> i % 64 & 1) != 0;
        if (word != before) truth.push_back(static_cast<std::uint16_t>(i));
        before = word;
      }
      AtTheEdge<std::uint16_t> got(n + kEdgesRoom);
      ASSERT_EQ(kernels().word_edges(words.data(), n, got.data()), truth.size()) << n;
      ASSERT_TRUE(std::equal(truth.begin(), truth.end(), got.data())) << n << ", " << share;
    }
  }
}

TEST_P(BranchlessKernels, WordEdgesGoAsFarAsTheyMay) {
  for (const std::size_t n : {65535u, 65472u}) {
    std::vector<std::uint64_t> words(1024, 0x5555555555555555);
    std::vector<std::uint16_t> edges(n + kEdgesRoom);
    const std::size_t size = kernels().word_edges(words.data(), n, edges.data());
    ASSERT_EQ(size, (n + 1) / 2 * 2);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(edges[i], i);
  }
}

TEST_P(BranchlessKernels, KeepZeroKeepsThoseWithoutTheBitsAlsoInPlace) {
  Random random(22);
  for (std::size_t n = 0; n <= kLongest; ++n) {
    for (const std::uint64_t mask : {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{14},
                                     std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
      AtTheEdge<std::uint64_t> in(n), out(n + kKeepRoom);
      std::vector<std::uint64_t> truth, longer(n + kKeepRoom);
      for (std::size_t i = 0; i < n; ++i) {
        in[i] = longer[i] = random.Chance(0.1) ? 0 : random.Bits();
        if ((in[i] & mask) == 0) truth.push_back(in[i]);
      }
      ASSERT_EQ(kernels().keep_zero(in.data(), n, mask, out.data()), truth.size()) << n;
      ASSERT_TRUE(std::equal(truth.begin(), truth.end(), out.data())) << n;
      ASSERT_EQ(kernels().keep_zero(longer.data(), n, mask, longer.data()), truth.size()) << n;
      ASSERT_TRUE(std::equal(truth.begin(), truth.end(), longer.data())) << n;
    }
  }
}

// Space-Saving by definition, on sets that fill up, have ties, are full of equal tags that are
// free, and whose counts stop at their largest value.
struct Entry {
  std::uint32_t tag = 0;
  std::uint16_t count = 0, error = 0;
};
struct Sets {
  explicit Sets(std::size_t n) : sets(n) {}
  std::uint32_t Count(std::uint64_t term) {
    auto& set = sets[static_cast<std::size_t>((term >> 32) * sets.size() >> 32)];
    const auto tag = static_cast<std::uint32_t>(term >> 1);
    const auto known = std::find_if(set.begin(), set.end(),
                                    [tag](const Entry& e) { return e.count != 0 && e.tag == tag; });
    if (known != set.end()) {
      const auto certain = static_cast<std::uint32_t>(known->count - known->error);
      if (known->count < 0xffff) ++known->count;
      return certain;
    }
    Entry& rarest = *std::min_element(
        set.begin(), set.end(), [](const Entry& a, const Entry& b) { return a.count < b.count; });
    rarest = {tag, static_cast<std::uint16_t>(std::min(rarest.count + 1, 0xffff)), rarest.count};
    return 0;
  }
  std::vector<std::array<Entry, 8>> sets;
};

TEST_P(BranchlessKernels, CountTermsIsSpaceSaving) {
  Random random(23);
  for (const std::size_t n_sets : {1u, 3u, 11u}) {
    Sets truth(n_sets);
    for (auto& set : truth.sets) {
      for (Entry& e : set) {
        const std::array<std::uint16_t, 6> kCounts = {0, 0, 1, 2, 0xfffe, 0xffff};
        e.count = kCounts[random.Below(kCounts.size())];
        e.error = static_cast<std::uint16_t>(random.Below(e.count + 1u));
        e.tag = static_cast<std::uint32_t>(random.Below(3));
      }
    }
    AtTheEdge<unsigned char> got(n_sets * 64);
    std::memcpy(got.data(), truth.sets.data(), n_sets * 64);
    for (std::size_t n = 0; n <= kLongest; ++n) {
      AtTheEdge<std::uint64_t> terms(n);
      AtTheEdge<std::uint32_t> least(n);
      for (std::size_t i = 0; i < n; ++i) {
        terms[i] = random.Chance(0.5) ? random.Bits() : random.Zipf(20) * 0x123456789abcdefULL;
        if (random.Chance(0.1)) terms[i] = random.Below(8);  // free entries have such tags
      }
      std::vector<std::uint32_t> expected;
      for (std::size_t i = 0; i < n; ++i) expected.push_back(truth.Count(terms[i]));
      kernels().count_terms(got.data(), static_cast<std::uint32_t>(n_sets), terms.data(), n,
                            least.data());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), least.data())) << n;
      ASSERT_EQ(std::memcmp(got.data(), truth.sets.data(), n_sets * 64), 0) << n;
    }
  }
}

TEST_P(BranchlessKernels, CountEqualEachIsCountEqualForEach) {
  Random random(24);
  for (std::size_t n = 0; n <= 33; ++n) {
    AtTheEdge<std::uint16_t> signature(64), signatures(64 * n);
    AtTheEdge<std::uint32_t> equal(n);
    for (std::size_t i = 0; i < 64; ++i) signature[i] = static_cast<std::uint16_t>(random.Bits());
    for (std::size_t i = 0; i < 64 * n; ++i) {
      const bool same = random.Chance(static_cast<double>(i / 64 % 5) / 4);
      signatures[i] = static_cast<std::uint16_t>(signature[i % 64] ^ (same ? 0 : 1 << i % 16));
    }
    kernels().count_equal_each(signature.data(), signatures.data(), n, equal.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(equal[i], Scalar().count_equal(signature.data(), &signatures[64 * i], 64)) << i;
    }
  }
}

}  // namespace
}  // namespace distillwatch::simd
