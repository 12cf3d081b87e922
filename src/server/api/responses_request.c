/* responses_request.c - see responses_request.h.
 *
 * What asks for a state that is kept (previous_response_id, conversation, background,
 * a stored prompt) changes the answer, so /v1 refuses it; DeepSeek's path ignores it,
 * as DeepSeek does.  `store` is accepted: every answer says store: false.
 */
#include "server/api/responses_request.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "engine/sampler.h"
#include "formats/json.h"
#include "server/api/openai_tools.h"
#include "server/api/responses_items.h"

enum { MAX_PAST_VALUES = 1 << 20 };

typedef struct params {
    const char *model, *user;
    double temperature, top_p; /* negative: not sent */
    int64_t max_output_tokens, top_logprobs, seed;
    bool stream, parallel_tool_calls;
} params;

#define FIELD(name, kind, min, max)                              \
    {                                                            \
#name, TS_FIELD_##kind, min, max, offsetof(params, name) \
    }

static const ts_field fields[] = {
    FIELD(model, TEXT, 0, 256),
    FIELD(user, TEXT, 0, 512),
    FIELD(temperature, NUMBER, 0, 2),
    FIELD(top_p, NUMBER, 0, 1),
    FIELD(max_output_tokens, INT, 1, INT_MAX),
    FIELD(top_logprobs, INT, 0, TS_MAX_TOP_LOGPROBS),
    FIELD(seed, INT, -0x1p63, 0x1p63),
    FIELD(stream, BOOL, 0, 0),
    FIELD(parallel_tool_calls, BOOL, 0, 0),
};

/* A WebSocket knows its last response. */
static bool refuse_state(const ts_turn_request *r, bool is_socket, ts_wrong *w)
{
    static const char *const names[] = {"previous_response_id", "conversation", "prompt"};

    for (size_t i = is_socket; i < TS_COUNT(names); i++)
        if (ts_field_get(r->body, names[i]))
            return ts_wrong_field(w, names[i],
                                  "nothing is stored here: send the whole conversation as input");
    if (json_is_true(ts_field_get(r->body, "background")))
        return ts_wrong_field(w, "background", "not supported: nothing is stored here");
    return true;
}

/* ---- a WebSocket's message */

/* The input as items, whatever it was. */
static json_t *input_items(const json_t *input)
{
    return json_is_string(input)
               ? json_pack("[{s:s, s:s, s:O}]", "type", "message", "role", "user", "content", input)
               : json_copy((json_t *)(uintptr_t)input);
}

/* The last response's items, and behind them the new ones. */
static bool join_input(ts_turn_request *r, ts_str before, ts_wrong *w)
{
    const json_t *input = ts_field_get(r->body, "input");
    json_t *whole = NULL, *added;

    if (!json_is_string(input) && !json_is_array(input))
        return true; /* refused as it is */
    added = input_items(input);
    if (before.len == 0)
        whole = json_array();
    else if (ts_json_parse_any(&whole, before.ptr, before.len,
                               (ts_json_limits){.values = MAX_PAST_VALUES}, NULL) != TIEFSEE_OK)
        whole = NULL;
    const bool is_good = whole && added && json_array_extend(whole, added) == 0 &&
                         json_object_set(r->body, "input", whole) == 0;
    json_decref(whole);
    json_decref(added);
    return is_good || ts_turn_no_memory(w);
}

static bool read_message(ts_responses_request *out, ts_responses_past *past, ts_wrong *w)
{
    const json_t *body = out->turn.body, *generate = ts_field_get(body, "generate");
    const json_t *previous = ts_field_get(body, "previous_response_id");
    ts_str before = {0};

    if (!ts_str_is(ts_json_str(ts_field_get(body, "type")), "response.create"))
        return ts_wrong_field(w, "type", "'response.create' expected");
    if (generate && !json_is_boolean(generate))
        return ts_wrong_field(w, "generate", "%s (a bool expected)", ts_json_kind(generate));
    out->is_warming = json_is_false(generate);
    out->previous_id = json_string_value(previous);
    if (previous && !out->previous_id)
        return ts_wrong_field(w, "previous_response_id", "%s (a string expected)",
                              ts_json_kind(previous));
    if (previous && (!past->id || strcmp(past->id, out->previous_id) != 0))
        return ts_wrong_set(w, 400, "previous_response_not_found", "previous_response_id",
                            "'%.60s' is not this connection's last response: send the whole "
                            "conversation as input",
                            out->previous_id);
    if (previous) {
        past->is_used = true;
        before = past->items;
    }
    return join_input(&out->turn, before, w);
}

/* ---- options */

