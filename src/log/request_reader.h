// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// RequestReader: the fields of one request, found by a Layout, as a Record.
// Tested by  tests/log/record_test.cc, tests/log/formats_test.cc

#ifndef DISTILLWATCH_SRC_LOG_REQUEST_READER_H_
#define DISTILLWATCH_SRC_LOG_REQUEST_READER_H_

#include <simdjson.h>

#include "distillwatch/status.h"
#include "log/conversation.h"
#include "log/field_tree.h"
#include "log/layout.h"
#include "log/line_json.h"
#include "log/record.h"

namespace distillwatch::log {

// thread-compatible.
class RequestReader {
 public:
  //   Errors  as RecordReader::Read
  //   findings  by the layout
  Status Read(Findings& findings, Format format, const Layout& layout, LineJson& json,
              Record& record);

 private:
  const Findings::Value& Found(Field field) const {
    return findings_->values[static_cast<std::size_t>(field)];
  }
  Status Missing(Field field, std::string_view name) const;
  bool IsRequest() const;
  Status ReadAccount(Record& record);
  Status ReadTime(Record& record) const;
  Status ReadPrompt(LineJson& json, Record& record);
  void AddSystem(LineJson& json);
  void AddPrompt(LineJson& json);
  std::uint32_t ReadCount(Field field) const;
  void ReadAttributes(Record& record) const;

  Format format_ = Format::kAuto;
  const Layout* layout_ = nullptr;
  Findings* findings_ = nullptr;
  Conversation conversation_;
};

}  // namespace distillwatch::log

#endif  // DISTILLWATCH_SRC_LOG_REQUEST_READER_H_
