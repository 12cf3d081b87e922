/* ollama_answer.c - see ollama_answer.h.
 *
 * Each line is an object that repeats model and time; the last one has done: true and
 * the numbers.  Arguments of calls are objects here, so a call is a line of its own,
 * sent when it is whole.
 */
#include "server/api/ollama_answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/api/ollama.h"
#include "server/api/whole_call.h"

enum { MAX_LOGPROBS = 256 << 20 };

typedef struct answer {
    bool is_chat, wants_logprobs;
    size_t n_top;
    ts_out entries; /* logprobs that no line has had yet */
} answer;

void ts_ollama_write_time(ts_out *o, int64_t seconds, long nanoseconds)
{
    const time_t t = (time_t)seconds;
    struct tm parts;
    char text[32] = "1970-01-01T00:00:00";

    if (gmtime_r(&t, &parts))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    ts_out_f(o, "\"%s.%06ldZ\"", text, nanoseconds / 1000);
}

static void write_head(ts_out *o, const char *model)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    ts_out_raw(o, "{\"model\":");
    ts_out_str(o, model);
    ts_out_raw(o, ",\"created_at\":");
    ts_ollama_write_time(o, now.tv_sec, now.tv_nsec);
}

/* ---- logprobs */

static void write_logprob(ts_out *o, const tiefsee_model *m, tiefsee_token token, float logprob)
{
    size_t n = 0;
    const char *bytes = tiefsee_token_bytes(m, token, &n);

    ts_out_raw(o, "{\"token\":");
    ts_out_text(o, bytes ? bytes : "", bytes ? n : 0);
    ts_out_f(o, ",\"logprob\":%.9g,\"bytes\":", isfinite(logprob) ? (double)logprob : -9999.0);
    ts_out_byte_array(o, bytes, bytes ? n : 0);
}

static void log_token(ts_turn *t, const tiefsee_piece *piece)
{
    answer *a = t->state;
    const tiefsee_model *m = t->model->model;
    ts_out *o = &a->entries;

    if (!a->wants_logprobs)
        return;
    ts_out_raw(o, o->buf.len ? "," : "");
    write_logprob(o, m, piece->token, piece->logprob);
    ts_out_raw(o, ",\"top_logprobs\":[");
    for (size_t i = 0; i < a->n_top && i < piece->n_top; i++) {
        ts_out_raw(o, i ? "," : "");
        write_logprob(o, m, piece->top[i].token, piece->top[i].logprob);
        ts_out_raw(o, "}");
    }
    ts_out_raw(o, "]}");
}

/* The member behind a comma; empties the entries. */
static void write_logprobs(ts_turn *t)
{
    answer *a = t->state;

    t->has_failed = t->has_failed || a->entries.has_failed;
    if (!a->wants_logprobs || a->entries.buf.len == 0)
        return;
    ts_out_raw(&t->out, ",\"logprobs\":[");
    ts_out_bytes(&t->out, a->entries.buf.ptr, a->entries.buf.len);
    ts_out_raw(&t->out, "]");
    ts_buf_clear(&a->entries.buf);
}

/* ---- lines */

/* One of text and thinking is empty. */
static void write_line(ts_turn *t, ts_str text, ts_str thinking)
{
    const answer *a = t->state;
    ts_out *o = &t->out;

    write_head(o, t->model->name);
    ts_out_raw(o,
               a->is_chat ? ",\"message\":{\"role\":\"assistant\",\"content\":" : ",\"response\":");
    ts_out_text(o, text.ptr, text.len);
    if (thinking.len > 0) {
        ts_out_raw(o, ",\"thinking\":");
        ts_out_text(o, thinking.ptr, thinking.len);
    }
    ts_out_raw(o, a->is_chat ? "}" : "");
    write_logprobs(t);
    ts_out_raw(o, ",\"done\":false}\n");
}

static void write_content(ts_turn *t, ts_str text)
{
    write_line(t, text, TS_STR(""));
}

static void write_thinking(ts_turn *t, ts_str text)
{
    write_line(t, TS_STR(""), text);
}

static void write_call(ts_out *o, const ts_turn_call *call)
{
    ts_out_raw(o, "{\"id\":");
    ts_out_str(o, call->id);
    ts_out_f(o, ",\"function\":{\"index\":%zu,\"name\":", call->index);
    ts_out_str(o, call->name);
    ts_out_raw(o, ",\"arguments\":");
    ts_out_bytes(o, call->arguments.ptr, call->arguments.len);
    ts_out_raw(o, "}}");
}

static void write_call_line(ts_turn *t, const ts_turn_call *call)
{
    ts_out *o = &t->out;

    if (!ts_call_is_whole(call)) /* done_reason will be "length" */
        return;
    write_head(o, t->model->name);
    ts_out_raw(o, ",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[");
    write_call(o, call);
    ts_out_raw(o, "]}");
    write_logprobs(t);
    ts_out_raw(o, ",\"done\":false}\n");
}

