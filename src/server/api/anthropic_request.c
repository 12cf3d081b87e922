/* anthropic_request.c - see anthropic_request.h.
 *
 * Accepted without an effect, as they are hints about costs or about things that are
 * not here: cache_control, container, context_management, service_tier, budget_tokens,
 * inference_geo, and the efforts.
 */
#include "server/api/anthropic_request.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "formats/json.h"
#include "server/api/anthropic_messages.h"
#include "server/api/openai_tools.h"

typedef struct params {
    const char *model;
    double temperature, top_p; /* negative: not sent */
    int64_t max_tokens, top_k, seed;
    bool stream;
} params;

#define FIELD(name, kind, min, max)                              \
    {                                                            \
#name, TS_FIELD_##kind, min, max, offsetof(params, name) \
    }

static const ts_field fields[] = {
    FIELD(model, TEXT, 0, 256),     FIELD(temperature, NUMBER, 0, 2),
    FIELD(top_p, NUMBER, 0, 1),     FIELD(max_tokens, INT, 1, INT_MAX),
    FIELD(top_k, INT, -1, INT_MAX), FIELD(seed, INT, -0x1p63, 0x1p63),
    FIELD(stream, BOOL, 0, 0),
};

/* ---- the model */

const ts_served_model *ts_anthropic_find_model(const ts_models *models, const char *name)
{
    const ts_served_model *m = *name ? ts_turn_find_model(models, name) : NULL;

    return !m && strncasecmp(name, "claude", 6) == 0 ? ts_models_at(models, 0) : m;
}

static bool take_model(ts_turn_request *r, const ts_models *models, const char *name, ts_wrong *w)
{
    const ts_served_model *m = name ? ts_anthropic_find_model(models, name) : NULL;

    /* By the name that was sent: some old names mean more than a model. */
    return ts_turn_take_model(r, models, m && !ts_turn_find_model(models, name) ? m->name : name,
                              w);
}

/* ---- thinking and form */

static bool read_thinking(ts_turn_request *r, const ts_anthropic_endpoint *e, ts_wrong *w)
{
    static const char *const efforts[] = {"minimal", "low", "medium", "high",
                                          "xhigh",   "max", "ultra"};
    const json_t *thinking = ts_field_get(r->body, "thinking");
    const json_t *effort = ts_field_get(ts_field_get(r->body, "output_config"), "effort");
    const ts_str type = ts_json_str(ts_field_get(thinking, "type"));
    bool is_known = !effort;

    for (size_t i = 0; i < TS_COUNT(efforts); i++)
        is_known = is_known || ts_str_is(ts_json_str(effort), efforts[i]);
    if (!is_known)
        return ts_wrong_field(w, "output_config.effort",
                              "minimal, low, medium, high, xhigh, max or ultra expected");
    if (!thinking) {
        if (r->thinking == TS_THINKING_DEFAULT && !e->is_deepseek)
            r->thinking = TS_THINKING_OFF;
        return true;
    }
    r->thinking = ts_str_is(type, "disabled") ? TS_THINKING_OFF : TS_THINKING_ON;
    return r->thinking == TS_THINKING_OFF || ts_str_is(type, "enabled") ||
           ts_str_is(type, "adaptive") ||
           ts_wrong_field(w, "thinking", "type 'enabled', 'adaptive' or 'disabled' expected");
}

/* output_config.format, once output_format. */
static bool read_format(ts_turn_request *r, ts_wrong *w)
{
    const json_t *config = ts_field_get(r->body, "output_config");
    const json_t *format = ts_field_get(config, "format");

    if (config && !json_is_object(config))
        return ts_wrong_field(w, "output_config", "%s (an object expected)", ts_json_kind(config));
    if (!format)
        format = ts_field_get(r->body, "output_format");
    if (!format)
        return true;
    const json_t *schema = ts_field_get(format, "schema");
    if (!ts_str_is(ts_json_str(ts_field_get(format, "type")), "json_schema") ||
        !json_is_object(schema))
        return ts_wrong_field(w, "output_config.format", "a json_schema with its schema expected");
    const char *text = ts_turn_json_text(r, schema, w);
    r->output = TS_OUTPUT_SCHEMA;
    r->output_text = ts_str_of(text);
    return text != NULL;
}

/* A thread is a conversation that the server keeps; the answer would lack its beginning. */
static bool refuse_thread(const ts_turn_request *r, ts_wrong *w)
{
    return !ts_field_get(r->body, "thread") ||
           ts_wrong_set(w, 400, TS_ANTHROPIC_NO_THREADS, "thread",
                        "not supported: nothing is stored here, send the whole conversation");
}

/* ---- tools: as OpenAI says them */

static bool convert_tool(json_t **out, const json_t *tool, const char *path, ts_wrong *w)
{
    const json_t *type = ts_field_get(tool, "type"), *schema = ts_field_get(tool, "input_schema");
    const ts_str kind = ts_json_str(type);

    if (!json_is_object(tool))
        return ts_wrong_field(w, path, "%s (an object expected)", ts_json_kind(tool));
    if (type && !ts_str_is(kind, "custom"))
        return ts_wrong_field(w, path, "tools of the type '%.*s' are not supported (only custom)",
                              TS_STR_ARG(kind));
    if (!json_is_object(schema))
        return ts_wrong_field(w, path, "input_schema is %s (an object expected)",
                              ts_json_kind(schema));
    *out = json_pack("{s:s, s:{s:O?, s:O?, s:O, s:O?}}", "type", "function", "function", "name",
                     json_object_get(tool, "name"), "description",
                     json_object_get(tool, "description"), "parameters", schema, "strict",
                     json_object_get(tool, "strict"));
    return *out || ts_turn_no_memory(w);
}

