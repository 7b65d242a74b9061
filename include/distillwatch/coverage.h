// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// CoverageDetector: of what remains when the template is taken away, how widely does it spread?
//
// Terms that recur in a quarter of an account's requests are its template; the rest of each
// request, the residual, falls into one of 256 topic cells by the signs of 8 random projections
// (SimHash), which are fitted on nobody's text. Breadth alone has the wrong sign on real traffic
// (people and search are broader than harvests); it counts jointly with template share, novelty and
// order. Paper         M. Charikar, Similarity estimation techniques from rounding algorithms, STOC
// 2002. Tested by     tests/detect/coverage_test.cc    Measured by  benchmarks/detect_bench.cc

#ifndef DISTILLWATCH_COVERAGE_H_
#define DISTILLWATCH_COVERAGE_H_

#include <array>
#include <chrono>
#include <cstdint>

#include "distillwatch/coverage_cells.h"
#include "distillwatch/decay.h"
#include "distillwatch/detector.h"
#include "distillwatch/export.h"
#include "distillwatch/heavy_hitters.h"
#include "distillwatch/histograms.h"
#include "distillwatch/hyperloglog.h"

namespace distillwatch {

class DISTILLWATCH_EXPORT CoverageDetector {
 public:
  static constexpr std::string_view kName = "coverage";
  static constexpr std::array<FeatureSpec, 12> kFeatures = {{
      {"template_share", "{} of a request's words recur in a quarter of all requests",
       FeatureForm::kShare},
      {"template_deviation", "the share of words that recur varies by {}", FeatureForm::kShare},
      {"template_terms", "{} sampled words belong to the template"},
      {"cell_entropy", "collision entropy over topic cells is {}", FeatureForm::kNats},
      {"unseen_mass", "{} of requests open a new topic cell", FeatureForm::kShare},
      {"vocabulary_growth", "the vocabulary grows with exponent {} of the number of requests"},
      {"novelty", "{} of a request's words were never used before", FeatureForm::kShare},
      {"novelty_deviation", "the share of new words varies by {}", FeatureForm::kShare},
      {"self_cosine", "two requests agree in topic by {} (cosine)"},
      {"topic_order", "successive requests agree in topic by {} more than any two (cosine)"},
      {"residual_length", "{} words of a request do not recur (geometric mean)", FeatureForm::kExp},
      {"residual_deviation", "the logarithm of the number of words that do not recur varies by {}"},
  }};
  using Features = std::array<float, kFeatures.size()>;
  static constexpr std::size_t kDimensions = 32;

  struct State {
    HeavyHitters terms;
    CoverageCells cells;
    BasicHyperLogLog<128> vocabulary;
    std::array<float, kDimensions> topic_sum{};         // of unit topic vectors
    std::array<std::int8_t, kDimensions> topic_last{};  // the last one, in 127ths
    float topics = 0, topic_squares = 0;                // their weight and summed squared weights
    Moments order;                                      // cosine of successive topic vectors
    Moments template_share, novelty, log_residual;
    // Estimated vocabulary now, when the number of requests last doubled, and at the doubling
    // before.
    float distinct = 0, distinct_half = 0, distinct_quarter = 0;
    std::uint32_t requests = 0, half_requests = 0, quarter_requests = 0;
    std::uint32_t recent = 0;  // requests since the term counts were started, halved with them
    Tick tick = 0;

    bool Valid() const noexcept;
    template <typename Io>
    static void Fields(Io& io, auto& s) {
      io(s.terms, s.cells, s.vocabulary, s.topic_sum, s.topic_last, s.topics, s.topic_squares,
         s.order, s.template_share, s.novelty, s.log_residual, s.distinct, s.distinct_half,
         s.distinct_quarter, s.requests, s.half_requests, s.quarter_requests, s.recent, s.tick);
    }
  };

  explicit CoverageDetector(std::chrono::seconds half_life = std::chrono::hours(7 * 24)) noexcept
      : clock_(half_life) {}

  //   Cost  O(64 terms); no allocation
  void Update(const Observation& seen, State& state) const noexcept;
  Features Measure(const State& state) const noexcept;
  std::chrono::seconds half_life() const noexcept { return clock_.half_life(); }

  // Adds what the other saw of the same account: vocabulary exactly, cells and topics to within
  // rounding, term counts within their bounds, means as each side measured them against the
  // template that it knew. The vocabulary's growth is unknown until requests have doubled twice,
  // because how much of it the two sides shared over time was seen by neither.
  void Merge(const State& other, State& state) const noexcept;

 private:
  static void Decay(Tick tick, State& state) noexcept;
  DecayClock clock_;
};

static_assert(Detector<CoverageDetector>);
static_assert(sizeof(CoverageDetector::State) <= 1608);  // [AccountSize.TiersKeepTheirBudget]

}  // namespace distillwatch

#endif  // DISTILLWATCH_COVERAGE_H_
