/* responses_answer.c - see responses_answer.h.
 *
 *     response.created, response.in_progress
 *     output_item.added, content_part.added, ...delta ..., ...done, content_part.done,
 *         output_item.done      for reasoning, message and each function_call, in order
 *     response.completed | incomplete | failed
 *
 * Every event has a sequence_number; an item keeps its id from the first event to the
 * response that ends the stream and repeats everything.
 */
#include "server/api/responses_answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/model.h"
#include "server/api/encoded.h"
#include "server/api/responses_items.h"
#include "server/api/responses_socket.h"
#include "server/api/whole_call.h"

enum { MAX_LOGPROBS = 256 << 20, MAX_ECHO = 64 << 20 };

typedef enum item_kind { NO_ITEM, REASONING, MESSAGE, CALL } item_kind;

typedef struct answer {
    bool wants_logprobs, wants_encrypted;
    bool is_socket; /* events are lines, each a message */
    bool is_warming;
    size_t n_top;
    ts_out items; /* of a socket: the conversation up to here */
    ts_out echo;  /* members of the response that repeat the request */
    const ts_tool_space *spaces;
    size_t n_spaces;

    uint64_t sequence;
    size_t output_at, output_end; /* in the turn's out: the items of the response written last */
    item_kind open;
    size_t n_items;       /* that were opened */
    ts_out entries, news; /* logprobs of the text: all, and those of the next delta */
} answer;

/* ---- items; text NULL: none yet */

static void write_id(ts_out *o, const ts_turn *t, const char *prefix, size_t i)
{
    if (i == 0)
        ts_out_f(o, "\"%s_%s\"", prefix, t->id);
    else
        ts_out_f(o, "\"%s_%s%02zu\"", prefix, t->id, i);
}

static void write_reasoning(ts_turn *t, const ts_buf *text, const char *status)
{
    const answer *a = t->state;
    ts_out *o = &t->out;

    ts_out_raw(o, "{\"type\":\"reasoning\",\"id\":");
    write_id(o, t, "rs", 0);
    ts_out_raw(o, ",\"summary\":[],\"content\":[");
    if (text) {
        ts_out_raw(o, "{\"type\":\"reasoning_text\",\"text\":");
        ts_out_buf(o, text);
        ts_out_raw(o, "}");
    }
    ts_out_raw(o, "]");
    if (text && text->len > 0 && a->wants_encrypted) {
        ts_out_raw(o, ",\"encrypted_content\":\"" TS_RESPONSES_ENCODED);
        ts_encoded_write(o, text->ptr, text->len);
        ts_out_raw(o, "\"");
    }
    ts_out_f(o, ",\"status\":\"%s\"}", status);
}

/* The logprobs of a part or a delta; empty where none were asked for. */
static void write_entries(ts_out *o, const ts_out *entries)
{
    ts_out_raw(o, ",\"logprobs\":[");
    if (entries)
        ts_out_append(o, entries);
    ts_out_raw(o, "]");
}

static void write_part(ts_turn *t, const ts_buf *text)
{
    const answer *a = t->state;
    ts_out *o = &t->out;

    ts_out_raw(o, "{\"type\":\"output_text\",\"text\":");
    ts_out_buf(o, text);
    ts_out_raw(o, ",\"annotations\":[]");
    write_entries(o, text ? &a->entries : NULL);
    ts_out_raw(o, "}");
}

static void write_message(ts_turn *t, const ts_buf *text, const char *status)
{
    ts_out *o = &t->out;

    ts_out_raw(o, "{\"type\":\"message\",\"id\":");
    write_id(o, t, "msg", 0);
    ts_out_f(o, ",\"status\":\"%s\",\"role\":\"assistant\",\"content\":[", status);
    if (text)
        write_part(t, text);
    ts_out_raw(o, "]}");
}

static void write_space(ts_turn *t, const ts_turn_call *call)
{
    const answer *a = t->state;

    for (size_t i = 0; i < a->n_spaces; i++)
        if (strcmp(a->spaces[i].tool, call->name) == 0) {
            ts_out_raw(&t->out, ",\"namespace\":");
            ts_out_str(&t->out, a->spaces[i].space);
            return;
        }
}

