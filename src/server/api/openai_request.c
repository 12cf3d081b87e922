/* openai_request.c - see openai_request.h.
 *
 * A field that changes what the answer means is honoured or refused by name; hints
 * (metadata, store, service_tier ...) and unknown fields are ignored, as clients of
 * many servers send them.
 */
#include "server/api/openai_request.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "engine/stop.h"
#include "formats/json.h"
#include "server/api/openai_messages.h"

enum { MAX_SCRATCH = 96 << 20, MAX_BODY_VALUES = 1 << 19 };

/* Scalars as they are sent; negative: not sent, where 0 has a meaning. */
typedef struct params {
    const char *model, *effort, *user, *user_id;
    double temperature, top_p, min_p, repetition, presence, frequency;
    int64_t max_tokens, max_completion_tokens, top_k, seed, n, best_of, top_logprobs;
    bool stream, logprobs, echo;
} params;

#define FIELD(name, kind, min, max, member)                       \
    {                                                             \
        name, TS_FIELD_##kind, min, max, offsetof(params, member) \
    }

static const ts_field shared_fields[] = {
    FIELD("model", TEXT, 0, 256, model),
    FIELD("stream", BOOL, 0, 0, stream),
    FIELD("temperature", NUMBER, 0, 2, temperature),
    FIELD("top_p", NUMBER, 0, 1, top_p),
    FIELD("top_k", INT, -1, INT_MAX, top_k),
    FIELD("min_p", NUMBER, 0, 1, min_p),
    FIELD("repetition_penalty", NUMBER, 0.01, 10, repetition),
    FIELD("presence_penalty", NUMBER, -2, 2, presence),
    FIELD("frequency_penalty", NUMBER, -2, 2, frequency),
    FIELD("max_tokens", INT, 1, INT_MAX, max_tokens),
    FIELD("seed", INT, -0x1p63, 0x1p63, seed),
    FIELD("n", INT, 1, 128, n),
    FIELD("user", TEXT, 0, 512, user),
    FIELD("user_id", TEXT, 0, 512, user_id),
};

static const ts_field chat_fields[] = {
    FIELD("max_completion_tokens", INT, 1, INT_MAX, max_completion_tokens),
    FIELD("logprobs", BOOL, 0, 0, logprobs),
    FIELD("top_logprobs", INT, 0, TS_MAX_TOP_LOGPROBS, top_logprobs),
    FIELD("reasoning_effort", TEXT, 1, 16, effort),
};

static const ts_field completion_fields[] = {
    FIELD("best_of", INT, 1, 20, best_of),
    FIELD("echo", BOOL, 0, 0, echo),
};

static bool no_memory(ts_wrong *w)
{
    return ts_wrong_set(w, 503, NULL, NULL, "out of memory for this request");
}

/* ---- models */

const ts_served_model *ts_openai_find_model(const ts_models *models, const char *name)
{
    static const char *const once[] = {"deepseek-chat",
                                       "deepseek-reasoner",
                                       "deepseek-flash",
                                       "deepseek-v4-flash",
                                       "deepseek-v4-flash-vision-exp",
                                       "deepseek-v4-pro"};
    const ts_served_model *m = ts_models_find(models, name);

    for (size_t i = 0; !m && i < TS_COUNT(once); i++)
        if (strcasecmp(name, once[i]) == 0)
            m = ts_models_at(models, 0);
    return m;
}

static bool read_model(ts_openai_request *r, const ts_models *models, const params *p, ts_wrong *w)
{
    if (!p->model)
        return ts_wrong_field(w, "model", "nothing (a string expected)");
    r->model = ts_openai_find_model(models, p->model);
    if (!r->model)
        return ts_wrong_set(w, 404, "model_not_found", "model", "'%.100s' is not served here",
                            p->model);
    if (!r->model->info.has_tokenizer)
        return ts_wrong_field(w, "model", "'%.100s' has no tokenizer", r->model->name);
    return true;
}

/* ---- options of the answer */

static bool read_stop(ts_openai_request *r, ts_wrong *w)
{
    const json_t *stop = ts_field_get(r->body, "stop");
    const size_t n = json_is_array(stop) ? json_array_size(stop) : stop ? 1 : 0;

    if (stop && !json_is_string(stop) && !json_is_array(stop))
        return ts_wrong_field(w, "stop", "%s (a string or an array of strings expected)",
                              ts_json_kind(stop));
    if (n > TS_MAX_STOPS)
        return ts_wrong_field(w, "stop", "%zu strings (%d allowed)", n, TS_MAX_STOPS);
    const char **list = ts_arena_alloc_zero(r->arena, n + 1, sizeof *list);
    if (!list)
        return no_memory(w);
    for (size_t i = 0; i < n; i++) {
        const json_t *text = json_is_array(stop) ? json_array_get(stop, i) : stop;
        const size_t bytes = json_string_length(text);

        if (!json_is_string(text))
            return ts_wrong_field(w, "stop", "entry %zu is %s (a string expected)", i,
                                  ts_json_kind(text));
        if (bytes == 0 || bytes > TS_MAX_STOP_BYTES)
            return ts_wrong_field(w, "stop", "entry %zu has %zu bytes (1 to %d allowed)", i, bytes,
                                  TS_MAX_STOP_BYTES);
        list[i] = json_string_value(text);
    }
    r->generate.stop = list;
    r->generate.n_stop = n;
    return true;
}

