// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Shown: text of a log as a message may quote it.
//
// Log lines are hostile: a message that repeats them must neither grow with them nor carry control
// characters to the operator's terminal.
// Tested by  tests/log/shown_test.cc

#ifndef DISTILLWATCH_SRC_LOG_SHOWN_H_
#define DISTILLWATCH_SRC_LOG_SHOWN_H_

#include <string>
#include <string_view>

namespace distillwatch::log {

// In single quotes; control characters and broken UTF-8 as \xNN; after 60 bytes cut, and "..."
// said.
std::string Shown(std::string_view text);

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_SHOWN_H_
