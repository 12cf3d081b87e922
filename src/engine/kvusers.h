/* kvusers.h - users with a key of their own, and what must not be written any more.
 *
 * By tags (kvseal.h).  Not locked: the store does that.
 */
#ifndef TS_ENGINE_KVUSERS_H
#define TS_ENGINE_KVUSERS_H

#include "engine/kvseal.h"

typedef struct ts_kvuser {
    uint64_t tag;
    uint8_t key[TS_KVSTORE_KEY_LEN];
} ts_kvuser;

typedef struct ts_kvusers {
    ts_kvuser *at;
    size_t n, cap;
    uint64_t *gone; /* tags of users and topics, a ring */
    size_t n_gone;  /* ever */
} ts_kvusers;

tiefsee_status ts_kvusers_open(ts_kvusers *u, tiefsee_error *err) TS_MUST_CHECK;
void ts_kvusers_close(ts_kvusers *u); /* wipes */

bool ts_kvusers_add(ts_kvusers *u, uint64_t tag, const uint8_t *key) TS_MUST_CHECK;
const uint8_t *ts_kvusers_key(const ts_kvusers *u, uint64_t tag); /* NULL: none of their own */

/* The topic, or the user with the key if it is 0. */
void ts_kvusers_forget(ts_kvusers *u, ts_kvtags tags);
bool ts_kvusers_is_gone(const ts_kvusers *u, ts_kvtags tags);

#endif
