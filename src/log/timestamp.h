// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Timestamps: RFC 3339 and seconds, milli-, micro- and nanoseconds since 1970.
//
// The unit of a number is told by its magnitude. Seconds reach to 2200; the smaller units begin at
// 1973-03-03 (1e8 s), because below that a number of one unit is a likely number of the next:
//       0 .. 7258118400       seconds
//    1e11 .. 7258118400e3     milliseconds
//    1e14 .. 7258118400e6     microseconds
//    1e17 .. 7258118400e9     nanoseconds
// What lies between, before or behind is refused.
// Not when   the unit is known: convert it yourself.
// Tested by  tests/log/timestamp_test.cc

#ifndef DISTILLWATCH_SRC_LOG_TIMESTAMP_H_
#define DISTILLWATCH_SRC_LOG_TIMESTAMP_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "distillwatch/event.h"

namespace distillwatch::log {

// What a message says is allowed.
inline constexpr std::string_view kAllowedTimes =
    "RFC 3339 as in 2026-04-22T00:15:59.25Z, or seconds, ms, us or ns since 1970, told by "
    "magnitude, to 2199";

// Text: RFC 3339 with T, t or a space before the time of day; without an offset it is UTC, as
// several gateways write it. Or a number as below. Digits behind the microsecond are dropped.
std::optional<Time> ParseTime(std::string_view text);

// Numbers, by magnitude.
std::optional<Time> TimeOfNumber(std::int64_t number);
std::optional<Time> TimeOfNumber(double number);

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_TIMESTAMP_H_
