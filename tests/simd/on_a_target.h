// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
//
// What tests of kernels have in common.

#ifndef DISTILLWATCH_TESTS_SIMD_ON_A_TARGET_H_
#define DISTILLWATCH_TESTS_SIMD_ON_A_TARGET_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "simd/kernels.h"

namespace distillwatch::simd {

inline constexpr std::size_t kLongest = 257;

// An array whose last element is followed by memory that must not be touched.
template <typename T>
class AtTheEdge {
 public:
  explicit AtTheEdge(std::size_t size) : size_(size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    bytes_ = (size * sizeof(T) + page - 1) / page * page + page;
    base_ = static_cast<char*>(
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + bytes_ - page, page, PROT_NONE);
    data_ = reinterpret_cast<T*>(base_ + bytes_ - page) - size;
  }
  AtTheEdge(const AtTheEdge&) = delete;
  ~AtTheEdge() { munmap(base_, bytes_); }
  T* data() { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_, bytes_;
  char* base_;
  T* data_;
};

class OnATarget : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
};

}  // namespace distillwatch::simd

#endif  // DISTILLWATCH_TESTS_SIMD_ON_A_TARGET_H_
