// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include <array>
#include <cstdlib>
#include <string_view>

#include "simd/kernels.h"
#include "simd/targets.h"

namespace distillwatch::simd {
namespace {

struct Found {
  std::array<const Kernels*, 3> targets{};
  std::size_t count = 0;
  void Add(const Kernels* kernels) { targets[count++] = kernels; }
};

const Found& Targets() noexcept {
  static const Found found = [] {
    Found f;
    f.Add(&Scalar());
#if defined(DISTILLWATCH_X86)
    // Everything that the target attributes name: a virtual machine may hide any of it.
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    if (avx2) f.Add(&Avx2());
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      f.Add(&Avx512());
    }
#endif
#if defined(DISTILLWATCH_NEON)
    f.Add(&Neon());
#endif
    return f;
  }();
  return found;
}

}  // namespace

std::span<const Kernels* const> Available() noexcept {
  return {Targets().targets.data(), Targets().count};
}

const Kernels& Active() noexcept {
  static const Kernels& chosen = []() -> const Kernels& {
    const auto available = Available();
    if (const char* wish = std::getenv("DISTILLWATCH_SIMD")) {
      for (const Kernels* k : available) {
        if (std::string_view(wish) == k->name) return *k;
      }
    }
    return *available.back();
  }();
  return chosen;
}

}  // namespace distillwatch::simd
