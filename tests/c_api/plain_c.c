/* Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
 *
 * The header as a C99 compiler sees it, and a host in C: every function is called from here. */

#include "distillwatch/c.h"

#include "plain_c.h"

#include <stdio.h>
#include <string.h>

static int Collect(void* context, const char* bytes, size_t size) {
  PlainSnapshot* snapshot = (PlainSnapshot*)context;
  if (snapshot->size + size > sizeof(snapshot->bytes)) return 1;
  memcpy(snapshot->bytes + snapshot->size, bytes, size);
  snapshot->size += size;
  return 0;
}

int PlainHost(const char* key, const char* reference, size_t reference_bytes,
              PlainSnapshot* snapshot, distillwatch_verdict* last) {
  static char text[1 << 16];
  char message[256];
  size_t needed = 0;
  int i;
  distillwatch_monitor* monitor = NULL;
  distillwatch_monitor* restored = NULL;
  distillwatch_create_args args;
  distillwatch_event event;
  distillwatch_attribute ip;
  memset(&args, 0, sizeof args);
  memset(&event, 0, sizeof event);
  args.size = sizeof args;
  args.options = "shards = 4\norigin_s = 1767225600\npromise_per_million = 50000\n";
  args.options_bytes = strlen(args.options);
  args.key = key;
  args.key_bytes = strlen(key);
  args.reference = reference;
  args.reference_bytes = reference_bytes;
  if (distillwatch_create(&args, &monitor, message, sizeof message) != DISTILLWATCH_OK) return 1;

  ip.name = "ip";
  ip.name_bytes = 2;
  ip.value = "203.0.113.9";
  ip.value_bytes = 11;
  event.size = sizeof event;
  event.account = "a";
  event.account_bytes = 1;
  event.attributes = &ip;
  event.attribute_count = 1;
  for (i = 0; i < 40; ++i) {
    event.time_us = 1767225600000000 + (int64_t)i * 60000000;
    event.prompt_bytes = (size_t)sprintf(text, "Translate word number %d into French.", i);
    event.prompt = text;
    last->size = sizeof *last;
    if (distillwatch_observe(monitor, &event, last) != DISTILLWATCH_OK) return 2;
  }
  if (distillwatch_explain(monitor, "a", 1, NULL, 0, &needed) != DISTILLWATCH_RESOURCE_EXHAUSTED)
    return 3;
  if (needed > sizeof text) return 4;
  if (distillwatch_explain(monitor, "a", 1, text, sizeof text, &needed) != DISTILLWATCH_OK)
    return 5;
  if (text[0] != '{' || text[needed - 1] != '}') return 6;
  if (distillwatch_metrics(monitor, text, sizeof text, &needed) != DISTILLWATCH_OK) return 7;
  if (distillwatch_finish(monitor, event.time_us) != DISTILLWATCH_OK) return 8;
  snapshot->size = 0;
  if (distillwatch_save(monitor, Collect, snapshot) != DISTILLWATCH_OK) return 9;
  if (distillwatch_restore(snapshot->bytes, snapshot->size, &args, &restored, message,
                           sizeof message) != DISTILLWATCH_OK)
    return 10;
  if (distillwatch_merge(restored, monitor, message, sizeof message) != DISTILLWATCH_OK) return 11;
  if (strcmp(distillwatch_level_name(DISTILLWATCH_SUSPECT), "suspect") != 0) return 12;
  if (distillwatch_version()[0] == '\0') return 13;
  distillwatch_destroy(restored);
  distillwatch_destroy(monitor);
  return 0;
}
