/* kvstore.h - pages of the context cache on disk.
 *
 * A page is up to 16 MiB of bytes under a 32-byte key (the hash of the tokens it
 * stands for), a model and a user.  It is sealed with a key from a file, and the
 * three are authenticated with it: a page is served exactly as it was put, to the
 * same three, or not at all.  Whatever goes wrong on the disk - torn, damaged,
 * full, another key - is a miss.
 *
 * Any thread.  Puts are written by a thread of the store; what was written (see
 * ts_kvstore_flush) survives kill -9.  After a power cut some pages may be gone.
 */
#ifndef TS_ENGINE_KVSTORE_H
#define TS_ENGINE_KVSTORE_H

#include "core/error.h"
#include "core/str.h"

enum {
    TS_KVSTORE_KEY_LEN = 32,
    TS_KVSTORE_MAX_PAGE = 16 << 20,
    TS_KVSTORE_MAX_USER = 128, /* bytes of a namespace */
    TS_KVSTORE_MAX_TOPIC = 64
};

typedef struct ts_kvstore ts_kvstore;

typedef struct ts_kvstore_options {
    const char *folder;   /* of this store alone; made if missing (its parent must be there) */
    const char *key_file; /* 32 random bytes, made if missing; refused if others can read it */
    uint64_t cap_bytes;   /* of all files, at every moment; at least 1 MiB.  A page has at most an
                         * eighth of it; the least used ones make room */
    size_t max_queue;     /* pages that wait to be written; 0: 32 */
    /* One line when the store stops writing; on the store's thread.  May be NULL. */
    void (*on_warning)(void *ctx, const char *line);
    void *ctx;
} ts_kvstore_options;

/* TIEFSEE_E_IO also when another program has the folder open. */
tiefsee_status ts_kvstore_open(ts_kvstore **out, const ts_kvstore_options *opt,
                               tiefsee_error *err) TS_MUST_CHECK;

/* Writes what is waiting.  NULL allowed. */
void ts_kvstore_close(ts_kvstore *s);

/* What a page is called. */
typedef struct ts_kvstore_id {
    const uint8_t *key;   /* TS_KVSTORE_KEY_LEN bytes */
    const uint8_t *model; /* as many: the fingerprint of model and page layout */
    ts_str user;          /* the namespace, at most TS_KVSTORE_MAX_USER bytes */
    ts_str topic;         /* of put alone: what the page is about, to be forgotten by; or empty */
} ts_kvstore_id;

/* Copies the bytes and returns at once.  False: not taken (queue full, writing
 * has stopped, too large for the cap, no memory), which is no error.  A page that
 * is there already is left as it is. */
bool ts_kvstore_put(ts_kvstore *s, const ts_kvstore_id *id, const void *bytes, size_t n);

/* Whether a get would probably find it: looks at no disk. */
bool ts_kvstore_has(ts_kvstore *s, const ts_kvstore_id *id);

/* Read a page of at most cap bytes into out.  False: a miss; out is then undefined.
 * Reads the disk on the calling thread. */
bool ts_kvstore_get(ts_kvstore *s, const ts_kvstore_id *id, void *out, size_t cap, size_t *n);

/* From now on pages of this user are sealed under this key as well (TS_KVSTORE_KEY_LEN
 * bytes; a copy is kept): who forgets it makes what is on the disk unreadable.  False: no
 * memory. */
bool ts_kvstore_know(ts_kvstore *s, ts_str user, const uint8_t *key) TS_MUST_CHECK;

/* Overwrites what is kept of a user about a topic; topic.ptr NULL: all that is kept of the
 * user, and their key.  What is still on its way to the disk, and what comes later, is
 * dropped: until the next open nothing of it is written again.  Waits for the disk. */
void ts_kvstore_forget(ts_kvstore *s, ts_str user, ts_str topic);

/* Wait until everything put before is written or dropped. */
void ts_kvstore_flush(ts_kvstore *s);

typedef struct ts_kvstore_stats {
    size_t n_pages, n_segments;
    uint64_t n_bytes;                  /* of all files */
    uint64_t n_puts, n_hits, n_misses; /* pages written; gets */
    uint64_t n_damaged, n_evicted, n_copied, n_forgotten;
    uint64_t n_dropped; /* puts that were not taken or not written */
    bool is_stopped;    /* a write failed: no more are tried until the next open */
} ts_kvstore_stats;

void ts_kvstore_read_stats(ts_kvstore *s, ts_kvstore_stats *out);

#endif
