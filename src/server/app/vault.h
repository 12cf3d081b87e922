/* vault.h - whose key seals what.
 *
 * The key file holds a master key.  It wraps one random key per user, which seals
 * everything that user wrote (XChaCha20-Poly1305, a random nonce each time, bound to
 * where it stands).  Erasing a user forgets the wrapped key and turns the master, so
 * that a copy of the database made later holds nothing that the master opens.
 *
 * The file is 64 bytes: the master, and while it is being turned the one before.  With a
 * secret (a passphrase, a credential of the service manager) they are sealed under a key
 * that Argon2id makes of it:
 *
 *     "TSVAULT2" | salt[16] | nonce[24] | 64 bytes, encrypted | tag[16]
 *
 * A file that was plain is sealed when it is first opened with a secret.
 */
#ifndef TS_SERVER_VAULT_H
#define TS_SERVER_VAULT_H

#include "core/error.h"
#include "core/str.h"

enum {
    TS_VAULT_KEY = 32,
    TS_VAULT_NONCE = 24,
    TS_VAULT_EXTRA = TS_VAULT_NONCE + 16, /* what sealing adds */
    TS_VAULT_WRAPPED = TS_VAULT_KEY + TS_VAULT_EXTRA,
    TS_VAULT_CONTEXT = 160 /* bytes of a context at most */
};

typedef struct ts_vault {
    uint8_t master[TS_VAULT_KEY], earlier[TS_VAULT_KEY];
    bool has_earlier; /* a turn was begun and not finished */
    bool is_sealed;   /* the file is, under: */
    uint8_t outer[TS_VAULT_KEY], salt[16];
    char path[512];
} ts_vault;

/* Read the key file, or make it (mode 600; refused if others can read it).  secret: empty
 * for none; with one it takes a second and 256 MiB. */
tiefsee_status ts_vault_open(ts_vault *out, const char *path, ts_str secret,
                             tiefsee_error *err) TS_MUST_CHECK;
void ts_vault_close(ts_vault *v); /* wipes */

/* A new master; the old one stays in the file until ts_vault_end_turn.  Between the two
 * all keys are wrapped again. */
tiefsee_status ts_vault_begin_turn(ts_vault *v, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_vault_end_turn(ts_vault *v, tiefsee_error *err) TS_MUST_CHECK;

/* user: the context, so that keys cannot be swapped. */
void ts_vault_make_key(uint8_t key[TS_VAULT_KEY]);
void ts_vault_wrap(const ts_vault *v, ts_str user, const uint8_t key[TS_VAULT_KEY],
                   uint8_t wrapped[TS_VAULT_WRAPPED]);
bool ts_vault_unwrap(const ts_vault *v, ts_str user, ts_str wrapped,
                     uint8_t key[TS_VAULT_KEY]) TS_MUST_CHECK;

/* out is replaced.  Seal: false without memory.  Unseal: also if it is not what was
 * sealed with this key in this context. */
bool ts_seal(const uint8_t key[TS_VAULT_KEY], ts_str context, ts_str text,
             ts_buf *out) TS_MUST_CHECK;
bool ts_unseal(const uint8_t key[TS_VAULT_KEY], ts_str context, ts_str sealed,
               ts_buf *out) TS_MUST_CHECK;

#endif
