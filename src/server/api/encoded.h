/* encoded.h - text in base 64, for clients that pass it on without looking. */
#ifndef TS_SERVER_ENCODED_H
#define TS_SERVER_ENCODED_H

#include "core/arena.h"
#include "server/api/jsonout.h"

/* A failure is remembered in o. */
void ts_encoded_write(ts_out *o, const char *text, size_t n);

/* The text, terminated, in the arena.  False: that is not what was written (a zero byte
 * is never); *text NULL: no memory. */
bool ts_encoded_read(ts_arena *arena, ts_str encoded, const char **text) TS_MUST_CHECK;

#endif