static void write_call(ts_turn *t, const ts_turn_call *call, bool has_arguments, const char *status)
{
    ts_out *o = &t->out;

    ts_out_raw(o, "{\"type\":\"function_call\",\"id\":");
    write_id(o, t, "fc", call->index);
    ts_out_raw(o, ",\"call_id\":");
    ts_out_str(o, call->id);
    ts_out_raw(o, ",\"name\":");
    ts_out_str(o, call->name);
    write_space(t, call);
    ts_out_raw(o, ",\"arguments\":");
    ts_out_buf(o, has_arguments ? &call->arguments : NULL);
    ts_out_f(o, ",\"status\":\"%s\"}", status);
}

/* ---- the response */

void ts_responses_write_usage(ts_out *o, const ts_turn_end *end)
{
    ts_out_f(o,
             "{\"input_tokens\":%zu,\"input_tokens_details\":{\"cached_tokens\":%zu},"
             "\"output_tokens\":%zu,\"output_tokens_details\":{\"reasoning_tokens\":%zu},"
             "\"total_tokens\":%zu}",
             end->n_prompt, end->n_cached, end->n_generated, end->n_reasoning,
             end->n_prompt + end->n_generated);
}

static const char *status_of(const ts_turn_call *call)
{
    return ts_call_is_whole(call) ? "completed" : "incomplete";
}

/* The item that the end cut is incomplete. */
static void write_output(ts_turn *t, const ts_turn_end *end)
{
    const bool is_cut = end->finish == TS_TURN_LENGTH;
    const size_t n = (t->reasoning.len > 0) + (t->content.len > 0) + t->n_calls;
    size_t i = 0;

    if (t->reasoning.len > 0)
        write_reasoning(t, &t->reasoning, ++i == n && is_cut ? "incomplete" : "completed");
    if (t->content.len > 0) {
        ts_out_raw(&t->out, i ? "," : "");
        write_message(t, &t->content, ++i == n && is_cut ? "incomplete" : "completed");
    }
    for (size_t k = 0; k < t->n_calls; k++) {
        ts_out_raw(&t->out, i ? "," : "");
        write_call(t, &t->calls[k], true, status_of(&t->calls[k]));
        i++;
    }
}

/* end NULL: still at it.  error NULL: none. */
static void write_response(ts_turn *t, const ts_turn_end *end, const ts_http_error *error)
{
    answer *a = t->state;
    const bool is_cut = end && end->finish == TS_TURN_LENGTH && !a->is_warming;
    const char *status = error    ? "failed"
                         : !end   ? "in_progress"
                         : is_cut ? "incomplete"
                                  : "completed";
    ts_out *o = &t->out;

    ts_out_raw(o, "{\"id\":");
    write_id(o, t, "resp", 0);
    ts_out_f(
        o, ",\"object\":\"response\",\"created_at\":%lld,\"completed_at\":", (long long)t->created);
    ts_out_f(o, end && !is_cut ? "%lld" : "null",
             (long long)t->created +
                 (long long)(end ? end->queue_s + end->prompt_s + end->answer_s : 0));
    ts_out_f(o, ",\"status\":\"%s\",\"error\":", status);
    if (error) {
        ts_out_f(o, "{\"code\":\"%s\",\"message\":",
                 error->status == 503 ? "server_overloaded" : "server_error");
        ts_out_str(o, error->message);
        ts_out_raw(o, "}");
    } else
        ts_out_raw(o, "null");
    ts_out_raw(o, is_cut ? ",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}"
                         : ",\"incomplete_details\":null");
    ts_out_raw(o, ",\"model\":");
    ts_out_str(o, t->model->name);
    ts_out_raw(o, ",\"output\":[");
    a->output_at = o->buf.len;
    if (end)
        write_output(t, end);
    a->output_end = o->buf.len;
    ts_out_raw(o, "],\"usage\":");
    if (end)
        ts_responses_write_usage(o, end);
    else
        ts_out_raw(o, "null");
    ts_out_bytes(o, a->echo.buf.ptr, a->echo.buf.len);
    if (end && t->title) {
        ts_out_raw(o, ",\"title\":");
        ts_out_str(o, t->title);
    }
    ts_out_raw(o, "}");
}

/* ---- events */

static void begin_event(ts_turn *t, const char *type)
{
    answer *a = t->state;

    if (!a->is_socket)
        ts_out_f(&t->out, "event: %s\ndata: ", type);
    ts_out_f(&t->out, "{\"type\":\"%s\",\"sequence_number\":%llu", type,
             (unsigned long long)a->sequence++);
}

static void end_event(ts_turn *t)
{
    const answer *a = t->state;

    ts_out_raw(&t->out, a->is_socket ? "}\n" : "}\n\n");
}