static bool read_bias(ts_openai_request *r, ts_wrong *w)
{
    json_t *map = ts_field_get(r->body, "logit_bias");
    const uint64_t last = r->model->info.n_vocab - 1;
    const char *key;
    json_t *value;
    size_t n = 0;

    if (map && !json_is_object(map))
        return ts_wrong_field(w, "logit_bias", "%s (an object expected)", ts_json_kind(map));
    if (json_object_size(map) > TS_MAX_BIAS)
        return ts_wrong_field(w, "logit_bias", "%zu entries (%d allowed)", json_object_size(map),
                              TS_MAX_BIAS);
    tiefsee_logit_bias *list = ts_arena_alloc_zero(r->arena, TS_MAX_BIAS, sizeof *list);
    if (!list)
        return no_memory(w);
    json_object_foreach(map, key, value)
    {
        const double bias = json_number_value(value);
        uint64_t token;

        if (!ts_parse_u64(key, 0, last, &token))
            return ts_wrong_field(w, "logit_bias", "'%.40s' is no token (0 to %llu exist)", key,
                                  (unsigned long long)last);
        if (!json_is_number(value) || !(bias >= -100 && bias <= 100))
            return ts_wrong_field(w, "logit_bias",
                                  "token %.40s: a number from -100 to 100 expected", key);
        list[n++] = (tiefsee_logit_bias){(tiefsee_token)token, (float)bias};
    }
    r->generate.sampling.bias = list;
    r->generate.sampling.n_bias = n;
    return true;
}

static void set_sampling(ts_openai_request *r, const params *p, uint64_t seed)
{
    tiefsee_sampling *s = &r->generate.sampling;

    tiefsee_model_sampling(r->model->model, s);
    if (p->temperature >= 0)
        s->temperature = (float)p->temperature;
    if (p->top_p >= 0) /* 0 is the narrowest for clients, but off for the sampler */
        s->top_p = p->top_p > 1e-6 ? (float)p->top_p : 1e-6f;
    if (p->min_p >= 0)
        s->min_p = (float)p->min_p;
    s->top_k = p->top_k > 0 ? (int)p->top_k : 0;
    s->repetition_penalty = (float)p->repetition;
    s->presence_penalty = (float)p->presence;
    s->frequency_penalty = (float)p->frequency;
    s->seed = ts_field_get(r->body, "seed") ? (uint64_t)p->seed : seed;
}

static bool read_options(ts_openai_request *r, const params *p, uint64_t seed, ts_wrong *w)
{
    if (p->n > 1)
        return ts_wrong_field(w, "n", "%lld answers (only 1 is supported)", (long long)p->n);
    if (p->max_tokens && p->max_completion_tokens && p->max_tokens != p->max_completion_tokens)
        return ts_wrong_field(w, "max_completion_tokens", "max_tokens says another number");
    if (p->top_logprobs && !p->logprobs)
        return ts_wrong_field(w, "top_logprobs", "needs logprobs: true");
    r->generate.size = sizeof r->generate;
    r->generate.max_tokens = (size_t)(p->max_tokens ? p->max_tokens : p->max_completion_tokens);
    r->wants_logprobs = p->logprobs;
    r->n_top = (size_t)p->top_logprobs;
    /* Without at least one the engine computes none. */
    r->generate.n_top_logprobs = p->logprobs && r->n_top == 0 ? 1 : r->n_top;
    r->user_id = p->user_id ? p->user_id : "";
    set_sampling(r, p, seed);
    return read_stop(r, w) && read_bias(r, w);
}

static bool read_stream(ts_openai_request *r, const params *p, ts_wrong *w)
{
    const json_t *options = ts_field_get(r->body, "stream_options");
    const json_t *usage = ts_field_get(options, "include_usage");

    r->is_stream = p->stream;
    if (options && !json_is_object(options))
        return ts_wrong_field(w, "stream_options", "%s (an object expected)",
                              ts_json_kind(options));
    if (options && !r->is_stream)
        return ts_wrong_field(w, "stream_options", "only with stream: true");
    if (usage && !json_is_boolean(usage))
        return ts_wrong_field(w, "stream_options.include_usage", "%s (true or false expected)",
                              ts_json_kind(usage));
    r->wants_usage = json_is_true(usage);
    return true;
}

