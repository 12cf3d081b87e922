/* anthropic_answer.c - see anthropic_answer.h.
 *
 *     message_start
 *     content_block_start, content_block_delta ..., content_block_stop    per block
 *     message_delta, message_stop
 *
 * One block is open at a time: thinking (its signature is its last delta), text, and one
 * tool_use per call.  `ping` may come at any time.  An error after the 200 is an event
 * `error`, and the last one.
 */
#include "server/api/anthropic_answer.h"

#include <stdio.h>
#include <string.h>

#include "server/api/anthropic.h"
#include "server/api/signature.h"
#include "server/api/whole_call.h"

#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"

typedef enum block_kind { NO_BLOCK, THINKING, TEXT, TOOL_USE } block_kind;

typedef struct answer {
    block_kind open;
    size_t n_blocks; /* that were opened */
    ts_signer signer;
} answer;

/* ---- events */

static void begin_event(ts_turn *t, const char *type)
{
    ts_out_f(&t->out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static void end_event(ts_turn *t)
{
    ts_out_raw(&t->out, "}\n\n");
}

/* Tokens that were remembered are not counted as input. */
static void write_usage(ts_out *o, size_t n_prompt, size_t n_cached, size_t n_output)
{
    ts_out_f(o,
             "{\"input_tokens\":%zu,\"cache_creation_input_tokens\":0,"
             "\"cache_read_input_tokens\":%zu,\"output_tokens\":%zu}",
             n_prompt - n_cached, n_cached, n_output);
}

static void write_message_head(ts_turn *t)
{
    ts_out_f(&t->out,
             "{\"id\":\"msg_%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":", t->id);
    ts_out_str(&t->out, t->model->name);
}

static void write_begin(ts_turn *t)
{
    if (!t->is_stream)
        return;
    begin_event(t, "message_start");
    ts_out_raw(&t->out, ",\"message\":");
    write_message_head(t);
    ts_out_raw(&t->out, ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":");
    write_usage(&t->out, t->n_prompt, t->n_cached, 1);
    ts_out_raw(&t->out, "}");
    end_event(t);
    ts_out_raw(&t->out, PING);
}

static void begin_delta(ts_turn *t, const char *type)
{
    const answer *a = t->state;

    begin_event(t, "content_block_delta");
    ts_out_f(&t->out, ",\"index\":%zu,\"delta\":{\"type\":\"%s\"", a->n_blocks - 1, type);
}

static void end_delta(ts_turn *t)
{
    ts_out_raw(&t->out, "}");
    end_event(t);
}

/* ---- blocks */

static void close_block(ts_turn *t)
{
    answer *a = t->state;
    char signature[TS_SIGNATURE_LEN + 1];

    if (a->open == NO_BLOCK)
        return;
    if (a->open == THINKING) {
        ts_signer_end(&a->signer, signature);
        begin_delta(t, "signature_delta");
        ts_out_f(&t->out, ",\"signature\":\"%s\"", signature);
        end_delta(t);
    }
    begin_event(t, "content_block_stop");
    ts_out_f(&t->out, ",\"index\":%zu", a->n_blocks - 1);
    end_event(t);
    a->open = NO_BLOCK;
}

static void begin_block(ts_turn *t, block_kind kind)
{
    answer *a = t->state;

    close_block(t);
    a->open = kind;
    begin_event(t, "content_block_start");
    ts_out_f(&t->out, ",\"index\":%zu,\"content_block\":", a->n_blocks++);
}

static void write_thinking(ts_turn *t, ts_str text)
{
    answer *a = t->state;

    if (a->open != THINKING) {
        begin_block(t, THINKING);
        ts_out_raw(&t->out, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
        end_event(t);
        ts_signer_begin(&a->signer);
    }
    ts_signer_add(&a->signer, text);
    begin_delta(t, "thinking_delta");
    ts_out_raw(&t->out, ",\"thinking\":");
    ts_out_text(&t->out, text.ptr, text.len);
    end_delta(t);
}

static void write_text(ts_turn *t, ts_str text)
{
    const answer *a = t->state;

    if (a->open != TEXT) {
        begin_block(t, TEXT);
        ts_out_raw(&t->out, "{\"type\":\"text\",\"text\":\"\"}");
        end_event(t);
    }
    begin_delta(t, "text_delta");
    ts_out_raw(&t->out, ",\"text\":");
    ts_out_text(&t->out, text.ptr, text.len);
    end_delta(t);
}

static void write_tool_head(ts_out *o, const ts_turn_call *call)
{
    ts_out_raw(o, "{\"type\":\"tool_use\",\"id\":");
    ts_out_str(o, call->id);
    ts_out_raw(o, ",\"name\":");
    ts_out_str(o, call->name);
    ts_out_raw(o, ",\"input\":");
}

static void write_call_begin(ts_turn *t, const ts_turn_call *call)
{
    begin_block(t, TOOL_USE);
    write_tool_head(&t->out, call);
    ts_out_raw(&t->out, "{}}");
    end_event(t);
}

static void write_arguments(ts_turn *t, const ts_turn_call *call, ts_str text)
{
    (void)call;
    begin_delta(t, "input_json_delta");
    ts_out_raw(&t->out, ",\"partial_json\":");
    ts_out_text(&t->out, text.ptr, text.len);
    end_delta(t);
}

static void write_call_end(ts_turn *t, const ts_turn_call *call)
{
    (void)call;
    close_block(t);
}

/* ---- the end */

/* stop_reason, stop_sequence and what DeepSeek adds, behind a comma or not. */
static void write_stop(ts_turn *t, const ts_turn_end *end)
{
    ts_out *o = &t->out;
    const char *reason = "end_turn";

    if (end->finish == TS_TURN_LENGTH)
        reason = "max_tokens";
    else if (end->finish == TS_TURN_CALLS)
        reason = "tool_use";
    else if (end->stop)
        reason = "stop_sequence";
    ts_out_f(o, "\"stop_reason\":\"%s\",\"stop_sequence\":", reason);
    ts_out_str(o, end->finish == TS_TURN_STOP ? end->stop : NULL);
    if (t->title) {
        ts_out_raw(o, ",\"title\":");
        ts_out_str(o, t->title);
    }
}

static void write_done(ts_turn *t, const ts_turn_end *end)
{
    close_block(t);
    begin_event(t, "message_delta");
    ts_out_raw(&t->out, ",\"delta\":{");
    write_stop(t, end);
    ts_out_raw(&t->out, "},\"usage\":");
    write_usage(&t->out, end->n_prompt, end->n_cached, end->n_generated);
    end_event(t);
    begin_event(t, "message_stop");
    end_event(t);
}

static void write_fail(ts_turn *t, const ts_http_error *error)
{
    ts_buf body = ts_buf_make(4096);

    if (ts_anthropic_render(ts_reply_request(t->reply), error, &body)) {
        ts_out_raw(&t->out, "event: error\ndata: ");
        ts_out_bytes(&t->out, body.ptr, body.len);
        ts_out_raw(&t->out, "\n\n");
    }
    ts_buf_free(&body);
}

/* ---- whole answers */

static void write_thinking_block(ts_out *o, const ts_buf *text)
{
    char signature[TS_SIGNATURE_LEN + 1];
    ts_signer signer;

    ts_signer_begin(&signer);
    ts_signer_add(&signer, (ts_str){text->ptr, text->len});
    ts_signer_end(&signer, signature);
    ts_out_raw(o, "{\"type\":\"thinking\",\"thinking\":");
    ts_out_text(o, text->ptr, text->len);
    ts_out_f(o, ",\"signature\":\"%s\"}", signature);
}

static void write_blocks(ts_turn *t)
{
    ts_out *o = &t->out;
    size_t n = 0;

    if (t->reasoning.len > 0) {
        n++;
        write_thinking_block(o, &t->reasoning);
    }
    if (t->content.len > 0) {
        ts_out_raw(o, n++ ? ",{\"type\":\"text\",\"text\":" : "{\"type\":\"text\",\"text\":");
        ts_out_text(o, t->content.ptr, t->content.len);
        ts_out_raw(o, "}");
    }
    for (size_t i = 0; i < t->n_calls; i++) {
        if (!ts_call_is_whole(&t->calls[i])) /* stop_reason is max_tokens */
            continue;
        ts_out_raw(o, n++ ? "," : "");
        write_tool_head(o, &t->calls[i]);
        ts_out_bytes(o, t->calls[i].arguments.ptr, t->calls[i].arguments.len);
        ts_out_raw(o, "}");
    }
}

static void write_whole(ts_turn *t, const ts_turn_end *end)
{
    ts_out *o = &t->out;

    write_message_head(t);
    ts_out_raw(o, ",\"content\":[");
    write_blocks(t);
    ts_out_raw(o, "],");
    write_stop(t, end);
    ts_out_raw(o, ",\"usage\":");
    write_usage(o, end->n_prompt, end->n_cached, end->n_generated);
    ts_out_raw(o, "}");
}

/* ---- the dialect */

static const ts_turn_dialect dialect = {
    .stream_type = "text/event-stream",
    .stream_beat = PING,
    .begin = write_begin,
    .reasoning = write_thinking,
    .content = write_text,
    .call_begin = write_call_begin,
    .arguments = write_arguments,
    .call_end = write_call_end,
    .done = write_done,
    .fail = write_fail,
    .whole = write_whole,
};

void ts_anthropic_answer_run(ts_reply *reply, ts_turn_request *r)
{
    answer *a = ts_arena_alloc_zero(ts_reply_request(reply)->arena, 1, sizeof *a);

    if (a)
        ts_turn_run(reply, r, &dialect, a);
    else
        ts_reply_fail(reply, 503, "out of memory for this request");
}
