/* responses_compact.h - POST /v1/responses/compact: a conversation becomes a summary.
 *
 * The model writes it; nothing is stored.  The answer is a window to go on with: what the
 * user said last, word for word, and one item of the type "compaction" with the summary.
 * That item is encoded, so that clients pass it on as it is; it is not secret, and its
 * checksum only says that it is whole, also after a restart and on another machine.
 */
#ifndef TS_SERVER_RESPONSES_COMPACT_H
#define TS_SERVER_RESPONSES_COMPACT_H

#include "server/api/responses_request.h"
#include "server/http/http.h"

/* Answers in any case. */
void ts_responses_compact_run(ts_reply *reply, ts_responses_request *r);

/* What the model is told for a compaction item's encrypted_content, in the arena; NULL:
 * refused, see w. */
const char *ts_responses_compact_read(ts_arena *arena, ts_str encoded, const char *path,
                                      ts_wrong *w) TS_MUST_CHECK;

#endif
