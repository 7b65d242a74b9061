// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The one place that includes xxHash: header-only, so that it is not in the link interface.

#ifndef DISTILLWATCH_SRC_WIRE_XXH3_H_
#define DISTILLWATCH_SRC_WIRE_XXH3_H_

#define XXH_INLINE_ALL
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#endif  // DISTILLWATCH_SRC_WIRE_XXH3_H_