/* ---- the end */

static long long ns(double seconds)
{
    return seconds > 1e-9 ? (long long)(seconds * 1e9) : 1;
}

/* What stands in for loading is waiting: the model is loaded. */
static void write_numbers(ts_turn *t, const ts_turn_end *end)
{
    write_logprobs(t);
    ts_out_f(&t->out,
             ",\"done\":true,\"done_reason\":\"%s\",\"total_duration\":%lld,"
             "\"load_duration\":%lld,\"prompt_eval_count\":%zu,\"prompt_eval_duration\":%lld,"
             "\"eval_count\":%zu,\"eval_duration\":%lld}",
             end->finish == TS_TURN_LENGTH ? "length" : "stop",
             ns(end->queue_s + end->prompt_s + end->answer_s), ns(end->queue_s), end->n_prompt,
             ns(end->prompt_s), end->n_generated, ns(end->answer_s));
}

static void write_done(ts_turn *t, const ts_turn_end *end)
{
    const answer *a = t->state;

    write_head(&t->out, t->model->name);
    ts_out_raw(&t->out, a->is_chat ? ",\"message\":{\"role\":\"assistant\",\"content\":\"\"}"
                                   : ",\"response\":\"\"");
    write_numbers(t, end);
    ts_out_raw(&t->out, "\n");
}

static void write_fail(ts_turn *t, const ts_http_error *error)
{
    ts_buf body = ts_buf_make(4096);

    if (ts_ollama_render(ts_reply_request(t->reply), error, &body)) {
        ts_out_bytes(&t->out, body.ptr, body.len);
        ts_out_raw(&t->out, "\n");
    }
    ts_buf_free(&body);
}

static void write_calls(ts_turn *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_calls; i++) {
        if (!ts_call_is_whole(&t->calls[i]))
            continue;
        ts_out_raw(&t->out, n++ ? "," : ",\"tool_calls\":[");
        write_call(&t->out, &t->calls[i]);
    }
    ts_out_raw(&t->out, n ? "]" : "");
}

static void write_whole(ts_turn *t, const ts_turn_end *end)
{
    const answer *a = t->state;
    ts_out *o = &t->out;

    write_head(o, t->model->name);
    ts_out_raw(o,
               a->is_chat ? ",\"message\":{\"role\":\"assistant\",\"content\":" : ",\"response\":");
    ts_out_buf(o, &t->content);
    if (t->reasoning.len > 0) {
        ts_out_raw(o, ",\"thinking\":");
        ts_out_buf(o, &t->reasoning);
    }
    if (a->is_chat) {
        write_calls(t);
        ts_out_raw(o, "}");
    }
    write_numbers(t, end);
}

/* ---- the dialect */

static void free_answer(void *state)
{
    ts_out_free(&((answer *)state)->entries);
}

/* A blank in front of a line is nothing to a JSON parser, and an empty line would be
 * an error to some clients. */
static const ts_turn_dialect dialect = {.stream_type = "application/x-ndjson",
                                        .stream_beat = " ",
                                        .token = log_token,
                                        .reasoning = write_thinking,
                                        .content = write_content,
                                        .call_end = write_call_line,
                                        .done = write_done,
                                        .fail = write_fail,
                                        .whole = write_whole,
                                        .free = free_answer};

void ts_ollama_answer_run(ts_reply *reply, ts_ollama_request *r)
{
    answer *a = ts_arena_alloc_zero(ts_reply_request(reply)->arena, 1, sizeof *a);

    if (!a) {
        ts_reply_fail(reply, 503, "out of memory for this request");
        return;
    }
    *a = (answer){.is_chat = r->is_chat,
                  .wants_logprobs = r->wants_logprobs,
                  .n_top = r->n_top,
                  .entries = ts_out_make(MAX_LOGPROBS)};
    ts_turn_run(reply, &r->turn, &dialect, a);
}

void ts_ollama_answer_load(ts_reply *reply, const ts_ollama_request *r)
{
    ts_out o = ts_out_make(4096);

    write_head(&o, r->turn.model->name);
    ts_out_raw(&o, r->is_chat ? ",\"message\":{\"role\":\"assistant\",\"content\":\"\"}"
                              : ",\"response\":\"\"");
    ts_out_raw(&o, ",\"done\":true,\"done_reason\":\"load\"}\n");
    if (o.has_failed)
        ts_reply_fail(reply, 503, "out of memory for this request");
    else
        ts_reply_send(reply, 200, r->turn.is_stream ? "application/x-ndjson" : "application/json",
                      o.buf.ptr, o.buf.len);
    ts_out_free(&o);
}
