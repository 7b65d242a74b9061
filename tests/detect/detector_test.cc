// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "distillwatch/coverage.h"
#include "distillwatch/rate_shape.h"
#include "distillwatch/similarity.h"
#include "support/alloc_guard.h"
#include "support/hostile.h"
#include "support/observations.h"
#include "support/random_inputs.h"
#include "wire/wire.h"

namespace distillwatch {
namespace {

using std::chrono::hours;
using support::Random;
using support::Seen;

constexpr wire::Kind kKind = {{"TEST"}, 1};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Time kBefore1970{std::chrono::microseconds(-1)};

// What every detector promises.
template <typename D>
class AnyDetector : public testing::Test {
 public:
  using State = typename D::State;

  static State After(std::vector<Seen>& stream) {
    State state;
    for (Seen& seen : stream) D().Update(seen.Get(), state);
    return state;
  }
  static std::string BytesOf(const State& state) { return wire::FrameOf(kKind, 0, state); }
  static Result<State> Parse(std::string_view bytes) {
    return wire::Unframed<State>(kKind, 0, bytes);
  }

  // Finite or unknown, and in the range that the feature's form implies.
  static void ExpectSound(const State& state) {
    const auto features = D().Measure(state);
    for (std::size_t i = 0; i < features.size(); ++i) {
      const FeatureSpec& spec = D::kFeatures[i];
      const float x = features[i];
      if (std::isnan(x)) continue;
      ASSERT_TRUE(std::isfinite(x)) << spec.name;
      if (spec.form == FeatureForm::kShare) {
        ASSERT_GE(x, 0) << spec.name;
        ASSERT_LE(x, 1.0001) << spec.name;
      }
      if (spec.form == FeatureForm::kNats || spec.name.ends_with("deviation")) {
        ASSERT_GE(x, 0) << spec.name;
      }
      if (spec.form == FeatureForm::kHours) {
        ASSERT_GE(x, 0) << spec.name;
        ASSERT_LE(x, 24) << spec.name;
      }
      if (spec.name == "burstiness" || spec.name == "gap_memory" || spec.name == "self_cosine") {
        ASSERT_LE(std::abs(x), 1.0001) << spec.name;
      }
    }
  }
};
using All = testing::Types<SimilarityDetector, CoverageDetector, RateShapeDetector>;
TYPED_TEST_SUITE(AnyDetector, All);

TYPED_TEST(AnyDetector, OfNothingNothingIsKnown) {
  const typename TestFixture::State never{};
  EXPECT_TRUE(never.Valid());
  for (const float x : TypeParam().Measure(never)) EXPECT_TRUE(std::isnan(x));
}

TYPED_TEST(AnyDetector, FeaturesAreFiniteAndInRangeOnAnyStream) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    support::StreamShape shape;
    shape.requests = 1 + random.Below(200);
    shape.median_gap_s = random.LogUniform(1e-6, 1e6);
    shape.gap_sigma = random.Uniform(0, 5);
    shape.empty_share = random.Choose({0.0, 0.1, 1.0});
    shape.framed_share = random.Uniform();
    shape.repeat_share = random.Choose({0.0, 0.3, 1.0});
    shape.vocabulary = 5 + random.Below(60);
    auto stream = support::RandomStream(shape, random);
    typename TestFixture::State state;
    for (Seen& seen : stream) {
      TypeParam().Update(seen.Get(), state);
      ASSERT_TRUE(state.Valid());
      TestFixture::ExpectSound(state);
    }
  }
}

TYPED_TEST(AnyDetector, AnyTimesAreTaken) {
  Random random(2);
  const Time extremes[] = {Time::min(),
                           Time(hours(-1)),
                           Time{},
                           Time(hours(1)),
                           support::kStart,
                           support::kStart + hours(24 * 3650),
                           Time(hours(24 * 365 * 230)),
                           Time::max()};
  for (int round = 0; round < 100; ++round) {
    auto stream = support::RandomStream({.requests = 60}, random);
    typename TestFixture::State state;
    for (Seen& seen : stream) {
      if (random.Chance(0.3)) {
        seen.observation.time = extremes[random.Below(std::size(extremes))];
      }
      TypeParam().Update(seen.Get(), state);
      ASSERT_TRUE(state.Valid());
      TestFixture::ExpectSound(state);
    }
  }
}

TYPED_TEST(AnyDetector, WildSizesAreTaken) {
  Random random(3);
  auto stream = support::RandomStream({.requests = 60, .empty_share = 0}, random);
  for (Seen& seen : stream) {
    seen.observation.units = random.Choose({1u, 0xffffffffu});
    seen.observation.system_units = random.Choose({0u, 0xffffffffu});
    seen.observation.earlier_turns = 0xffffffff;
    seen.observation.model = random.Choose({std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}});
  }
  const auto state = TestFixture::After(stream);
  EXPECT_TRUE(state.Valid());
  TestFixture::ExpectSound(state);
}

