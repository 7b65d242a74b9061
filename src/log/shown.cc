// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/shown.h"

#include "text/unicode.h"

namespace distillwatch::log {
namespace {

constexpr std::size_t kLongest = 60;  // bytes

// C0, DEL, C1, and the marks that turn the direction of writing, with which a line can fake
// another.
bool IsControl(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string Shown(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "'";
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const begin = p;
  const auto* const end = p + text.size();
  while (p < end) {
    const text::Decoded c = text::Decode(p, end);
    if (static_cast<std::size_t>(p - begin) + c.size > kLongest) return out + "...'";
    if (c.code_point == text::kBroken || IsControl(c.code_point)) {
      for (std::uint32_t i = 0; i < c.size; ++i) {
        out += {'\\', 'x', kDigits[p[i] >> 4], kDigits[p[i] & 15]};
      }
    } else {
      out.append(reinterpret_cast<const char*>(p), c.size);
    }
    p += c.size;
  }
  return out + "'";
}

}  // namespace distillwatch::log
