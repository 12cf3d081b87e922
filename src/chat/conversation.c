/* conversation.c - see conversation.h. */
#include "chat/conversation.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/file.h"

enum { MAX_MESSAGES = 1 << 16 };

static const char *const role_names[] = {
    [TIEFSEE_SYSTEM] = "system",
    [TIEFSEE_USER] = "user",
    [TIEFSEE_ASSISTANT] = "assistant",
};

/* Strings in messages are const for the library; here they are owned. */
static void free_message(tiefsee_message *m)
{
    ts_free((void *)m->content);
    ts_free((void *)m->reasoning);
    *m = (tiefsee_message){0};
}

void ts_conversation_free(ts_conversation *c)
{
    for (size_t i = 0; i < c->n; i++)
        free_message(&c->at[i]);
    ts_free(c->at);
    *c = (ts_conversation){0};
}

static tiefsee_status grow(ts_conversation *c, tiefsee_error *err)
{
    if (c->n == MAX_MESSAGES)
        return ts_fail(err, TIEFSEE_E_LIMIT, "a conversation of more than %d messages",
                       MAX_MESSAGES);
    if (c->n < c->cap)
        return TIEFSEE_OK;

    const size_t cap = c->cap ? 2 * c->cap : 16;
    tiefsee_message *grown = ts_realloc(c->at, c->n * sizeof *c->at, cap * sizeof *c->at);
    if (!grown)
        return ts_fail_nomem(err, cap * sizeof *c->at, "a conversation");
    c->at = grown;
    c->cap = cap;
    return TIEFSEE_OK;
}

tiefsee_status ts_conversation_add(ts_conversation *c, tiefsee_role role, const char *content,
                                   size_t n, const char *reasoning, tiefsee_error *err)
{
    const char *zero = n ? memchr(content, '\0', n) : NULL;
    if (zero)
        return ts_fail(err, TIEFSEE_E_INVALID, "a zero byte in the text, at byte %zu",
                       (size_t)(zero - content));
    const tiefsee_status st = grow(c, err);
    if (st != TIEFSEE_OK)
        return st;

    tiefsee_message m = {.role = role, .content = ts_strdup_n(n ? content : "", n)};
    if (reasoning)
        m.reasoning = ts_strdup_n(reasoning, strlen(reasoning));
    if (!m.content || (reasoning && !m.reasoning)) {
        free_message(&m);
        return ts_fail_nomem(err, n, "a message");
    }
    c->at[c->n++] = m;
    return TIEFSEE_OK;
}

const char *ts_conversation_system(const ts_conversation *c)
{
    return c->n > 0 && c->at[0].role == TIEFSEE_SYSTEM ? c->at[0].content : NULL;
}

tiefsee_status ts_conversation_set_system(ts_conversation *c, const char *text, tiefsee_error *err)
{
    if (text && *text) {
        const tiefsee_status st =
            ts_conversation_add(c, TIEFSEE_SYSTEM, text, strlen(text), NULL, err);
        if (st != TIEFSEE_OK)
            return st;

        const tiefsee_message m = c->at[c->n - 1];
        memmove(c->at + 1, c->at, (c->n - 1) * sizeof *c->at);
        c->at[0] = m;
    }
    /* The one before, or the one to be removed. */
    const size_t old = text && *text ? 1 : 0;
    if (c->n > old && c->at[old].role == TIEFSEE_SYSTEM) {
        free_message(&c->at[old]);
        memmove(c->at + old, c->at + old + 1, (c->n - old - 1) * sizeof *c->at);
        c->n--;
    }
    return TIEFSEE_OK;
}

void ts_conversation_drop_last(ts_conversation *c)
{
    assert(c->n > 0);
    free_message(&c->at[--c->n]);
}

void ts_conversation_clear(ts_conversation *c)
{
    const size_t keep = ts_conversation_system(c) ? 1 : 0;

    while (c->n > keep)
        ts_conversation_drop_last(c);
}

