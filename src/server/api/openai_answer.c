/* openai_answer.c - see openai_answer.h.
 *
 * A stream is: chunk with the role, chunks with text, chunk with the reason of the
 * end (DeepSeek: and usage), OpenAI's chunk of usage if asked for, "[DONE]".  An
 * error after the 200 is an event of its own without "[DONE]" behind it.
 */
#include "server/api/openai_answer.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "core/hash.h"
#include "engine/model.h"
#include "server/api/openai.h"

enum { MAX_TEXT = 64 << 20, MAX_LOGPROBS = 256 << 20 };

/* Clients and proxies give up on a silent line after 15 s to 5 min. */
static const double HEARTBEAT_S = 10;

/* ---- what all answers share */

static uint64_t fingerprint(const ts_served_model *m)
{
    uint64_t h = ts_hash(m->name, strlen(m->name));

    h = ts_hash_more(h, tiefsee_version(), strlen(tiefsee_version()));
    h = ts_hash_more(h, &m->bytes, sizeof m->bytes);
    return ts_hash_more(h, m->info.kernels, strlen(m->info.kernels));
}

static const char *object_name(const ts_openai_answer *a)
{
    if (!a->is_chat)
        return "text_completion";
    return a->is_stream ? "chat.completion.chunk" : "chat.completion";
}

static void write_head(ts_openai_answer *a)
{
    const char *id = ts_reply_request(a->reply)->id;
    ts_out *o = &a->head;

    if (strncmp(id, "req_", 4) == 0)
        id += 4;
    ts_out_f(o, "{\"id\":\"%s%s\",\"object\":\"%s\",\"created\":%lld,\"model\":",
             a->is_chat ? "chatcmpl-" : "cmpl-", id, object_name(a), (long long)a->created);
    ts_out_str(o, a->model->name);
    ts_out_f(o, ",\"system_fingerprint\":\"fp_%010llx\"",
             (unsigned long long)(fingerprint(a->model) & 0xffffffffffull));
}

static void free_lock(void *lock)
{
    ts_lock_free(lock);
}

ts_openai_answer *ts_openai_answer_new(ts_reply *reply, const ts_openai_request *request,
                                       bool is_deepseek)
{
    ts_openai_answer *a = ts_arena_alloc_zero(ts_reply_request(reply)->arena, 1, sizeof *a);

    if (!a)
        return NULL;
    a->reply = reply;
    a->model = request->model;
    a->is_chat = request->is_chat;
    a->is_stream = request->is_stream;
    a->is_deepseek = is_deepseek;
    a->wants_usage = request->wants_usage;
    a->wants_logprobs = request->wants_logprobs;
    a->is_thinking = request->is_thinking;
    a->n_top = request->n_top;
    a->created = (int64_t)time(NULL);
    a->lock = ts_lock_new();
    if (!a->lock || !ts_reply_on_free(reply, free_lock, a->lock))
        return NULL;
    a->head = ts_out_make(2048);
    a->out = ts_out_make(MAX_LOGPROBS + 2 * MAX_TEXT);
    for (int i = 0; i < 2; i++) {
        a->text[i] = ts_out_make(MAX_TEXT);
        a->entries[i] = ts_out_make(MAX_LOGPROBS);
    }
    write_head(a);
    return a;
}

void ts_openai_answer_free(ts_openai_answer *a)
{
    ts_out_free(&a->head);
    ts_out_free(&a->out);
    for (int i = 0; i < 2; i++) {
        ts_out_free(&a->text[i]);
        ts_out_free(&a->entries[i]);
    }
}

void ts_openai_answer_begin(ts_openai_answer *a)
{
    if (!a->is_stream && !a->is_deepseek)
        return;
    a->is_begun = true;
    (void)ts_reply_begin(a->reply, 200, a->is_stream ? "text/event-stream" : "application/json");
    ts_reply_heartbeat(a->reply, HEARTBEAT_S, a->is_stream ? ": keep-alive\n\n" : "\n");
}

