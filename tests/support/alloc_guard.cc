// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "support/alloc_guard.h"

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kDefault = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

thread_local std::size_t calls = 0;

void* Allocate(std::size_t size, std::size_t alignment) noexcept {
  ++calls;
  if (alignment <= kDefault) return std::malloc(size == 0 ? 1 : size);  // faster, for benchmarks
  // aligned_alloc wants a multiple of the alignment, and no pointer may be null for size 0.
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

void* AllocateOrThrow(std::size_t size, std::size_t alignment) {
  void* const p = Allocate(size, alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

}  // namespace

namespace distillwatch::support {

AllocGuard::AllocGuard() noexcept : before_(calls) {}
std::size_t AllocGuard::count() const noexcept {
  return calls - before_;
}

}  // namespace distillwatch::support

// Every form, so that none slips past the count; the deletes must match.
void* operator new(std::size_t n) {
  return AllocateOrThrow(n, kDefault);
}
void* operator new[](std::size_t n) {
  return AllocateOrThrow(n, kDefault);
}
void* operator new(std::size_t n, std::align_val_t a) {
  return AllocateOrThrow(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
  return AllocateOrThrow(n, static_cast<std::size_t>(a));
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return Allocate(n, kDefault);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return Allocate(n, kDefault);
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return Allocate(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return Allocate(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete[](void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, const std::nothrow_t&) noexcept {
  std::free(p);
}
void operator delete[](void* p, const std::nothrow_t&) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(p);
}
