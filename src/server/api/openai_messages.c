/* openai_messages.c - see openai_messages.h. */
#include "server/api/openai_messages.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "formats/json.h"

enum { MAX_PARTS = 1024 };

static const struct {
    const char *name;
    int role; /* tiefsee_role; -1: known, but not supported yet */
} roles[] = {
    {"system", TIEFSEE_SYSTEM},
    {"developer", TIEFSEE_SYSTEM},
    {"user", TIEFSEE_USER},
    {"assistant", TIEFSEE_ASSISTANT},
    {"tool", -1},
    {"function", -1},
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
        return ts_wrong_set(w, 503, NULL, NULL, "out of memory for this request");
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
        if (roles[i].role < 0)
            return ts_wrong_field(w, path, "the role '%s' is not supported yet", roles[i].name);
        *out = (tiefsee_role)roles[i].role;
        return true;
    }
    return ts_wrong_field(
        w, path, "no such role: '%.40s' (system, developer, user, assistant or tool expected)",
        json_string_value(role));
}

static bool read_message(tiefsee_message *out, const json_t *message, const char *path,
                         ts_arena *arena, ts_wrong *w)
{
    const json_t *content = ts_field_get(message, "content");
    const json_t *reasoning = ts_field_get(message, "reasoning_content");

    if (!json_is_object(message))
        return ts_wrong_field(w, path, "%s (an object expected)", ts_json_kind(message));
    if (!read_role(&out->role, message, path, w))
        return false;
    if (json_array_size(ts_field_get(message, "tool_calls")) > 0)
        return ts_wrong_field(w, path, "tool calls are not supported yet");
    if (json_is_true(ts_field_get(message, "prefix")))
        return ts_wrong_field(w, path, "prefix completion is not supported yet");
    if (reasoning && !json_is_string(reasoning))
        return ts_wrong_field(w, path, "reasoning_content is %s (a string expected)",
                              ts_json_kind(reasoning));
    if (out->role == TIEFSEE_ASSISTANT)
        out->reasoning = json_string_value(reasoning);
    out->content = json_string_value(content);
    if (json_is_array(content))
        return read_parts(&out->content, content, path, arena, w);
    if (!content && out->role == TIEFSEE_ASSISTANT)
        return ts_wrong_field(w, path, "content or tool_calls must be set");
    if (!out->content)
        return ts_wrong_field(w, path, "content is %s (a string or an array of parts expected)",
                              ts_json_kind(content));
    return true;
}

bool ts_openai_messages_read(tiefsee_message **out, size_t *n, const json_t *body, ts_arena *arena,
                             ts_wrong *wrong)
{
    const json_t *list = ts_field_get(body, "messages");
    char path[32];

    if (!json_is_array(list))
        return ts_wrong_field(wrong, "messages", "%s (an array expected)", ts_json_kind(list));
    *n = json_array_size(list);
    if (*n == 0 || *n > TS_OPENAI_MAX_MESSAGES)
        return ts_wrong_field(wrong, "messages", "%zu messages (1 to %d allowed)", *n,
                              TS_OPENAI_MAX_MESSAGES);
    *out = ts_arena_alloc_zero(arena, *n, sizeof **out);
    if (!*out)
        return ts_wrong_set(wrong, 503, NULL, NULL, "out of memory for this request");
    for (size_t i = 0; i < *n; i++) {
        (void)snprintf(path, sizeof path, "messages[%zu]", i);
        if (!read_message(&(*out)[i], json_array_get(list, i), path, arena, wrong))
            return false;
    }
    if ((*out)[*n - 1].role != TIEFSEE_USER)
        return ts_wrong_field(wrong, path, "the last message must be the user's");
    return true;
}

/* ---- response_format */

static bool start(ts_constraint *out, ts_grammar_kind kind, ts_str text,
                  const ts_served_model *model, ts_wrong *w)
{
    ts_grammar_rules *rules = NULL;
    ts_grammar *grammar = NULL;
    tiefsee_error err = {0};

    if (!model->vocab)
        return ts_wrong_field(w, "response_format", "not possible with this model");
    tiefsee_status st = ts_grammar_compile(&rules, kind, text.ptr, text.len, &err);
    if (st == TIEFSEE_OK)
        st = ts_grammar_start(&grammar, rules, model->vocab, &err);
    ts_grammar_rules_free(rules);
    if (st == TIEFSEE_E_NOMEM)
        return ts_wrong_set(w, 503, NULL, NULL, "out of memory for this request");
    if (st != TIEFSEE_OK)
        return ts_wrong_field(w, "response_format", "%s", err.message);
    *out = ts_grammar_constraint(grammar);
    return true;
}

static bool read_schema(ts_constraint *out, const json_t *format, const ts_served_model *model,
                        ts_wrong *w)
{
    const json_t *outer = ts_field_get(format, "json_schema");
    const json_t *schema = ts_field_get(outer, "schema");

    if (!json_is_object(outer))
        return ts_wrong_field(w, "response_format", "json_schema is %s (an object expected)",
                              ts_json_kind(outer));
    if (!json_is_object(schema))
        return ts_wrong_field(w, "response_format", "json_schema.schema is %s (an object expected)",
                              ts_json_kind(schema));
    const size_t n = json_dumpb(schema, NULL, 0, JSON_COMPACT);
    char *text = ts_alloc(n + 1);
    if (!text)
        return ts_wrong_set(w, 503, NULL, NULL, "out of memory for this request");
    const bool is_good = json_dumpb(schema, text, n, JSON_COMPACT) == n &&
                         start(out, TS_GRAMMAR_SCHEMA, (ts_str){text, n}, model, w);
    ts_free(text);
    return is_good;
}

bool ts_openai_format_read(ts_constraint *out, const json_t *body, const ts_served_model *model,
                           ts_wrong *wrong)
{
    const json_t *format = ts_field_get(body, "response_format");
    const json_t *type = ts_field_get(format, "type");
    const ts_str name = ts_json_str(type);

    *out = (ts_constraint){0};
    if (!format || ts_str_is(name, "text"))
        return true;
    if (!json_is_object(format))
        return ts_wrong_field(wrong, "response_format", "%s (an object expected)",
                              ts_json_kind(format));
    if (ts_str_is(name, "json_object"))
        return start(out, TS_GRAMMAR_JSON, (ts_str){"", 0}, model, wrong);
    if (ts_str_is(name, "json_schema"))
        return read_schema(out, format, model, wrong);
    if (!json_is_string(type))
        return ts_wrong_field(wrong, "response_format", "type is %s (a string expected)",
                              ts_json_kind(type));
    return ts_wrong_field(wrong, "response_format",
                          "no such type: '%.*s' (text, json_object or json_schema expected)",
                          TS_STR_ARG(name));
}