static void write_response_event(ts_turn *t, const char *type, const ts_turn_end *end,
                                 const ts_http_error *error)
{
    begin_event(t, type);
    ts_out_raw(&t->out, ",\"response\":");
    write_response(t, end, error);
    end_event(t);
}

static void write_begin(ts_turn *t)
{
    if (!t->is_stream)
        return;
    write_response_event(t, "response.created", NULL, NULL);
    write_response_event(t, "response.in_progress", NULL, NULL);
}

/* The item that is open: its last index, and of a call its number. */
static const ts_turn_call *last_call(const ts_turn *t)
{
    return t->n_calls > 0 ? &t->calls[t->n_calls - 1] : NULL;
}

static void write_place(ts_turn *t, bool has_content_index)
{
    static const char *const prefixes[] = {"", "rs", "msg", "fc"};
    const answer *a = t->state;

    ts_out_raw(&t->out, ",\"item_id\":");
    write_id(&t->out, t, prefixes[a->open], a->open == CALL ? last_call(t)->index : 0);
    ts_out_f(&t->out, ",\"output_index\":%zu", a->n_items - 1);
    ts_out_raw(&t->out, has_content_index ? ",\"content_index\":0" : "");
}

static void begin_item_event(ts_turn *t, const char *type)
{
    const answer *a = t->state;

    begin_event(t, type);
    ts_out_f(&t->out, ",\"output_index\":%zu,\"item\":", a->n_items - 1);
}

static void write_part_event(ts_turn *t, const char *type, const ts_buf *text)
{
    const answer *a = t->state;

    begin_event(t, type);
    write_place(t, true);
    ts_out_raw(&t->out, ",\"part\":");
    if (a->open == MESSAGE)
        write_part(t, text);
    else {
        ts_out_raw(&t->out, "{\"type\":\"reasoning_text\",\"text\":");
        ts_out_buf(&t->out, text);
        ts_out_raw(&t->out, "}");
    }
    end_event(t);
}

static void close_text(ts_turn *t, const ts_buf *text)
{
    const answer *a = t->state;

    begin_event(t,
                a->open == MESSAGE ? "response.output_text.done" : "response.reasoning_text.done");
    write_place(t, true);
    ts_out_raw(&t->out, ",\"text\":");
    ts_out_buf(&t->out, text);
    if (a->open == MESSAGE)
        write_entries(&t->out, &a->entries);
    end_event(t);
    write_part_event(t, "response.content_part.done", text);
}

static void close_arguments(ts_turn *t, const ts_turn_call *call)
{
    begin_event(t, "response.function_call_arguments.done");
    write_place(t, false);
    ts_out_raw(&t->out, ",\"name\":");
    ts_out_str(&t->out, call->name);
    ts_out_raw(&t->out, ",\"arguments\":");
    ts_out_buf(&t->out, &call->arguments);
    end_event(t);
}

static void close_item(ts_turn *t, const char *status)
{
    answer *a = t->state;

    if (a->open == NO_ITEM)
        return;
    if (a->open == CALL)
        close_arguments(t, last_call(t));
    else
        close_text(t, a->open == MESSAGE ? &t->content : &t->reasoning);
    begin_item_event(t, "response.output_item.done");
    if (a->open == CALL)
        write_call(t, last_call(t), true, status);
    else if (a->open == MESSAGE)
        write_message(t, &t->content, status);
    else
        write_reasoning(t, &t->reasoning, status);
    end_event(t);
    a->open = NO_ITEM;
}

static void open_item(ts_turn *t, item_kind kind)
{
    answer *a = t->state;

    close_item(t, "completed");
    a->open = kind;
    a->n_items++;
    begin_item_event(t, "response.output_item.added");
    if (kind == CALL)
        write_call(t, last_call(t), false, "in_progress");
    else if (kind == MESSAGE)
        write_message(t, NULL, "in_progress");
    else
        write_reasoning(t, NULL, "in_progress");
    end_event(t);
    if (kind != CALL)
        write_part_event(t, "response.content_part.added", NULL);
}

static void begin_delta(ts_turn *t, const char *type, bool has_content_index, ts_str text)
{
    begin_event(t, type);
    write_place(t, has_content_index);
    ts_out_raw(&t->out, ",\"delta\":");
    ts_out_text(&t->out, text.ptr, text.len);
}

