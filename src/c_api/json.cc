// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "c_api/json.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace distillwatch::c_api {
namespace {

// The length of the UTF-8 character that the bytes begin with; 0 when they do not begin with one.
std::size_t CharacterAt(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (byte(0) < 0x80) return 1;
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || bytes.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  const bool surrogate = byte(0) == 0xed && byte(1) >= 0xa0;
  const bool beyond = byte(0) == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

std::string Microseconds(Time time) {
  return std::to_string(time.time_since_epoch().count());
}

// Text, for the numbers of many JSON readers are doubles.
std::string Id(std::uint64_t account) {
  return "\"" + std::to_string(account) + "\"";
}

}  // namespace

std::string Quoted(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  while (!bytes.empty()) {
    const std::size_t size = CharacterAt(bytes);
    const auto c = static_cast<unsigned char>(bytes[0]);
    if (size == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    } else {
      out += bytes.substr(0, size);
    }
    bytes.remove_prefix(size == 0 ? 1 : size);
  }
  return out + '"';
}

std::string Number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

std::string Json(const Explanation& e) {
  std::string out = "{\"account\":" + Quoted(e.account);
  out += ",\"requests\":" + std::to_string(e.requests);
  out += ",\"first_us\":" + Microseconds(e.first) + ",\"last_us\":" + Microseconds(e.last);
  out += ",\"level\":" + Quoted(Name(e.verdict.level));
  out += ",\"p_value\":" + Number(e.verdict.p_value);
  out += ",\"campaign\":" + std::to_string(e.verdict.campaign);
  out += ",\"highest_score\":" + Number(e.verdict.score);
  out += ",\"score\":" + Number(e.score) + ",\"base\":" + Number(e.base) + ",\"evidence\":[";
  for (const Evidence& piece : e.evidence) {
    if (out.back() != '[') out += ',';
    out += "{\"detector\":" + Quoted(piece.detector) + ",\"feature\":" + Quoted(piece.feature);
    out += ",\"value\":" + Number(piece.value) + ",\"place\":" + Number(piece.place);
    out += ",\"contribution\":" + Number(piece.contribution);
    out += ",\"words\":" + Quoted(piece.words) + "}";
  }
  return out + "]}";
}

std::string Json(const std::vector<Campaign>& campaigns) {
  std::string out = "[";
  for (const Campaign& c : campaigns) {
    if (out.size() > 1) out += ',';
    out += "{\"id\":" + std::to_string(c.id);
    out += ",\"first_seen_us\":" + Microseconds(c.first_seen);
    out += ",\"linked_us\":" + Microseconds(c.linked);
    out += ",\"named_us\":" + Microseconds(c.named);
    out += ",\"p_value\":" + Number(c.p_value) + ",\"frame\":" + std::to_string(c.frame);
    out += ",\"members\":[";
    for (const CampaignMember& m : c.members) {
      if (out.back() != '[') out += ',';
      out += "{\"account\":" + Id(m.account);
      out += ",\"since_us\":" + Microseconds(m.since);
      out += ",\"requests\":" + std::to_string(m.requests);
      out += ",\"matching\":" + std::to_string(m.matching);
      out += std::string(",\"by_pool\":") + (m.by_pool ? "true" : "false");
      out += std::string(",\"by_echo\":") + (m.by_echo ? "true" : "false") + "}";
    }
    out += "],\"words\":[";
    for (const std::string& words : c.words) {
      if (out.back() != '[') out += ',';
      out += Quoted(words);
    }
    out += "]}";
  }
  return out + "]";
}

std::string Json(const Review& r) {
  std::string out = "{\"accounts\":" + std::to_string(r.accounts);
  out += ",\"groups\":" + std::to_string(r.groups);
  out += ",\"waiting\":" + std::to_string(r.waiting);
  out += ",\"explained\":" + std::to_string(r.explained) + ",\"named\":[";
  const auto next = [&out] {
    if (out.back() != '[') out += ',';
  };
  for (const std::uint32_t campaign : r.named) next(), out += std::to_string(campaign);
  out += "],\"joined\":[";
  for (const auto& [account, campaign] : r.joined) {
    next();
    out += "{\"account\":" + Id(account);
    out += ",\"campaign\":" + std::to_string(campaign) + "}";
  }
  out += "],\"successors\":[";
  for (const Successor& s : r.successors) {
    next();
    out += "{\"account\":" + Id(s.account);
    out += ",\"banned\":" + Id(s.banned) + ",\"began_us\":" + Microseconds(s.began);
    out += ",\"pairs\":" + std::to_string(s.pairs) + ",\"values\":" + std::to_string(s.values);
    out += ",\"p_value\":" + Number(s.p_value) + "}";
  }
  return out + "],\"interrupted\":" + (r.interrupted ? "true" : "false") + "}";
}

}  // namespace distillwatch::c_api
