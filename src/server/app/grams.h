/* grams.h - may this conversation contain these words?
 *
 * A set of the beginnings of all words of a text, kept as Bloom filters, each four times as
 * large as the one before and filled to the half: it grows without the text.  It never
 * says no where the answer is yes; a yes is wrong about once in 300 times for each word.
 * About 15 bits for each different beginning.
 *
 * Texts are folded first (case; runs of what is neither letter nor digit are one blank).
 * Of a word the first 2 to 6 letters count; of scripts that put no blanks between words
 * ("dense") each character and each pair.
 */
#ifndef TS_SERVER_GRAMS_H
#define TS_SERVER_GRAMS_H

#include "core/compiler.h"
#include "core/str.h"

enum { TS_GRAMS_SHORTEST = 2, TS_GRAMS_LONGEST = 6 };
enum { TS_GRAMS_FIRST = 1024, TS_GRAMS_MAX = 1 << 20 }; /* bytes of the first, of all */

/* The bytes are the filters, one behind the other: 1, 4, 16 ... KiB. */
typedef struct ts_grams {
    ts_buf bytes;
} ts_grams;

ts_grams ts_grams_make(void);
void ts_grams_free(ts_grams *g);

/* False: no memory, or sizes that are none of ours. */
bool ts_grams_load(ts_grams *g, ts_str bytes) TS_MUST_CHECK;
bool ts_grams_add(ts_grams *g, ts_str text) TS_MUST_CHECK;

/* What is asked for, once for many conversations. */
enum { TS_GRAMS_QUERY = 64 };
typedef struct ts_grams_query {
    uint64_t hashes[TS_GRAMS_QUERY];
    size_t n; /* 0: nothing can be said, everything may contain it */
} ts_grams_query;

void ts_grams_ask(ts_grams_query *q, ts_str query);
bool ts_grams_may_contain(ts_str bytes, const ts_grams_query *q);

bool ts_is_dense(uint32_t c);

/* The folding: out holds at most text.len + 3 bytes; with from, where in text each byte
 * of out came from.  Returns the length. */
size_t ts_fold(ts_str text, char *out, size_t *from);

#endif
