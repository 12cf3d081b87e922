/* responses_items.c - see responses_items.h.
 *
 * Reasoning, a message of the assistant and calls are items of their own that stand in
 * this order; together they are one turn.  Whatever else comes ends it.
 */
#include "server/api/responses_items.h"

#include <stdio.h>
#include <string.h>

#include "formats/json.h"
#include "server/api/encoded.h"
#include "server/api/responses_compact.h"

enum { MAX_ITEMS = 1 << 16, MAX_JOINED = 64 << 20 };

/* What is being made. */
typedef struct maker {
    ts_turn_request *r;
    tiefsee_message *messages;
    size_t n;
    tiefsee_tool_call *calls; /* of all turns, one behind another */
    size_t n_calls;
    tiefsee_message *turn; /* the assistant's, still open; NULL: none */
    const char *path;      /* "input[3]" */
    ts_wrong *w;
} maker;

static bool is_type(const json_t *item, const char *type)
{
    return ts_str_is(ts_json_str(ts_field_get(item, "type")), type);
}

/* ---- texts */

static bool is_text_part(const json_t *part)
{
    return is_type(part, "input_text") || is_type(part, "output_text") || is_type(part, "text") ||
           is_type(part, "reasoning_text");
}

static bool join_parts(ts_buf *to, const json_t *parts, const char *path, ts_wrong *w)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        const char *name = is_type(part, "refusal") ? "refusal" : "text";
        const json_t *text = ts_field_get(part, name);
        const ts_str s = ts_json_str(text), type = ts_json_str(ts_field_get(part, "type"));

        if (!is_text_part(part) && !is_type(part, "refusal"))
            return ts_wrong_field(w, path, "part %zu has the type '%.*s' (only text is supported)",
                                  i, TS_STR_ARG(type));
        if (!json_is_string(text))
            return ts_wrong_field(w, path, "part %zu: %s is %s (a string expected)", i, name,
                                  ts_json_kind(text));
        if (!ts_buf_append(to, s.ptr, s.len))
            return ts_turn_no_memory(w);
    }
    return true;
}

/* A string, or parts of text as one. */
static bool read_text(maker *m, const char **out, const json_t *value, const char *name)
{
    ts_buf text = ts_buf_make(MAX_JOINED);

    *out = json_string_value(value);
    if (*out)
        return true;
    if (!json_is_array(value))
        return ts_wrong_field(m->w, m->path, "%s is %s (a string or an array of parts expected)",
                              name, ts_json_kind(value));
    if (join_parts(&text, value, m->path, m->w)) {
        *out = ts_arena_strdup(m->r->arena, text.ptr ? text.ptr : "", text.len);
        if (!*out)
            (void)ts_turn_no_memory(m->w);
    }
    ts_buf_free(&text);
    return *out != NULL;
}

/* ---- the assistant's turn */

/* A turn that has only thought is not one. */
static void end_turn(maker *m)
{
    if (m->turn && !m->turn->content && m->turn->n_calls == 0)
        m->n--;
    m->turn = NULL;
}

static tiefsee_message *open_turn(maker *m)
{
    if (!m->turn) {
        m->turn = &m->messages[m->n++];
        *m->turn = (tiefsee_message){.role = TIEFSEE_ASSISTANT, .calls = &m->calls[m->n_calls]};
    }
    return m->turn;
}

static bool decode_reasoning(maker *m, const char **out, ts_str encoded)
{
    const size_t skip = sizeof TS_RESPONSES_ENCODED - 1;

    *out = NULL;
    if (!ts_str_starts(encoded, TS_RESPONSES_ENCODED))
        return true; /* another server's */
    if (!ts_encoded_read(m->r->arena, (ts_str){encoded.ptr + skip, encoded.len - skip}, out))
        return ts_wrong_field(m->w, m->path, "encrypted_content was changed");
    return *out || ts_turn_no_memory(m->w);
}

static bool add_reasoning(maker *m, const json_t *item)
{
    const json_t *content = ts_field_get(item, "content");
    const json_t *encoded = ts_field_get(item, "encrypted_content");
    const char *text = NULL;

    if (m->turn && (m->turn->content || m->turn->n_calls > 0))
        end_turn(m);
    if (json_array_size(content) > 0 || json_is_string(content)) {
        if (!read_text(m, &text, content, "content"))
            return false;
    } else if (encoded && !decode_reasoning(m, &text, ts_json_str(encoded)))
        return false;
    if (text && *text)
        open_turn(m)->reasoning = text;
    return true;
}

static bool add_call(maker *m, const json_t *item)
{
    const json_t *id = ts_field_get(item, "call_id"), *name = ts_field_get(item, "name");
    const json_t *arguments = ts_field_get(item, "arguments");

    if (!json_is_string(id) || !json_is_string(name))
        return ts_wrong_field(m->w, m->path, "call_id and name must be strings");
    if (arguments && !json_is_string(arguments))
        return ts_wrong_field(m->w, m->path, "arguments are %s (a string of JSON expected)",
                              ts_json_kind(arguments));
    open_turn(m)->n_calls++;
    m->calls[m->n_calls++] =
        (tiefsee_tool_call){.id = json_string_value(id),
                            .name = json_string_value(name),
                            .arguments = arguments ? json_string_value(arguments) : "{}"};
    return true;
}

static bool add_spoken(maker *m, const json_t *item)
{
    const char *text;

    if (!read_text(m, &text, ts_field_get(item, "content"), "content"))
        return false;
    if (m->turn && (m->turn->content || m->turn->n_calls > 0))
        end_turn(m);
    open_turn(m)->content = text;
    return true;
}

/* ---- others */

