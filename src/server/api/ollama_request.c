/* ollama_request.c - see ollama_request.h.
 *
 * Hints about memory and threads (num_ctx, num_gpu, keep_alive ...) are accepted and
 * have no effect: a model is loaded once, for all.  A prompt that does not fit is
 * refused with both numbers, whatever `truncate` and `shift` say.
 */
#include "server/api/ollama_request.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "engine/sampler.h"
#include "formats/json.h"
#include "server/api/openai_tools.h"

enum { MAX_TEXT = 64 << 20, MAX_CALLS = 1024 };

typedef struct params {
    const char *model, *name, *prompt, *system, *template, *suffix;
    bool stream, raw, logprobs;
    int64_t top_logprobs;
} params;

/* Negative: not sent, where 0 has a meaning. */
typedef struct options {
    double temperature, top_p, min_p, typical_p, tfs_z, repeat, presence, frequency;
    int64_t top_k, seed, num_predict, repeat_last_n, mirostat;
} options;

#define FIELD(type, name, kind, min, max, member)               \
    {                                                           \
        name, TS_FIELD_##kind, min, max, offsetof(type, member) \
    }

static const ts_field fields[] = {
    FIELD(params, "model", TEXT, 0, 256, model),
    FIELD(params, "name", TEXT, 0, 256, name),
    FIELD(params, "stream", BOOL, 0, 0, stream),
    FIELD(params, "logprobs", BOOL, 0, 0, logprobs),
    FIELD(params, "top_logprobs", INT, 0, TS_MAX_TOP_LOGPROBS, top_logprobs),
};

static const ts_field generate_fields[] = {
    FIELD(params, "prompt", TEXT, 0, MAX_TEXT, prompt),
    FIELD(params, "suffix", TEXT, 0, MAX_TEXT, suffix),
    FIELD(params, "system", TEXT, 0, MAX_TEXT, system),
    FIELD(params, "template", TEXT, 0, MAX_TEXT, template),
    FIELD(params, "raw", BOOL, 0, 0, raw),
};

static const ts_field option_fields[] = {
    FIELD(options, "temperature", NUMBER, 0, 2, temperature),
    FIELD(options, "top_p", NUMBER, 0, 1, top_p),
    FIELD(options, "min_p", NUMBER, 0, 1, min_p),
    FIELD(options, "typical_p", NUMBER, 0, 1, typical_p),
    FIELD(options, "tfs_z", NUMBER, 0, 1000, tfs_z),
    FIELD(options, "repeat_penalty", NUMBER, 0.01, 10, repeat),
    FIELD(options, "presence_penalty", NUMBER, -2, 2, presence),
    FIELD(options, "frequency_penalty", NUMBER, -2, 2, frequency),
    FIELD(options, "top_k", INT, -1, INT_MAX, top_k),
    FIELD(options, "seed", INT, -0x1p63, 0x1p63, seed),
    FIELD(options, "num_predict", INT, -2, INT_MAX, num_predict),
    FIELD(options, "repeat_last_n", INT, -1, 1 << 30, repeat_last_n),
    FIELD(options, "mirostat", INT, 0, 2, mirostat),
};

/* ---- models */

const ts_served_model *ts_ollama_find_model(const ts_models *models, const char *name)
{
    static const char latest[] = ":latest";
    const size_t n = strlen(name), n_tag = sizeof latest - 1;
    char plain[256];

    if (n == 0)
        return NULL;
    const ts_served_model *m = ts_turn_find_model(models, name);
    if (m || n <= n_tag || n >= sizeof plain || strcmp(name + n - n_tag, latest) != 0)
        return m;
    memcpy(plain, name, n - n_tag);
    plain[n - n_tag] = '\0';
    return ts_turn_find_model(models, plain);
}

bool ts_ollama_take_model(ts_turn_request *r, const ts_models *models, const char *name,
                          ts_wrong *w)
{
    const ts_served_model *m = name ? ts_ollama_find_model(models, name) : NULL;

    if (!name || !*name)
        return ts_wrong_set(w, 400, NULL, NULL, "model is required");
    if (!m)
        return ts_wrong_set(w, 404, NULL, NULL, "model '%.100s' not found", name);
    /* By the name that was sent: some old names mean more than a model. */
    return ts_turn_take_model(r, models, ts_turn_find_model(models, name) ? name : m->name, w);
}

