/* responses_compact.c - see responses_compact.h. */
#include "server/api/responses_compact.h"

#include <stdio.h>
#include <string.h>

#include "server/api/encoded.h"
#include "server/api/responses_answer.h"
#include "server/api/signature.h"

enum {
    SUMMARY_TOKENS = 1024, /* unless max_output_tokens says otherwise */
    MAX_KEPT = 8 << 10,    /* bytes of what the user said last */
    MAX_ITEMS = 1 << 20,
};

/* "tsc1." signature "." text */
static const char mark[] = "tsc1.";

static const char wish[] =
    "Write a summary of this conversation for somebody who goes on with it and has not seen it: "
    "what is wanted, what was decided and done, what is still open, and the names, numbers, paths "
    "and code that are needed. Write only the summary.";

static const char told[] = "Summary of the conversation so far:\n\n";

/* ---- reading it back */

const char *ts_responses_compact_read(ts_arena *arena, ts_str encoded, const char *path,
                                      ts_wrong *w)
{
    const size_t n_mark = sizeof mark - 1, n_head = n_mark + TS_SIGNATURE_LEN + 1;
    const char *text = NULL;

    if (!ts_str_starts(encoded, mark) || encoded.len < n_head) {
        (void)ts_wrong_field(w, path, "encrypted_content is not of this program's compaction");
        return NULL;
    }
    const ts_str signature = {encoded.ptr + n_mark, TS_SIGNATURE_LEN};
    if (!ts_encoded_read(arena, (ts_str){encoded.ptr + n_head, encoded.len - n_head}, &text) ||
        (text && ts_signature_check(ts_str_of(text), signature) != TS_SIGNATURE_GOOD)) {
        (void)ts_wrong_field(w, path, "encrypted_content was changed");
        return NULL;
    }
    const size_t size = sizeof told + (text ? strlen(text) : 0);
    char *out = text ? ts_arena_alloc(arena, size) : NULL;
    if (out)
        (void)snprintf(out, size, "%s%s", told, text);
    else
        (void)ts_turn_no_memory(w);
    return out;
}

/* ---- the answer */

typedef struct compaction {
    ts_out kept; /* items, each with a comma behind it */
} compaction;

static void write_summary(ts_turn *t)
{
    char signature[TS_SIGNATURE_LEN + 1];
    ts_signer signer;
    const ts_str text = {t->content.ptr ? t->content.ptr : "", t->content.len};

    ts_signer_begin(&signer);
    ts_signer_add(&signer, text);
    ts_signer_end(&signer, signature);
    ts_out_f(&t->out, "{\"type\":\"compaction\",\"id\":\"cmp_%s\",\"encrypted_content\":\"%s%s.",
             t->id, mark, signature);
    ts_encoded_write(&t->out, text.ptr, text.len);
    ts_out_raw(&t->out, "\"}");
}

static void write_whole(ts_turn *t, const ts_turn_end *end)
{
    const compaction *c = t->state;
    ts_out *o = &t->out;

    ts_out_f(o, "{\"id\":\"resp_%s\",\"object\":\"response.compaction\",\"created_at\":%lld,",
             t->id, (long long)t->created);
    ts_out_raw(o, "\"output\":[");
    ts_out_append(o, &c->kept);
    write_summary(t);
    ts_out_raw(o, "],\"usage\":");
    ts_responses_write_usage(o, end);
    ts_out_raw(o, "}");
}

static void free_compaction(void *state)
{
    compaction *c = state;

    ts_out_free(&c->kept);
}

static const ts_turn_dialect dialect = {.whole = write_whole, .free = free_compaction};

/* ---- the question */

static bool is_users(const tiefsee_message *m)
{
    return m->role == TIEFSEE_USER && m->content && *m->content;
}

/* The last messages of the user that fit, in their order. */
static void keep_users(ts_out *o, const ts_turn_request *r, const char *id)
{
    size_t first = r->n_messages, room = MAX_KEPT;

    while (first > 0) {
        const tiefsee_message *m = &r->messages[first - 1];
        const size_t n = is_users(m) ? strlen(m->content) : 0;

        if (n > room)
            break;
        room -= n;
        first--;
    }
    for (size_t i = first; i < r->n_messages; i++) {
        if (!is_users(&r->messages[i]))
            continue;
        ts_out_f(o,
                 "{\"type\":\"message\",\"id\":\"msg_%s%02zu\",\"status\":\"completed\","
                 "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":",
                 id, i);
        ts_out_str(o, r->messages[i].content);
        ts_out_raw(o, "}]},");
    }
}

static bool ask_for_summary(ts_turn_request *r)
{
    tiefsee_message *messages = ts_arena_alloc_zero(r->arena, r->n_messages + 1, sizeof *messages);

    if (!messages)
        return false;
    if (r->n_messages > 0)
        memcpy(messages, r->messages, r->n_messages * sizeof *messages);
    messages[r->n_messages++] = (tiefsee_message){.role = TIEFSEE_USER, .content = wish};
    r->messages = messages;
    r->is_prefix = r->is_stream = false;
    r->thinking = TS_THINKING_OFF;
    r->n_tools = 0;
    r->tool_choice = TS_TOOLS_NONE;
    r->output = TS_OUTPUT_TEXT;
    r->generate.n_top_logprobs = 0;
    if (r->generate.max_tokens == 0)
        r->generate.max_tokens = SUMMARY_TOKENS;
    return true;
}

void ts_responses_compact_run(ts_reply *reply, ts_responses_request *r)
{
    ts_http_request *req = ts_reply_request(reply);
    compaction *c = ts_arena_alloc_zero(req->arena, 1, sizeof *c);

    if (!c) {
        ts_reply_fail(reply, 503, "out of memory for this request");
        return;
    }
    c->kept = ts_out_make(MAX_ITEMS);
    keep_users(&c->kept, &r->turn, req->id);
    if (ask_for_summary(&r->turn)) {
        ts_turn_run(reply, &r->turn, &dialect, c);
        return;
    }
    free_compaction(c);
    ts_reply_fail(reply, 503, "out of memory for this request");
}
