/* signature.h - how an answer's thinking is recognised when it comes back.
 *
 * Anthropic's clients must send thinking back unchanged, with the signature that came
 * with it.  Ours is a checksum (BLAKE2b with a fixed key): it says that the text is
 * what this program once said, also after a restart and on another machine.  It keeps
 * no secret: whoever asks may write any conversation.
 */
#ifndef TS_SERVER_SIGNATURE_H
#define TS_SERVER_SIGNATURE_H

#include <sodium.h>

#include "core/str.h"

enum { TS_SIGNATURE_LEN = 47 }; /* "ts1_" and 32 bytes in base 64 */

typedef struct ts_signer {
    crypto_generichash_state state;
} ts_signer;

void ts_signer_begin(ts_signer *s);
void ts_signer_add(ts_signer *s, ts_str text);
void ts_signer_end(ts_signer *s, char out[TS_SIGNATURE_LEN + 1]);

typedef enum ts_signature_kind {
    TS_SIGNATURE_GOOD,
    TS_SIGNATURE_BAD,    /* ours, of another text */
    TS_SIGNATURE_FOREIGN /* not ours */
} ts_signature_kind;

ts_signature_kind ts_signature_check(ts_str text, ts_str signature);

#endif
