// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "calibrate/promise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "support/random_inputs.h"

namespace distillwatch::calibrate {
namespace {

using support::Random;
using Mode = Promise::Mode;

constexpr Mode kModes[] = {Mode::kExpectation, Mode::kConfidence95};

// P(Binomial(n, a) >= k) by Pascal's triangle of probabilities: coin after coin.
double AtLeast(std::uint64_t k, std::uint64_t n, double a) {
  std::vector<double> heads = {1};
  for (std::uint64_t coin = 0; coin < n; ++coin) {
    heads.push_back(0);
    for (std::size_t i = heads.size(); i-- > 0;) {
      heads[i] = heads[i] * (1 - a) + (i > 0 ? heads[i - 1] * a : 0);
    }
  }
  double sum = 0;
  for (std::size_t i = k; i < heads.size(); ++i) sum += heads[i];
  return sum;
}

TEST(PromiseOracle, InExpectationTheRankIsTheFloorOfWhatIsAllowed) {
  // In integers: floor(X (n + 1) (100 - eps) / 10^8), eps in percent.
  const auto expect = [](std::uint64_t per_million, std::uint64_t accounts, std::uint64_t eps) {
    const Promise promise = {.per_million = static_cast<double>(per_million),
                             .contamination = static_cast<double>(eps) / 100};
    ASSERT_EQ(MostRank(promise, accounts), per_million * (accounts + 1) * (100 - eps) / 100'000'000)
        << per_million << " per million, " << accounts << " accounts, " << eps << " %";
  };
  Random random(1);
  for (int round = 0; round < 200'000; ++round) {
    expect(static_cast<std::uint64_t>(random.LogUniform(1, 1e6)),
           static_cast<std::uint64_t>(random.LogUniform(1, 1e9)), random.Below(50));
  }
  // Where the product is whole, rounding may not cost a rank.
  for (const std::uint64_t per_million : {1, 10, 50, 100, 125, 1000, 4000, 31'250, 500'000}) {
    for (std::uint64_t k = 1; k < 3000; ++k) {
      expect(per_million, 1'000'000 / per_million * k - 1, 0);
      expect(per_million, 50'000'000 / per_million * k - 1, 2);
    }
  }
}

TEST(PromiseOracle, WithConfidenceTheRankIsTheBinomialsLargest) {
  Random random(2);
  for (int round = 0; round < 400; ++round) {
    const auto accounts = static_cast<std::uint64_t>(random.LogUniform(1, 800));
    const Promise promise = {.per_million = random.Chance(0.5) ? random.Uniform(1, 999'999)
                                                               : random.LogUniform(100, 999'999),
                             .contamination = random.Choose({0.0, 0.02, 0.3}),
                             .mode = Mode::kConfidence95};
    const double a = promise.per_million * 1e-6 * (1 - promise.contamination);
    const std::uint64_t k = MostRank(promise, accounts);
    ASSERT_LE(k, accounts);
    if (k > 0) {
      ASSERT_GE(AtLeast(k, accounts, a), 0.95 - 1e-9) << accounts << ' ' << a;
    }
    ASSERT_LT(AtLeast(k + 1, accounts, a), 0.95 + 1e-9) << accounts << ' ' << a;
  }
}

TEST(Promise, WithConfidenceLargeReferencesComeCloseToTheExpectation) {
  for (const double per_million : {10.0, 1000.0, 500'000.0, 900'000.0, 999'999.0}) {
    for (const std::uint64_t accounts : {std::uint64_t{1'000'000}, std::uint64_t{16'000'000},
                                         std::uint64_t{1} << 40, std::uint64_t{1} << 58}) {
      const Promise promise = {
          .per_million = per_million, .contamination = 0, .mode = Mode::kConfidence95};
      const double a = per_million * 1e-6, n = static_cast<double>(accounts);
      const double deviation = std::sqrt(n * a * (1 - a));
      const auto k = static_cast<double>(MostRank(promise, accounts));
      // The normal approximation, with a deviation's tenth and two ranks to spare.
      EXPECT_LE(k, n * a - 1.5 * deviation + 2) << per_million << ' ' << accounts;
      EXPECT_GE(k, n * a - 1.8 * deviation - 2) << per_million << ' ' << accounts;
    }
  }
}

TEST(Promise, ConfidenceNeverFlagsMoreThanExpectation) {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    Promise promise = {.per_million = random.LogUniform(1, 999'999),
                       .contamination = random.Uniform(0, 0.49)};
    const auto accounts = static_cast<std::uint64_t>(random.LogUniform(1, 1e8));
    const std::uint64_t expected = MostRank(promise, accounts);
    promise.mode = Mode::kConfidence95;
    ASSERT_LE(MostRank(promise, accounts), expected);
  }
}

TEST(Promise, RanksNeverFallWithMoreAccountsOrAWeakerPromise) {
  for (const Mode mode : kModes) {
    for (const double per_million : {100.0, 5000.0, 200'000.0}) {
      std::uint64_t before = 0;
      for (std::uint64_t accounts = 1; accounts < 3'000'000; accounts += 1 + accounts / 7) {
        const std::uint64_t k = MostRank({.per_million = per_million, .mode = mode}, accounts);
        ASSERT_GE(k, before) << accounts;
        ASSERT_GE(MostRank({.per_million = per_million * 1.1, .mode = mode}, accounts), k);
        before = k;
      }
    }
  }
}

TEST(Promise, TheSmallestPromiseHoldsAndNoSmallerOne) {
  Random random(4);
  for (const Mode mode : kModes) {
    for (int round = 0; round < 20'000; ++round) {
      const auto accounts = round < 2000 ? static_cast<std::uint64_t>(round)
                                         : static_cast<std::uint64_t>(random.LogUniform(1, 1e8));
      Promise promise = {.contamination = random.Choose({0.0, 0.02, 0.1, 0.49}), .mode = mode};
      promise.per_million = SmallestPerMillion(promise, accounts);
      if (promise.per_million > 1e6) {
        // None holds, not even that all may be flagged.
        promise.per_million = 1e6;
        ASSERT_EQ(Check(promise, accounts).code(), StatusCode::kFailedPrecondition) << accounts;
        continue;
      }
      ASSERT_TRUE(Check(promise, accounts).ok()) << accounts << ": " << promise.per_million;
      promise.per_million *= 1 - 1e-9;
      ASSERT_EQ(Check(promise, accounts).code(), StatusCode::kFailedPrecondition) << accounts;
    }
  }
}

TEST(Promise, TheTableOfTheDesignHolds) {
  const auto needs = [](double per_million) {
    std::uint64_t accounts = 0;
    for (std::uint64_t step = std::uint64_t{1} << 40; step > 0; step /= 2) {
      if (!Check({.per_million = per_million}, accounts + step - 1).ok()) accounts += step;
    }
    return accounts;
  };
  EXPECT_EQ(needs(10'000), 102u);
  EXPECT_EQ(needs(1000), 1020u);
  EXPECT_EQ(needs(100), 10'204u);
  EXPECT_EQ(needs(10), 102'040u);
}

TEST(Promise, ARefusalNamesTheSmallestPromiseThatHolds) {
  for (const Mode mode : kModes) {
    for (const std::uint64_t accounts : {10u, 100u, 1000u, 12'345u, 1'000'000u}) {
      const Promise promise = {.per_million = 0.5, .mode = mode};
      const Status status = Check(promise, accounts);
      ASSERT_EQ(status.code(), StatusCode::kFailedPrecondition);
      const std::string& message = status.message();
      EXPECT_NE(message.find(std::to_string(accounts) + " reference accounts"), std::string::npos)
          << message;
      // What it names can be kept.
      const std::size_t at = message.find("smallest promise now is ");
      ASSERT_NE(at, std::string::npos) << message;
      Promise named = promise;
      named.per_million = std::stod(message.substr(at + 24));
      EXPECT_TRUE(Check(named, accounts).ok()) << message;
      EXPECT_LE(named.per_million, SmallestPerMillion(promise, accounts) + 1) << message;
    }
  }
}

TEST(Promise, WithoutAccountsARefusalNamesNone) {
  const Status status = Check({}, 0);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message().find("smallest"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("no promise"), std::string::npos) << status.message();
}

TEST(Promise, ValuesOutOfRangeAreRefusedByName) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.0, -1.0, 1'000'001.0, kNaN, kInfinity, -kInfinity}) {
    const Status status = Check({.per_million = bad}, 1'000'000);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_NE(status.message().find("per_million"), std::string::npos);
  }
  for (const double bad : {-0.01, 0.5, 1.0, kNaN, kInfinity}) {
    const Status status = Check({.contamination = bad}, 1'000'000);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_NE(status.message().find("contamination"), std::string::npos);
  }
  EXPECT_TRUE(Check({.per_million = 1e6, .contamination = 0}, 0).ok());
  EXPECT_TRUE(Check({.per_million = 1e6, .contamination = 0.4999}, 1000).ok());
}

TEST(Promise, ThatAllMayBeFlaggedHoldsInEitherMode) {
  for (const std::uint64_t accounts : {1u, 7u, 1000u}) {
    for (const Mode mode : kModes) {
      EXPECT_GE(MostRank({.per_million = 1e6, .contamination = 0, .mode = mode}, accounts),
                accounts);
    }
  }
}

}  // namespace
}  // namespace distillwatch::calibrate
