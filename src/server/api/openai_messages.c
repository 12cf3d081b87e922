/* openai_messages.c - see openai_messages.h. */
#include "server/api/openai_messages.h"

#include <stdio.h>
#include <string.h>

#include "formats/json.h"

enum { MAX_PARTS = 1024 };

static const struct {
    const char *name;
    tiefsee_role role;
} roles[] = {
    {"system", TIEFSEE_SYSTEM},       {"developer", TIEFSEE_SYSTEM}, {"user", TIEFSEE_USER},
    {"assistant", TIEFSEE_ASSISTANT}, {"tool", TIEFSEE_TOOL},
};

/* [{"type": "text", "text": "..."}, ...] as one text. */
static bool read_parts(const char **out, const json_t *parts, const char *path, ts_arena *arena,
                       ts_wrong *w)
{
    const size_t n = json_array_size(parts);
    size_t bytes = 0, at = 0;

    if (n == 0 || n > MAX_PARTS)
        return ts_wrong_field(w, path, "%zu parts (1 to %d allowed)", n, MAX_PARTS);
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(parts, i), *text = ts_field_get(part, "text");
        const ts_str type = ts_json_str(ts_field_get(part, "type"));

        if (!ts_str_is(type, "text"))
            return ts_wrong_field(w, path, "part %zu has the type '%.*s' (only text is supported)",
                                  i, TS_STR_ARG(type));
        if (!json_is_string(text))
            return ts_wrong_field(w, path, "part %zu: text is %s (a string expected)", i,
                                  ts_json_kind(text));
        bytes += json_string_length(text);
    }
    char *whole = ts_arena_alloc(arena, bytes + 1);
    if (!whole)
        return ts_turn_no_memory(w);
    for (size_t i = 0; i < n; i++) {
        const ts_str text = ts_json_str(json_object_get(json_array_get(parts, i), "text"));
        memcpy(whole + at, text.ptr, text.len);
        at += text.len;
    }
    whole[at] = '\0';
    *out = whole;
    return true;
}

static bool read_role(tiefsee_role *out, const json_t *message, const char *path, ts_wrong *w)
{
    const json_t *role = ts_field_get(message, "role");

    if (!json_is_string(role))
        return ts_wrong_field(w, path, "role is %s (a string expected)", ts_json_kind(role));
    for (size_t i = 0; i < TS_COUNT(roles); i++) {
        if (strcmp(json_string_value(role), roles[i].name) != 0)
            continue;
        *out = roles[i].role;
        return true;
    }
    return ts_wrong_field(
        w, path, "no such role: '%.40s' (system, developer, user, assistant or tool expected)",
        json_string_value(role));
}

/* One {"id", "type": "function", "function": {"name", "arguments"}}. */
static bool read_call(tiefsee_tool_call *out, const json_t *call, const char *path, ts_wrong *w)
{
    const json_t *id = ts_field_get(call, "id"), *function = ts_field_get(call, "function");
    const json_t *name = ts_field_get(function, "name");
    const json_t *arguments = ts_field_get(function, "arguments");

    if (!json_is_object(function) || !json_is_string(name))
        return ts_wrong_field(w, path, "a tool call is a function with a name and arguments");
    if (id && !json_is_string(id))
        return ts_wrong_field(w, path, "the id of a tool call is %s (a string expected)",
                              ts_json_kind(id));
    if (arguments && !json_is_string(arguments))
        return ts_wrong_field(w, path, "arguments are %s (a string of JSON expected)",
                              ts_json_kind(arguments));
    *out = (tiefsee_tool_call){.id = json_string_value(id),
                               .name = json_string_value(name),
                               .arguments = arguments ? json_string_value(arguments) : "{}"};
    return true;
}

static bool read_calls(tiefsee_message *out, const json_t *message, const char *path,
                       ts_arena *arena, ts_wrong *w)
{
    const json_t *list = ts_field_get(message, "tool_calls");
    const size_t n = json_array_size(list);

    if (list && !json_is_array(list))
        return ts_wrong_field(w, path, "tool_calls is %s (an array expected)", ts_json_kind(list));
    if (n == 0)
        return true;
    if (out->role != TIEFSEE_ASSISTANT)
        return ts_wrong_field(w, path, "only an assistant's message has tool_calls");
    if (n > TS_OPENAI_MAX_CALLS)
        return ts_wrong_field(w, path, "%zu tool calls (%d allowed)", n, TS_OPENAI_MAX_CALLS);
    tiefsee_tool_call *calls = ts_arena_alloc_zero(arena, n, sizeof *calls);
    if (!calls)
        return ts_turn_no_memory(w);
    for (size_t i = 0; i < n; i++)
        if (!read_call(&calls[i], json_array_get(list, i), path, w))
            return false;
    out->calls = calls;
    out->n_calls = n;
    return true;
}