TYPED_TEST(AnyDetector, MeasuringChangesNothingAndTwiceIsTheSame) {
  Random random(4);
  auto stream = support::RandomStream({}, random);
  const auto state = TestFixture::After(stream);
  const std::string before = TestFixture::BytesOf(state);
  const auto a = TypeParam().Measure(state), b = TypeParam().Measure(state);
  EXPECT_EQ(std::memcmp(a.data(), b.data(), sizeof(a)), 0);
  EXPECT_EQ(TestFixture::BytesOf(state), before);
  EXPECT_EQ(TestFixture::BytesOf(TestFixture::After(stream)), before);
}

TYPED_TEST(AnyDetector, ASavedStateGoesOnAsIfItWasNotSaved) {
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    auto stream = support::RandomStream({.requests = 80}, random);
    typename TestFixture::State kept, saved;
    for (Seen& seen : stream) {
      TypeParam().Update(seen.Get(), kept);
      auto back = TestFixture::Parse(TestFixture::BytesOf(saved));
      ASSERT_TRUE(back.ok());
      saved = *back;
      TypeParam().Update(seen.Get(), saved);
      ASSERT_EQ(TestFixture::BytesOf(saved), TestFixture::BytesOf(kept));
    }
  }
}

TYPED_TEST(AnyDetector, OnlyTheOriginalBytesParse) {
  Random random(6);
  auto stream = support::RandomStream({.requests = 50}, random);
  support::ExpectOnlyTheOriginalParses(TestFixture::BytesOf(TestFixture::After(stream)),
                                       TestFixture::Parse, TestFixture::BytesOf);
}

// Every byte of a state, replaced by an attacker who can write checksums.
TYPED_TEST(AnyDetector, AForgedStateIsRefusedOrGoesOnWithoutHarm) {
  Random random(7);
  auto stream = support::RandomStream({.requests = 50}, random);
  const std::string bytes = TestFixture::BytesOf(TestFixture::After(stream));
  int refused = 0;
  for (std::size_t at = 0; at < bytes.size() - 32; ++at) {
    for (const int change : {0x01, 0x80, 0x7f, 0xff}) {
      const std::string forged =
          support::Forge(bytes, [&](std::string& p) { p[at] = static_cast<char>(p[at] ^ change); });
      auto state = TestFixture::Parse(forged);
      if (!state.ok()) {
        ++refused;
        continue;
      }
      ASSERT_EQ(TestFixture::BytesOf(*state), forged);
      (void)TypeParam().Measure(*state);
      for (std::size_t i = 0; i < 3; ++i) TypeParam().Update(stream[at % 40 + i].Get(), *state);
      (void)TypeParam().Measure(*state);
    }
  }
  EXPECT_GT(refused, 20);
}

// Fields that no stream produces, and that would make the next update overflow or divide by zero.
template <typename D>
void ExpectImpossible(const std::vector<void (*)(typename D::State&)>& changes) {
  Random random(9);
  auto stream = support::RandomStream({.requests = 100}, random);
  const auto state = AnyDetector<D>::After(stream);
  ASSERT_TRUE(state.Valid());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto changed = state;
    changes[i](changed);
    EXPECT_FALSE(changed.Valid()) << D::kName << ", change " << i;
  }
}

