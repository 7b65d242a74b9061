// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/mend.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "text/unicode.h"

namespace distillwatch::log {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
class Mender {
 public:
  Mender(std::string_view line, std::string& out) : rest_(line), out_(out) {}

  bool Run() {
    while (!rest_.empty()) {
      Copy(std::min(rest_.find_first_of("\"-0123456789NI"), rest_.size()));
      if (rest_.empty()) break;
      if (rest_.front() == '"') {
        Copy(1);
        String();
      } else {
        Number();
      }
    }
    return mended_;
  }

 private:
  void Copy(std::size_t n) {
    out_ += rest_.substr(0, n);
    rest_.remove_prefix(n);
  }
  void Replace(std::size_t n, std::string_view by) {
    out_ += by;
    rest_.remove_prefix(n);
    mended_ = true;
  }

  // Characters that stand for themselves in a string.
  static std::size_t RunOfPlain(std::string_view text) {
    const auto end = std::find_if(text.begin(), text.end(), [](char c) {
      return c == '"' || c == '\\' || static_cast<unsigned char>(c) - 0x20u >= 0x60u;
    });
    return static_cast<std::size_t>(end - text.begin());
  }

  // Behind the opening quote; to behind the closing one.
  void String() {
    while (true) {
      Copy(RunOfPlain(rest_));
      if (rest_.empty()) return;
      const auto c = static_cast<unsigned char>(rest_.front());
      if (c == '"') return Copy(1);
      if (c == '\\') {
        Escape();
      } else if (c < 0x20) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        const char escape[] = {'\\', 'u', '0', '0', kDigits[c >> 4], kDigits[c & 15]};
        Replace(1, {escape, sizeof(escape)});
      } else {
        const auto* const p = reinterpret_cast<const unsigned char*>(rest_.data());
        const text::Decoded decoded = text::Decode(p, p + rest_.size());
        if (decoded.code_point == text::kBroken) {
          Replace(1, kReplacement);
        } else {
          Copy(decoded.size);
        }
      }
    }
  }

  // The code unit of \uXXXX at the beginning of `text`, or -1.
  static int CodeUnit(std::string_view text) {
    if (text.size() < 6 || !text.starts_with("\\u")) return -1;
    int unit = 0;
    const char* const end = text.data() + 6;
    return std::from_chars(text.data() + 2, end, unit, 16).ptr == end ? unit : -1;
  }

  void Escape() {
    const int unit = CodeUnit(rest_);
    if (unit < 0xd800 || unit > 0xdfff) return Copy(std::min<std::size_t>(2, rest_.size()));
    const int next = CodeUnit(rest_.substr(6));
    if (unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) return Copy(12);
    Replace(6, kReplacement);
  }

  void Number() {
    const std::size_t size = std::min(rest_.find_first_of(" \t\r\n,]}:\"[{"), rest_.size());
    const std::string_view token = rest_.substr(0, size);
    if (token == "NaN" || token == "Infinity" || token == "-Infinity") return Replace(size, "null");
    const char* const end = token.data() + size;
    if (Fits<std::int64_t>(token) || Fits<std::uint64_t>(token)) return Copy(size);
    double number = 0;
    const auto [behind, error] = std::from_chars(token.data(), end, number);
    if (behind != end) return Copy(size);  // not a number at all
    if (error != std::errc() || !std::isfinite(number)) return Replace(size, "null");
    Copy(size);
    // An exponent makes a floating-point number of an integer.
    if (token.find_first_of(".eE") == std::string_view::npos) Replace(0, "e0");
  }

  template <typename Integer>
  static bool Fits(std::string_view token) {
    Integer whole = 0;
    const char* const end = token.data() + token.size();
    const auto [behind, error] = std::from_chars(token.data(), end, whole);
    return behind == end && error == std::errc();
  }

  std::string_view rest_;
  std::string& out_;
  bool mended_ = false;
};

}  // namespace

bool Mend(std::string_view line, std::string& out) {
  out.clear();
  return Mender(line, out).Run();
}

}  // namespace distillwatch::log
