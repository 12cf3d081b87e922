/* anthropic_messages.c - see anthropic_messages.h.
 *
 * A user's message is a list of blocks: results of tools, which become turns of their
 * own, and text behind them.  An assistant's has thinking, text and calls.  Text blocks
 * are joined by line breaks where a client wrote them, and by nothing where they are
 * parts of an answer.
 */
#include "server/api/anthropic_messages.h"

#include <stdio.h>
#include <string.h>

#include "formats/json.h"
#include "server/api/signature.h"

enum { MAX_BLOCKS = 1 << 16, MAX_JOINED = 64 << 20 };

/* What is being made. */
typedef struct maker {
    ts_turn_request *r;
    tiefsee_message *messages;
    size_t n;
    ts_wrong *w;
} maker;

/* "messages[3].content[1]" or "system[0]". */
typedef struct place {
    char text[64];
} place;

static place at_block(const char *path, const char *list, size_t i)
{
    place p;

    (void)snprintf(p.text, sizeof p.text, "%.40s%s[%zu]", path, list, i);
    return p;
}

/* ---- text */

/* The first blocks of Claude Code's prompt: not for the model, and new every time. */
static bool is_noise(ts_str text)
{
    return ts_str_starts(text, "x-anthropic-billing-header:");
}

static bool take_text(ts_buf *to, const json_t *block, const char *separator, const place *p,
                      ts_wrong *w)
{
    const json_t *text = ts_field_get(block, "text");
    const ts_str s = ts_json_str(text);

    if (!json_is_string(text))
        return ts_wrong_field(w, p->text, "text is %s (a string expected)", ts_json_kind(text));
    if ((to->len > 0 && s.len > 0 && !ts_buf_append_str(to, separator)) ||
        !ts_buf_append(to, s.ptr, s.len))
        return ts_turn_no_memory(w);
    return true;
}

static bool wrong_block(const json_t *block, const place *p, const char *expected, ts_wrong *w)
{
    const json_t *type = ts_field_get(block, "type");

    if (!json_is_object(block) || !json_is_string(type))
        return ts_wrong_field(w, p->text, "a block with a type expected");
    return ts_wrong_field(w, p->text, "blocks of the type '%.40s' are not supported here (%s)",
                          json_string_value(type), expected);
}

static bool keep(maker *m, const char **out, ts_buf *text)
{
    *out = ts_arena_strdup(m->r->arena, text->ptr ? text->ptr : "", text->len);
    ts_buf_free(text);
    return *out || ts_turn_no_memory(m->w);
}

static bool is_type(const json_t *block, const char *type)
{
    return ts_str_is(ts_json_str(ts_field_get(block, "type")), type);
}

static bool join_texts(ts_buf *to, const json_t *list, const char *path, const char *separator,
                       ts_wrong *w)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *block = json_array_get(list, i);
        const place p = at_block(path, "", i);

        if (!is_type(block, "text"))
            return wrong_block(block, &p, "text expected", w);
        if (!is_noise(ts_json_str(ts_field_get(block, "text"))) &&
            !take_text(to, block, separator, &p, w))
            return false;
    }
    return true;
}

/* A string, or blocks of text as one. */
static bool read_text(maker *m, const char **out, const json_t *value, const char *path,
                      const char *separator)
{
    ts_buf text = ts_buf_make(MAX_JOINED);

    *out = json_string_value(value);
    if (*out)
        return true;
    if (!json_is_array(value))
        return ts_wrong_field(m->w, path, "%s (a string or an array of blocks expected)",
                              ts_json_kind(value));
    if (join_texts(&text, value, path, separator, m->w))
        return keep(m, out, &text);
    ts_buf_free(&text);
    return false;
}

static bool add_system(maker *m)
{
    const json_t *system = ts_field_get(m->r->body, "system");
    const char *text;

    if (!system)
        return true;
    if (!read_text(m, &text, system, "system", "\n\n"))
        return false;
    if (*text)
        m->messages[m->n++] = (tiefsee_message){.role = TIEFSEE_SYSTEM, .content = text};
    return true;
}

/* ---- users */

static bool add_result(maker *m, const json_t *block, const place *p)
{
    const json_t *id = ts_field_get(block, "tool_use_id");
    const json_t *content = ts_field_get(block, "content");
    const char *text = "";

    if (!json_is_string(id))
        return ts_wrong_field(m->w, p->text, "tool_use_id is %s (a string expected)",
                              ts_json_kind(id));
    if (content && !read_text(m, &text, content, p->text, "\n"))
        return false;
    if (!*text && json_is_true(ts_field_get(block, "is_error")))
        text = "error";
    m->messages[m->n++] =
        (tiefsee_message){.role = TIEFSEE_TOOL, .content = text, .call_id = json_string_value(id)};
    return true;
}

