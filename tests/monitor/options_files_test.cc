// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "distillwatch/options.h"

namespace distillwatch {
namespace {

TEST(OptionsFiles, AFolderIsAnErrorAndNoException) {
  for (const std::string field : {"key_file", "reference_file"}) {
    const Result<Options> options = ParseOptions(field + " = " + testing::TempDir());
    ASSERT_FALSE(options.ok());
    EXPECT_NE(options.status().message().find(field), std::string::npos);
    EXPECT_NE(options.status().message().find("cannot read"), std::string::npos)
        << options.status().message();
  }
}

TEST(OptionsFiles, AKeyIsReadWhole) {
  const std::string path = testing::TempDir() + "distillwatch_options_key";
  const std::string key = std::string(70000, 'k') + std::string("\0\n\xff", 3);
  std::ofstream(path, std::ios::binary) << key;
  const Result<Options> options = ParseOptions("key_file = " + path);
  ASSERT_TRUE(options.ok()) << options.status().message();
  EXPECT_EQ(options->key, key);
}

}  // namespace
}  // namespace distillwatch
