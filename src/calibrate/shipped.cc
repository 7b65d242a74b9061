// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <string_view>

#include "distillwatch/calibration.h"

namespace distillwatch {
namespace {

#include "calibrate/shipped_reference.inc"

}  // namespace

const Reference& Reference::Shipped() {
  // Without its accounts already: no promise can stand on it [Shipped.IsNobodysReference].
  static const Reference shipped =
      Parse(std::string_view(kShippedReference, sizeof(kShippedReference) - 1)).value();
  return shipped;
}

}  // namespace distillwatch
