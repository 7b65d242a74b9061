// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// Mend: JSON that a strict parser refuses, but that gateways write.
//
// A line that cannot be read is a request that is not seen, so whatever a client can bring a
// gateway to write must be readable, or it is a way to hide: half a surrogate pair, bytes that are
// not UTF-8, an integer of thirty digits, NaN. Python's, JavaScript's and Go's writers pass some of
// these on. Not when   the line parses as it is: it costs a copy. Tested by tests/log/mend_test.cc,
// tests/fuzz/log_fuzz.cc

#ifndef DISTILLWATCH_SRC_LOG_MEND_H_
#define DISTILLWATCH_SRC_LOG_MEND_H_

#include <string>
#include <string_view>

namespace distillwatch::log {

// Writes the line to `out`, where broken UTF-8 and lone surrogates became U+FFFD, control
// characters in strings their escapes, integers past 64 bits floating-point numbers, and numbers
// past double's range, NaN and Infinity null. What is not JSON for other reasons stays so.
//   Returns   whether anything was mended
bool Mend(std::string_view line, std::string& out);

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_MEND_H_
