/* responses_items.h - instructions and input of /v1/responses: items become turns. */
#ifndef TS_SERVER_RESPONSES_ITEMS_H
#define TS_SERVER_RESPONSES_ITEMS_H

#include "server/api/turn_request.h"

/* may_be_empty: the question may not be there yet. */
bool ts_responses_items_read(ts_turn_request *r, bool may_be_empty, ts_wrong *wrong) TS_MUST_CHECK;

/* Reasoning in `encrypted_content`, for clients that send back only that: encoded, so
 * that it survives them; not secret. */
#define TS_RESPONSES_ENCODED "ts1."

#endif
