/* Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0
 *
 * The C interface: what a gateway in C, Go, Rust or Lua needs of distillwatch. C99.
 *
 *   distillwatch_create_args args = {sizeof args};
 *   args.options = "max_memory_bytes = 4G"; args.options_bytes = strlen(args.options);
 *   args.reference = bytes; args.reference_bytes = size;
 *   char message[256];
 *   distillwatch_monitor* monitor;
 *   if (distillwatch_create(&args, &monitor, message, sizeof message) != DISTILLWATCH_OK) ...
 *   distillwatch_event event = {sizeof event};
 *   event.account = key; event.account_bytes = key_size; ...
 *   distillwatch_verdict verdict = {sizeof verdict};
 *   distillwatch_observe(monitor, &event, &verdict);
 *
 * Texts are bytes with their size, of any content; a null pointer is the empty text, of any size
 * (in distillwatch_create_args, of size 0).
 * Structs begin with their size as the caller was compiled, so that they can grow: fields behind it
 * count as zero and are not written. Functions return a code. Those that can fail in ways worth
 * telling take a buffer of the caller's for a message, which is cut to fit and ends with NUL; it
 * may be null. There is no global state, no thread, no output, and no exception leaves.
 *
 * A monitor is thread-safe: every function may be called from any thread at any time, except
 * distillwatch_destroy beside others.
 * Tested by  tests/c_api/
 */
#ifndef DISTILLWATCH_C_H_
#define DISTILLWATCH_C_H_

#include <stddef.h>
#include <stdint.h>

#include "distillwatch/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distillwatch_monitor distillwatch_monitor;

/* The same as StatusCode in status.h. */
enum {
  DISTILLWATCH_OK = 0,
  DISTILLWATCH_INVALID_ARGUMENT = 1,
  DISTILLWATCH_FAILED_PRECONDITION = 2,
  DISTILLWATCH_DATA_LOSS = 3,
  DISTILLWATCH_NOT_FOUND = 4,
  DISTILLWATCH_RESOURCE_EXHAUSTED = 5, /* a buffer is too small, or memory ran out */
  DISTILLWATCH_UNAVAILABLE = 6
};

/* The same as Level in verdict.h. */
enum {
  DISTILLWATCH_CLEAR = 0,
  DISTILLWATCH_WATCH = 1,
  DISTILLWATCH_SUSPECT = 2,
  DISTILLWATCH_DISTILLING = 3
};

/* Set size to sizeof(the struct), everything else to zero, then what you need. */
typedef struct {
  size_t size;
  const char* options; /* "name = value" lines, see ParseOptions in options.h */
  size_t options_bytes;
  const char* key; /* the operator's secret; before key_file in options */
  size_t key_bytes;
  const char* reference; /* a serialised reference; before reference_file in options */
  size_t reference_bytes;
} distillwatch_create_args;

typedef struct {
  const char* name;
  size_t name_bytes;
  const char* value;
  size_t value_bytes;
} distillwatch_attribute;

typedef struct {
  size_t size;
  const char* account;
  size_t account_bytes;
  int64_t time_us; /* since 1970-01-01 UTC */
  const char* prompt;
  size_t prompt_bytes;
  const char* system;
  size_t system_bytes;
  const char* model;
  size_t model_bytes;
  uint32_t earlier_turns;
  uint32_t completion_tokens;
  uint32_t prompt_tokens;
  uint32_t reserved; /* 0 */
  const distillwatch_attribute* attributes;
  size_t attribute_count;
} distillwatch_event;

typedef struct {
  size_t size;
  int32_t level;
  int32_t looked; /* 1: this event was a look, else 0 */
  double score;
  double p_value;
  uint64_t campaign;
  int32_t matches_campaign; /* 1: this request is the campaign's, else 0 */
  int32_t reserved;         /* 0 */
} distillwatch_verdict;

/* The version of the library, as in "0.1.0". */
DISTILLWATCH_EXPORT const char* distillwatch_version(void);

/* Returns  INVALID_ARGUMENT, FAILED_PRECONDITION, DATA_LOSS, NOT_FOUND (a file), UNAVAILABLE; then
 *          *monitor is null. */
DISTILLWATCH_EXPORT int distillwatch_create(const distillwatch_create_args* args,
                                            distillwatch_monitor** monitor, char* message,
                                            size_t message_bytes);
/* Null is ignored. */
DISTILLWATCH_EXPORT void distillwatch_destroy(distillwatch_monitor* monitor);

/* Any event gives a verdict. verdict may be null.
 * Returns  INVALID_ARGUMENT for null pointers or a struct without its size */
DISTILLWATCH_EXPORT int distillwatch_observe(distillwatch_monitor* monitor,
                                             const distillwatch_event* event,
                                             distillwatch_verdict* verdict);

