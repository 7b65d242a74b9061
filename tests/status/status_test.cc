// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace distillwatch {
namespace {

TEST(Status, IsOkUntilSomethingWentWrong) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().code(), StatusCode::kOk);
  EXPECT_EQ(Status().message(), "");
}

TEST(Status, EveryMakerNamesItsOwnCodeAndKeepsTheMessage) {
  const std::pair<Status, StatusCode> made[] = {
      {InvalidArgument("a"), StatusCode::kInvalidArgument},
      {FailedPrecondition("a"), StatusCode::kFailedPrecondition},
      {DataLoss("a"), StatusCode::kDataLoss},
      {NotFound("a"), StatusCode::kNotFound},
      {ResourceExhausted("a"), StatusCode::kResourceExhausted},
      {Unavailable("a"), StatusCode::kUnavailable},
  };
  for (const auto& [status, code] : made) {
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.message(), "a");
  }
}

TEST(Result, HoldsAValue) {
  Result<std::string> result = std::string("value");
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result.status().ok());
  EXPECT_EQ(*result, "value");
  EXPECT_EQ(result->size(), 5u);
  result.value() += "s";
  EXPECT_EQ(std::as_const(result).value(), "values");
}

TEST(Result, HoldsTheReasonWhyThereIsNoValue) {
  const Result<std::string> result = NotFound("no such account");
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(result.status().message(), "no such account");
}

TEST(Result, GivesAwayAValueThatOnlyMoves) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> value = *std::move(result);
  EXPECT_EQ(*value, 7);
}

#if !defined(NDEBUG)
TEST(ResultDeath, ReadingTheValueOfAFailureAsserts) {
  const Result<int> result = NotFound("none");
  EXPECT_DEATH((void)result.value(), "ok");
}

TEST(ResultDeath, AFailureMadeOfAnOkStatusAsserts) {
  EXPECT_DEATH((void)Result<int>(Status()), "ok");
}
#endif

}  // namespace
}  // namespace distillwatch
