// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "distillwatch/options.h"

#include <array>
#include <bit>
#include <charconv>
#include <fstream>
#include <functional>
#include <vector>

#include "campaign/infrastructure.h"
#include "distillwatch/shingler.h"
#include "monitor/custom.h"

namespace distillwatch {
namespace {

constexpr std::size_t kLeastMemory = std::size_t{1} << 20, kMostMemory = std::size_t{1} << 50;
constexpr std::uint32_t kMostShards = 4096;
constexpr std::uint64_t kLatestOrigin_s =
    std::chrono::duration_cast<std::chrono::seconds>(kLatestTime.time_since_epoch()).count();
constexpr std::size_t kLeastShardBytes = 16384;  // three full accounts and some lite ones
constexpr std::size_t kMostFileBytes = std::size_t{1} << 28;

Status OutOfRange(std::string_view field, const std::string& value, const std::string& allowed) {
  return InvalidArgument(std::string(field) + " is " + value + "; allowed: " + allowed);
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<std::string> ReadFile(std::string_view field, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound(std::string(field) + ": cannot open '" + path + "'");
  // By read(), because a buffer's iterators throw where a file cannot be read, as a folder.
  std::string bytes;
  std::array<char, 65536> chunk;
  while (bytes.size() <= kMostFileBytes && (file.read(chunk.data(), chunk.size()), file.gcount()))
    bytes.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return NotFound(std::string(field) + ": cannot read '" + path + "'");
  if (bytes.size() > kMostFileBytes)
    return OutOfRange(field, std::to_string(bytes.size()) + " bytes", "256 MiB");
  return bytes;
}

Result<double> Number(std::string_view field, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return OutOfRange(field, "'" + std::string(text) + "'", "a number");
  }
  return value;
}

Result<std::uint64_t> Size(std::string_view field, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t known = unit.size() == 1 ? kUnits.find(unit[0]) : std::string_view::npos;
  const std::size_t power = unit.empty()                      ? 0
                            : known != std::string_view::npos ? known + 1
                                                              : std::string_view::npos;
  if (error != std::errc() || power > kUnits.size() || value > kMostMemory >> (10 * power)) {
    return OutOfRange(field, "'" + std::string(text) + "'",
                      "a whole number, with K, M, G or T for powers of 1024");
  }
  return value << (10 * power);
}

// Between commas.
std::vector<std::string> Names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (const std::string_view name = Trim(text.substr(0, end)); !name.empty())
      names.emplace_back(name);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

Status SetField(std::string_view name, std::string_view value, Options& options) {
  const auto set = [](auto result, auto& field) -> Status {
    if (!result.ok()) return result.status();
    field = static_cast<std::remove_reference_t<decltype(field)>>(*std::move(result));
    return {};
  };
  if (name == "key_file") {
    const Status status = set(ReadFile(name, std::string(value)), options.key);
    // An empty key would mean one drawn at random.
    if (status.ok() && options.key.empty()) return OutOfRange(name, "empty", "at least 16 bytes");
    return status;
  }
  if (name == "reference_file") {
    Result<std::string> bytes = ReadFile(name, std::string(value));
    if (!bytes.ok()) return bytes.status();
    Result<Reference> reference = Reference::Parse(*bytes);
    if (!reference.ok())
      return {reference.status().code(), "reference_file: " + reference.status().message()};
    options.reference = *std::move(reference);
    return {};
  }
  if (name == "promise_per_million") return set(Number(name, value), options.promise.per_million);
  if (name == "promise_contamination")
    return set(Number(name, value), options.promise.contamination);
  if (name == "promise_mode") {
    if (value == "expectation")
      options.promise.mode = Promise::Mode::kExpectation;
    else if (value == "confidence95")
      options.promise.mode = Promise::Mode::kConfidence95;
    else
      return OutOfRange(name, "'" + std::string(value) + "'", "expectation, confidence95");
    return {};
  }
  if (name == "campaigns") {
    if (value != "on" && value != "off")
      return OutOfRange(name, "'" + std::string(value) + "'", "on, off");
    options.campaigns.enabled = value == "on";
    return {};
  }
  if (name == "false_campaigns") return set(Number(name, value), options.campaigns.false_campaigns);
  if (name == "most_groups") return set(Size(name, value), options.campaigns.most_groups);
  if (name == "most_accounts") return set(Size(name, value), options.campaigns.most_accounts);
  if (name == "infrastructure") {
    options.campaigns.infrastructure = Names(value);
    return {};
  }
  if (name == "organisation") {
    options.campaigns.organisation = value;
    return {};
  }
  if (name == "common_template_file") {
    Result<std::string> text = ReadFile(name, std::string(value));
    if (!text.ok()) return text.status();
    options.campaigns.common_templates.push_back(*std::move(text));
    return {};
  }
  if (name == "max_memory_bytes") return set(Size(name, value), options.max_memory_bytes);
  if (name == "max_prompt_bytes") return set(Size(name, value), options.max_prompt_bytes);
  if (name == "origin_s") {
    Result<std::uint64_t> seconds = Size(name, value);
    if (!seconds.ok()) return seconds.status();
    // Before it becomes microseconds, which would not fit.
    if (*seconds > kLatestOrigin_s)
      return OutOfRange(name, std::to_string(*seconds), "0 to " + std::to_string(kLatestOrigin_s));
    options.origin = Time(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
    return {};
  }
  if (name == "shards") {
    Result<std::uint64_t> shards = Size(name, value);
    if (shards.ok() && *shards > kMostShards)
      return OutOfRange(name, std::string(value), "1 to 4096, a power of two");
    return set(std::move(shards), options.shards);
  }
  return InvalidArgument(
      "'" + std::string(name) +
      "' is not an option; allowed: key_file, reference_file, promise_per_million, "
      "promise_contamination, promise_mode, campaigns, false_campaigns, most_groups, "
      "most_accounts, infrastructure, organisation, common_template_file, max_memory_bytes, "
      "max_prompt_bytes, shards, origin_s");
}

Status CheckEach(const Options& o) {
  if (!o.key.empty() && o.key.size() < 16) {
    return OutOfRange("key", std::to_string(o.key.size()) + " bytes long",
                      "at least 16 bytes, or none");
  }
  if (!(o.promise.per_million > 0 && o.promise.per_million <= 1e6)) {
    return OutOfRange("promise_per_million", std::to_string(o.promise.per_million),
                      "above 0 to 1000000");
  }
  if (!(o.promise.contamination >= 0 && o.promise.contamination < 0.5)) {
    return OutOfRange("promise_contamination", std::to_string(o.promise.contamination),
                      "0 to below 0.5");
  }
  const CampaignOptions& c = o.campaigns;
  if (!(c.false_campaigns > 0 && c.false_campaigns <= 1000)) {
    return OutOfRange("false_campaigns", std::to_string(c.false_campaigns), "above 0 to 1000");
  }
  if (c.most_groups < 1 || c.most_groups > 4096) {
    return OutOfRange("most_groups", std::to_string(c.most_groups), "1 to 4096");
  }
  if (c.most_accounts < 16 || c.most_accounts > std::size_t{1} << 28) {
    return OutOfRange("most_accounts", std::to_string(c.most_accounts), "16 to 268435456");
  }
  if (c.infrastructure.size() > campaign::RequestInfrastructure::kMost) {
    return OutOfRange("infrastructure", std::to_string(c.infrastructure.size()) + " names",
                      "at most 8");
  }
  if (c.common_templates.size() > 256) {
    return OutOfRange("common_templates", std::to_string(c.common_templates.size()) + " texts",
                      "at most 256");
  }
  if (o.max_memory_bytes < kLeastMemory || o.max_memory_bytes > kMostMemory) {
    return OutOfRange("max_memory_bytes", std::to_string(o.max_memory_bytes),
                      "1048576 to 1125899906842624");
  }
  if (o.max_prompt_bytes < Shingler::kLeastPromptBytes ||
      o.max_prompt_bytes > Shingler::kMostPromptBytes) {
    return OutOfRange("max_prompt_bytes", std::to_string(o.max_prompt_bytes), "256 to 16777216");
  }
  if (!std::has_single_bit(o.shards) || o.shards > kMostShards) {
    return OutOfRange("shards", std::to_string(o.shards), "1 to 4096, a power of two");
  }
  if (o.origin && !InHistory(*o.origin)) {
    return OutOfRange("origin", std::to_string(o.origin->time_since_epoch().count()) + " us",
                      "1970 to 2200");
  }
  return {};
}

}  // namespace

Status Check(const Options& o) {
  if (Status status = CheckEach(o); !status.ok()) return status;
  if (Status status = monitor::Check(o.detectors); !status.ok()) return status;
  if (o.max_memory_bytes / o.shards < kLeastShardBytes) {
    return OutOfRange("shards", std::to_string(o.shards),
                      "at most " + std::to_string(o.max_memory_bytes / kLeastShardBytes) +
                          " for max_memory_bytes " + std::to_string(o.max_memory_bytes) + " (" +
                          std::to_string(kLeastShardBytes) + " bytes each)");
  }
  return {};
}

Result<Options> ParseOptions(std::string_view text) {
  Options options;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    std::string_view row = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    row = Trim(row.substr(0, row.find('#')));
    if (row.empty()) continue;
    const auto equals = row.find('=');
    Status status =
        equals == std::string_view::npos
            ? InvalidArgument("'" + std::string(row) + "' is not of the form name = value")
            : SetField(Trim(row.substr(0, equals)), Trim(row.substr(equals + 1)), options);
    // What does not go together is seen at the end; what is wrong by itself, on its line.
    if (status.ok()) status = CheckEach(options);
    if (!status.ok())
      return Status(status.code(), "line " + std::to_string(line) + ": " + status.message());
  }
  if (Status status = Check(options); !status.ok()) return status;
  return options;
}

}  // namespace distillwatch
