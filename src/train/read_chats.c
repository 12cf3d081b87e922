/* read_chats.c - see read_chats.h. */
#include "train/read_chats.h"

#include <string.h>

#include "core/alloc.h"
#include "formats/json.h"

enum { MAX_LINE = 1 << 20, MAX_MESSAGES = 256, MAX_CALLS = 256, MAX_TOOLS = 64 };

/* A line on its way; texts lie in the tree, but for the tools' schemas. */
typedef struct chat_reader {
    tiefsee_message messages[MAX_MESSAGES];
    tiefsee_tool_call calls[MAX_CALLS];
    tiefsee_tool tools[MAX_TOOLS];
    ts_buf schema[MAX_TOOLS];
    size_t n_calls, n_tools;
} chat_reader;

/* The "function" of a call, or of a tool; its name has no marker and no line break. */
static const json_t *function_of(const json_t *j, const char **name, tiefsee_error *err)
{
    const json_t *f = json_object_get(j, "function");
    const ts_str text = ts_json_str(json_object_get(f, "name"));

    if (text.len == 0 || text.len > TS_CALL_NAME_MAX || strpbrk(text.ptr, "\n<")) {
        (void)ts_fail(err, TIEFSEE_E_FORMAT, "a function without a name, or a strange one");
        return NULL;
    }
    *name = text.ptr;
    return f;
}

static tiefsee_status take_calls(chat_reader *r, const json_t *list, tiefsee_message *out,
                                 tiefsee_error *err)
{
    const size_t n = json_array_size(list);

    out->calls = r->calls + r->n_calls;
    for (size_t i = 0; i < n; i++) {
        tiefsee_tool_call *c = &r->calls[r->n_calls];

        if (r->n_calls == MAX_CALLS)
            return ts_fail(err, TIEFSEE_E_FORMAT, "more than %d calls of tools", MAX_CALLS);
        *c = (tiefsee_tool_call){0};
        const json_t *f = function_of(json_array_get(list, i), &c->name, err);
        if (!f)
            return TIEFSEE_E_FORMAT;
        const ts_str arguments = ts_json_str(json_object_get(f, "arguments"));
        if (arguments.len == 0)
            return ts_fail(err, TIEFSEE_E_FORMAT, "a call of %s without a text of arguments",
                           c->name);
        c->arguments = arguments.ptr;
        r->n_calls++;
    }
    out->n_calls = n;
    return TIEFSEE_OK;
}

static int take(const char *bytes, size_t n, void *user)
{
    return ts_buf_append(user, bytes, n) ? 0 : -1;
}

static tiefsee_status take_tools(chat_reader *r, const json_t *list, tiefsee_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        tiefsee_tool *t = &r->tools[i];

        if (i == MAX_TOOLS)
            return ts_fail(err, TIEFSEE_E_FORMAT, "more than %d tools", MAX_TOOLS);
        *t = (tiefsee_tool){0};
        const json_t *f = function_of(json_array_get(list, i), &t->name, err);
        if (!f)
            return TIEFSEE_E_FORMAT;
        const json_t *parameters = json_object_get(f, "parameters");
        const ts_str about = ts_json_str(json_object_get(f, "description"));
        r->n_tools = i + 1;
        r->schema[i] = ts_buf_make(2 * MAX_LINE);
        if (parameters && (json_dump_callback(parameters, take, &r->schema[i], JSON_ENCODE_ANY) ||
                           !ts_buf_append(&r->schema[i], "", 1)))
            return ts_fail_nomem(err, MAX_LINE, "a tool");
        t->parameters = r->schema[i].ptr;
        t->description = about.len ? about.ptr : NULL;
    }
    return TIEFSEE_OK;
}

