// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/timestamp.h"

#include <gtest/gtest.h>

#include "log/reading.h"

namespace distillwatch::log {
namespace {

TEST(Timestamp, ReadsRfc3339InUtc) {
  EXPECT_EQ(ParseTime("2026-04-22T00:15:59Z"), At(1776816959));
  EXPECT_EQ(ParseTime("2026-04-22t00:15:59z"), At(1776816959));
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00Z"), At(0));
}

TEST(Timestamp, ReadsOffsets) {
  for (const char* text : {"2026-04-22T02:15:59+02:00", "2026-04-21T18:45:59-05:30",
                           "2026-04-22T02:15:59+0200", "2026-04-22 02:15:59 +02"}) {
    EXPECT_EQ(ParseTime(text), At(1776816959)) << text;
  }
}

TEST(Timestamp, ReadsFractionsToTheMicrosecond) {
  EXPECT_EQ(ParseTime("2026-04-22T00:15:59.5Z"), At(1776816959, 500000));
  EXPECT_EQ(ParseTime("2026-04-22T00:15:59.000001Z"), At(1776816959, 1));
  EXPECT_EQ(ParseTime("2026-04-22T00:15:59.123456789+00:00"), At(1776816959, 123456));
}

TEST(Timestamp, TakesATimeWithoutOffsetForUtc) {
  EXPECT_EQ(ParseTime("2026-04-22T00:15:59"), At(1776816959));
  EXPECT_EQ(ParseTime("2026-04-22 00:15:59.250000"), At(1776816959, 250000));
  EXPECT_EQ(ParseTime("2026-04-22 00:15:59 UTC"), At(1776816959));
}

TEST(Timestamp, CountsALeapSecondAsTheNext) {
  EXPECT_EQ(ParseTime("2016-12-31T23:59:60Z"), At(1483228800));
}

TEST(Timestamp, RefusesWhatIsNoDate) {
  for (const char* text : {"",
                           " ",
                           "now",
                           "2026-02-30T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-04-22T24:00:00Z",
                           "2026-04-22T00:60:00Z",
                           "2026-04-22T00:15:61Z",
                           "2026-04-22",
                           "2026-04-22T00:15Z",
                           "2026-04-22T00:15:59.Z",
                           "2026-04-22T00:15:59ZZ",
                           "2026-04-22T00:15:59+1",
                           "2026-04-22T00:15:59+24:00",
                           "2026-04-22T00:15:59+02:00x",
                           "26-04-22T00:15:59Z",
                           "2026-04-22x00:15:59Z",
                           "inf",
                           "nan",
                           "0x10",
                           "1e",
                           "--1"}) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

TEST(Timestamp, RefusesTimesBefore1970AndFrom2200) {
  EXPECT_EQ(ParseTime("1969-12-31T23:59:59Z"), std::nullopt);
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00+01:00"), std::nullopt);
  EXPECT_EQ(ParseTime("2200-01-01T00:00:00Z"), std::nullopt);
  EXPECT_EQ(ParseTime("2199-12-31T23:59:59.999999Z"), At(7258118399, 999999));
  EXPECT_EQ(TimeOfNumber(std::int64_t{-1}), std::nullopt);
  EXPECT_EQ(TimeOfNumber(-0.5), std::nullopt);
  EXPECT_EQ(TimeOfNumber(std::int64_t{7258118400}), std::nullopt);
  EXPECT_EQ(TimeOfNumber(7258118399.9999999), std::nullopt);  // rounds up to 2200
}

TEST(Timestamp, TellsTheUnitByMagnitude) {
  EXPECT_EQ(TimeOfNumber(std::int64_t{1776816959}), At(1776816959));
  EXPECT_EQ(TimeOfNumber(std::int64_t{1776816959123}), At(1776816959, 123000));
  EXPECT_EQ(TimeOfNumber(std::int64_t{1776816959123456}), At(1776816959, 123456));
  EXPECT_EQ(TimeOfNumber(std::int64_t{1776816959123456789}), At(1776816959, 123456));
  EXPECT_EQ(TimeOfNumber(1776816959.25), At(1776816959, 250000));
  EXPECT_EQ(TimeOfNumber(1776816959123.5), At(1776816959, 123500));
}

TEST(Timestamp, ReadsNumbersInText) {
  EXPECT_EQ(ParseTime("1776816959"), At(1776816959));
  EXPECT_EQ(ParseTime("1776816959.25"), At(1776816959, 250000));
  EXPECT_EQ(ParseTime("1.776816959e9"), At(1776816959));
  EXPECT_EQ(ParseTime("1776816959123456789"), At(1776816959, 123456));
}

TEST(Timestamp, RefusesNumbersWhoseUnitIsAGuess) {
  for (const std::int64_t number :
       {std::int64_t{10'000'000'000}, std::int64_t{99'999'999'999},
        std::int64_t{10'000'000'000'000}, std::int64_t{99'999'999'999'999},
        std::int64_t{10'000'000'000'000'000}, std::int64_t{99'999'999'999'999'999},
        std::int64_t{7'258'118'400'000'000'000}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(TimeOfNumber(number), std::nullopt) << number;
  }
  EXPECT_EQ(TimeOfNumber(std::int64_t{100'000'000'000}), At(100'000'000));  // the first millisecond
  EXPECT_EQ(ParseTime("123456789012345678901234567890"), std::nullopt);
}

}  // namespace
}  // namespace distillwatch::log
