/* openai_answer.c - see openai_answer.h.
 *
 * A stream is: chunk with the role, chunks with text or parts of calls, chunk with the
 * reason of the end (DeepSeek: and usage), OpenAI's chunk of usage if asked for,
 * "[DONE]".  An error after the 200 is an event of its own without "[DONE]" behind it.
 */
#include "server/api/openai_answer.h"

#include <string.h>

#include "server/api/openai.h"
#include "server/api/openai_logprobs.h"

typedef struct answer {
    bool is_chat, is_deepseek, wants_usage;
    bool has_role; /* the first chunk is out */
    ts_out head;   /* {"id":...,"system_fingerprint":... of every chunk */
    ts_openai_logprobs logprobs;
} answer;

/* ---- what all answers share */

static const char *object_name(const ts_turn *t, const answer *a)
{
    if (!a->is_chat)
        return "text_completion";
    return t->is_stream ? "chat.completion.chunk" : "chat.completion";
}

static void write_head(ts_turn *t)
{
    answer *a = t->state;
    ts_out *o = &a->head;
    char fingerprint[16];

    if (o->buf.len == 0) {
        ts_turn_fingerprint(fingerprint, t->model);
        ts_out_f(o, "{\"id\":\"%s%s\",\"object\":\"%s\",\"created\":%lld,\"model\":",
                 a->is_chat ? "chatcmpl-" : "cmpl-", t->id, object_name(t, a),
                 (long long)t->created);
        ts_out_str(o, t->model->name);
        ts_out_f(o, ",\"system_fingerprint\":\"%s\"", fingerprint);
    }
    ts_out_append(&t->out, o);
}

static void free_answer(void *state)
{
    answer *a = state;

    ts_out_free(&a->head);
    ts_openai_logprobs_free(&a->logprobs);
}

static void log_token(ts_turn *t, const tiefsee_piece *piece)
{
    answer *a = t->state;

    ts_openai_logprobs_add(&a->logprobs, t, piece);
}

static void write_logprobs(ts_turn *t)
{
    answer *a = t->state;

    ts_openai_logprobs_write(&a->logprobs, &t->out);
}

/* ---- usage and the reason of the end */

static void write_usage(ts_out *o, const ts_turn_end *r)
{
    ts_out_f(o,
             "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
             "\"prompt_cache_hit_tokens\":%zu,\"prompt_cache_miss_tokens\":%zu,"
             "\"prompt_tokens_details\":{\"cached_tokens\":%zu},"
             "\"completion_tokens_details\":{\"reasoning_tokens\":%zu}}",
             r->n_prompt, r->n_generated, r->n_prompt + r->n_generated, r->n_cached,
             r->n_prompt - r->n_cached, r->n_cached, r->n_reasoning);
}

static const char *finish_name(ts_turn_finish finish)
{
    switch (finish) {
    case TS_TURN_LENGTH: return "length";
    case TS_TURN_CALLS: return "tool_calls";
    default: return "stop";
    }
}

/* ---- chunks */

static void begin_chunk(ts_turn *t)
{
    ts_out_raw(&t->out, "data: ");
    write_head(t);
}

/* end: on the last one. */
static void end_chunk(ts_turn *t, const ts_turn_end *end)
{
    const answer *a = t->state;
    ts_out *o = &t->out;

    ts_out_raw(o, ",\"finish_reason\":");
    ts_out_str(o, end ? finish_name(end->finish) : NULL);
    ts_out_raw(o, "}]");
    if (end && a->is_deepseek) {
        ts_out_raw(o, ",\"usage\":");
        write_usage(o, end);
    } else if (a->wants_usage)
        ts_out_raw(o, ",\"usage\":null");
    ts_out_raw(o, "}\n\n");
}

static void write_role(ts_turn *t)
{
    answer *a = t->state;

    if (a->has_role || !a->is_chat)
        return;
    a->has_role = true;
    begin_chunk(t);
    ts_out_raw(&t->out, ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",");
    if (t->is_thinking && a->is_deepseek)
        ts_out_raw(&t->out, "\"content\":null,\"reasoning_content\":\"\"}");
    else
        ts_out_raw(&t->out, "\"content\":\"\"}");
    ts_out_raw(&t->out, ",\"logprobs\":null");
    end_chunk(t, NULL);
}

