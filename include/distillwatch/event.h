// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Event: one request as a gateway sees it. Time enters the library only through it.
//
// All views need to live only for the call that takes the event; nothing of the text is kept.

#ifndef DISTILLWATCH_EVENT_H_
#define DISTILLWATCH_EVENT_H_

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

namespace distillwatch {

// Microseconds since 1970-01-01 UTC. Times before 1970 or after 2200 are moved to that border and
// counted; an event older than its account's newest is taken as simultaneous with it and counted.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

inline constexpr Time kEarliestTime{};                                // 1970
inline constexpr Time kLatestTime{std::chrono::seconds(7258118400)};  // 2200
constexpr bool InHistory(Time time) noexcept {
  return time >= kEarliestTime && time <= kLatestTime;
}

// A property of a request that accounts may share: {"ip", "203.0.113.9"}, {"payment", "card-77"}.
// Only keyed hashes of name and value are kept.
struct Attribute {
  std::string_view name{};
  std::string_view value{};
};

struct Event {
  // The key that the operator bills or bans. An empty account is a valid account of its own.
  std::string_view account{};
  Time time{};
  // What the user sent with this request: the newest user turn, or a bare prompt. Any bytes.
  std::string_view prompt{};
  // System prompt or instructions, where the host can tell them apart. Counts as template.
  std::string_view system{};
  // Earlier turns of the same conversation that the request resent; 0 for a bare prompt.
  std::uint32_t earlier_turns = 0;
  std::string_view model{};
  std::uint32_t completion_tokens = 0;  // 0: not known
  std::span<const Attribute> attributes{};
  // The size of the request where the text itself is not at hand (content-free logs), in tokens.
  std::uint32_t prompt_tokens = 0;
};

}  // namespace distillwatch

#endif  // DISTILLWATCH_EVENT_H_
