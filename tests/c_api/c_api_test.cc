// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "distillwatch/c.h"
#include "distillwatch/monitor.h"
#include "plain_c.h"
#include "support/alloc_guard.h"
#include "support/traffic.h"

namespace distillwatch {
namespace {

using support::kTestKey;

const std::string& ReferenceBytes() {
  static const std::string bytes = support::SmallReference().Serialize();
  return bytes;
}

constexpr std::string_view kOptions =
    "shards = 4\norigin_s = 1767225600\npromise_per_million = 50000";

distillwatch_create_args Args() {
  distillwatch_create_args args = {};
  args.size = sizeof(args);
  args.options = kOptions.data();
  args.options_bytes = kOptions.size();
  args.key = kTestKey.data();
  args.key_bytes = kTestKey.size();
  args.reference = ReferenceBytes().data();
  args.reference_bytes = ReferenceBytes().size();
  return args;
}

struct Destroy {
  void operator()(distillwatch_monitor* monitor) const { distillwatch_destroy(monitor); }
};
using Handle = std::unique_ptr<distillwatch_monitor, Destroy>;

Handle Created(const distillwatch_create_args& args = Args()) {
  distillwatch_monitor* monitor = nullptr;
  char message[256] = "";
  EXPECT_EQ(distillwatch_create(&args, &monitor, message, sizeof(message)), DISTILLWATCH_OK)
      << message;
  return Handle(monitor);
}

distillwatch_event EventOf(std::string_view account, std::string_view prompt, int minute) {
  distillwatch_event event = {};
  event.size = sizeof(event);
  event.account = account.data();
  event.account_bytes = account.size();
  event.prompt = prompt.data();
  event.prompt_bytes = prompt.size();
  event.time_us = 1767225600000000 + std::int64_t{60'000'000} * minute;
  return event;
}

std::string Explained(const Handle& monitor, std::string_view account) {
  std::string text(1 << 16, '\0');
  std::size_t needed = 0;
  EXPECT_EQ(distillwatch_explain(monitor.get(), account.data(), account.size(), text.data(),
                                 text.size(), &needed),
            DISTILLWATCH_OK);
  return text.substr(0, needed);
}

TEST(CApi, AHostInCGetsWhatAHostInCxxGets) {
  const auto snapshot = std::make_unique<PlainSnapshot>();
  distillwatch_verdict last = {};
  ASSERT_EQ(PlainHost(std::string(kTestKey).c_str(), ReferenceBytes().data(),
                      ReferenceBytes().size(), snapshot.get(), &last),
            0);
  Options options = *ParseOptions(kOptions);
  options.key = kTestKey;
  options.reference = *Reference::Parse(ReferenceBytes());
  Monitor monitor = *Monitor::Create(options);
  Verdict verdict;
  const Attribute ip = {"ip", "203.0.113.9"};
  for (int i = 0; i < 40; ++i) {
    verdict =
        monitor.Observe({.account = "a",
                         .time = support::kLogStart + std::chrono::minutes(i),
                         .prompt = "Translate word number " + std::to_string(i) + " into French.",
                         .attributes = {&ip, 1}});
  }
  EXPECT_EQ(last.level, static_cast<int>(verdict.level));
  EXPECT_EQ(last.score, verdict.score);
  EXPECT_EQ(last.p_value, verdict.p_value);
  EXPECT_EQ(last.looked, 0);
  monitor.Finish(support::kLogStart + std::chrono::minutes(39));
  EXPECT_EQ(std::string_view(snapshot->bytes, snapshot->size), monitor.Save());
}

TEST(CApi, TheErrorsOfCreateAreTold) {
  const auto told = [](const distillwatch_create_args& args, int code) {
    char message[256] = "";
    auto* monitor = reinterpret_cast<distillwatch_monitor*>(1);
    EXPECT_EQ(distillwatch_create(&args, &monitor, message, sizeof(message)), code) << message;
    EXPECT_EQ(monitor, nullptr);
    return std::string(message);
  };
  distillwatch_create_args args = Args();
  args.size = 0;
  EXPECT_EQ(told(args, DISTILLWATCH_INVALID_ARGUMENT), "args has no size");
  args = Args();
  args.options = "shards = 3";
  args.options_bytes = 10;
  EXPECT_EQ(told(args, DISTILLWATCH_INVALID_ARGUMENT),
            "line 1: shards is 3; allowed: 1 to 4096, a power of two");
  args = Args();
  args.reference_bytes -= 1;
  EXPECT_EQ(told(args, DISTILLWATCH_DATA_LOSS).substr(0, 11), "reference: ");
  args = Args();
  args.key_bytes = 16;
  EXPECT_EQ(told(args, DISTILLWATCH_FAILED_PRECONDITION),
            "the reference was learned under another key");
  args.options = "key_file = /no/such/file";
  args.options_bytes = std::strlen(args.options);
  EXPECT_EQ(told(args, DISTILLWATCH_NOT_FOUND), "line 1: key_file: cannot open '/no/such/file'");
  args = Args();
  EXPECT_EQ(distillwatch_create(&args, nullptr, nullptr, 0), DISTILLWATCH_INVALID_ARGUMENT);
  distillwatch_monitor* monitor = nullptr;
  EXPECT_EQ(distillwatch_create(nullptr, &monitor, nullptr, 0), DISTILLWATCH_INVALID_ARGUMENT);
}

TEST(CApi, AMessageIsCutToItsBuffer) {
  distillwatch_create_args args = Args();
  args.options = "shards = 3";
  args.options_bytes = 10;
  distillwatch_monitor* monitor = nullptr;
  char message[8] = {'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'};
  EXPECT_EQ(distillwatch_create(&args, &monitor, message, 5), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_STREQ(message, "line");
  EXPECT_EQ(message[5], 'x');
  EXPECT_EQ(distillwatch_create(&args, &monitor, message, 0), DISTILLWATCH_INVALID_ARGUMENT);
}

// A caller of an older version knows fewer fields; one of a newer version more.
TEST(CApi, StructsGrowWithTheirSize) {
  const Handle monitor = Created();
  distillwatch_event event = EventOf("a", "hello", 0);
  event.size = offsetof(distillwatch_event, prompt);
  distillwatch_verdict verdict = {};
  verdict.size = offsetof(distillwatch_verdict, score);
  verdict.score = 77;
  EXPECT_EQ(distillwatch_observe(monitor.get(), &event, &verdict), DISTILLWATCH_OK);
  EXPECT_EQ(verdict.score, 77) << "not ours to write";
  EXPECT_EQ(verdict.level, 0);
  EXPECT_EQ(verdict.size, offsetof(distillwatch_verdict, score)) << "nor is the size";
  std::string text(1 << 14, '\0');
  std::size_t needed = 0;
  ASSERT_EQ(distillwatch_metrics(monitor.get(), text.data(), text.size(), &needed), 0);
  EXPECT_NE(text.find("distillwatch_empty_prompts_total 1"), std::string::npos);
  struct {
    distillwatch_event event;
    char future[64];
  } newer = {EventOf("a", "hello", 1), "fields that this version does not know"};
  newer.event.size = sizeof(newer);
  EXPECT_EQ(distillwatch_observe(monitor.get(), &newer.event, nullptr), DISTILLWATCH_OK);
}

TEST(CApi, NullPointersAreInvalidArguments) {
  const Handle monitor = Created();
  distillwatch_event event = EventOf("a", "hello", 0);
  distillwatch_verdict verdict = {};
  std::size_t needed = 7;
  char buffer[4];
  EXPECT_EQ(distillwatch_observe(nullptr, &event, nullptr), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_observe(monitor.get(), nullptr, nullptr), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_observe(monitor.get(), &event, &verdict), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_explain(nullptr, "a", 1, buffer, 4, &needed),
            DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_metrics(monitor.get(), nullptr, 4, &needed),
            DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_metrics(nullptr, buffer, 4, &needed), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_finish(nullptr, 0), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_save(monitor.get(), nullptr, nullptr), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_merge(monitor.get(), nullptr, buffer, 4), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_merge(monitor.get(), monitor.get(), nullptr, 0),
            DISTILLWATCH_INVALID_ARGUMENT);
  distillwatch_destroy(nullptr);
  event.account = nullptr;
  event.account_bytes = 99;
  event.attribute_count = 99;
  EXPECT_EQ(distillwatch_observe(monitor.get(), &event, nullptr), DISTILLWATCH_OK);
  EXPECT_EQ(distillwatch_explain(monitor.get(), nullptr, 0, nullptr, 0, &needed),
            DISTILLWATCH_RESOURCE_EXHAUSTED)
      << "it is the empty account";
  EXPECT_GT(needed, 0u);
  EXPECT_EQ(distillwatch_review(nullptr, 0, nullptr), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_review_steps(nullptr, 0, 1, nullptr, nullptr),
            DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_campaigns(nullptr, nullptr, 0, nullptr), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_newest_review(nullptr, nullptr, 0, nullptr),
            DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_report_ban(nullptr, "a", 1, 0), DISTILLWATCH_INVALID_ARGUMENT);
  EXPECT_EQ(distillwatch_report_ban(monitor.get(), "never seen", 10, 0), DISTILLWATCH_NOT_FOUND);
  EXPECT_EQ(distillwatch_account_id(nullptr, "a", 1), 0u);
}

TEST(CApi, AnUnknownAccountIsNotFoundAndNeedsNothing) {
  std::size_t needed = 7;
  EXPECT_EQ(distillwatch_explain(Created().get(), "b", 1, nullptr, 0, &needed),
            DISTILLWATCH_NOT_FOUND);
  EXPECT_EQ(needed, 0u);
}

TEST(CApi, ABufferThatIsTooSmallIsNotTouched) {
  const Handle monitor = Created();
  std::size_t needed = 0;
  char small[16] = "untouched";
  EXPECT_EQ(distillwatch_metrics(monitor.get(), small, sizeof(small), &needed),
            DISTILLWATCH_RESOURCE_EXHAUSTED);
  EXPECT_STREQ(small, "untouched");
  std::vector<char> exact(needed);
  EXPECT_EQ(distillwatch_metrics(monitor.get(), exact.data(), exact.size(), nullptr),
            DISTILLWATCH_OK);
  EXPECT_EQ(exact.back(), '\n');
}

TEST(CApi, ManyAttributesAndHostileBytes) {
  const Handle monitor = Created();
  const std::vector<distillwatch_attribute> attributes(
      1000, {.name = "ip", .name_bytes = 2, .value = nullptr, .value_bytes = 5});
  distillwatch_event event = EventOf(std::string_view("\xff\0\"", 3), "x", 0);
  event.attributes = attributes.data();
  event.attribute_count = attributes.size();
  EXPECT_EQ(distillwatch_observe(monitor.get(), &event, nullptr), DISTILLWATCH_OK);
  EXPECT_EQ(Explained(monitor, std::string_view("\xff\0\"", 3)).substr(0, 32),
            R"({"account":"\ufffd\u0000\"","req)");
}

TEST(CApi, AForeignSnapshotIsRefusedAndASinkMayRefuse) {
  const Handle monitor = Created();
  EXPECT_EQ(distillwatch_save(
                monitor.get(), [](void*, const char*, std::size_t) { return 1; }, nullptr),
            DISTILLWATCH_UNAVAILABLE);
  const distillwatch_create_args args = Args();
  char message[256];
  auto* restored = reinterpret_cast<distillwatch_monitor*>(1);
  EXPECT_EQ(distillwatch_restore("junk", 4, &args, &restored, message, sizeof(message)),
            DISTILLWATCH_DATA_LOSS);
  EXPECT_STREQ(message, "these bytes do not begin with 'DWMS'");
  EXPECT_EQ(restored, nullptr);
}

// Accounts that ask within a second of each other, once an hour, around one frame.
TEST(CApi, AReviewNamesACampaign) {
  const Handle monitor = Created();
  std::size_t named = 0;
  for (int hour = 0; hour < 24 * 6; ++hour) {
    for (int a = 0; a < 12; ++a) {
      const std::string account = "account " + std::to_string(a);
      std::string prompt = "solve the task that follows step by step and end with the answer: ";
      for (int w = 0; w < 12; ++w) {
        prompt += " w" + std::to_string((hour * 7919 + a * 104729 + w * 1299709) % 99991);
      }
      const distillwatch_event event = EventOf(account, prompt, 60 * hour + hour * 37 % 50);
      ASSERT_EQ(distillwatch_observe(monitor.get(), &event, nullptr), DISTILLWATCH_OK);
    }
    std::size_t found = 0;
    if (hour % 24 == 23) {
      const std::int64_t now_us = EventOf("", "", 60 * (hour + 1)).time_us;
      int finished = 0, slices = 0;
      for (; finished == 0; ++slices) {
        ASSERT_EQ(distillwatch_review_steps(monitor.get(), now_us, 100, &found, &finished),
                  DISTILLWATCH_OK);
        named += found;
      }
      EXPECT_GT(slices, 5);
      ASSERT_EQ(distillwatch_review(monitor.get(), now_us, &found), DISTILLWATCH_OK);
    }
    named += found;
  }
  EXPECT_EQ(named, 1u);
  const std::string harvest =
      "solve the task that follows step by step and end with the answer: seven";
  for (const auto& [prompt, matches] :
       {std::pair(harvest, 1), std::pair(std::string("hello"), 0)}) {
    const distillwatch_event event = EventOf("account 3", prompt, 7999);
    distillwatch_verdict verdict = {};
    verdict.size = sizeof(verdict);
    ASSERT_EQ(distillwatch_observe(monitor.get(), &event, &verdict), DISTILLWATCH_OK);
    EXPECT_NE(verdict.campaign, 0u);
    EXPECT_EQ(verdict.matches_campaign, matches) << prompt;
  }
  EXPECT_EQ(distillwatch_report_ban(monitor.get(), "account 3", 9, EventOf("", "", 8000).time_us),
            DISTILLWATCH_OK);
  std::string json(1 << 16, '\0');
  std::size_t needed = 0;
  ASSERT_EQ(distillwatch_newest_review(monitor.get(), json.data(), json.size(), &needed),
            DISTILLWATCH_OK);
  EXPECT_EQ(json.substr(0, 24), R"({"accounts":12,"groups":)");
  EXPECT_NE(json.find(R"("interrupted":false})"), std::string::npos) << json;
  ASSERT_EQ(distillwatch_campaigns(monitor.get(), json.data(), json.size(), &needed),
            DISTILLWATCH_OK);
  json.resize(needed);
  const std::string_view account = "account 3";
  const std::uint64_t id = distillwatch_account_id(monitor.get(), account.data(), account.size());
  EXPECT_NE(json.find("\"account\":\"" + std::to_string(id) + "\""), std::string::npos) << json;
}

TEST(CApi, AKeyThatWasNotFoundIsRefused) {
  for (int field = 0; field < 3; ++field) {
    distillwatch_create_args args = {};
    args.size = sizeof(args);
    (field == 0 ? args.options_bytes : field == 1 ? args.key_bytes : args.reference_bytes) = 30;
    distillwatch_monitor* made = nullptr;
    char message[100];
    EXPECT_EQ(distillwatch_create(&args, &made, message, sizeof(message)),
              DISTILLWATCH_INVALID_ARGUMENT);
    EXPECT_NE(std::string(message).find("is null, and its size is 30"), std::string::npos);
  }
}

TEST(CApi, MayBeCalledFromManyThreads) {
  const Handle monitor = Created();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&monitor, t] {
      const std::string account = std::to_string(t);
      for (int i = 0; i < 500; ++i) {
        const distillwatch_event event = EventOf(account, "Translate, please.", i);
        EXPECT_EQ(distillwatch_observe(monitor.get(), &event, nullptr), DISTILLWATCH_OK);
      }
      EXPECT_NE(Explained(monitor, account).find("\"requests\":500"), std::string::npos);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CApiAlloc, ObserveDoesNotAllocate) {
  const Handle monitor = Created();
  const auto ask = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const distillwatch_event event = EventOf("a", "Translate, please.", i);
      distillwatch_verdict verdict = {};
      verdict.size = sizeof(verdict);
      distillwatch_observe(monitor.get(), &event, &verdict);
    }
  };
  ask(0, 40);
  const support::AllocGuard guard;
  ask(40, 200);
  EXPECT_EQ(guard.count(), 0u);
}

TEST(CApi, LevelsHaveNames) {
  EXPECT_STREQ(distillwatch_level_name(DISTILLWATCH_DISTILLING), "distilling");
  EXPECT_STREQ(distillwatch_level_name(4), "unknown");
  EXPECT_STREQ(distillwatch_level_name(-1), "unknown");
}

}  // namespace
}  // namespace distillwatch
