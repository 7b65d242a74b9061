// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// The targets beside the scalar one. Call them only where the processor was asked first
// (dispatch.cc).

#ifndef DISTILLWATCH_SRC_SIMD_TARGETS_H_
#define DISTILLWATCH_SRC_SIMD_TARGETS_H_

#include "simd/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define DISTILLWATCH_X86 1
#elif defined(__aarch64__) && defined(__GNUC__) && !defined(__AARCH64EB__)
#define DISTILLWATCH_NEON 1
#endif

namespace distillwatch::simd {

#if defined(DISTILLWATCH_X86)
const Kernels& Avx2() noexcept;
const Kernels& Avx512() noexcept;  // F, BW, DQ and VL
#endif
#if defined(DISTILLWATCH_NEON)
const Kernels& Neon() noexcept;  // which every processor of this kind has
#endif

}  // namespace distillwatch::simd

#endif  // DISTILLWATCH_SRC_SIMD_TARGETS_H_