/* Results first, whatever stands before them; then the text. */
static bool read_user_blocks(maker *m, ts_buf *text, const json_t *list, const char *path)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *block = json_array_get(list, i);
        const place p = at_block(path, ".content", i);

        if (is_type(block, "tool_result")) {
            if (!add_result(m, block, &p))
                return false;
        } else if (is_type(block, "text")) {
            if (!take_text(text, block, "\n", &p, m->w))
                return false;
        } else
            return wrong_block(block, &p, "text or tool_result expected", m->w);
    }
    return true;
}

static bool add_user(maker *m, const json_t *content, const char *path)
{
    ts_buf text = ts_buf_make(MAX_JOINED);
    tiefsee_message message = {.role = TIEFSEE_USER};
    const size_t before = m->n;

    if (!read_user_blocks(m, &text, content, path)) {
        ts_buf_free(&text);
        return false;
    }
    if (text.len == 0 && m->n > before) {
        ts_buf_free(&text);
        return true;
    }
    if (!keep(m, &message.content, &text))
        return false;
    m->messages[m->n++] = message;
    return true;
}

/* ---- assistants */

static bool take_thinking(ts_buf *to, const json_t *block, const place *p, ts_wrong *w)
{
    const json_t *text = ts_field_get(block, "thinking");
    const json_t *signature = ts_field_get(block, "signature");
    const ts_str s = ts_json_str(text);

    if (!json_is_string(text))
        return ts_wrong_field(w, p->text, "thinking is %s (a string expected)", ts_json_kind(text));
    if (signature && !json_is_string(signature))
        return ts_wrong_field(w, p->text, "signature is %s (a string expected)",
                              ts_json_kind(signature));
    if (json_string_length(signature) > 0) {
        const ts_signature_kind kind = ts_signature_check(s, ts_json_str(signature));

        if (kind == TS_SIGNATURE_BAD)
            return ts_wrong_field(w, p->text, "invalid signature: the thinking was changed");
        if (kind == TS_SIGNATURE_FOREIGN)
            return true; /* another model's */
    }
    return ts_buf_append(to, s.ptr, s.len) || ts_turn_no_memory(w);
}

static bool take_call(maker *m, tiefsee_tool_call *out, const json_t *block, const place *p)
{
    const json_t *id = ts_field_get(block, "id"), *name = ts_field_get(block, "name");
    const json_t *input = ts_field_get(block, "input");

    if (!json_is_string(id) || !json_is_string(name))
        return ts_wrong_field(m->w, p->text, "id and name of a tool_use must be strings");
    if (input && !json_is_object(input))
        return ts_wrong_field(m->w, p->text, "input is %s (an object expected)",
                              ts_json_kind(input));
    *out = (tiefsee_tool_call){.id = json_string_value(id),
                               .name = json_string_value(name),
                               .arguments = input ? ts_turn_json_text(m->r, input, m->w) : "{}"};
    return out->arguments != NULL;
}

typedef struct spoken {
    ts_buf text, thinking;
    tiefsee_tool_call *calls;
    size_t n_calls;
} spoken;

static bool read_assistant_blocks(maker *m, spoken *s, const json_t *list, const char *path)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *block = json_array_get(list, i);
        const place p = at_block(path, ".content", i);
        bool is_good = true;

        if (is_type(block, "text"))
            is_good = take_text(&s->text, block, "", &p, m->w);
        else if (is_type(block, "thinking"))
            is_good = take_thinking(&s->thinking, block, &p, m->w);
        else if (is_type(block, "tool_use"))
            is_good = take_call(m, &s->calls[s->n_calls++], block, &p);
        else if (!is_type(block, "redacted_thinking"))
            is_good = wrong_block(block, &p, "text, thinking or tool_use expected", m->w);
        if (!is_good)
            return false;
    }
    return true;
}

static bool add_assistant(maker *m, const json_t *content, const char *path)
{
    tiefsee_message *out = &m->messages[m->n];
    spoken s = {.text = ts_buf_make(MAX_JOINED), .thinking = ts_buf_make(MAX_JOINED)};
    const size_t n = json_array_size(content);

    *out = (tiefsee_message){.role = TIEFSEE_ASSISTANT};
    s.calls = ts_arena_alloc_zero(m->r->arena, n + 1, sizeof *s.calls);
    bool is_good = s.calls ? read_assistant_blocks(m, &s, content, path) : ts_turn_no_memory(m->w);
    if (is_good && s.thinking.len > 0)
        is_good = keep(m, &out->reasoning, &s.thinking);
    if (is_good && (s.text.len > 0 || s.n_calls == 0))
        is_good = keep(m, &out->content, &s.text);
    ts_buf_free(&s.text);
    ts_buf_free(&s.thinking);
    out->calls = s.calls;
    out->n_calls = s.n_calls;
    m->n += is_good;
    return is_good;
}

