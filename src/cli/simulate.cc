// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "cli/commands.h"

namespace distillwatch::cli {
int Simulate(const SimulateOptions&) {
  return Trouble("not built yet");
}
}  // namespace distillwatch::cli
