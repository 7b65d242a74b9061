// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// DISTILLWATCH_EXPORT marks what a shared libdistillwatch shows; everything else is hidden.

#ifndef DISTILLWATCH_EXPORT_H_
#define DISTILLWATCH_EXPORT_H_

#if defined(_WIN32)
#define DISTILLWATCH_EXPORT
#else
#define DISTILLWATCH_EXPORT __attribute__((visibility("default")))
#endif

#endif  // DISTILLWATCH_EXPORT_H_