static bool read_include(ts_responses_request *out, ts_wrong *w)
{
    const json_t *list = ts_field_get(out->turn.body, "include");

    if (list && !json_is_array(list))
        return ts_wrong_field(w, "include", "%s (an array expected)", ts_json_kind(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const ts_str word = ts_json_str(json_array_get(list, i));

        if (ts_str_is(word, "message.output_text.logprobs"))
            out->wants_logprobs = true;
        if (ts_str_is(word, "reasoning.encrypted_content"))
            out->wants_encrypted = true;
    }
    return true;
}

static bool read_effort(ts_turn_request *r, ts_wrong *w)
{
    static const char *const efforts[] = {"none", "minimal", "low", "medium",
                                          "high", "xhigh",   "max", "ultra"};
    const json_t *reasoning = ts_field_get(r->body, "reasoning");
    const json_t *effort = ts_field_get(reasoning, "effort");

    if (reasoning && !json_is_object(reasoning))
        return ts_wrong_field(w, "reasoning", "%s (an object expected)", ts_json_kind(reasoning));
    if (!effort)
        return true;
    for (size_t i = 0; i < TS_COUNT(efforts); i++)
        if (ts_str_is(ts_json_str(effort), efforts[i])) {
            r->thinking = i == 0 ? TS_THINKING_OFF : TS_THINKING_ON;
            return true;
        }
    return ts_wrong_field(w, "reasoning.effort",
                          "none, minimal, low, medium, high, xhigh, max or ultra expected");
}

static bool read_format(ts_turn_request *r, ts_wrong *w)
{
    const json_t *text = ts_field_get(r->body, "text");
    const json_t *format = ts_field_get(text, "format");
    const json_t *schema = ts_field_get(format, "schema");
    const ts_str type = ts_json_str(ts_field_get(format, "type"));

    if (text && !json_is_object(text))
        return ts_wrong_field(w, "text", "%s (an object expected)", ts_json_kind(text));
    if (!format || ts_str_is(type, "text"))
        return true;
    if (ts_str_is(type, "json_object")) {
        r->output = TS_OUTPUT_JSON;
        return true;
    }
    if (!ts_str_is(type, "json_schema"))
        return ts_wrong_field(w, "text.format", "text, json_object or json_schema expected");
    if (!json_is_object(schema))
        return ts_wrong_field(w, "text.format", "schema is %s (an object expected)",
                              ts_json_kind(schema));
    const char *source = ts_turn_json_text(r, schema, w);
    r->output = TS_OUTPUT_SCHEMA;
    r->output_text = ts_str_of(source);
    return source != NULL;
}

static bool set_options(ts_responses_request *out, const params *p, ts_wrong *w)
{
    ts_turn_request *r = &out->turn;
    tiefsee_sampling *s = &r->generate.sampling;

    if (p->temperature >= 0)
        s->temperature = (float)p->temperature;
    if (p->top_p >= 0) /* 0 is the narrowest for clients, but off for the sampler */
        s->top_p = p->top_p > 1e-6 ? (float)p->top_p : 1e-6f;
    if (ts_field_get(r->body, "seed"))
        s->seed = (uint64_t)p->seed;
    out->temperature = p->temperature >= 0 ? p->temperature : (double)s->temperature;
    out->top_p = p->top_p >= 0 ? p->top_p : (double)s->top_p;
    out->n_top = (size_t)p->top_logprobs;
    out->wants_logprobs = p->top_logprobs > 0;
    if (!read_include(out, w))
        return false;
    /* Without at least one the engine computes none. */
    r->generate.n_top_logprobs = out->wants_logprobs && out->n_top == 0 ? 1 : out->n_top;
    r->generate.max_tokens = (size_t)p->max_output_tokens;
    r->is_stream = p->stream || out->is_socket;
    if (out->is_warming)
        r->generate.max_tokens = 1;
    r->one_call = !p->parallel_tool_calls;
    r->user_id = p->user ? p->user : "";
    return true;
}

/* ---- tools: as the older API says them */

static bool convert_tool(json_t **out, const json_t *tool, const char *path, ts_wrong *w)
{
    const ts_str type = ts_json_str(ts_field_get(tool, "type"));

    if (!json_is_object(tool))
        return ts_wrong_field(w, path, "%s (an object expected)", ts_json_kind(tool));
    if (!ts_str_is(type, "function"))
        return ts_wrong_field(
            w, path, "tools of the type '%.*s' are not supported (only function and namespace)",
            TS_STR_ARG(type));
    *out =
        json_pack("{s:s, s:{s:O?, s:O?, s:O?, s:O?}}", "type", "function", "function", "name",
                  json_object_get(tool, "name"), "description",
                  json_object_get(tool, "description"), "parameters",
                  json_object_get(tool, "parameters"), "strict", json_object_get(tool, "strict"));
    return *out || ts_turn_no_memory(w);
}

/* What is being made. */
typedef struct converted {
    json_t *tools;
    ts_tool_space *spaces; /* room for all */
    size_t n_spaces;
} converted;

static bool add_tool(converted *to, const json_t *tool, const char *path, ts_wrong *w)
{
    json_t *made = NULL;

    return convert_tool(&made, tool, path, w) &&
           (json_array_append_new(to->tools, made) == 0 || ts_turn_no_memory(w));
}

/* {"type": "namespace", "name", "tools": [functions]}: the model knows the functions. */
static bool add_space(converted *to, const json_t *space, const char *path, ts_wrong *w)
{
    const json_t *name = ts_field_get(space, "name"), *list = ts_field_get(space, "tools");

    if (!json_is_string(name) || !json_is_array(list))
        return ts_wrong_field(w, path, "a namespace with a name and tools expected");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tool = json_array_get(list, i);
        const char *tool_name = json_string_value(ts_field_get(tool, "name"));

        if (!add_tool(to, tool, path, w))
            return false;
        if (tool_name)
            to->spaces[to->n_spaces++] = (ts_tool_space){tool_name, json_string_value(name)};
    }
    return true;
}