static void say_reasoning(ts_turn *t, ts_str text)
{
    const answer *a = t->state;

    if (a->open != REASONING)
        open_item(t, REASONING);
    t->has_failed = !ts_buf_append(&t->reasoning, text.ptr, text.len) || t->has_failed;
    begin_delta(t, "response.reasoning_text.delta", true, text);
    end_event(t);
}

static void say_content(ts_turn *t, ts_str text)
{
    answer *a = t->state;

    if (a->open != MESSAGE)
        open_item(t, MESSAGE);
    t->has_failed = !ts_buf_append(&t->content, text.ptr, text.len) || t->has_failed;
    begin_delta(t, "response.output_text.delta", true, text);
    write_entries(&t->out, &a->news);
    ts_buf_clear(&a->news.buf);
    end_event(t);
}

static void say_call(ts_turn *t, const ts_turn_call *call)
{
    (void)call;
    open_item(t, CALL);
}

static void say_arguments(ts_turn *t, const ts_turn_call *call, ts_str text)
{
    (void)call;
    begin_delta(t, "response.function_call_arguments.delta", false, text);
    end_event(t);
}

static void say_call_end(ts_turn *t, const ts_turn_call *call)
{
    close_item(t, status_of(call));
}

static void remember(ts_turn *t)
{
    const answer *a = t->state;
    char id[64];

    if (t->out.has_failed)
        return;
    (void)snprintf(id, sizeof id, "resp_%s", t->id);
    ts_responses_remember(t->reply, id, (ts_str){a->items.buf.ptr, a->items.buf.len},
                          (ts_str){t->out.buf.ptr + a->output_at, a->output_end - a->output_at});
}

static void say_done(ts_turn *t, const ts_turn_end *end)
{
    const answer *a = t->state;
    const bool is_cut = end->finish == TS_TURN_LENGTH && !a->is_warming;

    close_item(t, is_cut ? "incomplete" : "completed");
    write_response_event(t, is_cut ? "response.incomplete" : "response.completed", end, NULL);
    if (a->is_socket)
        remember(t);
}

static void say_fail(ts_turn *t, const ts_http_error *error)
{
    write_response_event(t, "response.failed", NULL, error);
}

