// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "log/record.h"

#include <algorithm>
#include <array>
#include <optional>

#include "log/json_view.h"
#include "log/layout.h"
#include "log/line_json.h"
#include "log/request_reader.h"
#include "log/shown.h"

namespace distillwatch::log {
namespace {

using simdjson::dom::element;

constexpr std::array<std::string_view, kFormats> kNames = {
    "auto", "plain",         "openai", "anthropic", "batch", "litellm",
    "otel", "openinference", "kong",   "portkey",   "envoy"};

// OTLP packs requests two lists deep, under these names.
struct Envelope {
  std::string_view outer, middle, inner;
};
constexpr Envelope kEnvelopes[] = {
    {"resourceSpans", "scopeSpans", "spans"},
    {"resourceSpans", "instrumentationLibrarySpans", "spans"},
    {"resourceLogs", "scopeLogs", "logRecords"},
};

template <typename Visit>
void ForEachIn(element object, std::string_view name, Visit&& visit) {
  element list;
  if (!object[name].get(list)) ForEachItem(list, visit);
}

// The requests of a line, in its order.
void Unpack(element root, std::vector<element>& requests) {
  requests.clear();
  const auto add = [&](element request) { requests.push_back(request); };
  if (root.is_array()) return ForEachItem(root, add);
  simdjson::dom::object fields;
  const bool is_object = !root.get(fields) && fields.size() > 0;
  const std::string_view first = is_object ? fields.begin().key() : "";
  bool packed = false;
  for (const Envelope& envelope : kEnvelopes) {
    if (first != envelope.outer) continue;  // an envelope has no fields of its own
    packed = true;
    ForEachIn(root, envelope.outer, [&](element resource) {
      ForEachIn(resource, envelope.middle,
                [&](element scope) { ForEachIn(scope, envelope.inner, add); });
    });
  }
  if (!packed) add(root);
}

// For a message: what the line has instead of what was looked for.
std::string NamesIn(element request) {
  constexpr std::size_t kShownNames = 8;
  std::string names;
  std::size_t shown = 0;
  ForEachField(request, [&](std::string_view name, element) {
    if (shown < kShownNames) names += (shown > 0 ? ", " : "") + Shown(name);
    if (shown++ == kShownNames) names += ", ...";
  });
  return shown > 0 ? names : "none";
}

}  // namespace

Result<Format> ParseFormat(std::string_view name) {
  const auto known = std::find(kNames.begin(), kNames.end(), name);
  if (known != kNames.end()) return static_cast<Format>(known - kNames.begin());
  std::string allowed;
  for (const std::string_view one : kNames) {
    allowed += (allowed.empty() ? "" : ", ") + std::string(one);
  }
  return InvalidArgument("format is " + Shown(name) + "; allowed: " + allowed);
}

std::string_view Name(Format format) {
  return kNames[static_cast<std::size_t>(format)];
}

Event Record::AsEvent(std::vector<Attribute>& storage) const {
  storage.clear();
  for (const auto& [name, value] : attributes) storage.push_back({name, value});
  return {.account = account,
          .time = time,
          .prompt = prompt,
          .system = system,
          .earlier_turns = earlier_turns,
          .model = model,
          .completion_tokens = completion_tokens,
          .attributes = storage,
          .prompt_tokens = prompt_tokens};
}

struct RecordReader::State {
  const Layout& LayoutOf(Format one) const { return *layouts[static_cast<std::size_t>(one)]; }
  // The operator's own fields make a format of lines that fit none.
  std::optional<Format> FormatOr(std::optional<Format> told) const {
    return told || !has_own_format ? told : Format::kPlain;
  }

  // Finds the fields of the request by the layout of its format, which most often is that of the
  // request before; but signs come first, and none may be missed in a string that was not opened.
  std::optional<Format> Find(element request) {
    json.CloseAll();
    if (before) {
      const Layout& layout = LayoutOf(*before);
      layout.Find(request, json, findings);
      if (format != Format::kAuto ||
          (FormatOr(signs.FormatOf(findings, layout.first_sign())) == before &&
           json.MayOpenMore())) {
        return before;
      }
      json.CloseAll();
    }
    before = FormatOr(signs.FormatOf(request, json, findings));
    if (before) LayoutOf(*before).Find(request, json, findings);
    return before;
  }

  Status ReadNext(Record& record) {
    const element request = requests[next++];
    if (!HasFields(request)) {
      return InvalidArgument(
          "the line holds no JSON object; allowed: an object, or a list of them");
    }
    const std::optional<Format> told = Find(request);
    if (!told) {
      return InvalidArgument(
          "the line is of no known format, its fields are " + NamesIn(request) +
          "; allowed: see --format, and --field account=.path for fields of your own");
    }
    return reader.Read(findings, *told, LayoutOf(*told), json, record);
  }

  Format format = Format::kAuto;
  std::optional<Format> before;  // of the request before
  bool has_own_format = false;
  Signs signs;
  std::array<std::optional<Layout>, kFormats> layouts;
  LineJson json;
  Findings findings;
  RequestReader reader;
  std::vector<element> requests;  // of the line
  std::size_t next = 0;           // of them
};

RecordReader::RecordReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;
RecordReader& RecordReader::operator=(RecordReader&&) noexcept = default;

Result<RecordReader> RecordReader::Create(Format format, const FieldPaths& fields) {
  auto state = std::make_unique<State>();
  state->format = format;
  if (format != Format::kAuto) state->before = format;
  state->has_own_format = fields.contains("account") && fields.contains("time");
  for (std::size_t i = 0; i < kFormats; ++i) {
    const auto one = static_cast<Format>(i);
    if (one == Format::kAuto || (format != Format::kAuto && one != format)) continue;
    Result<Layout> layout = Layout::Create(one, fields, state->signs);
    if (!layout.ok()) return layout.status();
    state->layouts[i] = *std::move(layout);
  }
  return RecordReader(std::move(state));
}

Status RecordReader::Read(const LineSource::Line& line, Record& record) {
  State& s = *state_;
  s.requests.clear();
  s.next = 0;
  if (line.cut) {
    return InvalidArgument("the line is longer than " + std::to_string(LineSource::kLongestLine) +
                           " bytes, which is the most that is read");
  }
  Result<element> root = s.json.Parse(line.text);
  if (!root.ok()) return root.status();
  Unpack(*root, s.requests);
  Status status = ReadNext(record);
  if (status.code() != StatusCode::kNotFound) return status;
  return NotFound("the line tells of no request to a model");
}

Status RecordReader::ReadNext(Record& record) {
  State& s = *state_;
  while (s.next < s.requests.size()) {
    Status status = s.ReadNext(record);
    if (status.code() != StatusCode::kNotFound) return status;
  }
  return NotFound("no more");  // short: it comes once a line, and must not cost an allocation
}

}  // namespace distillwatch::log
