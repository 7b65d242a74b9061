/* Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
 *
 * A host in C, for a test in C++ to run. */
#ifndef DISTILLWATCH_TESTS_C_API_PLAIN_C_H_
#define DISTILLWATCH_TESTS_C_API_PLAIN_C_H_

#include <stddef.h>

#include "distillwatch/c.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  size_t size;
  char bytes[1 << 20];
} PlainSnapshot;

/* 0, or the number of the step that failed. last: the verdict on its last event. */
int PlainHost(const char* key, const char* reference, size_t reference_bytes,
              PlainSnapshot* snapshot, distillwatch_verdict* last);

#ifdef __cplusplus
}
#endif

#endif /* DISTILLWATCH_TESTS_C_API_PLAIN_C_H_ */