/* The functions below write text or bytes into a buffer of the caller's. *needed is set to the size
 * of all of it; when `capacity` is less, nothing is written and RESOURCE_EXHAUSTED returned. No NUL
 * is put behind it. State changes between two calls, so the second may need more than the first
 * said. */

/* Evidence as one JSON object: account, requests, first_us, last_us, level, p_value,
 * campaign, highest_score, of which the p-value is, score, as it is now, base and evidence, a list
 * of detector, feature, value (null: not known), place, contribution, words. Bytes of the account
 * that are not UTF-8 become U+FFFD.
 * Returns  NOT_FOUND */
DISTILLWATCH_EXPORT int distillwatch_explain(const distillwatch_monitor* monitor,
                                             const char* account, size_t account_bytes,
                                             char* buffer, size_t capacity, size_t* needed);
/* Prometheus' text format. */
DISTILLWATCH_EXPORT int distillwatch_metrics(const distillwatch_monitor* monitor, char* buffer,
                                             size_t capacity, size_t* needed);

/* Ends the horizons that are over; once an hour or so. */
DISTILLWATCH_EXPORT int distillwatch_finish(distillwatch_monitor* monitor, int64_t now_us);

/* Links accounts and names campaigns; once or twice a day. *named, which may be null, is set to how
 * many it named. Takes seconds for a million accounts, beside other calls. */
DISTILLWATCH_EXPORT int distillwatch_review(distillwatch_monitor* monitor, int64_t now_us,
                                            size_t* named);
/* At most most_steps steps of a review, for hosts without a thread to spare. *finished, which may
 * be null, is set to 1 when it is over, to 0 when the next call within an hour of event time goes
 * on with it. */
DISTILLWATCH_EXPORT int distillwatch_review_steps(distillwatch_monitor* monitor, int64_t now_us,
                                                  size_t most_steps, size_t* named, int* finished);
/* What the newest call of either did through this handle, as a JSON object: accounts, groups,
 * waiting, explained, named (a list of campaigns), joined (a list of account, campaign), successors
 * (a list of account, banned, began_us, pairs, values, p_value), interrupted. Here and below
 * accounts are the digits of distillwatch_account_id as text, for many readers keep 53 bits of a
 * number. */
DISTILLWATCH_EXPORT int distillwatch_newest_review(distillwatch_monitor* monitor, char* buffer,
                                                   size_t capacity, size_t* needed);
/* The host banned this account: reviews look for accounts that continue it.
 * Returns  NOT_FOUND, FAILED_PRECONDITION or RESOURCE_EXHAUSTED, as Monitor::ReportBan says */
DISTILLWATCH_EXPORT int distillwatch_report_ban(distillwatch_monitor* monitor, const char* account,
                                                size_t account_bytes, int64_t now_us);
/* What Monitor::Campaigns says, as a JSON list of objects: id, first_seen_us, linked_us, named_us,
 * p_value, frame, members (a list of account, since_us, requests, matching, by_pool, by_echo),
 * words (a list). */
DISTILLWATCH_EXPORT int distillwatch_campaigns(const distillwatch_monitor* monitor, char* buffer,
                                               size_t capacity, size_t* needed);
/* The number that a campaign's members are listed with. */
DISTILLWATCH_EXPORT uint64_t distillwatch_account_id(const distillwatch_monitor* monitor,
                                                     const char* account, size_t account_bytes);

/* Takes the next piece of a snapshot; anything but 0 ends the save. */
typedef int (*distillwatch_sink)(void* context, const char* bytes, size_t size);

/* Returns  UNAVAILABLE when the sink refused a piece */
DISTILLWATCH_EXPORT int distillwatch_save(const distillwatch_monitor* monitor,
                                          distillwatch_sink sink, void* context);

/* A monitor in the saved state; args as in distillwatch_create. A key that was drawn at random is
 * in the snapshot. */
DISTILLWATCH_EXPORT int distillwatch_restore(const char* saved, size_t saved_bytes,
                                             const distillwatch_create_args* args,
                                             distillwatch_monitor** monitor, char* message,
                                             size_t message_bytes);

/* Takes over the other's accounts, see Monitor::Merge. */
DISTILLWATCH_EXPORT int distillwatch_merge(distillwatch_monitor* monitor,
                                           const distillwatch_monitor* other, char* message,
                                           size_t message_bytes);

/* "clear", "watch", "suspect", "distilling"; "unknown" for other numbers. */
DISTILLWATCH_EXPORT const char* distillwatch_level_name(int level);

#ifdef __cplusplus
}
#endif

#endif /* DISTILLWATCH_C_H_ */
