/* kvseal.h - how pages of the context cache are sealed, and what stands before them.
 *
 * Keys come from one file.  A record in a segment is
 *
 *     u32 magic | u32 length of the page | address[32] | nonce[24] | check[16]
 *     the page, encrypted | tag[16]
 *
 * in little endian.  The address is a keyed hash of key, model and user, so the
 * file says nothing about either; the check is a keyed hash of what is before it.
 * The tag (XChaCha20-Poly1305) covers the header, key, model and user as well.
 */
#ifndef TS_ENGINE_KVSEAL_H
#define TS_ENGINE_KVSEAL_H

#include "core/error.h"
#include "engine/kvstore.h"

enum {
    TS_KVSEAL_ADDRESS = 32,
    TS_KVSEAL_HEADER = 80,
    TS_KVSEAL_TAG = 16,
    TS_KVSEAL_EXTRA = TS_KVSEAL_HEADER + TS_KVSEAL_TAG,
    TS_KVSEAL_FILE_HEADER = 32
};

typedef struct ts_kvseal {
    uint8_t page_key[32], address_key[32], check_key[32];
} ts_kvseal;

/* Read the key file, or make it. */
tiefsee_status ts_kvseal_open(ts_kvseal *out, const char *key_file,
                              tiefsee_error *err) TS_MUST_CHECK;
void ts_kvseal_wipe(ts_kvseal *k);

void ts_kvseal_address(const ts_kvseal *k, const ts_kvstore_id *id,
                       uint8_t address[TS_KVSEAL_ADDRESS]);

/* record: header, n bytes of page, tag; the page is encrypted in place. */
void ts_kvseal_seal(const ts_kvseal *k, const ts_kvstore_id *id, uint8_t *record, size_t n);

/* page: the n encrypted bytes between header and tag, decrypted in place.  False:
 * not what was sealed for this id. */
bool ts_kvseal_open_page(const ts_kvseal *k, const ts_kvstore_id *id,
                         const uint8_t header[TS_KVSEAL_HEADER], uint8_t *page, size_t n,
                         const uint8_t tag[TS_KVSEAL_TAG]);

/* False: no header of ours. */
bool ts_kvseal_read_header(const ts_kvseal *k, const uint8_t header[TS_KVSEAL_HEADER],
                           uint8_t address[TS_KVSEAL_ADDRESS], uint32_t *n);

/* The first bytes of a segment file, bound to its number. */
void ts_kvseal_file_header(const ts_kvseal *k, uint64_t number,
                           uint8_t header[TS_KVSEAL_FILE_HEADER]);

#endif
