/* signature.c - see signature.h. */
#include "server/api/signature.h"

#include <string.h>

enum { HASH_BYTES = 32 };

static const char prefix[] = "ts1_";
static const unsigned char key[] = "tiefsee: thinking of an answer";

void ts_signer_begin(ts_signer *s)
{
    (void)crypto_generichash_init(&s->state, key, sizeof key, HASH_BYTES);
}

void ts_signer_add(ts_signer *s, ts_str text)
{
    (void)crypto_generichash_update(&s->state, (const unsigned char *)text.ptr, text.len);
}

void ts_signer_end(ts_signer *s, char out[TS_SIGNATURE_LEN + 1])
{
    unsigned char hash[HASH_BYTES];

    (void)crypto_generichash_final(&s->state, hash, sizeof hash);
    memcpy(out, prefix, sizeof prefix - 1);
    (void)sodium_bin2base64(out + sizeof prefix - 1, TS_SIGNATURE_LEN + 2 - sizeof prefix, hash,
                            sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

ts_signature_kind ts_signature_check(ts_str text, ts_str signature)
{
    char own[TS_SIGNATURE_LEN + 1];
    ts_signer s;

    if (!ts_str_starts(signature, prefix))
        return TS_SIGNATURE_FOREIGN;
    ts_signer_begin(&s);
    ts_signer_add(&s, text);
    ts_signer_end(&s, own);
    return ts_str_is(signature, own) ? TS_SIGNATURE_GOOD : TS_SIGNATURE_BAD;
}
