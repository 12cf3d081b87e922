/* pretokenize.h - cut text into the pieces that BPE never merges across.
 *
 * The published tokenizers describe the cuts as sequences of regexes: each is
 * applied to every piece that the ones before it left, and both its matches and
 * the gaps between them become pieces.  Here the regexes are functions over
 * generated tables, in time linear in the text.
 */
#ifndef TS_FORMATS_PRETOKENIZE_H
#define TS_FORMATS_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "formats/vocab.h"

/* One piece; false stops. */
typedef bool ts_on_cut(void *user, const char *piece, size_t n);

/* text is valid UTF-8.  False if on_cut stopped.  The pieces, in order, are the
 * text; none is empty.  pre must be a known one. */
bool ts_pretokenize(ts_pretokenizer pre, const char *text, size_t n, ts_on_cut *on_cut, void *user);

#endif