/* ---- options */

/* Samplers that we do not have, unless they are off. */
static bool refuse_samplers(const options *o, ts_wrong *w)
{
    if (o->mirostat > 0)
        return ts_wrong_field(w, "mirostat", "not supported");
    if (o->typical_p < 1)
        return ts_wrong_field(w, "typical_p", "not supported");
    if (o->tfs_z < 1)
        return ts_wrong_field(w, "tfs_z", "not supported");
    return true;
}

static void set_sampling(ts_turn_request *r, const options *o, bool has_seed)
{
    tiefsee_sampling *s = &r->generate.sampling;

    if (o->temperature >= 0)
        s->temperature = (float)o->temperature;
    if (o->top_p >= 0) /* 0 is the narrowest for clients, but off for the sampler */
        s->top_p = o->top_p > 1e-6 ? (float)o->top_p : 1e-6f;
    if (o->min_p >= 0)
        s->min_p = (float)o->min_p;
    s->top_k = o->top_k > 0 ? (int)o->top_k : 0;
    s->presence_penalty = (float)o->presence;
    s->frequency_penalty = (float)o->frequency;
    s->repetition_penalty = o->repeat_last_n == 0 ? 0 : (float)o->repeat;
    s->repetition_window = o->repeat_last_n < 0 ? 1 << 30 : (int)o->repeat_last_n;
    if (has_seed)
        s->seed = (uint64_t)o->seed;
    r->generate.max_tokens = o->num_predict > 0 ? (size_t)o->num_predict : 0;
}

static bool read_options(ts_turn_request *r, ts_wrong *w)
{
    const json_t *object = ts_field_get(r->body, "options");
    json_t *stop = ts_field_get(object, "stop");
    options o = {.temperature = -1,
                 .top_p = -1,
                 .min_p = -1,
                 .typical_p = 1,
                 .tfs_z = 1,
                 .repeat_last_n = 64};

    if (object && !json_is_object(object))
        return ts_wrong_field(w, "options", "%s (an object expected)", ts_json_kind(object));
    if (!ts_fields_read(object, option_fields, TS_COUNT(option_fields), &o, w) ||
        !refuse_samplers(&o, w))
        return false;
    set_sampling(r, &o, ts_field_get(object, "seed") != NULL);
    if (!stop)
        (void)json_object_del(r->body, "stop");
    else if (json_object_set(r->body, "stop", stop) != 0)
        return ts_turn_no_memory(w);
    return ts_turn_take_stops(r, "stop", w);
}

/* "json", a schema, or "" for text. */
static bool read_format(ts_turn_request *r, ts_wrong *w)
{
    const json_t *format = ts_field_get(r->body, "format");
    const ts_str word = ts_json_str(format);

    if (!format || (json_is_string(format) && word.len == 0))
        return true;
    if (ts_str_is(word, "json")) {
        r->output = TS_OUTPUT_JSON;
        return true;
    }
    if (!json_is_object(format))
        return ts_wrong_field(w, "format", "'json' or a JSON schema expected");
    const char *text = ts_turn_json_text(r, format, w);
    if (!text)
        return false;
    r->output = TS_OUTPUT_SCHEMA;
    r->output_text = ts_str_of(text);
    return true;
}

static bool read_think(ts_turn_request *r, ts_wrong *w)
{
    static const char *const levels[] = {"low", "medium", "high", "max"};
    const json_t *think = ts_field_get(r->body, "think");
    bool is_level = false;

    if (!think)
        return true;
    for (size_t i = 0; i < TS_COUNT(levels); i++)
        is_level = is_level || ts_str_is(ts_json_str(think), levels[i]);
    if (!json_is_boolean(think) && !is_level)
        return ts_wrong_field(w, "think", "true, false, 'low', 'medium', 'high' or 'max' expected");
    r->thinking = json_is_false(think) ? TS_THINKING_OFF : TS_THINKING_ON;
    if (r->thinking == TS_THINKING_ON && !r->model->info.can_think)
        return ts_wrong_set(w, 400, NULL, NULL, "\"%.100s\" does not support thinking",
                            r->model->name);
    return true;
}

