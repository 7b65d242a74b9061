// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/options.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <string>

#include "small_monitor.h"

namespace distillwatch {
namespace {

// A file that lives as long as the test.
class File {
 public:
  File(const std::string& name, const std::string& bytes)
      : path_(testing::TempDir() + "distillwatch_options_" + name) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~File() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string Refusal(std::string_view text) {
  const Result<Options> options = ParseOptions(text);
  return options.ok() ? "" : options.status().message();
}

TEST(ParseOptions, EmptyTextGivesTheDefaults) {
  const Result<Options> options = ParseOptions("\n# nothing\n \t \r\n");
  ASSERT_TRUE(options.ok());
  const Options defaults;
  EXPECT_EQ(options->key, "");
  EXPECT_FALSE(options->reference.has_value());
  EXPECT_FALSE(options->origin.has_value());
  EXPECT_EQ(options->promise.per_million, defaults.promise.per_million);
  EXPECT_EQ(options->max_memory_bytes, std::size_t{1} << 30);
  EXPECT_EQ(options->max_prompt_bytes, 65536u);
  EXPECT_EQ(options->shards, 64u);
}

TEST(ParseOptions, ReadsEveryField) {
  const std::string key("0123456789abcdef\0\n binary ", 26);
  const File key_file("key", key);
  const File reference_file("reference", ReferenceOf(std::chrono::hours(720)).Serialize());
  const Result<Options> options =
      ParseOptions("key_file = " + key_file.path() + "\nreference_file=" + reference_file.path() +
                   " # a comment\r\n"
                   "promise_per_million = 250.5\n"
                   "promise_contamination = 0.01\n"
                   "promise_mode = confidence95\n"
                   "max_memory_bytes = 3G\n"
                   "\tmax_prompt_bytes\t=\t16K\t\n"
                   "origin_s = 1767225600\n"
                   "shards = 256");
  ASSERT_TRUE(options.ok()) << options.status().message();
  EXPECT_EQ(options->key, key);
  ASSERT_TRUE(options->reference.has_value());
  EXPECT_EQ(options->reference->Serialize(), ReferenceOf(std::chrono::hours(720)).Serialize());
  EXPECT_EQ(options->promise.per_million, 250.5);
  EXPECT_EQ(options->promise.contamination, 0.01);
  EXPECT_EQ(options->promise.mode, Promise::Mode::kConfidence95);
  EXPECT_EQ(options->max_memory_bytes, std::size_t{3} << 30);
  EXPECT_EQ(options->max_prompt_bytes, 16384u);
  EXPECT_EQ(options->shards, 256u);
  EXPECT_EQ(options->origin, support::kLogStart);
}

TEST(ParseOptions, SizesTakeUnits) {
  const auto memory = [](const std::string& value) {
    return ParseOptions("max_memory_bytes = " + value)->max_memory_bytes;
  };
  EXPECT_EQ(memory("1048576"), std::size_t{1} << 20);
  EXPECT_EQ(memory("1024K"), std::size_t{1} << 20);
  EXPECT_EQ(memory("7M"), std::size_t{7} << 20);
  EXPECT_EQ(memory("1024T"), std::size_t{1} << 50);
}

TEST(ParseOptions, MessagesNameLineFieldValueAndWhatIsAllowed) {
  EXPECT_EQ(Refusal("shards = 64\n\nbogus = 1").substr(0, 59),
            "line 3: 'bogus' is not an option; allowed: key_file, refere");
  EXPECT_EQ(Refusal("shards"), "line 1: 'shards' is not of the form name = value");
  EXPECT_EQ(Refusal("promise_mode = maybe"),
            "line 1: promise_mode is 'maybe'; allowed: expectation, confidence95");
  EXPECT_EQ(Refusal("promise_per_million = many"),
            "line 1: promise_per_million is 'many'; allowed: a number");
  EXPECT_EQ(Refusal("max_memory_bytes = 1X"),
            "line 1: max_memory_bytes is '1X'; allowed: a whole number, with K, M, G or T for "
            "powers of 1024");
  EXPECT_EQ(Refusal("key_file = /no/such/file"), "line 1: key_file: cannot open '/no/such/file'");
  EXPECT_EQ(ParseOptions("key_file = /no/such/file").status().code(), StatusCode::kNotFound);
  const File damaged("damaged", "not a reference");
  EXPECT_EQ(Refusal("reference_file = " + damaged.path()).substr(0, 24),
            "line 1: reference_file: ");
  EXPECT_EQ(ParseOptions("reference_file = " + damaged.path()).status().code(),
            StatusCode::kDataLoss);
}

TEST(ParseOptions, ValuesOutOfRangeAreRefused) {
  for (const char* line : {"promise_per_million = 0",
                           "promise_per_million = -1",
                           "promise_per_million = 1000001",
                           "promise_per_million = nan",
                           "promise_per_million = inf",
                           "promise_contamination = 0.5",
                           "promise_contamination = -0.1",
                           "promise_contamination = nan",
                           "max_memory_bytes = 1048575",
                           "max_memory_bytes = 1025T",
                           "max_memory_bytes = -1",
                           "max_memory_bytes = 1e9",
                           "max_memory_bytes = 99999999999999999999",
                           "max_prompt_bytes = 255",
                           "max_prompt_bytes = 17M",
                           "shards = 0",
                           "shards = 3",
                           "shards = 8192",
                           "shards = 4G",
                           "shards = 4294967297",
                           "shards =",
                           "promise_mode =",
                           "origin_s = -1",
                           "origin_s = 99999999999",
                           "origin_s = 167225600M"}) {
    const Result<Options> options = ParseOptions(line);
    ASSERT_FALSE(options.ok()) << line;
    EXPECT_EQ(options.status().code(), StatusCode::kInvalidArgument) << line;
    EXPECT_NE(options.status().message().find("allowed: "), std::string::npos) << line;
    EXPECT_NE(options.status().message().find("line 1: "), std::string::npos)
        << line << ": " << options.status().message();
  }
}

TEST(ParseOptions, AKeyThatIsTooShortIsRefusedWithItsLine) {
  const File key_file("short_key", "15 bytes, no mo");
  EXPECT_EQ(Refusal("\nkey_file = " + key_file.path()),
            "line 2: key is 15 bytes long; allowed: at least 16 bytes, or none");
  const File empty("empty_key", "");
  EXPECT_EQ(Refusal("key_file = " + empty.path()),
            "line 1: key_file is empty; allowed: at least 16 bytes");
}

TEST(Check, NamesTheFirstValueOutOfItsRange) {
  Options options;
  EXPECT_TRUE(Check(options).ok());
  options.shards = 7;
  EXPECT_EQ(Check(options).message(), "shards is 7; allowed: 1 to 4096, a power of two");
  options.max_memory_bytes = 10;
  EXPECT_EQ(Check(options).message(),
            "max_memory_bytes is 10; allowed: 1048576 to 1125899906842624");
  options.promise.per_million = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Check(options).message(), "promise_per_million is nan; allowed: above 0 to 1000000");
  options.key = "short";
  EXPECT_EQ(Check(options).message(), "key is 5 bytes long; allowed: at least 16 bytes, or none");
}

// A shard must hold a few full accounts, or it forgets all but its last.
TEST(Check, MoreShardsNeedMoreMemory) {
  Options options;
  options.max_memory_bytes = std::size_t{1} << 20;
  options.shards = 64;
  EXPECT_TRUE(Check(options).ok());
  options.shards = 128;
  EXPECT_EQ(Check(options).message(),
            "shards is 128; allowed: at most 64 for max_memory_bytes 1048576 (16384 bytes each)");
  options.max_memory_bytes = std::size_t{1} << 26;
  options.shards = 4096;
  EXPECT_TRUE(Check(options).ok());
}

TEST(Check, AnOriginOutsideHistoryIsRefused) {
  Options options;
  options.origin = kLatestTime + std::chrono::seconds(1);
  EXPECT_EQ(Check(options).code(), StatusCode::kInvalidArgument);
  options.origin = Time() - std::chrono::seconds(1);
  EXPECT_EQ(Check(options).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace distillwatch
