// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Options: what a host chooses when it makes a Monitor. The defaults observe and promise nothing
// until a reference is given. Tested by  tests/monitor/options_test.cc

#ifndef DISTILLWATCH_OPTIONS_H_
#define DISTILLWATCH_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "distillwatch/calibration.h"
#include "distillwatch/campaign.h"
#include "distillwatch/custom_detector.h"
#include "distillwatch/event.h"
#include "distillwatch/export.h"
#include "distillwatch/status.h"

namespace distillwatch {

struct Options {
  // The operator's secret, at least 16 bytes. Empty: the reference's own, or else one drawn at
  // random; a snapshot keeps it.
  std::string key;

  // Learned from the operator's own traffic. Without one, accounts are scored by the shipped model,
  // p-values stay 1 and no account rises above kClear.
  std::optional<Reference> reference;
  Promise promise;

  CampaignOptions campaigns;

  // Bytes of account state; when it is full, the least suspicious idle accounts go first.
  std::size_t max_memory_bytes = std::size_t{1} << 30;  // 1 MiB to 1 PiB
  // Longer prompts are read at head and tail, and counted.
  std::size_t max_prompt_bytes = 65536;  // 256 B to 16 MiB
  // Locks; a power of two. Each needs 16 KiB of max_memory_bytes.
  std::uint32_t shards = 64;  // 1 to 4096
  // Detectors of your own; the reference must have been learned with the same ones.
  std::vector<std::shared_ptr<const CustomDetector>> detectors{};
  // Where the first horizon begins; not set: at the first event.
  std::optional<Time> origin;
};

// Reads "name = value" lines over the defaults; '#' starts a comment. Names: key_file,
// reference_file, promise_per_million, promise_contamination, promise_mode (expectation |
// confidence95), campaigns (on | off), false_campaigns, most_groups, most_accounts, infrastructure
// (names between commas), organisation, common_template_file (may recur), max_memory_bytes,
// max_prompt_bytes, shards, origin_s (seconds since 1970). Sizes take K, M, G, T (powers of 1024).
//   Errors  InvalidArgument naming line, field, value and what is allowed; NotFound for a file
DISTILLWATCH_EXPORT Result<Options> ParseOptions(std::string_view text);

// InvalidArgument for the first value out of its range.
DISTILLWATCH_EXPORT Status Check(const Options& options);

}  // namespace distillwatch

#endif  // DISTILLWATCH_OPTIONS_H_