/* ---- prompts */

static bool take_room(ts_openai_request *r, size_t n, ts_wrong *w)
{
    r->prompt = ts_alloc(n * sizeof *r->prompt);
    return r->prompt ? true : no_memory(w);
}

static bool check_length(const ts_openai_request *r, ts_wrong *w)
{
    const char *param = r->is_chat ? "messages" : "prompt";

    if (r->n_prompt == 0)
        return ts_wrong_field(w, param, "the prompt is empty");
    if (r->n_prompt >= r->model->n_ctx)
        return ts_wrong_set(w, 400, "context_length_exceeded", param,
                            "this model's maximum context length is %zu tokens, answer included; "
                            "the prompt has %zu tokens",
                            r->model->n_ctx, r->n_prompt);
    return true;
}

static bool text_prompt(ts_openai_request *r, ts_str text, ts_wrong *w)
{
    const tiefsee_model *m = r->model->model;
    const tiefsee_token bos = ts_bpe_adds_bos(m->bpe) ? tiefsee_token_bos(m) : -1;
    const size_t room = r->model->n_ctx + 1;
    tiefsee_error err = {0};
    size_t n = 0;

    if (!take_room(r, room, w))
        return false;
    r->prompt[0] = bos;
    if (tiefsee_tokenize(m, text.ptr, text.len, true, r->prompt + 1, room - 1, &n, &err) !=
        TIEFSEE_OK)
        return ts_wrong_field(w, "prompt", "%s", err.message);
    if (bos < 0 || (n > 0 && r->prompt[1] == bos))
        memmove(r->prompt, r->prompt + 1, (n < room - 1 ? n : room - 1) * sizeof *r->prompt);
    else
        n++;
    r->n_prompt = n;
    return true;
}

static bool token_prompt(ts_openai_request *r, const json_t *list, ts_wrong *w)
{
    const json_int_t last = (json_int_t)r->model->info.n_vocab - 1;

    r->n_prompt = json_array_size(list);
    if (!take_room(r, r->n_prompt + 1, w))
        return false;
    for (size_t i = 0; i < r->n_prompt; i++) {
        const json_t *id = json_array_get(list, i);

        if (!json_is_integer(id))
            return ts_wrong_field(w, "prompt", "entry %zu is %s (a token id expected)", i,
                                  ts_json_kind(id));
        if (json_integer_value(id) < 0 || json_integer_value(id) > last)
            return ts_wrong_field(w, "prompt", "entry %zu is %lld (0 to %lld exist)", i,
                                  (long long)json_integer_value(id), (long long)last);
        r->prompt[i] = (tiefsee_token)json_integer_value(id);
    }
    return true;
}

static bool read_completion(ts_openai_request *r, const params *p, ts_wrong *w)
{
    static const char *const refused[] = {"suffix", "logprobs"};
    const json_t *prompt = ts_field_get(r->body, "prompt");

    for (size_t i = 0; i < TS_COUNT(refused); i++)
        if (ts_field_get(r->body, refused[i]))
            return ts_wrong_field(w, refused[i], "not supported on completions yet");
    if (p->echo)
        return ts_wrong_field(w, "echo", "not supported yet");
    if (p->best_of > 1)
        return ts_wrong_field(w, "best_of", "only 1 is supported");
    r->generate.raw = true;
    if (json_array_size(prompt) == 1 && json_is_string(json_array_get(prompt, 0)))
        prompt = json_array_get(prompt, 0);
    if (json_is_string(prompt))
        return text_prompt(r, ts_json_str(prompt), w);
    if (json_is_array(prompt))
        return token_prompt(r, prompt, w);
    return ts_wrong_field(w, "prompt", "%s (a string or an array of token ids expected)",
                          ts_json_kind(prompt));
}

/* ---- reasoning */

/* True: not thinking was asked for. */
static bool read_thinking(const ts_openai_request *r, const params *p, bool *skips, ts_wrong *w)
{
    static const char *const efforts[] = {"none", "minimal", "low", "medium",
                                          "high", "xhigh",   "max", "ultra"};
    const json_t *thinking = ts_field_get(r->body, "thinking");
    const ts_str type = ts_json_str(ts_field_get(thinking, "type"));

    /* The one alias that means a mode; asking for it by `thinking` wins. */
    *skips = strcasecmp(p->model, "deepseek-chat") == 0;
    if (p->effort) {
        size_t i = 0;
        while (i < TS_COUNT(efforts) && strcmp(efforts[i], p->effort) != 0)
            i++;
        if (i == TS_COUNT(efforts))
            return ts_wrong_field(w, "reasoning_effort",
                                  "'%s' (none, minimal, low, medium, high, xhigh, max or ultra "
                                  "expected)",
                                  p->effort);
        *skips = i == 0;
    }
    if (!thinking)
        return true;
    *skips = ts_str_is(type, "disabled");
    if (!*skips && !ts_str_is(type, "enabled"))
        return ts_wrong_field(w, "thinking", "type 'enabled' or 'disabled' expected");
    return true;
}