static bool add_message(maker *m, const json_t *item)
{
    static const struct {
        const char *name;
        tiefsee_role role;
    } roles[] = {{"user", TIEFSEE_USER}, {"system", TIEFSEE_SYSTEM}, {"developer", TIEFSEE_SYSTEM}};
    const json_t *role = ts_field_get(item, "role");
    tiefsee_message *out;

    if (ts_str_is(ts_json_str(role), "assistant"))
        return add_spoken(m, item);
    end_turn(m);
    for (size_t i = 0; i < TS_COUNT(roles); i++) {
        if (!ts_str_is(ts_json_str(role), roles[i].name))
            continue;
        out = &m->messages[m->n];
        *out = (tiefsee_message){.role = roles[i].role};
        if (!read_text(m, &out->content, ts_field_get(item, "content"), "content"))
            return false;
        m->n++;
        return true;
    }
    if (!json_is_string(role))
        return ts_wrong_field(m->w, m->path, "role is %s (a string expected)", ts_json_kind(role));
    return ts_wrong_field(m->w, m->path,
                          "no such role: '%.40s' (user, assistant, system or developer expected)",
                          json_string_value(role));
}

static bool add_output(maker *m, const json_t *item)
{
    const json_t *id = ts_field_get(item, "call_id");
    tiefsee_message out = {.role = TIEFSEE_TOOL, .call_id = json_string_value(id)};

    end_turn(m);
    if (!out.call_id)
        return ts_wrong_field(m->w, m->path, "call_id is %s (a string expected)", ts_json_kind(id));
    if (!read_text(m, &out.content, ts_field_get(item, "output"), "output"))
        return false;
    m->messages[m->n++] = out;
    return true;
}

static bool add_compaction(maker *m, const json_t *item)
{
    const ts_str encoded = ts_json_str(ts_field_get(item, "encrypted_content"));
    const char *text = ts_responses_compact_read(m->r->arena, encoded, m->path, m->w);

    end_turn(m);
    if (text)
        m->messages[m->n++] = (tiefsee_message){.role = TIEFSEE_SYSTEM, .content = text};
    return text != NULL;
}

/* Items of tools that a server runs itself may come back from elsewhere: nothing for
 * this model. */
static bool may_be_skipped(const json_t *item)
{
    static const char *const types[] = {"web_search_call", "file_search_call",
                                        "code_interpreter_call", "image_generation_call"};

    for (size_t i = 0; i < TS_COUNT(types); i++)
        if (is_type(item, types[i]))
            return true;
    return false;
}

static bool add_item(maker *m, const json_t *item)
{
    const json_t *type = ts_field_get(item, "type");

    if (!json_is_object(item))
        return ts_wrong_field(m->w, m->path, "%s (an object expected)", ts_json_kind(item));
    if (is_type(item, "message") || (!type && ts_field_get(item, "role")))
        return add_message(m, item);
    if (is_type(item, "reasoning"))
        return add_reasoning(m, item);
    if (is_type(item, "function_call"))
        return add_call(m, item);
    if (is_type(item, "function_call_output"))
        return add_output(m, item);
    if (is_type(item, "compaction"))
        return add_compaction(m, item);
    if (may_be_skipped(item))
        return true;
    return ts_wrong_field(m->w, m->path, "items of the type '%.60s' are not supported",
                          json_is_string(type) ? json_string_value(type) : ts_json_kind(type));
}

static bool add_instructions(maker *m)
{
    const json_t *text = ts_field_get(m->r->body, "instructions");

    if (text && !json_is_string(text))
        return ts_wrong_field(m->w, "instructions", "%s (a string expected)", ts_json_kind(text));
    if (json_string_length(text) > 0)
        m->messages[m->n++] =
            (tiefsee_message){.role = TIEFSEE_SYSTEM, .content = json_string_value(text)};
    return true;
}

static bool add_input(maker *m, const json_t *input)
{
    char path[32];

    if (json_is_string(input)) {
        m->messages[m->n++] =
            (tiefsee_message){.role = TIEFSEE_USER, .content = json_string_value(input)};
        return true;
    }
    for (size_t i = 0; i < json_array_size(input); i++) {
        (void)snprintf(path, sizeof path, "input[%zu]", i);
        m->path = path;
        if (!add_item(m, json_array_get(input, i)))
            return false;
    }
    end_turn(m);
    return true;
}

bool ts_responses_items_read(ts_turn_request *r, bool may_be_empty, ts_wrong *wrong)
{
    const json_t *input = ts_field_get(r->body, "input");
    const size_t n = json_array_size(input);
    maker m = {.r = r, .w = wrong};

    if (!json_is_string(input) && !json_is_array(input))
        return ts_wrong_field(wrong, "input", "%s (a string or an array of items expected)",
                              ts_json_kind(input));
    if (json_is_array(input) && ((n == 0 && !may_be_empty) || n > MAX_ITEMS))
        return ts_wrong_field(wrong, "input", "%zu items (1 to %d allowed)", n, MAX_ITEMS);
    m.messages = ts_arena_alloc_zero(r->arena, n + 2, sizeof *m.messages);
    m.calls = ts_arena_alloc_zero(r->arena, n + 1, sizeof *m.calls);
    if (!m.messages || !m.calls)
        return ts_turn_no_memory(wrong);
    if (!add_instructions(&m) || !add_input(&m, input))
        return false;
    /* Nothing is asked yet: what stands before a question can be read. */
    if (may_be_empty && (m.n == 0 || m.messages[m.n - 1].role == TIEFSEE_SYSTEM))
        m.messages[m.n++] = (tiefsee_message){.role = TIEFSEE_USER, .content = ""};
    r->messages = m.messages;
    r->n_messages = m.n;
    r->is_prefix = m.n > 0 && m.messages[m.n - 1].role == TIEFSEE_ASSISTANT &&
                   m.messages[m.n - 1].n_calls == 0;
    return true;
}