static size_t count_inside(const json_t *list)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        n += json_array_size(ts_field_get(json_array_get(list, i), "tools"));
    return n;
}

static bool add_tools(converted *to, const json_t *list, ts_wrong *w)
{
    char path[32];

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tool = json_array_get(list, i);
        const bool is_space = ts_str_is(ts_json_str(ts_field_get(tool, "type")), "namespace");

        (void)snprintf(path, sizeof path, "tools[%zu]", i);
        if (!(is_space ? add_space(to, tool, path, w) : add_tool(to, tool, path, w)))
            return false;
    }
    return true;
}

static bool convert_tools(ts_responses_request *out, ts_wrong *w)
{
    ts_turn_request *r = &out->turn;
    const json_t *list = ts_field_get(r->body, "tools");
    converted to = {.tools = json_array()};

    if (list && !json_is_array(list)) {
        json_decref(to.tools);
        return ts_wrong_field(w, "tools", "%s (an array expected)", ts_json_kind(list));
    }
    to.spaces = ts_arena_alloc_zero(r->arena, count_inside(list) + 1, sizeof *to.spaces);
    bool is_good = to.tools && to.spaces ? add_tools(&to, list, w) : ts_turn_no_memory(w);
    if (is_good && json_object_set(r->body, "tools", to.tools) != 0)
        is_good = ts_turn_no_memory(w);
    json_decref(to.tools);
    out->spaces = to.spaces;
    out->n_spaces = to.n_spaces;
    return is_good;
}

static bool convert_choice(ts_turn_request *r, ts_wrong *w)
{
    const json_t *choice = ts_field_get(r->body, "tool_choice");
    const json_t *name = ts_field_get(choice, "name");

    if (!choice || json_is_string(choice))
        return true;
    if (!ts_str_is(ts_json_str(ts_field_get(choice, "type")), "function") || !json_is_string(name))
        return ts_wrong_field(w, "tool_choice",
                              "'none', 'auto', 'required' or a function with its name expected");
    json_t *made = json_pack("{s:s, s:{s:O}}", "type", "function", "function", "name", name);
    return (made && json_object_set_new(r->body, "tool_choice", made) == 0) || ts_turn_no_memory(w);
}

/* Readers of the answer expect all members of a function, null for what was not sent. */
static bool name_all_members(json_t *tools)
{
    static const char *const members[] = {"description", "parameters", "strict"};
    size_t at;
    json_t *tool;

    json_array_foreach(
        tools, at,
        tool) for (size_t i = 0; i < TS_COUNT(members);
                   i++) if (ts_str_is(ts_json_str(ts_field_get(tool, "type")), "function") &&
                            !json_object_get(tool, members[i]) &&
                            json_object_set_new(tool, members[i], json_null()) != 0) return false;
    return true;
}

/* The answer repeats tools and choice as they were sent; the turn's texts belong to them. */
static bool read_tools(ts_responses_request *out, ts_wrong *w)
{
    ts_turn_request *r = &out->turn;
    json_t *tools = json_incref(json_object_get(r->body, "tools"));
    json_t *choice = json_incref(json_object_get(r->body, "tool_choice"));
    const bool is_good =
        convert_tools(out, w) && convert_choice(r, w) && ts_openai_tools_read(r, w);

    (void)json_object_set_new(r->body, "tools", tools ? tools : json_array());
    if (choice)
        (void)json_object_set_new(r->body, "tool_choice", choice);
    return is_good && (name_all_members(tools) || ts_turn_no_memory(w));
}

bool ts_responses_request_read(ts_responses_request *out, const ts_models *models, ts_str body,
                               const ts_responses_endpoint *endpoint, ts_responses_past *past,
                               uint64_t seed, ts_wrong *w)
{
    params p = {.temperature = -1, .top_p = -1, .parallel_tool_calls = true};
    ts_turn_request *r = &out->turn;

    *out = (ts_responses_request){.is_socket = endpoint->is_socket};
    if (!ts_turn_open(r, body, seed, w) ||
        !ts_fields_read(r->body, fields, TS_COUNT(fields), &p, w) ||
        !ts_turn_take_model(r, models, p.model, w))
        return false;
    r->names = (ts_turn_names){.messages = "input", .output = "text.format"};
    return (endpoint->is_deepseek || refuse_state(r, endpoint->is_socket, w)) &&
           (!endpoint->is_socket || read_message(out, past, w)) && set_options(out, &p, w) &&
           read_effort(r, w) && read_format(r, w) && ts_turn_take_title(r, w) &&
           read_tools(out, w) && ts_responses_items_read(r, out->is_warming, w);
}