static void begin_delta(ts_turn *t)
{
    write_role(t);
    begin_chunk(t);
    ts_out_raw(&t->out, ",\"choices\":[{\"index\":0,\"delta\":{");
}

static void end_delta(ts_turn *t)
{
    ts_out_raw(&t->out, "}");
    write_logprobs(t);
    end_chunk(t, NULL);
}

static void write_reasoning(ts_turn *t, ts_str text)
{
    const answer *a = t->state;

    begin_delta(t);
    ts_out_raw(&t->out, a->is_deepseek ? "\"content\":null,\"reasoning_content\":"
                                       : "\"reasoning_content\":");
    ts_out_text(&t->out, text.ptr, text.len);
    end_delta(t);
}

static void write_content(ts_turn *t, ts_str text)
{
    const answer *a = t->state;

    begin_delta(t);
    ts_out_raw(&t->out, "\"content\":");
    ts_out_text(&t->out, text.ptr, text.len);
    if (a->is_deepseek && t->is_thinking)
        ts_out_raw(&t->out, ",\"reasoning_content\":null");
    end_delta(t);
}

static void write_text(ts_turn *t, ts_str text)
{
    begin_chunk(t);
    ts_out_raw(&t->out, ",\"choices\":[{\"index\":0,\"text\":");
    ts_out_text(&t->out, text.ptr, text.len);
    write_logprobs(t);
    end_chunk(t, NULL);
}

static void write_call(ts_out *o, const ts_turn_call *call)
{
    ts_out_raw(o, "\"id\":");
    ts_out_str(o, call->id);
    ts_out_raw(o, ",\"type\":\"function\",\"function\":{\"name\":");
    ts_out_str(o, call->name);
    ts_out_raw(o, ",\"arguments\":");
    ts_out_buf(o, &call->arguments);
    ts_out_raw(o, "}}");
}

static void write_call_begin(ts_turn *t, const ts_turn_call *call)
{
    begin_delta(t);
    ts_out_f(&t->out, "\"tool_calls\":[{\"index\":%zu,", call->index);
    write_call(&t->out, call);
    ts_out_raw(&t->out, "]");
    end_delta(t);
}

static void write_arguments(ts_turn *t, const ts_turn_call *call, ts_str text)
{
    begin_delta(t);
    ts_out_f(&t->out, "\"tool_calls\":[{\"index\":%zu,\"function\":{\"arguments\":", call->index);
    ts_out_text(&t->out, text.ptr, text.len);
    ts_out_raw(&t->out, "}}]");
    end_delta(t);
}

static void write_title(ts_out *o, const char *title, bool is_behind)
{
    ts_out_raw(o, is_behind ? ",\"title\":" : "\"title\":");
    ts_out_str(o, title);
}

static void write_done(ts_turn *t, const ts_turn_end *end)
{
    const answer *a = t->state;
    ts_out *o = &t->out;

    write_role(t);
    begin_chunk(t);
    ts_out_raw(o, ",\"choices\":[{\"index\":0,");
    if (!a->is_chat)
        ts_out_raw(o, "\"text\":\"\"");
    else {
        ts_out_raw(o, "\"delta\":{");
        ts_out_raw(o, a->is_deepseek ? "\"content\":\"\",\"role\":null" : "");
        if (t->title)
            write_title(o, t->title, a->is_deepseek);
        ts_out_raw(o, "}");
    }
    write_logprobs(t);
    end_chunk(t, end);
    if (a->wants_usage && !a->is_deepseek) {
        begin_chunk(t);
        ts_out_raw(o, ",\"choices\":[],\"usage\":");
        write_usage(o, end);
        ts_out_raw(o, "}\n\n");
    }
    ts_out_raw(o, "data: [DONE]\n\n");
}