static bool has_failed(const ts_openai_answer *a)
{
    return a->head.has_failed || a->out.has_failed || a->text[0].has_failed ||
           a->text[1].has_failed || a->entries[0].has_failed || a->entries[1].has_failed;
}

/* ---- logprobs */

static void write_logprob(ts_out *o, const tiefsee_model *m, tiefsee_token token, float logprob)
{
    size_t n = 0;
    const char *bytes = tiefsee_token_bytes(m, token, &n);

    ts_out_raw(o, "\"token\":");
    ts_out_text(o, bytes ? bytes : "", bytes ? n : 0);
    /* DeepSeek's spelling of "not among them"; JSON has no infinity. */
    ts_out_f(o, ",\"logprob\":%.9g,\"bytes\":", isfinite(logprob) ? (double)logprob : -9999.0);
    ts_out_byte_array(o, bytes, bytes ? n : 0);
}

/* One entry per token, whatever number of pieces it gave. */
static void log_token(ts_openai_answer *a, const tiefsee_piece *piece)
{
    /* The mark is the last token of the reasoning, although what it opens is content. */
    const bool is_mark = a->is_thinking && piece->token == a->model->model->think_end;
    ts_out *o = &a->entries[is_mark ? TIEFSEE_REASONING : piece->channel];

    if (!a->wants_logprobs || piece->index < a->n_logged)
        return;
    a->n_logged = piece->index + 1;
    ts_out_raw(o, o->buf.len ? ",{" : "{");
    write_logprob(o, a->model->model, piece->token, piece->logprob);
    ts_out_raw(o, ",\"top_logprobs\":[");
    for (size_t i = 0; i < a->n_top && i < piece->n_top; i++) {
        ts_out_raw(o, i ? ",{" : "{");
        write_logprob(o, a->model->model, piece->top[i].token, piece->top[i].logprob);
        ts_out_raw(o, "}");
    }
    ts_out_raw(o, "]}");
}

static void append_out(ts_out *to, const ts_out *from)
{
    to->has_failed = to->has_failed || from->has_failed;
    if (from->buf.len > 0)
        ts_out_bytes(to, from->buf.ptr, from->buf.len);
}

/* The member behind a comma; empties the entries. */
static void write_logprobs(ts_openai_answer *a)
{
    ts_out *content = &a->entries[TIEFSEE_CONTENT], *reasoning = &a->entries[TIEFSEE_REASONING];

    if (!a->wants_logprobs) {
        ts_out_raw(&a->out, ",\"logprobs\":null");
        return;
    }
    ts_out_raw(&a->out, ",\"logprobs\":{\"content\":[");
    append_out(&a->out, content);
    ts_out_raw(&a->out, "],\"reasoning_content\":[");
    append_out(&a->out, reasoning);
    ts_out_raw(&a->out, "],\"refusal\":null}");
    ts_buf_clear(&content->buf);
    ts_buf_clear(&reasoning->buf);
}

/* ---- usage */

static void write_usage(ts_out *o, const ts_job_result *r)
{
    const size_t n_answer = r->n_generated;

    ts_out_f(o,
             "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
             "\"prompt_cache_hit_tokens\":%zu,\"prompt_cache_miss_tokens\":%zu,"
             "\"prompt_tokens_details\":{\"cached_tokens\":%zu},"
             "\"completion_tokens_details\":{\"reasoning_tokens\":%zu}}",
             r->n_prompt, n_answer, r->n_prompt + n_answer, r->n_cached, r->n_prompt - r->n_cached,
             r->n_cached, r->n_reasoning);
}

static const char *finish_name(const ts_job_result *r)
{
    return r->finish == TIEFSEE_FINISH_LENGTH ? "length" : "stop";
}

/* ---- chunks */

static void begin_chunk(ts_openai_answer *a)
{
    ts_buf_clear(&a->out.buf);
    ts_out_raw(&a->out, "data: ");
    append_out(&a->out, &a->head);
}

