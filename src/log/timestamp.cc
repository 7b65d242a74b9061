// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/timestamp.h"

#include <charconv>
#include <chrono>
#include <cmath>

namespace distillwatch::log {
namespace {

using std::chrono::microseconds;

constexpr Time kEnd = std::chrono::sys_days(std::chrono::year{2200} / 1 / 1);
constexpr std::int64_t kEnd_s = kEnd.time_since_epoch().count() / 1'000'000;
constexpr std::int64_t kLeastOfSmallUnits_s = 100'000'000;
static_assert(kEnd_s == 7'258'118'400);  // as the header says

// Takes a number of exactly `digits` digits off the front.
bool TakeDigits(std::string_view& text, std::size_t digits, int& number) {
  if (text.size() < digits) return false;
  number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeDate(std::string_view& text, std::chrono::sys_days& day) {
  int y = 0, m = 0, d = 0;
  if (!TakeDigits(text, 4, y) || !Take(text, "-") || !TakeDigits(text, 2, m) || !Take(text, "-") ||
      !TakeDigits(text, 2, d)) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year(y),
                                         std::chrono::month(static_cast<unsigned>(m)),
                                         std::chrono::day(static_cast<unsigned>(d))};
  day = std::chrono::sys_days(date);
  return date.ok();
}

bool TakeTimeOfDay(std::string_view& text, microseconds& time) {
  int h = 0, m = 0, s = 0;
  if (!TakeDigits(text, 2, h) || !Take(text, ":") || !TakeDigits(text, 2, m) || !Take(text, ":") ||
      !TakeDigits(text, 2, s) || h > 23 || m > 59 || s > 60) {  // 60: a leap second
    return false;
  }
  time = std::chrono::hours(h) + std::chrono::minutes(m) + std::chrono::seconds(s);
  if (!Take(text, ".,")) return true;
  std::int64_t unit = 100'000;
  int digit = 0;
  if (!TakeDigits(text, 1, digit)) return false;
  do {
    time += microseconds(digit * unit);
    unit /= 10;
  } while (TakeDigits(text, 1, digit));
  return true;
}

// Z, +hh:mm, +hhmm or +hh; nothing is UTC.
bool TakeOffset(std::string_view& text, std::chrono::minutes& offset) {
  offset = {};
  Take(text, " ");
  if (text.empty() || text == "Z" || text == "z" || text == "UTC") {
    text = {};
    return true;
  }
  const bool west = text.front() == '-';
  int h = 0, m = 0;
  if (!Take(text, "+-") || !TakeDigits(text, 2, h)) return false;
  if (!text.empty()) {
    Take(text, ":");
    if (!TakeDigits(text, 2, m)) return false;
  }
  if (h > 23 || m > 59) return false;
  offset = std::chrono::hours(h) + std::chrono::minutes(m);
  if (west) offset = -offset;
  return true;
}

std::optional<Time> ParseDate(std::string_view text) {
  std::chrono::sys_days day;
  microseconds time_of_day{};
  std::chrono::minutes offset{};
  if (!TakeDate(text, day) || !Take(text, "Tt ") || !TakeTimeOfDay(text, time_of_day) ||
      !TakeOffset(text, offset) || !text.empty()) {
    return std::nullopt;
  }
  const Time time = day + time_of_day - offset;
  if (time < Time{} || time >= kEnd) return std::nullopt;
  return time;
}

// How many of its units make a second, if the magnitude of the number tells it.
template <typename Number>
std::optional<std::int64_t> UnitsPerSecond(Number number) {
  if (!(number >= 0)) return std::nullopt;  // NaN, too
  if (number < static_cast<Number>(kEnd_s)) return 1;
  for (const std::int64_t unit : {1'000, 1'000'000, 1'000'000'000}) {
    if (number >= static_cast<Number>(kLeastOfSmallUnits_s * unit) &&
        number < static_cast<Number>(kEnd_s * unit)) {
      return unit;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Time> TimeOfNumber(double number) {
  const std::optional<std::int64_t> unit = UnitsPerSecond(number);
  if (!unit) return std::nullopt;
  const double us = number * (1e6 / static_cast<double>(*unit));
  const Time time(microseconds(std::llround(us)));
  if (time >= kEnd) return std::nullopt;  // rounded up to it
  return time;
}

std::optional<Time> TimeOfNumber(std::int64_t number) {
  const std::optional<std::int64_t> unit = UnitsPerSecond(number);
  if (!unit) return std::nullopt;
  return Time(microseconds(*unit <= 1'000'000 ? number * (1'000'000 / *unit) : number / 1'000));
}

std::optional<Time> ParseTime(std::string_view text) {
  const char* const end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto r = std::from_chars(text.data(), end, whole);
      r.ec == std::errc() && r.ptr == end) {
    return TimeOfNumber(whole);
  }
  double number = 0;
  if (const auto r = std::from_chars(text.data(), end, number);
      r.ec == std::errc() && r.ptr == end) {
    return TimeOfNumber(number);
  }
  return ParseDate(text);
}

}  // namespace distillwatch::log
