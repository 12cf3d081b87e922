/* kvdisk.h - the way of pages between memory and disk.
 *
 * Only full pages go to the disk.  A page is named by a hash that is chained over
 * the tokens of its whole prefix, so it is found only behind the same beginning.
 * One thread reads and writes: reading goes first, a page of every waiting load in
 * turn, so a long load does not hold up a short one, and nobody's steps.
 *
 * Calls come from one thread, the engine's.  on_change comes on the disk's thread.
 */
#ifndef TS_ENGINE_KVDISK_H
#define TS_ENGINE_KVDISK_H

#include <stdatomic.h>

#include "core/error.h"
#include "engine/kvstore.h"

typedef struct ts_kvdisk ts_kvdisk;

typedef struct ts_kvdisk_options {
    ts_kvstore *store;                 /* borrowed; others may use it as well */
    uint8_t model[TS_KVSTORE_KEY_LEN]; /* fingerprint of model and page layout */
    size_t page_bytes, max_saves;      /* pages that wait to be written */
    void (*on_change)(void *ctx);      /* a load has ended, or a page was written */
    void *ctx;
} ts_kvdisk_options;

tiefsee_status ts_kvdisk_new(ts_kvdisk **out, const ts_kvdisk_options *opt,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Writes what is waiting.  No load may be under way.  NULL allowed. */
void ts_kvdisk_free(ts_kvdisk *d);

typedef struct ts_kvkey {
    uint8_t bytes[TS_KVSTORE_KEY_LEN];
} ts_kvkey;

/* Keys of the first n pages of these tokens, (n * TS_KV_PAGE) of them. */
void ts_kvdisk_keys(const int32_t *tokens, size_t n, ts_kvkey *keys);

/* How many of n pages are there, from the first one on. */
size_t ts_kvdisk_known(ts_kvdisk *d, const char *user, const ts_kvkey *keys, size_t n);

/* Pages to read, in order, until one is missing.  The caller's until is_done: then
 * the first n_loaded pages are what was saved, the others undefined. */
typedef struct ts_kvload {
    const char *user;
    const ts_kvkey *keys; /* (n) */
    float *const *page;   /* (n) */
    size_t n, n_loaded;
    const _Atomic int *cancel; /* read no more when it becomes true */
    _Atomic int is_done;
    struct ts_kvload *next;
} ts_kvload;

void ts_kvdisk_load(ts_kvdisk *d, ts_kvload *load);

/* Write a page, about a topic or "".  Its data must stay as they are until ts_kvdisk_written
 * gives back its number.  False: too many wait. */
bool ts_kvdisk_save(ts_kvdisk *d, const char *user, const char *topic, const ts_kvkey *key,
                    const float *data, int32_t number);

/* The number of a page that is written, or dropped; negative: none. */
int32_t ts_kvdisk_written(ts_kvdisk *d);

#endif
