/* live_inside.h - an answer that is being written, for live.c and live_say.c alone. */
#ifndef TS_SERVER_LIVE_INSIDE_H
#define TS_SERVER_LIVE_INSIDE_H

#include "server/app/live.h"

typedef struct listener {
    ts_reply *reply;
    ts_live *live; /* NULL: it has ended */
    ts_app *app;
    bool is_gone;
    ts_reply_watch watch;
    struct listener *next;
} listener;

struct ts_live {
    ts_app *app;
    int64_t user_n, seq;
    char chat_id[TS_ID_MAX + 1], id[TS_ID_MAX + 1];
    bool stays;
    json_t *answer, *user_message;
    ts_buf content, reasoning;
    listener *listeners;
    ts_live *next;

    const ts_served_model *model;
    ts_models_use use; /* while the model is loaded */
    tiefsee_generate_options generate;
    tiefsee_logit_bias *bias; /* behind generate.sampling; outlives the request */
    char user_name[24];
    tiefsee_token *prompt; /* of the next job */
    size_t n_prompt;
    ts_job *job;
    ts_grant grant;
    bool wants_stop, wants_now, is_thinking, is_dropped, has_failed, needs_end, is_dirty;
    tiefsee_status status;
    tiefsee_error error;
    tiefsee_finish finish;
    ts_usage_tokens used;
    double asked, started, first, content_began, ended; /* seconds; 0: not yet */
};

/* What is said of it; under the lock. */

/* "live" until it has ended, then how. */
const char *ts_live_finish(const ts_live *v);

/* The message as it stands; a new reference, NULL: no memory. */
json_t *ts_live_compose(const ts_live *v, bool with_texts);

/* New references; NULL: no memory. */
json_t *ts_live_start_event(const ts_live *v);
json_t *ts_live_end_event(const ts_live *v, bool is_saved);

#endif
