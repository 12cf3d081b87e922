/* bpe.h - byte-level BPE: text to token ids and back.
 *
 * Compiled once from a ts_vocab; immutable then, shared by any threads.
 * Encoding any bytes succeeds (invalid UTF-8 is encoded byte by byte) in time
 * linear in the text, also for one character repeated ten million times.
 */
#ifndef TS_FORMATS_BPE_H
#define TS_FORMATS_BPE_H

#include "core/error.h"
#include "formats/vocab.h"

typedef struct ts_bpe ts_bpe;

tiefsee_status ts_bpe_new(ts_bpe **out, const ts_vocab *vocab, tiefsee_error *err) TS_MUST_CHECK;
void ts_bpe_free(ts_bpe *b);

/* A growing list of ids with a maximum. */
typedef struct ts_tokens {
    int32_t *ids;
    size_t n, cap, max;
} ts_tokens;

void ts_tokens_free(ts_tokens *t);
bool ts_tokens_push(ts_tokens *t, int32_t id) TS_MUST_CHECK;

/* Append the ids of n bytes of text.  with_special: the texts of control tokens
 * become those tokens; without it they are ordinary text.  Never adds BOS. */
tiefsee_status ts_bpe_encode(const ts_bpe *b, const char *text, size_t n, bool with_special,
                             ts_tokens *out, tiefsee_error *err) TS_MUST_CHECK;

/* The bytes of a token; an empty string with NULL pointer for unknown ids. */
ts_str ts_bpe_bytes(const ts_bpe *b, int32_t id);

bool ts_bpe_is_control(const ts_bpe *b, int32_t id);
int32_t ts_bpe_find(const ts_bpe *b, const char *text); /* id of a token by its literal text; -1 */

uint32_t ts_bpe_size(const ts_bpe *b);
int32_t ts_bpe_bos(const ts_bpe *b);
int32_t ts_bpe_eos(const ts_bpe *b);
bool ts_bpe_adds_bos(const ts_bpe *b);

/* Streaming decode: bytes of tokens in, whole UTF-8 characters out.  Bytes that
 * can no longer become a character are replaced by U+FFFD, one for the longest
 * beginning of a character (as Rust and browsers do it). */
typedef struct ts_utf8_stream {
    unsigned char pending[4];
    size_t n;
} ts_utf8_stream;

/* Feed n bytes; writes at most 3 * (n + 4) bytes to out and returns how many. */
size_t ts_utf8_stream_feed(ts_utf8_stream *s, const char *bytes, size_t n, char *out);
size_t ts_utf8_stream_end(ts_utf8_stream *s, char *out); /* at most 12 bytes */

#endif
