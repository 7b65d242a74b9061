// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Hostile bytes: what every Parse must refuse. One table of damages for all sketches.

#ifndef DISTILLWATCH_TESTS_SUPPORT_HOSTILE_H_
#define DISTILLWATCH_TESTS_SUPPORT_HOSTILE_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "distillwatch/status.h"
#include "wire/wire.h"

namespace distillwatch::support {

// `bytes` must parse and re-serialise to themselves; every truncation, every flipped bit, trailing
// bytes and another kind or version must be DataLoss.
//   parse      Result<T>(std::string_view)
//   serialize  std::string(const T&)
template <typename Parse, typename Serialize>
void ExpectOnlyTheOriginalParses(const std::string& bytes, Parse&& parse, Serialize&& serialize) {
  const auto whole = parse(bytes);
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  EXPECT_EQ(serialize(*whole), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(parse(std::string_view(bytes).substr(0, size)).status().code(), StatusCode::kDataLoss)
        << "cut to " << size;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      ASSERT_EQ(parse(damaged).status().code(), StatusCode::kDataLoss)
          << "byte " << i << ", bit " << bit;
    }
  }
  EXPECT_EQ(parse(bytes + '\0').status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(parse(std::string(bytes.size(), '\0')).status().code(), StatusCode::kDataLoss);
}

// The frame around `bytes` opened, the payload handed to `change`, and framed again with a right
// checksum: what an attacker who knows the format can write.
template <typename Change>
std::string Forge(const std::string& bytes, Change&& change) {
  constexpr std::size_t kHeader = 24, kChecksum = 8;
  wire::Kind kind{{}, 0};
  for (std::size_t i = 0; i < 4; ++i) kind.letters[i] = bytes[i];
  std::uint16_t zero = 0;
  std::uint64_t key = 0;
  wire::Reader header(std::string_view(bytes).substr(4));
  header(kind.version, zero, key);
  std::string payload = bytes.substr(kHeader, bytes.size() - kHeader - kChecksum);
  change(payload);
  return wire::Frame(kind, key, payload);
}

}  // namespace distillwatch::support

#endif  // DISTILLWATCH_TESTS_SUPPORT_HOSTILE_H_
