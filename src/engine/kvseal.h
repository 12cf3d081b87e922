/* kvseal.h - how pages of the context cache are sealed, and what stands before them.
 *
 * Keys come from one file.  A record in a segment is
 *
 *     u32 magic | u32 length of the page | address[32] | nonce[24] | owner[16] | check[16]
 *     the page, encrypted | tag[16]
 *
 * in little endian.  The address is a keyed hash of key, model and user, so the
 * file says nothing about either; owner is a keyed hash of user and topic under a mask
 * that the nonce makes, so that pages of one user do not show as such; the check is a
 * keyed hash of what is before it.  The tag (XChaCha20-Poly1305) covers the header, key,
 * model and user as well.  A user with a key of their own is sealed under both keys.
 *
 * A page that was erased keeps its place: zeros behind a header whose address is zero.
 */
#ifndef TS_ENGINE_KVSEAL_H
#define TS_ENGINE_KVSEAL_H

#include "core/error.h"
#include "engine/kvstore.h"

enum {
    TS_KVSEAL_ADDRESS = 32,
    TS_KVSEAL_HEADER = 96,
    TS_KVSEAL_TAG = 16,
    TS_KVSEAL_EXTRA = TS_KVSEAL_HEADER + TS_KVSEAL_TAG,
    TS_KVSEAL_FILE_HEADER = 32
};

typedef struct ts_kvseal {
    uint8_t page_key[32], address_key[32], check_key[32];
} ts_kvseal;

/* Whose a page is, and what it is about; 0: about nothing in particular. */
typedef struct ts_kvtags {
    uint64_t user, topic;
} ts_kvtags;

/* Read the key file, or make it. */
tiefsee_status ts_kvseal_open(ts_kvseal *out, const char *key_file,
                              tiefsee_error *err) TS_MUST_CHECK;
void ts_kvseal_wipe(ts_kvseal *k);

void ts_kvseal_address(const ts_kvseal *k, const ts_kvstore_id *id,
                       uint8_t address[TS_KVSEAL_ADDRESS]);

ts_kvtags ts_kvseal_tags(const ts_kvseal *k, ts_str user, ts_str topic);

/* record: header, n bytes of page, tag; the page is encrypted in place.  own: the user's
 * key (TS_KVSTORE_KEY_LEN bytes), or NULL. */
void ts_kvseal_seal(const ts_kvseal *k, const ts_kvstore_id *id, const uint8_t *own,
                    uint8_t *record, size_t n);

/* page: the n encrypted bytes between header and tag, decrypted in place.  False:
 * not what was sealed for this id. */
bool ts_kvseal_open_page(const ts_kvseal *k, const ts_kvstore_id *id, const uint8_t *own,
                         const uint8_t header[TS_KVSEAL_HEADER], uint8_t *page, size_t n,
                         const uint8_t tag[TS_KVSEAL_TAG]);

/* The header of n bytes that are nobody's any more. */
void ts_kvseal_erased(const ts_kvseal *k, uint32_t n, uint8_t header[TS_KVSEAL_HEADER]);
bool ts_kvseal_is_erased(const uint8_t address[TS_KVSEAL_ADDRESS]);

/* False: no header of ours. */
bool ts_kvseal_read_header(const ts_kvseal *k, const uint8_t header[TS_KVSEAL_HEADER],
                           uint8_t address[TS_KVSEAL_ADDRESS], ts_kvtags *tags, uint32_t *n);

/* The first bytes of a segment file, bound to its number. */
void ts_kvseal_file_header(const ts_kvseal *k, uint64_t number,
                           uint8_t header[TS_KVSEAL_FILE_HEADER]);

#endif
