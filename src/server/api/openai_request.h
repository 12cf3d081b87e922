/* openai_request.h - from the body of a chat or completion request to a prompt and
 * the options of its answer.  Knows no connection.
 */
#ifndef TS_SERVER_OPENAI_REQUEST_H
#define TS_SERVER_OPENAI_REQUEST_H

#include "core/arena.h"
#include "server/api/fields.h"
#include "server/models.h"

typedef struct ts_openai_request {
    const ts_served_model *model;
    bool is_chat, is_stream;
    bool wants_usage; /* stream_options.include_usage */
    bool wants_logprobs;
    bool is_thinking; /* the answer begins with reasoning */
    size_t n_top;     /* alternatives per token to show */
    const char *user_id;
    tiefsee_generate_options generate;
    tiefsee_token *prompt;
    size_t n_prompt;
    ts_constraint constraint; /* ctx NULL once a job has taken it over */

    /* Owners of the above. */
    ts_arena *arena;
    json_t *body;
} ts_openai_request;

/* seed: for a request that names none.  On false nothing is held. */
bool ts_openai_request_read(ts_openai_request *out, const ts_models *models, ts_str body,
                            bool is_chat, uint64_t seed, ts_wrong *wrong) TS_MUST_CHECK;

void ts_openai_request_free(ts_openai_request *r);

/* The model of that name, of an alias, or of a name that DeepSeek once had (then the
 * first model); NULL: not served. */
const ts_served_model *ts_openai_find_model(const ts_models *models, const char *name);

#endif
