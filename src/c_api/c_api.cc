// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The C interface over Monitor. Memory that runs out is the one exception that our own code can
// meet here; it ends as RESOURCE_EXHAUSTED.

#include "distillwatch/c.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "c_api/json.h"
#include "distillwatch/monitor.h"

struct distillwatch_monitor {
  distillwatch::Monitor monitor;
  std::mutex mutex{};
  distillwatch::Review newest{};  // of those that were run through this handle
};

namespace {

using distillwatch::Monitor;
using distillwatch::Options;
using distillwatch::Reference;
using distillwatch::Result;
using distillwatch::Status;
using distillwatch::StatusCode;
using distillwatch::Time;

static_assert(DISTILLWATCH_INVALID_ARGUMENT == static_cast<int>(StatusCode::kInvalidArgument));
static_assert(DISTILLWATCH_FAILED_PRECONDITION ==
              static_cast<int>(StatusCode::kFailedPrecondition));
static_assert(DISTILLWATCH_DATA_LOSS == static_cast<int>(StatusCode::kDataLoss));
static_assert(DISTILLWATCH_NOT_FOUND == static_cast<int>(StatusCode::kNotFound));
static_assert(DISTILLWATCH_RESOURCE_EXHAUSTED == static_cast<int>(StatusCode::kResourceExhausted));
static_assert(DISTILLWATCH_UNAVAILABLE == static_cast<int>(StatusCode::kUnavailable));
static_assert(DISTILLWATCH_DISTILLING == static_cast<int>(distillwatch::Level::kDistilling));

std::string_view View(const char* bytes, size_t size) {
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

Time TimeOf(int64_t us) {
  return Time(std::chrono::microseconds(us));
}

int Tell(const Status& status, char* message, size_t message_bytes) {
  if (message != nullptr && message_bytes > 0) {
    const size_t size = std::min(status.message().size(), message_bytes - 1);
    std::memcpy(message, status.message().data(), size);
    message[size] = '\0';
  }
  return static_cast<int>(status.code());
}

// Runs work, which returns a Status.
template <typename Work>
int Guarded(char* message, size_t message_bytes, Work&& work) noexcept {
  try {
    return Tell(work(), message, message_bytes);
  } catch (...) {
    if (message != nullptr && message_bytes > 0) message[0] = '\0';
    return DISTILLWATCH_RESOURCE_EXHAUSTED;
  }
}

// The caller's struct as far as its size goes, zeros behind; false without a size.
template <typename T>
bool Read(const T* given, T& own) {
  own = T{};
  if (given == nullptr || given->size < sizeof(given->size)) return false;
  std::memcpy(&own, given, std::min(given->size, sizeof(T)));
  return true;
}

Result<Options> OptionsOf(const distillwatch_create_args* given) {
  distillwatch_create_args args;
  if (!Read(given, args)) return distillwatch::InvalidArgument("args has no size");
  for (const auto& [name, bytes, size] :
       {std::tuple("options", args.options, args.options_bytes),
        std::tuple("key", args.key, args.key_bytes),
        std::tuple("reference", args.reference, args.reference_bytes)}) {
    // A failed lookup must not pass for a key, or a reference, that nobody wants.
    if (bytes == nullptr && size > 0) {
      return distillwatch::InvalidArgument(std::string(name) + " is null, and its size is " +
                                           std::to_string(size));
    }
  }
  Result<Options> options = distillwatch::ParseOptions(View(args.options, args.options_bytes));
  if (!options.ok()) return options;
  if (args.key != nullptr && args.key_bytes > 0) options->key = View(args.key, args.key_bytes);
  if (args.reference != nullptr && args.reference_bytes > 0) {
    Result<Reference> reference = Reference::Parse(View(args.reference, args.reference_bytes));
    if (!reference.ok())
      return Status(reference.status().code(), "reference: " + reference.status().message());
    options->reference = *std::move(reference);
  }
  return options;
}

// Makes a monitor from options by `make` and hands it out.
template <typename Make>
int HandOut(const distillwatch_create_args* args, distillwatch_monitor** monitor, char* message,
            size_t message_bytes, Make&& make) noexcept {
  if (monitor != nullptr) *monitor = nullptr;
  return Guarded(message, message_bytes, [&]() -> Status {
    if (monitor == nullptr) return distillwatch::InvalidArgument("monitor is null");
    Result<Options> options = OptionsOf(args);
    if (!options.ok()) return options.status();
    Result<Monitor> made = make(*options);
    if (!made.ok()) return made.status();
    *monitor = new distillwatch_monitor{*std::move(made)};
    return {};
  });
}

// Text that `make` gives as a Result<std::string>, into the caller's buffer.
template <typename Make>
int Fill(char* buffer, size_t capacity, size_t* needed, Make&& make) noexcept {
  if (needed != nullptr) *needed = 0;
  return Guarded(nullptr, 0, [&]() -> Status {
    if (buffer == nullptr && capacity > 0) return distillwatch::InvalidArgument("buffer is null");
    Result<std::string> text = make();
    if (!text.ok()) return text.status();
    if (needed != nullptr) *needed = text->size();
    if (text->size() > capacity) return distillwatch::ResourceExhausted("buffer is too small");
    if (!text->empty()) std::memcpy(buffer, text->data(), text->size());
    return {};
  });
}

}  // namespace

extern "C" {

const char* distillwatch_version(void) {
  return DISTILLWATCH_VERSION;
}

const char* distillwatch_level_name(int level) {
  constexpr const char* kNames[] = {"clear", "watch", "suspect", "distilling"};
  return level >= 0 && level < static_cast<int>(std::size(kNames)) ? kNames[level] : "unknown";
}

int distillwatch_create(const distillwatch_create_args* args, distillwatch_monitor** monitor,
                        char* message, size_t message_bytes) {
  return HandOut(args, monitor, message, message_bytes,
                 [](const Options& options) { return Monitor::Create(options); });
}

int distillwatch_restore(const char* saved, size_t saved_bytes,
                         const distillwatch_create_args* args, distillwatch_monitor** monitor,
                         char* message, size_t message_bytes) {
  return HandOut(args, monitor, message, message_bytes, [&](const Options& options) {
    return Monitor::Restore(View(saved, saved_bytes), options);
  });
}

void distillwatch_destroy(distillwatch_monitor* monitor) {
  delete monitor;
}

int distillwatch_observe(distillwatch_monitor* monitor, const distillwatch_event* given,
                         distillwatch_verdict* verdict) {
  distillwatch_event e;
  if (monitor == nullptr || !Read(given, e)) return DISTILLWATCH_INVALID_ARGUMENT;
  distillwatch_verdict out;
  if (verdict != nullptr && !Read(verdict, out)) return DISTILLWATCH_INVALID_ARGUMENT;
  if (e.attributes == nullptr) e.attribute_count = 0;
  return Guarded(nullptr, 0, [&]() -> Status {
    // Few are on the stack, so that the usual event allocates nothing.
    constexpr size_t kFew = 16;
    distillwatch::Attribute few[kFew];
    std::vector<distillwatch::Attribute> many;
    if (e.attribute_count > kFew) many.resize(e.attribute_count);
    distillwatch::Attribute* const attributes = many.empty() ? few : many.data();
    for (size_t i = 0; i < e.attribute_count; ++i) {
      const distillwatch_attribute& a = e.attributes[i];
      attributes[i] = {View(a.name, a.name_bytes), View(a.value, a.value_bytes)};
    }
    const distillwatch::Verdict v =
        monitor->monitor.Observe({.account = View(e.account, e.account_bytes),
                                  .time = TimeOf(e.time_us),
                                  .prompt = View(e.prompt, e.prompt_bytes),
                                  .system = View(e.system, e.system_bytes),
                                  .earlier_turns = e.earlier_turns,
                                  .model = View(e.model, e.model_bytes),
                                  .completion_tokens = e.completion_tokens,
                                  .attributes = {attributes, e.attribute_count},
                                  .prompt_tokens = e.prompt_tokens});
    if (verdict == nullptr) return {};
    out.level = static_cast<int32_t>(v.level);
    out.looked = v.looked ? 1 : 0;
    out.score = v.score;
    out.p_value = v.p_value;
    out.campaign = v.campaign;
    out.matches_campaign = v.matches_campaign ? 1 : 0;
    std::memcpy(verdict, &out, std::min(verdict->size, sizeof(out)));
    return {};
  });
}

int distillwatch_explain(const distillwatch_monitor* monitor, const char* account,
                         size_t account_bytes, char* buffer, size_t capacity, size_t* needed) {
  if (monitor == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Fill(buffer, capacity, needed, [&]() -> Result<std::string> {
    const Result<distillwatch::Explanation> e =
        monitor->monitor.Explain(View(account, account_bytes));
    if (!e.ok()) return e.status();
    return distillwatch::c_api::Json(*e);
  });
}

int distillwatch_metrics(const distillwatch_monitor* monitor, char* buffer, size_t capacity,
                         size_t* needed) {
  if (monitor == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Fill(buffer, capacity, needed,
              [&]() -> Result<std::string> { return monitor->monitor.Metrics(); });
}

int distillwatch_finish(distillwatch_monitor* monitor, int64_t now_us) {
  if (monitor == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Guarded(nullptr, 0, [&]() -> Status {
    monitor->monitor.Finish(TimeOf(now_us));
    return {};
  });
}

int distillwatch_review(distillwatch_monitor* monitor, int64_t now_us, size_t* named) {
  return distillwatch_review_steps(monitor, now_us, SIZE_MAX, named, nullptr);
}

int distillwatch_review_steps(distillwatch_monitor* monitor, int64_t now_us, size_t most_steps,
                              size_t* named, int* finished) {
  if (monitor == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Guarded(nullptr, 0, [&]() -> Status {
    distillwatch::Review review = monitor->monitor.Review(TimeOf(now_us), {}, most_steps);
    if (named != nullptr) *named = review.named.size();
    if (finished != nullptr) *finished = review.interrupted ? 0 : 1;
    const std::lock_guard lock(monitor->mutex);
    monitor->newest = std::move(review);
    return {};
  });
}

int distillwatch_newest_review(distillwatch_monitor* monitor, char* buffer, size_t capacity,
                               size_t* needed) {
  if (monitor == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Fill(buffer, capacity, needed, [&]() -> Result<std::string> {
    const std::lock_guard lock(monitor->mutex);
    return distillwatch::c_api::Json(monitor->newest);
  });
}

int distillwatch_report_ban(distillwatch_monitor* monitor, const char* account,
                            size_t account_bytes, int64_t now_us) {
  if (monitor == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Guarded(nullptr, 0, [&]() -> Status {
    return monitor->monitor.ReportBan(View(account, account_bytes), TimeOf(now_us));
  });
}

int distillwatch_campaigns(const distillwatch_monitor* monitor, char* buffer, size_t capacity,
                           size_t* needed) {
  if (monitor == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Fill(buffer, capacity, needed, [&]() -> Result<std::string> {
    return distillwatch::c_api::Json(monitor->monitor.Campaigns());
  });
}

uint64_t distillwatch_account_id(const distillwatch_monitor* monitor, const char* account,
                                 size_t account_bytes) {
  return monitor == nullptr ? 0 : monitor->monitor.AccountId(View(account, account_bytes));
}

int distillwatch_save(const distillwatch_monitor* monitor, distillwatch_sink sink, void* context) {
  if (monitor == nullptr || sink == nullptr) return DISTILLWATCH_INVALID_ARGUMENT;
  return Guarded(nullptr, 0, [&]() -> Status {
    return monitor->monitor.Save([&](std::string_view piece) -> Status {
      if (sink(context, piece.data(), piece.size()) == 0) return {};
      return distillwatch::Unavailable("the sink refused a piece");
    });
  });
}

int distillwatch_merge(distillwatch_monitor* monitor, const distillwatch_monitor* other,
                       char* message, size_t message_bytes) {
  return Guarded(message, message_bytes, [&]() -> Status {
    if (monitor == nullptr || other == nullptr)
      return distillwatch::InvalidArgument("monitor is null");
    return monitor->monitor.Merge(other->monitor);
  });
}

}  // extern "C"