static void send_chunk(ts_openai_answer *a)
{
    if (!has_failed(a) && !ts_reply_write(a->reply, a->out.buf.ptr, a->out.buf.len))
        a->is_gone = true;
}

static void end_chunk(ts_openai_answer *a, const char *finish, const ts_job_result *usage)
{
    ts_out *o = &a->out;

    ts_out_raw(o, ",\"finish_reason\":");
    ts_out_str(o, finish);
    ts_out_raw(o, "}]");
    if (usage && a->is_deepseek) {
        ts_out_raw(o, ",\"usage\":");
        write_usage(o, usage);
    } else if (a->wants_usage)
        ts_out_raw(o, ",\"usage\":null");
    ts_out_raw(o, "}\n\n");
    send_chunk(a);
}

static void send_role(ts_openai_answer *a)
{
    if (a->has_role || !a->is_chat)
        return;
    a->has_role = true;
    begin_chunk(a);
    ts_out_raw(&a->out, ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",");
    if (a->is_thinking && a->is_deepseek)
        ts_out_raw(&a->out, "\"content\":null,\"reasoning_content\":\"\"}");
    else
        ts_out_raw(&a->out, "\"content\":\"\"}");
    ts_out_raw(&a->out, ",\"logprobs\":null");
    end_chunk(a, NULL, NULL);
}

static void send_piece(ts_openai_answer *a, const tiefsee_piece *piece)
{
    const bool is_reasoning = piece->channel == TIEFSEE_REASONING;
    ts_out *o = &a->out;

    send_role(a);
    begin_chunk(a);
    if (!a->is_chat)
        ts_out_raw(o, ",\"choices\":[{\"index\":0,\"text\":");
    else {
        ts_out_raw(o, ",\"choices\":[{\"index\":0,\"delta\":{");
        if (is_reasoning)
            ts_out_raw(o, a->is_deepseek ? "\"content\":null,\"reasoning_content\":"
                                         : "\"reasoning_content\":");
        else
            ts_out_raw(o, "\"content\":");
    }
    ts_out_text(o, piece->text, piece->n);
    if (a->is_chat && a->is_deepseek && !is_reasoning && a->is_thinking)
        ts_out_raw(o, ",\"reasoning_content\":null");
    ts_out_raw(o, a->is_chat ? "}" : "");
    write_logprobs(a);
    end_chunk(a, NULL, NULL);
}

static void send_last(ts_openai_answer *a, const ts_job_result *r)
{
    ts_out *o = &a->out;

    send_role(a);
    begin_chunk(a);
    ts_out_raw(o, ",\"choices\":[{\"index\":0,");
    if (!a->is_chat)
        ts_out_raw(o, "\"text\":\"\"");
    else
        ts_out_raw(o,
                   a->is_deepseek ? "\"delta\":{\"content\":\"\",\"role\":null}" : "\"delta\":{}");
    write_logprobs(a);
    end_chunk(a, finish_name(r), r);
    if (a->wants_usage && !a->is_deepseek) {
        begin_chunk(a);
        ts_out_raw(o, ",\"choices\":[],\"usage\":");
        write_usage(o, r);
        ts_out_raw(o, "}\n\n");
        send_chunk(a);
    }
}

/* ---- whole answers */

static void write_whole(ts_openai_answer *a, const ts_job_result *r)
{
    const ts_out *reasoning = &a->text[TIEFSEE_REASONING];
    ts_out *o = &a->out;

    ts_buf_clear(&o->buf);
    append_out(o, &a->head);
    ts_out_raw(o, ",\"choices\":[{\"index\":0,");
    ts_out_raw(o,
               a->is_chat ? "\"message\":{\"role\":\"assistant\",\"content\":\"" : "\"text\":\"");
    append_out(o, &a->text[TIEFSEE_CONTENT]);
    ts_out_raw(o, "\"");
    if (a->is_chat && (a->is_thinking || reasoning->buf.len > 0)) {
        ts_out_raw(o, ",\"reasoning_content\":\"");
        append_out(o, reasoning);
        ts_out_raw(o, "\"");
    }
    ts_out_raw(o, a->is_chat ? ",\"refusal\":null}" : "");
    write_logprobs(a);
    ts_out_f(o, ",\"finish_reason\":\"%s\"}],\"usage\":", finish_name(r));
    write_usage(o, r);
    ts_out_raw(o, "}");
}