/* ---- messages */

static bool read_call(tiefsee_tool_call *out, const json_t *call, const char *path,
                      ts_turn_request *r, ts_wrong *w)
{
    const json_t *function = ts_field_get(call, "function"), *id = ts_field_get(call, "id");
    const json_t *name = ts_field_get(function, "name");
    const json_t *arguments = ts_field_get(function, "arguments");

    if (!json_is_string(name))
        return ts_wrong_field(w, path, "a tool call is a function with a name and arguments");
    if (id && !json_is_string(id))
        return ts_wrong_field(w, path, "the id of a tool call is %s (a string expected)",
                              ts_json_kind(id));
    if (arguments && !json_is_object(arguments))
        return ts_wrong_field(w, path, "arguments are %s (an object expected)",
                              ts_json_kind(arguments));
    *out =
        (tiefsee_tool_call){.id = id && json_string_length(id) > 0 ? json_string_value(id) : NULL,
                            .name = json_string_value(name),
                            .arguments = arguments ? ts_turn_json_text(r, arguments, w) : "{}"};
    return out->arguments != NULL;
}

static bool read_calls(tiefsee_message *out, const json_t *message, const char *path,
                       ts_turn_request *r, ts_wrong *w)
{
    const json_t *list = ts_field_get(message, "tool_calls");
    const size_t n = json_array_size(list);

    if (list && !json_is_array(list))
        return ts_wrong_field(w, path, "tool_calls is %s (an array expected)", ts_json_kind(list));
    if (n == 0)
        return true;
    if (out->role != TIEFSEE_ASSISTANT || n > MAX_CALLS)
        return ts_wrong_field(w, path, "%zu tool calls (0 to %d, of an assistant, allowed)", n,
                              MAX_CALLS);
    tiefsee_tool_call *calls = ts_arena_alloc_zero(r->arena, n, sizeof *calls);
    if (!calls)
        return ts_turn_no_memory(w);
    for (size_t i = 0; i < n; i++)
        if (!read_call(&calls[i], json_array_get(list, i), path, r, w))
            return false;
    out->calls = calls;
    out->n_calls = n;
    return true;
}

static bool read_role(tiefsee_role *out, const json_t *message, const char *path, ts_wrong *w)
{
    static const struct {
        const char *name;
        tiefsee_role role;
    } roles[] = {{"system", TIEFSEE_SYSTEM},
                 {"user", TIEFSEE_USER},
                 {"assistant", TIEFSEE_ASSISTANT},
                 {"tool", TIEFSEE_TOOL}};
    const ts_str role = ts_json_str(ts_field_get(message, "role"));

    for (size_t i = 0; i < TS_COUNT(roles); i++)
        if (ts_str_is(role, roles[i].name)) {
            *out = roles[i].role;
            return true;
        }
    return ts_wrong_field(w, path,
                          "no such role: '%.*s' (system, user, assistant or tool expected)",
                          TS_STR_ARG(role));
}

/* A member that is a string or missing. */
static bool read_text(const char **out, const json_t *message, const char *name, const char *path,
                      ts_wrong *w)
{
    const json_t *text = ts_field_get(message, name);

    if (text && !json_is_string(text))
        return ts_wrong_field(w, path, "%s is %s (a string expected)", name, ts_json_kind(text));
    *out = json_string_value(text);
    return true;
}

static bool read_message(tiefsee_message *out, const json_t *message, const char *path,
                         ts_turn_request *r, ts_wrong *w)
{
    const char *thinking = NULL, *call_id = NULL;

    if (!json_is_object(message))
        return ts_wrong_field(w, path, "%s (an object expected)", ts_json_kind(message));
    if (!read_role(&out->role, message, path, w) ||
        !read_text(&out->content, message, "content", path, w) ||
        !read_text(&thinking, message, "thinking", path, w) ||
        !read_text(&call_id, message, "tool_call_id", path, w) ||
        !read_calls(out, message, path, r, w))
        return false;
    if (ts_field_get(message, "images") && json_array_size(ts_field_get(message, "images")) > 0)
        return ts_wrong_field(w, path, "images are not supported");
    if (!out->content && out->n_calls == 0)
        out->content = "";
    if (out->role == TIEFSEE_ASSISTANT && thinking && *thinking)
        out->reasoning = thinking;
    if (out->role == TIEFSEE_TOOL && call_id && *call_id)
        out->call_id = call_id;
    return true;
}

