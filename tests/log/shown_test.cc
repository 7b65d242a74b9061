// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/shown.h"

#include <gtest/gtest.h>

namespace distillwatch::log {
namespace {

TEST(Shown, QuotesText) {
  EXPECT_EQ(Shown("abc"), "'abc'");
  EXPECT_EQ(Shown(""), "''");
  EXPECT_EQ(Shown("h\xc3\xa9"), "'h\xc3\xa9'");
}

TEST(Shown, DisarmsWhatATerminalWouldObey) {
  EXPECT_EQ(Shown("\x1b[31m\n"), R"('\x1b[31m\x0a')");
  EXPECT_EQ(Shown(std::string_view("\0", 1)), R"('\x00')");
  EXPECT_EQ(Shown("\xc2\x9b"), R"('\xc2\x9b')");          // the one-character control sequence
  EXPECT_EQ(Shown("\xe2\x80\xae"), R"('\xe2\x80\xae')");  // writes from right to left
  EXPECT_EQ(Shown("\xff\xc3"), R"('\xff\xc3')");          // no UTF-8
}

TEST(Shown, StaysShort) {
  EXPECT_EQ(Shown(std::string(60, 'a')), "'" + std::string(60, 'a') + "'");
  EXPECT_EQ(Shown(std::string(1 << 20, 'a')), "'" + std::string(60, 'a') + "...'");
  EXPECT_EQ(Shown(std::string(59, 'a') + "\xc3\xa9"), "'" + std::string(59, 'a') + "...'");
}

}  // namespace
}  // namespace distillwatch::log
