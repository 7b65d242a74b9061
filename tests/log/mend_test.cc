// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/mend.h"

#include <gtest/gtest.h>

namespace distillwatch::log {
namespace {

constexpr char kReplaced[] = "\xef\xbf\xbd";

std::string Mended(std::string_view line) {
  std::string out;
  EXPECT_TRUE(Mend(line, out)) << line;
  return out;
}

TEST(Mend, LeavesSoundJsonAlone) {
  for (const std::string_view line :
       {R"({"a": [1, -2.5e3, "x\"y\\", "\ud83d\ude00", null, true, "h\u00e9 Ne\\ud800"]})",
        R"(9223372036854775807)", R"(-9223372036854775808)", R"(18446744073709551615)",
        R"("NaN Infinity 123456789012345678901234567890")", R"([])", R"("NaN\\")"}) {
    std::string out;
    EXPECT_FALSE(Mend(line, out)) << line;
    EXPECT_EQ(out, line);
  }
}

TEST(Mend, ReplacesLoneSurrogates) {
  EXPECT_EQ(Mended(R"("a\ud83d")"), std::string("\"a") + kReplaced + "\"");
  EXPECT_EQ(Mended(R"("\ude00b")"), std::string("\"") + kReplaced + "b\"");
  EXPECT_EQ(Mended(R"("\ud83d\ud83d\ude00")"), std::string("\"") + kReplaced + R"(\ud83d\ude00")");
  EXPECT_EQ(Mended(R"("\ud83d\n")"), std::string("\"") + kReplaced + R"(\n")");
}

TEST(Mend, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(Mended("\"a\xff z\""), std::string("\"a") + kReplaced + " z\"");
  EXPECT_EQ(Mended("\"\xc3\""), std::string("\"") + kReplaced + "\"");
}

TEST(Mend, EscapesControlCharactersInStrings) {
  EXPECT_EQ(Mended(std::string_view("\"a\tb\0c\"", 7)), R"("a\u0009b\u0000c")");
}

TEST(Mend, MakesLongIntegersFloatingPoint) {
  EXPECT_EQ(Mended(R"({"seed":123456789012345678901234567890})"),
            R"({"seed":123456789012345678901234567890e0})");
  EXPECT_EQ(Mended("[18446744073709551616]"), "[18446744073709551616e0]");
}

TEST(Mend, MakesNullOfWhatIsNoNumber) {
  EXPECT_EQ(Mended(R"({"a":NaN,"b":-Infinity,"c":Infinity,"d":1e999})"),
            R"({"a":null,"b":null,"c":null,"d":null})");
}

TEST(Mend, EndsWithTheLineWhereverItIsCut) {
  constexpr std::string_view kLine = R"({"a":"\ud83d\ude00","b":-1.5e7,"c":Infinity})";
  for (std::size_t size = 0; size <= kLine.size(); ++size) {
    std::string out;
    Mend(kLine.substr(0, size), out);
    EXPECT_GE(out.size() + 12, size);
  }
}

}  // namespace
}  // namespace distillwatch::log