static bool read_chat(ts_ollama_request *out, ts_wrong *w)
{
    ts_turn_request *r = &out->turn;
    const json_t *list = ts_field_get(r->body, "messages");
    const size_t n = json_array_size(list);
    char path[32];

    if (list && !json_is_array(list))
        return ts_wrong_field(w, "messages", "%s (an array expected)", ts_json_kind(list));
    out->is_load = n == 0;
    if (n > TS_TURN_MAX_MESSAGES)
        return ts_wrong_field(w, "messages", "%zu messages (%d allowed)", n, TS_TURN_MAX_MESSAGES);
    tiefsee_message *messages = ts_arena_alloc_zero(r->arena, n + 1, sizeof *messages);
    if (!messages)
        return ts_turn_no_memory(w);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "messages[%zu]", i);
        if (!read_message(&messages[i], json_array_get(list, i), path, r, w))
            return false;
    }
    r->messages = messages;
    r->n_messages = n;
    /* Ollama goes on with a last message of the assistant. */
    r->is_prefix =
        n > 0 && messages[n - 1].role == TIEFSEE_ASSISTANT && messages[n - 1].n_calls == 0;
    return ts_openai_tools_read(r, w);
}

/* ---- generate */

static bool read_generate(ts_ollama_request *out, const params *p, ts_wrong *w)
{
    ts_turn_request *r = &out->turn;
    const json_t *prompt = json_object_get(r->body, "prompt");
    const bool has_system = p->system && *p->system;
    size_t n = 0;

    if (p->template && *p->template)
        return ts_wrong_field(w, "template", "not supported: a model has its own");
    if (json_array_size(ts_field_get(r->body, "context")) > 0)
        return ts_wrong_field(w, "context", "not supported: send the conversation to /api/chat");
    if (json_array_size(ts_field_get(r->body, "images")) > 0)
        return ts_wrong_field(w, "images", "not supported");
    out->is_load = !p->prompt || !*p->prompt;
    if (p->raw || (p->suffix && *p->suffix)) {
        if (has_system)
            return ts_wrong_field(w, "system", "has no place in a raw prompt");
        r->is_raw = true;
        r->text = ts_json_str(prompt);
        r->suffix = p->suffix && *p->suffix ? p->suffix : NULL;
        return true;
    }
    tiefsee_message *messages = ts_arena_alloc_zero(r->arena, 2, sizeof *messages);
    if (!messages)
        return ts_turn_no_memory(w);
    if (has_system)
        messages[n++] = (tiefsee_message){.role = TIEFSEE_SYSTEM, .content = p->system};
    messages[n++] = (tiefsee_message){.role = TIEFSEE_USER, .content = p->prompt};
    r->messages = messages;
    r->n_messages = n;
    return true;
}

/* ---- the whole */

bool ts_ollama_request_read(ts_ollama_request *out, const ts_models *models, ts_str body,
                            bool is_chat, uint64_t seed, ts_wrong *w)
{
    params p = {.stream = true};
    ts_turn_request *r = &out->turn;

    *out = (ts_ollama_request){.is_chat = is_chat};
    if (!ts_turn_open(r, body, seed, w) ||
        !ts_fields_read(r->body, fields, TS_COUNT(fields), &p, w) ||
        (!is_chat && !ts_fields_read(r->body, generate_fields, TS_COUNT(generate_fields), &p, w)) ||
        !ts_ollama_take_model(r, models, p.model ? p.model : p.name, w))
        return false;
    r->names = (ts_turn_names){.output = "format"};
    r->is_stream = p.stream;
    out->wants_logprobs = p.logprobs || p.top_logprobs > 0;
    out->n_top = (size_t)p.top_logprobs;
    r->generate.n_top_logprobs = out->wants_logprobs && out->n_top == 0 ? 1 : out->n_top;
    return read_options(r, w) && read_format(r, w) && read_think(r, w) &&
           (is_chat ? read_chat(out, w) : read_generate(out, &p, w));
}
