// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Promise: at most so many falsely flagged accounts per million benign ones in a horizon.
//
// With a share eps of harvesters among n reference accounts, flagging where p <= (1 - eps) X / 1e6
// keeps the expectation below X, whatever those harvesters do: 1 - F_reference >= (1 - eps)(1 -
// F_benign). Source     M. Bashari, A. Epstein, Y. Romano, M. Sesia, arXiv:2502.04807 (contaminated
// references). Tested by  tests/calibrate/promise_test.cc

#ifndef DISTILLWATCH_SRC_CALIBRATE_PROMISE_H_
#define DISTILLWATCH_SRC_CALIBRATE_PROMISE_H_

#include <cstdint>

#include "distillwatch/calibration.h"
#include "distillwatch/status.h"

namespace distillwatch::calibrate {

// The largest rank 1 + (reference accounts at or above) that may be flagged; 0 when none may.
//   expectation: floor(a (n + 1)).
//   with confidence 95 %: the largest k with P(Binomial(n, a) >= k) >= .95, because given the
//   reference the rate of false flags is Beta(k, n + 1 - k); of many accounts (n a (1 - a) >= 10^4)
//   up to a tenth of a standard deviation less. `promise` is in its ranges. Cost  O(10^4), whatever
//   the number of accounts
std::uint64_t MostRank(const Promise& promise, std::uint64_t accounts) noexcept;

// The smallest `per_million` that so many reference accounts can keep; above 1,000,000 when they
// can keep none.
double SmallestPerMillion(const Promise& promise, std::uint64_t accounts) noexcept;

// InvalidArgument for values out of range; FailedPrecondition, with the smallest promise that holds
// now, when the reference is too small for this one.
Status Check(const Promise& promise, std::uint64_t accounts);

}  // namespace distillwatch::calibrate

#endif  // DISTILLWATCH_SRC_CALIBRATE_PROMISE_H_
