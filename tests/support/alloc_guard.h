// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// AllocGuard: counts calls of global operator new while it lives, on the thread that made it.

#ifndef DISTILLWATCH_TESTS_SUPPORT_ALLOC_GUARD_H_
#define DISTILLWATCH_TESTS_SUPPORT_ALLOC_GUARD_H_

#include <cstddef>

namespace distillwatch::support {

class AllocGuard {
 public:
  AllocGuard() noexcept;
  AllocGuard(const AllocGuard&) = delete;
  AllocGuard& operator=(const AllocGuard&) = delete;

  // Calls of operator new since the guard was made.
  std::size_t count() const noexcept;

 private:
  std::size_t before_;
};

}  // namespace distillwatch::support

#endif  // DISTILLWATCH_TESTS_SUPPORT_ALLOC_GUARD_H_
