/* openai_messages.h - the parts of a chat request that are trees: messages and the
 * format of the answer.
 */
#ifndef TS_SERVER_OPENAI_MESSAGES_H
#define TS_SERVER_OPENAI_MESSAGES_H

#include "core/arena.h"
#include "server/api/fields.h"
#include "server/models.h"

enum { TS_OPENAI_MAX_MESSAGES = 1 << 16 };

/* body.messages; texts live as long as body and arena. */
bool ts_openai_messages_read(tiefsee_message **out, size_t *n, const json_t *body, ts_arena *arena,
                             ts_wrong *wrong) TS_MUST_CHECK;

/* body.response_format as a constraint (ctx NULL: text), which the caller owns. */
bool ts_openai_format_read(ts_constraint *out, const json_t *body, const ts_served_model *model,
                           ts_wrong *wrong) TS_MUST_CHECK;

#endif
