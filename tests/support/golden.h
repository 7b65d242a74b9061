// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Golden files: the bytes of each format version, so that a changed format is seen. They lie as hex
// in the room's golden/ folder. DISTILLWATCH_WRITE_GOLDEN=1 in the environment writes those that
// are missing; one that exists is never overwritten: a new format is a new version and a new file.

#ifndef DISTILLWATCH_TESTS_SUPPORT_GOLDEN_H_
#define DISTILLWATCH_TESTS_SUPPORT_GOLDEN_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace distillwatch::support {

inline std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
    if (i % 32 == 31) out += '\n';
  }
  return out + '\n';
}

inline std::string FromHex(std::istream& in) {
  std::string bytes;
  for (char high = 0, low = 0; in >> high >> low;) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    bytes += static_cast<char>(digit(high) << 4 | digit(low));
  }
  return bytes;
}

// The bytes of golden/<name>.hex; empty, and a failure, when there is no such file.
inline std::string Golden(const std::string& name) {
  std::ifstream in(std::string(DISTILLWATCH_TEST_FILES "/golden/") + name + ".hex");
  EXPECT_TRUE(in.good()) << "no golden file '" << name << "'";
  return FromHex(in);
}

inline void ExpectGolden(const std::string& name, const std::string& bytes) {
  const std::string path = std::string(DISTILLWATCH_TEST_FILES "/golden/") + name + ".hex";
  if (std::getenv("DISTILLWATCH_WRITE_GOLDEN") != nullptr && !std::ifstream(path).good()) {
    std::ofstream(path) << Hex(bytes);
  }
  EXPECT_EQ(Hex(bytes), Hex(Golden(name)));
}

}  // namespace distillwatch::support

#endif  // DISTILLWATCH_TESTS_SUPPORT_GOLDEN_H_
