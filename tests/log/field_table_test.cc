// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/field_table.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "log/json_path.h"

namespace distillwatch::log {
namespace {

void ExpectWellFormed(std::string_view path) {
  if (path.starts_with('~')) path.remove_prefix(1);
  EXPECT_TRUE(JsonPath::Parse(path).ok()) << path;
}

TEST(FieldTable, HoldsPathsThatAreWellFormed) {
  for (const FieldRow& row : kFieldRows) ExpectWellFormed(row.path);
  for (const PathRow& row : kAddressRows) ExpectWellFormed(row.path);
  for (const AttributeRow& row : kAttributeRows) ExpectWellFormed(row.path);
  for (const PathRow& row : kHomes) ExpectWellFormed(row.path);
  for (const PathRow& row : kIndexedPrompts) ExpectWellFormed(row.path);
  for (const SignRow& row : kSigns) {
    for (const std::string_view path : row.paths) {
      if (!path.empty()) ExpectWellFormed(path);
    }
  }
}

TEST(FieldTable, FlattenedListsEndInAName) {
  for (const PathRow& row : kIndexedPrompts) {
    const Result<JsonPath> path =
        JsonPath::Parse(row.path.substr(row.path.starts_with('~') ? 1 : 0));
    ASSERT_TRUE(path.ok());
    EXPECT_TRUE(std::holds_alternative<std::string>(path->steps().back())) << row.path;
  }
}

TEST(FieldTable, EveryFormatHasAccountTimeModelAndSize) {
  for (std::size_t i = 1; i < kFormats; ++i) {
    const Formats format = Only(static_cast<Format>(i));
    for (const Field field : {Field::kAccount, Field::kTime, Field::kModel, Field::kPromptTokens}) {
      EXPECT_TRUE(std::any_of(kFieldRows.begin(), kFieldRows.end(), [&](const FieldRow& row) {
        return row.field == field && (row.formats & format) != 0;
      })) << Name(static_cast<Format>(i));
    }
  }
}

TEST(FieldTable, EveryFormatHasASign) {
  for (std::size_t i = 1; i < kFormats; ++i) {
    EXPECT_TRUE(std::any_of(kSigns.begin(), kSigns.end(), [&](const SignRow& row) {
      return row.format == static_cast<Format>(i);
    })) << Name(static_cast<Format>(i));
  }
}

TEST(FieldTable, HasNoLineTwice) {
  std::set<std::tuple<Formats, Field, std::string_view>> seen;
  for (const FieldRow& row : kFieldRows) {
    EXPECT_TRUE(seen.insert({row.formats, row.field, row.path}).second) << row.path;
  }
}

}  // namespace
}  // namespace distillwatch::log
