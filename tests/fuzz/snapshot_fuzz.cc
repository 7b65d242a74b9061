// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a monitor's snapshot: as they are, and cut into frames whose checksums are made
// right, which is what a forger would write. What is taken must serve, save itself, come back the
// same, and merge.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/reference_content.h"
#include "distillwatch/custom_detector.h"
#include "distillwatch/monitor.h"
#include "monitor/engine.h"
#include "score/ranks.h"
#include "wire/wire.h"

namespace {

using namespace distillwatch;  // NOLINT: a fuzz target is one page

void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// The smallest reference that a monitor takes: one leaf, a few accounts.
Reference TinyReference() {
  auto content = std::make_shared<calibrate::ReferenceContent>();
  for (const auto& name : monitor::FeatureNames())
    content->feature_names.emplace_back(name.spec.name);
  const std::size_t features = content->feature_names.size();
  score::Look look{.account = 1, .requests = 16, .features = std::vector<float>(features, 0.5f)};
  const score::Look* looks[] = {&look};
  content->ranks = score::Ranks::Learn(looks, features);
  content->model = score::Model(features, {score::Tree{{score::Node{.value = 1}}}}, {});
  for (int i = 0; i < 50; ++i) content->histogram.Add(i * 1000);
  content->horizon_s = 86400;
  return Reference(std::move(content));
}

const Options& Given() {
  static const Options options = [] {
    Options o;
    o.key = "a key that only fuzzing uses";
    o.reference = TinyReference();
    o.promise.per_million = 100'000;
    o.max_memory_bytes = std::size_t{1} << 20;
    o.shards = 1;
    return o;
  }();
  return options;
}

void Use(Monitor& monitor) {
  for (int i = 0; i < 40; ++i) {
    const std::string account(1, static_cast<char>('a' + i % 2));
    const Verdict verdict =
        monitor.Observe({.account = account,
                         .time = Time(std::chrono::seconds(1767225600 + 4000 * i)),
                         .prompt = "is this the way to " + std::to_string(i)});
    Expect(verdict.score >= -8 && verdict.score <= 24, "scores are bounded");
    const Result<Explanation> e = monitor.Explain(account);
    Expect(e.ok(), "an account that was just seen is known");
  }
  monitor.Finish(Time(std::chrono::hours(500'000)));
  Expect(!monitor.Metrics().empty(), "there are metrics");
}

// It takes much longer than all else, so that only who has a campaign has one.
void ReviewCampaigns(Monitor& monitor) {
  if (monitor.Campaigns().empty()) return;
  const Review review = monitor.Review(Time(std::chrono::seconds(1767225600 + 4000 * 40)));
  Expect(!review.interrupted, "a review comes to its end");
  for (const Campaign& campaign : monitor.Campaigns())
    Expect(!campaign.words.empty(), "a campaign has evidence");
}

void Try(std::string_view bytes) {
  Result<Monitor> restored = Monitor::Restore(bytes, Given());
  Expect(restored.ok() || !restored.status().message().empty(), "a refusal says why");
  if (!restored.ok()) return;
  const std::string saved = restored->Save();
  Result<Monitor> again = Monitor::Restore(saved, Given());
  Expect(again.ok() && again->Save() == saved, "what was taken comes back the same");
  Expect(restored->Statistics().state_bytes <= Given().max_memory_bytes + 65536,
         "memory is bounded by the options");
  Use(*restored);
  Use(*again);
  const Status merged = restored->Merge(*again);
  Expect(merged.ok(), ("two of a kind merge; " + merged.message()).c_str());
  Use(*restored);
  ReviewCampaigns(*restored);
}

// The frames that the bytes claim, with right checksums and counts; the key's id is ours.
std::string Mended(std::string_view bytes, std::uint64_t key_id) {
  constexpr std::size_t kHeader = 24, kChecksum = 8;
  std::string out;
  std::uint64_t frames = 0;
  while (bytes.size() >= kHeader + kChecksum) {
    wire::Kind kind{{}, 0};
    for (std::size_t i = 0; i < 4; ++i) kind.letters[i] = bytes[i];
    wire::Reader header(bytes.substr(4));
    std::uint16_t zero = 0;
    std::uint64_t key = 0, length = 0;
    header(kind.version, zero, key, length);
    if (kind.name() == "DWME") break;
    length = std::min<std::uint64_t>(length, bytes.size() - kHeader - kChecksum);
    std::string payload(bytes.substr(kHeader, length));
    if (kind.name() == "DWMS" && payload.size() >= 8)
      payload.replace(0, 8, reinterpret_cast<const char*>(&key_id), 8);
    out += wire::Frame(kind, key == 0 ? 0 : key_id, payload);
    ++frames;
    bytes.remove_prefix(kHeader + length + kChecksum);
  }
  wire::Writer end;
  end(frames);
  return out + wire::Frame({{"DWME"}, 1}, 0, end.bytes());
}

void Write(const Monitor& monitor, const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return;
  const std::string saved = monitor.Save();
  std::fwrite(saved.data(), 1, saved.size(), file);
  std::fclose(file);
}

void WriteCorpus(const std::string& folder) {
  for (const int events : {0, 1, 20, 200}) {
    Monitor monitor = *Monitor::Create(Given());
    for (int i = 0; i < events; ++i) {
      monitor.Observe({.account = std::string_view("abcdefgh").substr(i % 7 == 0 ? i % 8 : 0, 1),
                       .time = Time(std::chrono::seconds(1767225600 + 977 * i)),
                       .prompt = "tell me about number " + std::to_string(i * i),
                       .model = i > 100 ? "new" : "old"});
    }
    Write(monitor, folder + "/" + std::to_string(events) + "_events");
  }
  // Six accounts with a frame, a pool and prompts that come again; one of them is banned.
  Options options = Given();
  options.campaigns.false_campaigns = 1000;
  options.campaigns.most_groups = 1;
  Monitor monitor = *Monitor::Create(options);
  for (int i = 0; i < 300; ++i) {
    const Time time(std::chrono::seconds(1767225600 + 600 * (i / 2)));
    const std::string ip = std::to_string(i % 5), payment = std::to_string(i % 3);
    const Attribute attributes[] = {{"ip", ip}, {"payment", payment}};
    monitor.Observe({.account = std::string_view("abcdef").substr(i % 6, 1),
                     .time = time,
                     .prompt = "Explain in full, with all the steps that lead to it, the number " +
                               std::to_string(i / 2 * 7919) + " and do not shorten the answer.",
                     .attributes = attributes});
    if (i == 250) Expect(monitor.ReportBan("a", time).ok(), "it is known");
    if (i % 30 == 29) monitor.Review(time);
  }
  Write(monitor, folder + "/linked");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::uint64_t key_id = Monitor::Create(Given())->key_id();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Run with this variable and any input.
  if (const char* const folder = std::getenv("DISTILLWATCH_WRITE_CORPUS")) WriteCorpus(folder);
  Try(bytes);
  Try(Mended(bytes, key_id));
  return 0;
}