static bool convert_tools(ts_turn_request *r, ts_wrong *w)
{
    const json_t *list = ts_field_get(r->body, "tools");
    json_t *made = json_array();
    char path[32];
    bool is_good = made != NULL;

    if (list && !json_is_array(list)) {
        json_decref(made);
        return ts_wrong_field(w, "tools", "%s (an array expected)", ts_json_kind(list));
    }
    for (size_t i = 0; i < json_array_size(list) && is_good; i++) {
        json_t *tool = NULL;

        (void)snprintf(path, sizeof path, "tools[%zu]", i);
        if (!convert_tool(&tool, json_array_get(list, i), path, w)) {
            json_decref(made);
            return false;
        }
        is_good = json_array_append_new(made, tool) == 0;
    }
    is_good = is_good && json_object_set(r->body, "tools", made) == 0;
    json_decref(made);
    return is_good || ts_turn_no_memory(w);
}

static bool convert_choice(ts_turn_request *r, ts_wrong *w)
{
    static const struct {
        const char *ours, *theirs;
    } words[] = {{"auto", "auto"}, {"any", "required"}, {"none", "none"}};
    const json_t *choice = ts_field_get(r->body, "tool_choice");
    const json_t *name = ts_field_get(choice, "name");
    const ts_str type = ts_json_str(ts_field_get(choice, "type"));
    json_t *made = NULL;

    if (!choice)
        return true;
    for (size_t i = 0; i < TS_COUNT(words); i++)
        if (ts_str_is(type, words[i].ours))
            made = json_string(words[i].theirs);
    if (!made && ts_str_is(type, "tool") && json_is_string(name))
        made = json_pack("{s:s, s:{s:O}}", "type", "function", "function", "name", name);
    if (!made)
        return ts_wrong_field(w, "tool_choice",
                              "type 'auto', 'any', 'none' or 'tool' with its name expected");
    r->one_call = json_is_true(ts_field_get(choice, "disable_parallel_tool_use"));
    return json_object_set_new(r->body, "tool_choice", made) == 0 || ts_turn_no_memory(w);
}

static bool read_tools(ts_turn_request *r, ts_wrong *w)
{
    if (json_array_size(ts_field_get(r->body, "mcp_servers")) > 0)
        return ts_wrong_field(w, "mcp_servers", "not supported");
    return convert_tools(r, w) && convert_choice(r, w) && ts_openai_tools_read(r, w);
}

/* ---- the rest */

/* metadata.user_id.  Claude Code adds its session, which must not part its caches. */
static bool read_user(ts_turn_request *r, ts_wrong *w)
{
    const json_t *id = ts_field_get(ts_field_get(r->body, "metadata"), "user_id");
    const char *text = json_string_value(id);
    json_t *object = NULL;

    if (!id)
        return true;
    if (!text || json_string_length(id) > 4096)
        return ts_wrong_field(w, "metadata.user_id", "a string of at most 4096 bytes expected");
    const char *session = strstr(text, "_session_");
    if (*text == '{' && ts_json_parse(&object, text, strlen(text), (ts_json_limits){.values = 64},
                                      NULL) == TIEFSEE_OK) {
        (void)json_object_del(object, "session_id");
        r->user_id = ts_turn_json_text(r, object, w);
        json_decref(object);
    } else
        r->user_id =
            ts_arena_strdup(r->arena, text, session ? (size_t)(session - text) : strlen(text));
    return r->user_id || ts_turn_no_memory(w);
}

static bool set_options(ts_turn_request *r, const params *p, bool counts, ts_wrong *w)
{
    tiefsee_sampling *s = &r->generate.sampling;

    if (p->max_tokens == 0 && !counts)
        return ts_wrong_field(w, "max_tokens", "nothing (an integer expected)");
    r->generate.max_tokens = (size_t)p->max_tokens;
    r->is_stream = p->stream;
    if (p->temperature >= 0)
        s->temperature = (float)p->temperature;
    if (p->top_p >= 0) /* 0 is the narrowest for clients, but off for the sampler */
        s->top_p = p->top_p > 1e-6 ? (float)p->top_p : 1e-6f;
    if (p->top_k > 0)
        s->top_k = (int)p->top_k;
    if (ts_field_get(r->body, "seed"))
        s->seed = (uint64_t)p->seed;
    return ts_turn_take_stops(r, "stop_sequences", w);
}

bool ts_anthropic_request_read(ts_turn_request *r, const ts_models *models, ts_str body,
                               const ts_anthropic_endpoint *endpoint, uint64_t seed, ts_wrong *w)
{
    params p = {.temperature = -1, .top_p = -1};

    if (!ts_turn_open(r, body, seed, w) ||
        !ts_fields_read(r->body, fields, TS_COUNT(fields), &p, w) ||
        !take_model(r, models, p.model, w))
        return false;
    r->names = (ts_turn_names){.output = "output_config.format"};
    return refuse_thread(r, w) && set_options(r, &p, endpoint->counts, w) &&
           read_thinking(r, endpoint, w) && read_format(r, w) && read_user(r, w) &&
           ts_turn_take_title(r, w) && read_tools(r, w) && ts_anthropic_messages_read(r, w);
}