/* Asked-for functions would be ignored: say so instead. */
static bool refuse_tools(const ts_openai_request *r, ts_wrong *w)
{
    static const char *const names[] = {"tools", "functions"};
    const bool is_off = ts_str_is(ts_json_str(ts_field_get(r->body, "tool_choice")), "none");

    for (size_t i = 0; i < TS_COUNT(names); i++) {
        const json_t *list = ts_field_get(r->body, names[i]);

        if (list && !json_is_array(list))
            return ts_wrong_field(w, names[i], "%s (an array expected)", ts_json_kind(list));
        if (json_array_size(list) > 0 && !is_off)
            return ts_wrong_field(w, names[i], "tool calls are not supported yet");
    }
    return true;
}

static bool read_chat(ts_openai_request *r, const params *p, ts_wrong *w)
{
    const ts_served_model *m = r->model;
    tiefsee_chat_options options = {.size = sizeof options};
    tiefsee_message *messages;
    tiefsee_error err = {0};
    size_t n;

    if (!*m->info.encoding)
        return ts_wrong_field(w, "model", "'%.100s' has no chat format that is known", m->name);
    if (!refuse_tools(r, w) || !read_thinking(r, p, &options.no_thinking, w) ||
        !ts_openai_messages_read(&messages, &n, r->body, r->arena, w))
        return false;
    if (!take_room(r, m->n_ctx, w))
        return false;
    if (tiefsee_chat_encode(m->model, messages, n, &options, r->prompt, m->n_ctx, &r->n_prompt,
                            &err) != TIEFSEE_OK)
        return err.status == TIEFSEE_E_NOMEM ? no_memory(w)
                                             : ts_wrong_field(w, "messages", "%s", err.message);
    r->is_thinking = tiefsee_chat_opens_reasoning(m->model, &options);
    r->generate.in_reasoning = r->is_thinking;
    return ts_openai_format_read(&r->constraint, r->body, m, w);
}

/* ---- the whole */

static bool read_body(ts_openai_request *r, ts_str body, ts_wrong *w)
{
    tiefsee_error err = {0};

    if (body.len == 0)
        return ts_wrong_field(w, NULL, "the request has no body (a JSON object expected)");
    if (ts_json_parse(&r->body, body.ptr, body.len, (ts_json_limits){.values = MAX_BODY_VALUES},
                      &err) == TIEFSEE_OK)
        return true;
    return err.status == TIEFSEE_E_NOMEM ? no_memory(w)
                                         : ts_wrong_field(w, NULL, "%s", err.message);
}

static bool read_all(ts_openai_request *r, const ts_models *models, ts_str body, uint64_t seed,
                     ts_wrong *w)
{
    params p = {.temperature = -1, .top_p = -1, .min_p = -1};

    r->arena = ts_arena_new(MAX_SCRATCH);
    if (!r->arena)
        return no_memory(w);
    if (!read_body(r, body, w) ||
        !ts_fields_read(r->body, shared_fields, TS_COUNT(shared_fields), &p, w) ||
        !(r->is_chat
              ? ts_fields_read(r->body, chat_fields, TS_COUNT(chat_fields), &p, w)
              : ts_fields_read(r->body, completion_fields, TS_COUNT(completion_fields), &p, w)))
        return false;
    return read_model(r, models, &p, w) && read_stream(r, &p, w) && read_options(r, &p, seed, w) &&
           (r->is_chat ? read_chat(r, &p, w) : read_completion(r, &p, w)) && check_length(r, w);
}

bool ts_openai_request_read(ts_openai_request *out, const ts_models *models, ts_str body,
                            bool is_chat, uint64_t seed, ts_wrong *wrong)
{
    *out = (ts_openai_request){.is_chat = is_chat};
    if (read_all(out, models, body, seed, wrong))
        return true;
    ts_openai_request_free(out);
    return false;
}

void ts_openai_request_free(ts_openai_request *r)
{
    if (r->constraint.ctx)
        r->constraint.free(r->constraint.ctx);
    ts_free(r->prompt);
    json_decref(r->body);
    ts_arena_free(r->arena);
    *r = (ts_openai_request){0};
}