/* ---- messages */

static bool add_plain(maker *m, tiefsee_role role, const json_t *content, const char *path)
{
    tiefsee_message message = {.role = role};

    if (!read_text(m, &message.content, content, path, "\n\n"))
        return false;
    m->messages[m->n++] = message;
    return true;
}

static bool add_message(maker *m, const json_t *message, const char *path)
{
    const json_t *content = ts_field_get(message, "content");
    const json_t *role = ts_field_get(message, "role");
    const ts_str name = ts_json_str(role);

    if (!json_is_object(message))
        return ts_wrong_field(m->w, path, "%s (an object expected)", ts_json_kind(message));
    if (!json_is_string(content) && !json_is_array(content))
        return ts_wrong_field(m->w, path, "content is %s (a string or an array expected)",
                              ts_json_kind(content));
    if (json_is_array(content) && json_array_size(content) > MAX_BLOCKS)
        return ts_wrong_field(m->w, path, "%zu blocks (%d allowed)", json_array_size(content),
                              MAX_BLOCKS);
    if (ts_str_is(name, "system"))
        return add_plain(m, TIEFSEE_SYSTEM, content, path);
    if (ts_str_is(name, "user"))
        return json_is_string(content) ? add_plain(m, TIEFSEE_USER, content, path)
                                       : add_user(m, content, path);
    if (ts_str_is(name, "assistant"))
        return json_is_string(content) ? add_plain(m, TIEFSEE_ASSISTANT, content, path)
                                       : add_assistant(m, content, path);
    if (!json_is_string(role))
        return ts_wrong_field(m->w, path, "role is %s (a string expected)", ts_json_kind(role));
    return ts_wrong_field(m->w, path, "no such role: '%.40s' (user or assistant expected)",
                          json_string_value(role));
}

/* A turn per block is the most there can be. */
static size_t count_turns(const json_t *list)
{
    size_t n = 1 + json_array_size(list);

    for (size_t i = 0; i < json_array_size(list); i++)
        n += json_array_size(ts_field_get(json_array_get(list, i), "content"));
    return n;
}

/* Claude Code's reminders come as system messages behind the question.  A system's text
 * stands at the beginning of these models' prompts wherever it is said, and what ends a
 * prompt is the question. */
static bool move_reminders(maker *m)
{
    size_t asked = m->n, n_last = 0;

    while (n_last < m->n && m->messages[m->n - 1 - n_last].role == TIEFSEE_SYSTEM)
        n_last++;
    while (asked > 0 && m->messages[asked - 1].role != TIEFSEE_USER)
        asked--;
    if (asked == 0 || n_last == 0)
        return true;
    tiefsee_message *last = ts_arena_alloc_zero(m->r->arena, n_last, sizeof *last);
    tiefsee_message *question = &m->messages[asked - 1];
    if (!last)
        return ts_turn_no_memory(m->w);
    memcpy(last, &m->messages[m->n - n_last], n_last * sizeof *last);
    memmove(question + n_last, question, (m->n - n_last - (asked - 1)) * sizeof *question);
    memcpy(question, last, n_last * sizeof *last);
    return true;
}

bool ts_anthropic_messages_read(ts_turn_request *r, ts_wrong *wrong)
{
    const json_t *list = ts_field_get(r->body, "messages");
    const size_t n = json_array_size(list);
    maker m = {.r = r, .w = wrong};
    char path[32];

    if (!json_is_array(list))
        return ts_wrong_field(wrong, "messages", "%s (an array expected)", ts_json_kind(list));
    if (n == 0 || n > TS_TURN_MAX_MESSAGES)
        return ts_wrong_field(wrong, "messages", "%zu messages (1 to %d allowed)", n,
                              TS_TURN_MAX_MESSAGES);
    m.messages = ts_arena_alloc_zero(r->arena, count_turns(list), sizeof *m.messages);
    if (!m.messages)
        return ts_turn_no_memory(wrong);
    if (!add_system(&m))
        return false;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "messages[%zu]", i);
        if (!add_message(&m, json_array_get(list, i), path))
            return false;
    }
    if (!move_reminders(&m))
        return false;
    r->messages = m.messages;
    r->n_messages = m.n;
    r->is_prefix = m.n > 0 && m.messages[m.n - 1].role == TIEFSEE_ASSISTANT &&
                   m.messages[m.n - 1].n_calls == 0;
    return true;
}