/* An event that says what is wrong, and no "[DONE]". */
static void write_fail(ts_turn *t, const ts_http_error *error)
{
    ts_buf body = ts_buf_make(4096);

    if (ts_openai_render(ts_reply_request(t->reply), error, &body)) {
        ts_out_raw(&t->out, "data: ");
        ts_out_bytes(&t->out, body.ptr, body.len);
        ts_out_raw(&t->out, "\n\n");
    }
    ts_buf_free(&body);
}

/* ---- whole answers */

static void write_message(ts_turn *t)
{
    ts_out *o = &t->out;

    ts_out_raw(o, "\"message\":{\"role\":\"assistant\",\"content\":");
    if (t->n_calls > 0 && t->content.len == 0)
        ts_out_raw(o, ((const answer *)t->state)->is_deepseek ? "\"\"" : "null");
    else
        ts_out_buf(o, &t->content);
    if (t->is_thinking || t->reasoning.len > 0) {
        ts_out_raw(o, ",\"reasoning_content\":");
        ts_out_buf(o, &t->reasoning);
    }
    for (size_t i = 0; i < t->n_calls; i++) {
        ts_out_raw(o, i ? ",{" : ",\"tool_calls\":[{");
        write_call(o, &t->calls[i]);
    }
    ts_out_raw(o, t->n_calls > 0 ? "],\"refusal\":null" : ",\"refusal\":null");
    if (t->title)
        write_title(o, t->title, true);
    ts_out_raw(o, "}");
}

static void write_whole(ts_turn *t, const ts_turn_end *end)
{
    const answer *a = t->state;
    ts_out *o = &t->out;

    write_head(t);
    ts_out_raw(o, ",\"choices\":[{\"index\":0,");
    if (a->is_chat)
        write_message(t);
    else {
        ts_out_raw(o, "\"text\":");
        ts_out_buf(o, &t->content);
    }
    write_logprobs(t);
    ts_out_f(o, ",\"finish_reason\":\"%s\"}],\"usage\":", finish_name(end->finish));
    write_usage(o, end);
    ts_out_raw(o, "}");
}

/* ---- the dialects */

#define CHAT_EVENTS                                                                   \
    .token = log_token, .reasoning = write_reasoning, .content = write_content,       \
    .call_begin = write_call_begin, .arguments = write_arguments, .done = write_done, \
    .fail = write_fail, .whole = write_whole, .free = free_answer
#define STREAM .stream_type = "text/event-stream", .stream_beat = ": keep-alive\n\n"

static const ts_turn_dialect openai_chat = {STREAM, CHAT_EVENTS};
static const ts_turn_dialect deepseek_chat = {STREAM, CHAT_EVENTS, .whole_beat = "\n"};
#define TEXT_EVENTS                                                                    \
    .token = log_token, .content = write_text, .done = write_done, .fail = write_fail, \
    .whole = write_whole, .free = free_answer

static const ts_turn_dialect openai_text = {STREAM, TEXT_EVENTS};
static const ts_turn_dialect deepseek_text = {STREAM, TEXT_EVENTS, .whole_beat = "\n"};

static const ts_turn_dialect *dialect_of(bool is_chat, bool is_deepseek)
{
    if (is_chat)
        return is_deepseek ? &deepseek_chat : &openai_chat;
    return is_deepseek ? &deepseek_text : &openai_text;
}

void ts_openai_answer_run(ts_reply *reply, ts_openai_request *r, bool is_deepseek)
{
    answer *a = ts_arena_alloc_zero(ts_reply_request(reply)->arena, 1, sizeof *a);

    if (!a) {
        ts_reply_fail(reply, 503, "out of memory for this request");
        return;
    }
    *a = (answer){.is_chat = r->is_chat,
                  .is_deepseek = is_deepseek,
                  .wants_usage = r->wants_usage,
                  .head = ts_out_make(2048),
                  .logprobs = ts_openai_logprobs_make(r->wants_logprobs, r->is_chat, r->n_top)};
    ts_turn_run(reply, &r->turn, dialect_of(r->is_chat, is_deepseek), a);
}