/* ---- the ends */

/* The 200 is out already: an event that says what is wrong, and no "[DONE]". */
static void send_error_event(ts_openai_answer *a, const ts_http_error *error)
{
    ts_buf body = ts_buf_make(4096);
    ts_out event = ts_out_make(8192);

    if (ts_openai_render(ts_reply_request(a->reply), error, &body)) {
        ts_out_raw(&event, "data: ");
        ts_out_bytes(&event, body.ptr, body.len);
        ts_out_raw(&event, "\n\n");
        if (!event.has_failed)
            (void)ts_reply_write(a->reply, event.buf.ptr, event.buf.len);
    }
    ts_buf_free(&body);
    ts_out_free(&event);
    ts_reply_end(a->reply);
}

static void fail(ts_openai_answer *a, const ts_job_result *r)
{
    ts_http_error error = {.status = 503, .message = "the server is stopping", .retry_after_s = 1};

    if (has_failed(a))
        error.message = "out of memory for this answer";
    else if (r->status != TIEFSEE_OK) {
        if (!a->is_begun) {
            ts_reply_fail_status(a->reply, &r->error);
            return;
        }
        error = (ts_http_error){.status = 500, .message = "the server could not finish this"};
    }
    if (a->is_begun && a->is_stream)
        send_error_event(a, &error);
    else
        ts_reply_fail_with(a->reply, &error);
}

static void end_stream(ts_openai_answer *a, const ts_job_result *r)
{
    send_last(a, r);
    if (has_failed(a)) {
        fail(a, r);
        return;
    }
    (void)ts_reply_write(a->reply, "data: [DONE]\n\n", 14);
    ts_reply_end(a->reply);
}

static void end_whole(ts_openai_answer *a, const ts_job_result *r)
{
    write_whole(a, r);
    if (has_failed(a))
        fail(a, r);
    else if (!a->is_begun)
        ts_reply_send(a->reply, 200, "application/json", a->out.buf.ptr, a->out.buf.len);
    else {
        (void)ts_reply_write(a->reply, a->out.buf.ptr, a->out.buf.len);
        ts_reply_end(a->reply);
    }
}

/* ---- events (engine thread) */

/* The handler has the lock from before submit until it has begun the reply, which is
 * a matter of microseconds. */
static void wait_for_handler(ts_openai_answer *a)
{
    ts_lock_take(a->lock);
    ts_lock_give(a->lock);
}

static void on_start(void *user, size_t n_prompt, size_t n_cached)
{
    ts_openai_answer *a = user;

    wait_for_handler(a);
    ts_reply_note(a->reply, a->model->name, n_prompt, n_cached, 0);
}

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    ts_openai_answer *a = user;

    log_token(a, piece);
    if (piece->n > 0 && a->is_stream)
        send_piece(a, piece);
    else if (piece->n > 0)
        ts_out_escaped(&a->text[piece->channel], piece->text, piece->n);
    return !a->is_gone && !has_failed(a);
}

static void on_done(void *user, const ts_job_result *r)
{
    ts_openai_answer *a = user;

    wait_for_handler(a);
    ts_reply_note(a->reply, a->model->name, r->n_prompt, r->n_cached, r->n_generated);
    const bool is_whole = r->status == TIEFSEE_OK && r->finish != TIEFSEE_FINISH_CANCELLED;
    if (!is_whole || has_failed(a))
        fail(a, r);
    else if (a->is_stream)
        end_stream(a, r);
    else
        end_whole(a, r);
    ts_openai_answer_free(a);
}

const ts_job_events ts_openai_answer_events = {
    .start = on_start, .piece = on_piece, .done = on_done};