static bool read_message(tiefsee_message *out, const json_t *message, const char *path,
                         ts_arena *arena, ts_wrong *w)
{
    const json_t *content = ts_field_get(message, "content");
    const json_t *reasoning = ts_field_get(message, "reasoning_content");
    const json_t *call_id = ts_field_get(message, "tool_call_id");

    if (!json_is_object(message))
        return ts_wrong_field(w, path, "%s (an object expected)", ts_json_kind(message));
    if (!read_role(&out->role, message, path, w) || !read_calls(out, message, path, arena, w))
        return false;
    if (reasoning && !json_is_string(reasoning))
        return ts_wrong_field(w, path, "reasoning_content is %s (a string expected)",
                              ts_json_kind(reasoning));
    if (call_id && !json_is_string(call_id))
        return ts_wrong_field(w, path, "tool_call_id is %s (a string expected)",
                              ts_json_kind(call_id));
    if (out->role == TIEFSEE_ASSISTANT)
        out->reasoning = json_string_value(reasoning);
    if (out->role == TIEFSEE_TOOL)
        out->call_id = json_string_value(call_id);
    out->content = json_string_value(content);
    if (json_is_array(content))
        return read_parts(&out->content, content, path, arena, w);
    if (!content && out->role == TIEFSEE_ASSISTANT)
        return out->n_calls > 0 || ts_wrong_field(w, path, "content or tool_calls must be set");
    if (!out->content)
        return ts_wrong_field(w, path, "content is %s (a string or an array of parts expected)",
                              ts_json_kind(content));
    return true;
}

bool ts_openai_messages_read(ts_turn_request *r, ts_wrong *wrong)
{
    const json_t *list = ts_field_get(r->body, "messages");
    const size_t n = json_array_size(list);
    char path[32];

    if (!json_is_array(list))
        return ts_wrong_field(wrong, "messages", "%s (an array expected)", ts_json_kind(list));
    if (n == 0 || n > TS_TURN_MAX_MESSAGES)
        return ts_wrong_field(wrong, "messages", "%zu messages (1 to %d allowed)", n,
                              TS_TURN_MAX_MESSAGES);
    tiefsee_message *messages = ts_arena_alloc_zero(r->arena, n, sizeof *messages);
    if (!messages)
        return ts_turn_no_memory(wrong);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "messages[%zu]", i);
        if (!read_message(&messages[i], json_array_get(list, i), path, r->arena, wrong))
            return false;
    }
    r->messages = messages;
    r->n_messages = n;
    r->is_prefix = json_is_true(ts_field_get(json_array_get(list, n - 1), "prefix"));
    return true;
}

/* ---- response_format */

static bool read_schema(ts_turn_request *r, const json_t *format, ts_wrong *w)
{
    const json_t *outer = ts_field_get(format, "json_schema");
    const json_t *schema = ts_field_get(outer, "schema");

    if (!json_is_object(outer))
        return ts_wrong_field(w, "response_format", "json_schema is %s (an object expected)",
                              ts_json_kind(outer));
    if (!json_is_object(schema))
        return ts_wrong_field(w, "response_format", "json_schema.schema is %s (an object expected)",
                              ts_json_kind(schema));
    const char *text = ts_turn_json_text(r, schema, w);
    if (!text)
        return false;
    r->output = TS_OUTPUT_SCHEMA;
    r->output_text = ts_str_of(text);
    return true;
}

bool ts_openai_format_read(ts_turn_request *r, ts_wrong *wrong)
{
    const json_t *format = ts_field_get(r->body, "response_format");
    const json_t *type = ts_field_get(format, "type");
    const ts_str name = ts_json_str(type);

    if (!format || ts_str_is(name, "text"))
        return true;
    if (!json_is_object(format))
        return ts_wrong_field(wrong, "response_format", "%s (an object expected)",
                              ts_json_kind(format));
    if (ts_str_is(name, "json_schema"))
        return read_schema(r, format, wrong);
    if (!json_is_string(type))
        return ts_wrong_field(wrong, "response_format", "type is %s (a string expected)",
                              ts_json_kind(type));
    if (!ts_str_is(name, "json_object"))
        return ts_wrong_field(wrong, "response_format",
                              "no such type: '%.*s' (text, json_object or json_schema expected)",
                              TS_STR_ARG(name));
    r->output = TS_OUTPUT_JSON;
    return true;
}