static json_t *to_json(const ts_conversation *c)
{
    json_t *messages = json_array();

    for (size_t i = 0; i < c->n; i++) {
        const tiefsee_message *m = &c->at[i];
        json_t *entry = json_pack("{s:s, s:s}", "role", role_names[m->role], "content", m->content);

        if (entry && m->reasoning)
            json_object_set_new(entry, "reasoning", json_string(m->reasoning));
        if (json_array_append_new(messages, entry) != 0) {
            json_decref(messages);
            return NULL;
        }
    }
    return json_pack("{s:s, s:i, s:o}", "tiefsee", "conversation", "version", 1, "messages",
                     messages);
}

tiefsee_status ts_conversation_save(const ts_conversation *c, const char *path, tiefsee_error *err)
{
    json_t *json = to_json(c);
    if (!json)
        return ts_fail(err, TIEFSEE_E_INVALID, "the conversation is not valid UTF-8");

    const size_t n = json_dumpb(json, NULL, 0, JSON_INDENT(1));
    tiefsee_status st = TIEFSEE_E_NOMEM;
    char *bytes = ts_alloc(n + 1);

    if (bytes) {
        (void)json_dumpb(json, bytes, n, JSON_INDENT(1));
        bytes[n] = '\n';
        st = ts_file_write(path, bytes, n + 1, err);
    } else {
        st = ts_fail_nomem(err, n, "a conversation");
    }
    ts_free(bytes);
    json_decref(json);
    return st;
}

static bool find_role(const char *name, tiefsee_role *role)
{
    for (size_t i = 0; name && i < TS_COUNT(role_names); i++)
        if (strcmp(name, role_names[i]) == 0) {
            *role = (tiefsee_role)i;
            return true;
        }
    return false;
}

static tiefsee_status add_json(ts_conversation *c, const json_t *entry, tiefsee_error *err)
{
    const char *content = json_string_value(json_object_get(entry, "content"));
    const json_t *reasoning = json_object_get(entry, "reasoning");
    tiefsee_role role;

    if (!find_role(json_string_value(json_object_get(entry, "role")), &role))
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu has no role that is known", c->n + 1);
    if (role == TIEFSEE_SYSTEM && c->n > 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu: a system message is the first",
                       c->n + 1);
    if (!content || (reasoning && !json_is_string(reasoning)))
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu has no content", c->n + 1);
    return ts_conversation_add(c, role, content, strlen(content), json_string_value(reasoning),
                               err);
}

static tiefsee_status from_json(ts_conversation *c, const json_t *json, tiefsee_error *err)
{
    const char *kind = json_string_value(json_object_get(json, "tiefsee"));
    const json_t *messages = json_object_get(json, "messages");

    if (!kind || strcmp(kind, "conversation") != 0 || !json_is_array(messages))
        return ts_fail(err, TIEFSEE_E_FORMAT, "not a conversation that tiefsee saved");
    if (json_integer_value(json_object_get(json, "version")) != 1)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "a conversation of another version");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const tiefsee_status st = add_json(c, json_array_get(messages, i), err);
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}

tiefsee_status ts_conversation_load(ts_conversation *c, const char *path, tiefsee_error *err)
{
    ts_conversation loaded = {0};
    ts_buf text;
    json_error_t problem;

    tiefsee_status st = ts_file_read(&text, path, TS_CONVERSATION_FILE_MAX, err);
    if (st != TIEFSEE_OK)
        return st;

    json_t *json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &problem);
    st = json ? from_json(&loaded, json, err)
              : ts_fail(err, TIEFSEE_E_FORMAT, "line %d: %s", problem.line, problem.text);
    json_decref(json);
    ts_buf_free(&text);
    if (st != TIEFSEE_OK) {
        ts_conversation_free(&loaded);
        return ts_while(err, st, "%s", path);
    }
    ts_conversation_free(c);
    *c = loaded;
    return TIEFSEE_OK;
}