/* Who may speak behind whom. */
static bool has_turn(const tiefsee_message *m, const tiefsee_message *before)
{
    if (!before)
        return m->role == TIEFSEE_SYSTEM || m->role == TIEFSEE_USER;
    switch (m->role) {
    case TIEFSEE_USER:
        return before->role == TIEFSEE_SYSTEM ||
               (before->role == TIEFSEE_ASSISTANT && before->n_calls == 0);
    case TIEFSEE_ASSISTANT: return before->role == TIEFSEE_USER || before->role == TIEFSEE_TOOL;
    case TIEFSEE_TOOL:
        return before->role == TIEFSEE_TOOL ||
               (before->role == TIEFSEE_ASSISTANT && before->n_calls > 0);
    default: return false;
    }
}

static tiefsee_status take_message(chat_reader *r, const json_t *j, size_t i, tiefsee_error *err)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    const ts_str role = ts_json_str(json_object_get(j, "role"));
    const ts_str content = ts_json_str(json_object_get(j, "content"));
    const ts_str reasoning = ts_json_str(json_object_get(j, "reasoning_content"));
    tiefsee_message *out = &r->messages[i];
    size_t k = 0;

    while (k < TS_COUNT(roles) && !ts_str_is(role, roles[k]))
        k++;
    if (k == TS_COUNT(roles))
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "message %zu: role '%.*s' (system, user, assistant or tool)", i + 1,
                       TS_STR_ARG(role));
    *out = (tiefsee_message){.role = (tiefsee_role)k, .content = content.len ? content.ptr : ""};
    if (out->role == TIEFSEE_ASSISTANT && reasoning.len > 0)
        out->reasoning = reasoning.ptr;
    if (out->role == TIEFSEE_ASSISTANT) {
        const tiefsee_status st = take_calls(r, json_object_get(j, "tool_calls"), out, err);

        if (st != TIEFSEE_OK)
            return ts_while(err, st, "message %zu", i + 1);
    }
    if (content.len == 0 && out->n_calls == 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu has no content", i + 1);
    if (i > 0 && out->role == TIEFSEE_SYSTEM)
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu: a system message is the first", i + 1);
    if (!has_turn(out, i > 0 ? out - 1 : NULL))
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu: '%s' has no turn here", i + 1,
                       roles[k]);
    return TIEFSEE_OK;
}

static tiefsee_status take_all(chat_reader *r, const json_t *all, size_t *n, tiefsee_error *err)
{
    const json_t *list = json_object_get(all, "messages");
    tiefsee_status st = TIEFSEE_OK;

    *n = json_array_size(list);
    if (*n == 0 || *n > MAX_MESSAGES)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%zu messages (1 to %d)", *n, MAX_MESSAGES);
    for (size_t i = 0; i < *n && st == TIEFSEE_OK; i++)
        st = take_message(r, json_array_get(list, i), i, err);
    if (st == TIEFSEE_OK && r->messages[*n - 1].role != TIEFSEE_ASSISTANT)
        st = ts_fail(err, TIEFSEE_E_FORMAT, "the last message is no answer");
    return st == TIEFSEE_OK ? take_tools(r, json_object_get(all, "tools"), err) : st;
}

tiefsee_status ts_read_chat(const char *line, size_t n, ts_on_chat *on_chat, void *user,
                            tiefsee_error *err)
{
    const ts_json_limits limits = {.bytes = MAX_LINE, .values = 10000};
    json_t *all = NULL;
    size_t n_messages = 0;

    tiefsee_status st = ts_json_parse(&all, line, n, limits, err);
    if (st != TIEFSEE_OK)
        return st;
    chat_reader *r = ts_alloc_zero(1, sizeof *r);
    st = r ? take_all(r, all, &n_messages, err) : ts_fail_nomem(err, sizeof *r, "a line");
    if (st == TIEFSEE_OK) {
        const ts_chat chat = {
            .messages = r->messages, .n = n_messages, .tools = r->tools, .n_tools = r->n_tools};

        st = on_chat(user, &chat, err);
    }
    for (size_t i = 0; r && i < r->n_tools; i++)
        ts_buf_free(&r->schema[i]);
    ts_free(r);
    json_decref(all);
    return st;
}
