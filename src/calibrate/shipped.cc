// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <cstdint>
#include <memory>
#include <string_view>

#include "calibrate/reference_content.h"
#include "distillwatch/calibration.h"

namespace distillwatch {
namespace {

#include "calibrate/shipped_reference.inc"

}  // namespace

const Reference& Reference::Shipped() {
  static const Reference shipped = [] {
    const std::string_view bytes(reinterpret_cast<const char*>(kShippedReference),
                                 kShippedReferenceBytes);
    Result<Reference> parsed = Parse(bytes);
    auto content = std::make_shared<calibrate::ReferenceContent>(parsed.value().content());
    // It is nobody's reference: no account of it calibrates anything.
    content->histogram = {};
    content->key_id = 0;
    content->key.clear();
    return Reference(std::move(content));
  }();
  return shipped;
}

}  // namespace distillwatch
