// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// GapHistogram, ScaleCounts, HourHistogram: the shape of an account's request times, decayed.
//
// Paper      E.-K. Kim, H.-H. Jo, Measuring burstiness for finite event sequences, 2016,
// arXiv:1604.01125;
//            T. Chan, G. Golub, R. LeVeque, Updating formulae for computing variances, 1979.
// Tested by  tests/sketch/histograms_test.cc    Measured by  benchmarks/sketch_bench.cc

#ifndef DISTILLWATCH_HISTOGRAMS_H_
#define DISTILLWATCH_HISTOGRAMS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "distillwatch/event.h"
#include "distillwatch/export.h"
#include "distillwatch/status.h"

namespace distillwatch {

namespace wire {
struct Access;
}

// Decayed mean and variance.  Value type, thread-compatible.
struct DISTILLWATCH_EXPORT Moments {
  float weight = 0;
  float mean = 0;
  float squares = 0;  // weighted sum of squared deviations from the mean

  void Update(float x) noexcept;
  void Decay(float factor) noexcept { weight *= factor, squares *= factor; }
  void Merge(const Moments& other) noexcept;
  // Population standard deviation; 0 below two events.
  float deviation() const noexcept;
  bool Valid() const noexcept;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.weight, self.mean, self.squares);
  }
  friend bool operator==(const Moments&, const Moments&) = default;
};

// Gaps between successive requests of one account. Interleaved replicas do not merge: the gaps
// between their events were never seen. Merge adds the histograms of *disjoint periods or
// accounts*.
class DISTILLWATCH_EXPORT GapHistogram {
 public:
  static constexpr std::size_t kBins =
      32;  // bin i: gaps in [2^(i-1), 2^i) x 4.096 ms; bin 0: shorter

  struct Estimate {
    float log_deviation = 0;   // standard deviation of ln gap
    float pace_deviation = 0;  // the same for gaps under half an hour
    float burstiness =
        0;             // Kim and Jo's finite-size B, in [-1, 1]: -1 regular, 0 Poisson, 1 bursty
    float memory = 0;  // lag-1 correlation of ln gap, in [-1, 1]
    float entropy_nats = 0;            // of the bins
    float longest_to_median_log2 = 0;  // bins between the median gap and the longest one
    float events = 0;                  // decayed number of gaps
  };

  void Update(std::chrono::microseconds gap) noexcept;
  void Decay(float factor) noexcept;
  void Merge(const GapHistogram& other) noexcept;
  Estimate Measure() const noexcept;

  std::string Serialize() const;
  static Result<GapHistogram> Parse(std::string_view bytes);
  bool Valid() const noexcept;
  friend bool operator==(const GapHistogram&, const GapHistogram&) = default;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.bins_, self.log_gap_, self.pace_, self.gap_, self.products_, self.last_log_);
  }
  std::array<float, kBins> bins_{};
  Moments log_gap_;     // ln of gaps in seconds
  Moments pace_;        // the same, gaps under half an hour
  Moments gap_;         // gaps in seconds
  float products_ = 0;  // sum of products of successive deviations of ln gap from its mean
  float last_log_ = 0;
};

// Counts of requests in bins of one width that lie at absolute times.
class DISTILLWATCH_EXPORT ScaleCounts {
 public:
  struct Estimate {
    float dispersion = 0;  // variance over mean of the counts: 0 regular, 1 Poisson, larger bursty
    float duty = 0;        // share of bins with a request, in [0, 1]
    float quota = 0;       // share of busy bins at 85 to 100 % of the fullest one so far, in [0, 1]
    float bins = 0;        // decayed number of finished bins
  };

  // width must be the same in every call.
  void Update(Time time, std::chrono::seconds width) noexcept;
  void Decay(float factor) noexcept;
  // Adds the finished bins of disjoint accounts.
  void Merge(const ScaleCounts& other) noexcept;
  Estimate Measure() const noexcept;

  std::string Serialize() const;
  static Result<ScaleCounts> Parse(std::string_view bytes);
  bool Valid() const noexcept;
  friend bool operator==(const ScaleCounts&, const ScaleCounts&) = default;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.bin_, self.count_, self.bins_, self.busy_, self.sum_, self.squares_, self.fullest_,
       self.near_fullest_);
  }
  void Finish(float empty_bins) noexcept;
  std::int64_t bin_ = -1;                              // the open bin
  float count_ = 0;                                    // requests in it
  float bins_ = 0, busy_ = 0, sum_ = 0, squares_ = 0;  // of finished bins
  float fullest_ = 0, near_fullest_ = 0;
};

// Requests by hour of the day, UTC.
class DISTILLWATCH_EXPORT HourHistogram {
 public:
  struct Estimate {
    float entropy_nats = 0;  // in [0, ln 24]
    float idle_hours = 0;  // longest run of hours with under 1 % of the requests, around the clock
    float concentration = 0;  // length of the mean vector on the 24 h circle, in [0, 1]
  };

  void Update(Time time) noexcept;
  void Decay(float factor) noexcept;
  void Merge(const HourHistogram& other) noexcept;
  Estimate Measure() const noexcept;

  std::string Serialize() const;
  static Result<HourHistogram> Parse(std::string_view bytes);
  bool Valid() const noexcept;
  friend bool operator==(const HourHistogram&, const HourHistogram&) = default;

 private:
  friend struct wire::Access;
  template <typename Io>
  static void Fields(Io& io, auto& self) {
    io(self.hours_);
  }
  std::array<float, 24> hours_{};
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_HISTOGRAMS_H_