TEST(Detectors, ImpossibleStatesAreNotValid) {
  ExpectImpossible<SimilarityDetector>({
      [](SimilarityDetector::State& s) { s.tick = -1; },
      [](SimilarityDetector::State& s) { s.frame_last = kBefore1970; },
      [](SimilarityDetector::State& s) { s.framed = kInfinity; },
      [](SimilarityDetector::State& s) { s.in_template = -1; },
      [](SimilarityDetector::State& s) { s.duplicate = std::nanf(""); },
      [](SimilarityDetector::State& s) { s.continued = -1; },
      [](SimilarityDetector::State& s) { s.requests = kInfinity; },
      [](SimilarityDetector::State& s) { s.nearest.squares = -1; },
      [](SimilarityDetector::State& s) { s.follow.mean = kInfinity; },
      [](SimilarityDetector::State& s) { s.log_length.weight = -1; },
      [](SimilarityDetector::State& s) { s.frame_gap.weight = -1; },
      [](SimilarityDetector::State& s) { s.frame_pace.weight = -1; },
  });
  ExpectImpossible<CoverageDetector>({
      [](CoverageDetector::State& s) { s.tick = -1; },
      [](CoverageDetector::State& s) { s.topics = kInfinity; },
      [](CoverageDetector::State& s) { s.topic_squares = -1; },
      [](CoverageDetector::State& s) { s.topic_sum[31] = std::nanf(""); },
      [](CoverageDetector::State& s) { s.quarter_requests = s.half_requests; },
      [](CoverageDetector::State& s) { s.half_requests = s.requests + 1; },
      [](CoverageDetector::State& s) { s.distinct = 0; },
      [](CoverageDetector::State& s) { s.distinct_half = 0; },
      [](CoverageDetector::State& s) { s.order.weight = -1; },
      [](CoverageDetector::State& s) { s.template_share.mean = kInfinity; },
      [](CoverageDetector::State& s) { s.novelty.weight = -1; },
      [](CoverageDetector::State& s) { s.log_residual.weight = -1; },
  });
  ExpectImpossible<RateShapeDetector>({
      [](RateShapeDetector::State& s) { s.tick = -1; },
      [](RateShapeDetector::State& s) { s.first = kBefore1970; },
      [](RateShapeDetector::State& s) { s.first = s.last + hours(1); },
      [](RateShapeDetector::State& s) { s.model_since = kBefore1970; },
      [](RateShapeDetector::State& s) { s.model_since = s.last + hours(1); },
      [](RateShapeDetector::State& s) { s.first_day = s.requests + 1; },
      [](RateShapeDetector::State& s) { s.first_day = 0; },
      [](RateShapeDetector::State& s) { s.pivot = 1.5f; },
      [](RateShapeDetector::State& s) { s.pivot = -0.5f; },
      [](RateShapeDetector::State& s) { s.on_new_model = s.since_new_model + 1; },
      [](RateShapeDetector::State& s) { s.since_new_model = s.requests + 1; },
  });
}

TYPED_TEST(AnyDetector, NothingAllocates) {
  Random random(8);
  auto stream = support::RandomStream({.requests = 30}, random);
  auto state = TestFixture::After(stream);
  const TypeParam detector;
  for (Seen& seen : stream) {
    const Observation& observation = seen.Get();
    const support::AllocGuard guard;
    detector.Update(observation, state);
    (void)detector.Measure(state);
    ASSERT_EQ(guard.count(), 0u);
  }
}

TYPED_TEST(AnyDetector, WordsHaveOnePlaceForTheValue) {
  EXPECT_FALSE(TypeParam::kName.empty());
  for (const FeatureSpec& spec : TypeParam::kFeatures) {
    const std::size_t place = spec.words.find("{}");
    EXPECT_NE(place, std::string_view::npos) << spec.name;
    EXPECT_EQ(spec.words.find("{}", place + 1), std::string_view::npos) << spec.name;
  }
}

TEST(Detectors, FeatureNamesAreUniqueAndInSnakeCase) {
  std::set<std::string_view> names;
  const auto add = [&names](const auto& features) {
    for (const FeatureSpec& spec : features) {
      EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
      EXPECT_TRUE(std::all_of(spec.name.begin(), spec.name.end(), [](unsigned char c) {
        return std::islower(c) || std::isdigit(c) || c == '_';
      })) << spec.name;
    }
  };
  add(SimilarityDetector::kFeatures);
  add(CoverageDetector::kFeatures);
  add(RateShapeDetector::kFeatures);
  EXPECT_EQ(names.size(), 46u);
}

// A detector of one's own.
struct Counter {
  static constexpr std::string_view kName = "counter";
  static constexpr std::array<FeatureSpec, 1> kFeatures = {{{"requests", "{} requests"}}};
  struct State {
    int requests = 0;
  };
  void Update(const Observation&, State& state) const noexcept { ++state.requests; }
  std::array<float, 1> Measure(const State& state) const noexcept {
    return {static_cast<float>(state.requests)};
  }
};
struct Throws : Counter {
  void Update(const Observation&, State& state) const { ++state.requests; }
};
struct Owner : Counter {
  struct State {
    std::vector<int> requests;
  };
  void Update(const Observation&, State&) const noexcept {}
  std::array<float, 1> Measure(const State&) const noexcept { return {}; }
};
struct TooFew : Counter {
  std::array<float, 2> Measure(const State&) const noexcept { return {}; }
};

static_assert(Detector<Counter>);
static_assert(!Detector<Throws>);  // Update may not throw
static_assert(!Detector<Owner>);   // the state is plain data
static_assert(!Detector<TooFew>);  // one value for each feature

}  // namespace
}  // namespace distillwatch