static void write_whole(ts_turn *t, const ts_turn_end *end)
{
    write_response(t, end, NULL);
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

static void write_entry(const answer *a, ts_out *o, const tiefsee_model *m,
                        const tiefsee_piece *piece)
{
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

/* Of the text only. */
static void log_token(ts_turn *t, const tiefsee_piece *piece)
{
    answer *a = t->state;
    const tiefsee_model *m = t->model->model;

    if (!a->wants_logprobs || piece->channel != TIEFSEE_CONTENT ||
        (t->is_thinking && piece->token == m->think_end))
        return;
    write_entry(a, &a->entries, m, piece);
    write_entry(a, &a->news, m, piece);
    t->has_failed = t->has_failed || a->entries.has_failed || a->news.has_failed;
}

/* ---- what a response repeats */

/* The request's member as it was sent; otherwise: JSON in its place. */
static bool echo_member(ts_out *o, ts_turn_request *r, const char *name, const char *otherwise,
                        ts_wrong *w)
{
    const json_t *value = ts_field_get(r->body, name);
    const char *text = value ? ts_turn_json_text(r, value, w) : otherwise;

    if (!text)
        return false;
    ts_out_f(o, ",\"%s\":", name);
    ts_out_raw(o, text);
    return true;
}

static bool write_echo(ts_out *o, ts_responses_request *r, ts_wrong *w)
{
    static const struct {
        const char *name, *otherwise;
    } members[] = {{"instructions", "null"},
                   {"max_output_tokens", "null"},
                   {"max_tool_calls", "null"},
                   {"metadata", "{}"},
                   {"parallel_tool_calls", "true"},
                   {"prompt_cache_key", "null"},
                   {"safety_identifier", "null"},
                   {"text", "{\"format\":{\"type\":\"text\"}}"},
                   {"tool_choice", "\"auto\""},
                   {"tools", "[]"},
                   {"user", "null"}};
    const json_t *effort = ts_field_get(ts_field_get(r->turn.body, "reasoning"), "effort");

    for (size_t i = 0; i < TS_COUNT(members); i++)
        if (!echo_member(o, &r->turn, members[i].name, members[i].otherwise, w))
            return false;
    ts_out_raw(o, ",\"previous_response_id\":");
    ts_out_str(o, r->previous_id);
    ts_out_raw(o, ",\"reasoning\":{\"effort\":");
    ts_out_str(o, json_string_value(effort));
    ts_out_f(o,
             ",\"summary\":null},\"background\":false,\"store\":false,"
             "\"conversation\":null,\"service_tier\":\"default\","
             "\"truncation\":\"disabled\",\"presence_penalty\":0,\"frequency_penalty\":0,"
             "\"temperature\":%.6g,\"top_p\":%.6g,\"top_logprobs\":%zu",
             r->temperature, r->top_p, r->n_top);
    return !o->has_failed || ts_turn_no_memory(w);
}

/* ---- the dialect */

static void free_answer(void *state)
{
    answer *a = state;

    ts_out_free(&a->items);
    ts_out_free(&a->echo);
    ts_out_free(&a->entries);
    ts_out_free(&a->news);
}

static const ts_turn_dialect dialect = {
    .stream_type = "text/event-stream",
    .stream_beat = ": keep-alive\n\n",
    .begin = write_begin,
    .token = log_token,
    .reasoning = say_reasoning,
    .content = say_content,
    .call_begin = say_call,
    .arguments = say_arguments,
    .call_end = say_call_end,
    .done = say_done,
    .fail = say_fail,
    .whole = write_whole,
    .free = free_answer,
};

static const ts_turn_dialect socket_dialect = {
    .stream_type = "application/json",
    .stream_beat = "\n",
    .begin = write_begin,
    .token = log_token,
    .reasoning = say_reasoning,
    .content = say_content,
    .call_begin = say_call,
    .arguments = say_arguments,
    .call_end = say_call_end,
    .done = say_done,
    .fail = say_fail,
    .free = free_answer,
};

static const ts_turn_dialect warming_dialect = {
    .stream_type = "application/json",
    .stream_beat = "\n",
    .begin = write_begin,
    .done = say_done,
    .fail = say_fail,
    .free = free_answer,
};

/* The names outlive the request. */
static bool keep_spaces(answer *a, const ts_responses_request *r, ts_arena *arena)
{
    ts_tool_space *list = ts_arena_alloc_zero(arena, r->n_spaces + 1, sizeof *list);

    for (size_t i = 0; list && i < r->n_spaces; i++) {
        const ts_tool_space *s = &r->spaces[i];

        list[i].tool = ts_arena_strdup(arena, s->tool, strlen(s->tool));
        list[i].space = ts_arena_strdup(arena, s->space, strlen(s->space));
        if (!list[i].tool || !list[i].space)
            return false;
    }
    a->spaces = list;
    a->n_spaces = r->n_spaces;
    return list != NULL;
}

/* What a later message may go on from. */
static bool write_items(answer *a, ts_responses_request *r, ts_wrong *w)
{
    const char *text = ts_turn_json_text(&r->turn, ts_field_get(r->turn.body, "input"), w);

    if (text)
        ts_out_raw(&a->items, text);
    return text && (!a->items.has_failed || ts_turn_no_memory(w));
}

static const ts_turn_dialect *dialect_of(const ts_responses_request *r)
{
    return r->is_warming ? &warming_dialect : r->is_socket ? &socket_dialect : &dialect;
}

void ts_responses_answer_run(ts_reply *reply, ts_responses_request *r)
{
    ts_arena *arena = ts_reply_request(reply)->arena;
    answer *a = ts_arena_alloc_zero(arena, 1, sizeof *a);
    ts_wrong wrong;

    if (!a) {
        ts_reply_fail(reply, 503, "out of memory for this request");
        return;
    }
    *a = (answer){.wants_logprobs = r->wants_logprobs,
                  .wants_encrypted = r->wants_encrypted,
                  .is_socket = r->is_socket,
                  .is_warming = r->is_warming,
                  .n_top = r->n_top,
                  .items = ts_out_make(MAX_ECHO),
                  .echo = ts_out_make(MAX_ECHO),
                  .entries = ts_out_make(MAX_LOGPROBS),
                  .news = ts_out_make(MAX_LOGPROBS)};
    if (!keep_spaces(a, r, arena))
        (void)ts_turn_no_memory(&wrong);
    else if (write_echo(&a->echo, r, &wrong) && (!r->is_socket || write_items(a, r, &wrong))) {
        ts_turn_run(reply, &r->turn, dialect_of(r), a);
        return;
    }
    free_answer(a);
    ts_turn_refuse(reply, &wrong);
}
