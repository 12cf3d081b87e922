/* live_say.c - what is said of an answer that is being written. */
#include <string.h>

#include "core/clock.h"
#include "server/app/live_inside.h"

static void set_int(json_t *object, const char *name, double value)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

static double ms_between(double a, double b)
{
    return a > 0 && b > a ? (b - a) * 1e3 : 0;
}

const char *ts_live_finish(const ts_live *v)
{
    if (!v->needs_end)
        return "live";
    if (v->has_failed || v->status != TIEFSEE_OK)
        return "error";
    if (v->finish == TIEFSEE_FINISH_CANCELLED)
        return v->wants_stop ? "stopped" : "broken";
    return v->finish == TIEFSEE_FINISH_LENGTH ? "length" : "stop";
}

static json_t *usage_of(const ts_live *v)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "prompt", (json_int_t)v->used.n_prompt, "cached",
                     (json_int_t)v->used.n_cached, "completion", (json_int_t)v->used.n_completion,
                     "reasoning", (json_int_t)v->used.n_reasoning);
}

static json_t *timings_of(const ts_live *v)
{
    json_t *t = json_object();
    const double end = v->ended > 0 ? v->ended : ts_clock_seconds();

    set_int(t, "queue_ms", ms_between(v->asked, v->started));
    set_int(t, "prompt_ms", ms_between(v->started, v->first));
    set_int(t, "thinking_ms",
            v->reasoning.len ? ms_between(v->first, v->content_began > 0 ? v->content_began : end)
                             : 0);
    set_int(t, "answer_ms", ms_between(v->content_began, end));
    return t;
}

static const char *error_code(const ts_live *v)
{
    switch (v->status) {
    case TIEFSEE_E_LIMIT: return "overloaded";
    case TIEFSEE_E_NOMEM: return "overloaded";
    default: return "internal";
    }
}

/* What may be said of an error: its text can be ours only where it is about the request. */
static json_t *error_of(const ts_live *v)
{
    const bool is_plain = v->status == TIEFSEE_E_LIMIT || v->status == TIEFSEE_E_INVALID;

    return json_pack("{s:s,s:s,s:n}", "code", error_code(v), "message",
                     is_plain ? v->error.message : "the server could not finish this", "field");
}

json_t *ts_live_compose(const ts_live *v, bool with_texts)
{
    json_t *m = json_copy(v->answer);
    const char *finish = ts_live_finish(v);

    if (!m)
        return NULL;
    (void)json_object_set_new(m, "finish", json_string(finish));
    if (with_texts) {
        (void)json_object_set_new(
            m, "content",
            json_stringn_nocheck(v->content.ptr ? v->content.ptr : "", v->content.len));
        (void)json_object_set_new(
            m, "reasoning",
            json_stringn_nocheck(v->reasoning.ptr ? v->reasoning.ptr : "", v->reasoning.len));
    }
    if (strcmp(finish, "error") == 0)
        (void)json_object_set_new(m, "error", error_of(v));
    (void)json_object_set_new(m, "usage", usage_of(v));
    (void)json_object_set_new(m, "timings", timings_of(v));
    return m;
}

json_t *ts_live_start_event(const ts_live *v)
{
    json_t *event = json_pack("{s:s}", "type", "start");

    (void)json_object_set_new(event, "user",
                              v->user_message ? json_incref(v->user_message) : json_null());
    (void)json_object_set_new(event, "answer", ts_live_compose(v, true));
    return event;
}

json_t *ts_live_end_event(const ts_live *v, bool is_saved)
{
    const bool is_error = strcmp(ts_live_finish(v), "error") == 0;
    json_t *event =
        json_pack("{s:s,s:b}", "type", is_error ? "error" : "done", "is_saved", is_saved);

    (void)json_object_set_new(event, "answer", ts_live_compose(v, false));
    if (is_error)
        (void)json_object_set_new(event, "error", error_of(v));
    return event;
}
