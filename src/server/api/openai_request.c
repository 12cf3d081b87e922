/* openai_request.c - see openai_request.h.
 *
 * A field that changes what the answer means is honoured or refused by name; hints
 * (metadata, store, service_tier ...) and unknown fields are ignored, as clients of
 * many servers send them.
 */
#include "server/api/openai_request.h"

#include <limits.h>
#include <string.h>

#include "engine/sampler.h"
#include "formats/json.h"
#include "server/api/openai_messages.h"
#include "server/api/openai_tools.h"

enum { MAX_SUFFIX = 16 << 20 };

/* Scalars as they are sent; negative: not sent, where 0 has a meaning. */
typedef struct params {
    const char *model, *effort, *user, *user_id, *suffix;
    double temperature, top_p, min_p, repetition, presence, frequency;
    int64_t max_tokens, max_completion_tokens, top_k, seed, n, best_of, top_logprobs, text_logprobs;
    bool stream, logprobs, echo, parallel;
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
    FIELD("parallel_tool_calls", BOOL, 0, 0, parallel),
};

static const ts_field completion_fields[] = {
    FIELD("best_of", INT, 1, 20, best_of),
    FIELD("echo", BOOL, 0, 0, echo),
    FIELD("logprobs", INT, 0, TS_MAX_TOP_LOGPROBS, text_logprobs),
    FIELD("suffix", TEXT, 0, MAX_SUFFIX, suffix),
};

/* ---- options of the answer */

static bool read_bias(ts_turn_request *r, ts_wrong *w)
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
        return ts_turn_no_memory(w);
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

static void set_sampling(ts_turn_request *r, const params *p)
{
    tiefsee_sampling *s = &r->generate.sampling;

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
    if (ts_field_get(r->body, "seed"))
        s->seed = (uint64_t)p->seed;
}

static bool read_options(ts_openai_request *r, const params *p, ts_wrong *w)
{
    ts_turn_request *t = &r->turn;

    if (p->n > 1)
        return ts_wrong_field(w, "n", "%lld answers (only 1 is supported)", (long long)p->n);
    if (p->max_tokens && p->max_completion_tokens && p->max_tokens != p->max_completion_tokens)
        return ts_wrong_field(w, "max_completion_tokens", "max_tokens says another number");
    if (p->top_logprobs && !p->logprobs)
        return ts_wrong_field(w, "top_logprobs", "needs logprobs: true");
    t->generate.max_tokens = (size_t)(p->max_tokens ? p->max_tokens : p->max_completion_tokens);
    r->wants_logprobs = p->logprobs || p->text_logprobs >= 0;
    r->n_top = (size_t)(p->text_logprobs > 0 ? p->text_logprobs : p->top_logprobs);
    /* Without at least one the engine computes none. */
    t->generate.n_top_logprobs = r->wants_logprobs && r->n_top == 0 ? 1 : r->n_top;
    t->user_id = p->user_id ? p->user_id : "";
    set_sampling(t, p);
    return ts_turn_take_stops(t, "stop", w) && read_bias(t, w);
}

static bool read_stream(ts_openai_request *r, const params *p, ts_wrong *w)
{
    const json_t *options = ts_field_get(r->turn.body, "stream_options");
    const json_t *usage = ts_field_get(options, "include_usage");

    r->turn.is_stream = p->stream;
    if (options && !json_is_object(options))
        return ts_wrong_field(w, "stream_options", "%s (an object expected)",
                              ts_json_kind(options));
    if (options && !r->turn.is_stream)
        return ts_wrong_field(w, "stream_options", "only with stream: true");
    if (usage && !json_is_boolean(usage))
        return ts_wrong_field(w, "stream_options.include_usage", "%s (true or false expected)",
                              ts_json_kind(usage));
    r->wants_usage = json_is_true(usage);
    return true;
}

/* ---- prompts */

static bool token_prompt(ts_turn_request *r, const json_t *list, ts_wrong *w)
{
    const json_int_t last = (json_int_t)r->model->info.n_vocab - 1;

    r->n_tokens = json_array_size(list);
    tiefsee_token *tokens = ts_arena_alloc_zero(r->arena, r->n_tokens + 1, sizeof *tokens);
    if (!tokens)
        return ts_turn_no_memory(w);
    for (size_t i = 0; i < r->n_tokens; i++) {
        const json_t *id = json_array_get(list, i);

        if (!json_is_integer(id))
            return ts_wrong_field(w, "prompt", "entry %zu is %s (a token id expected)", i,
                                  ts_json_kind(id));
        if (json_integer_value(id) < 0 || json_integer_value(id) > last)
            return ts_wrong_field(w, "prompt", "entry %zu is %lld (0 to %lld exist)", i,
                                  (long long)json_integer_value(id), (long long)last);
        tokens[i] = (tiefsee_token)json_integer_value(id);
    }
    r->tokens = tokens;
    return true;
}

static bool read_completion(ts_turn_request *r, const params *p, ts_wrong *w)
{
    const json_t *prompt = ts_field_get(r->body, "prompt");

    if (p->echo)
        return ts_wrong_field(w, "echo", "not supported yet");
    if (p->best_of > 1)
        return ts_wrong_field(w, "best_of", "only 1 is supported");
    r->is_raw = true;
    r->suffix = p->suffix;
    if (json_array_size(prompt) == 1 && json_is_string(json_array_get(prompt, 0)))
        prompt = json_array_get(prompt, 0);
    if (json_is_array(prompt))
        return token_prompt(r, prompt, w);
    if (!json_is_string(prompt))
        return ts_wrong_field(w, "prompt", "%s (a string or an array of token ids expected)",
                              ts_json_kind(prompt));
    r->text = ts_json_str(prompt);
    return true;
}

/* ---- chats */

static bool read_thinking(ts_turn_request *r, const params *p, ts_wrong *w)
{
    static const char *const efforts[] = {"none", "minimal", "low", "medium",
                                          "high", "xhigh",   "max", "ultra"};
    const json_t *thinking = ts_field_get(r->body, "thinking");
    const ts_str type = ts_json_str(ts_field_get(thinking, "type"));

    if (p->effort) {
        size_t i = 0;
        while (i < TS_COUNT(efforts) && strcmp(efforts[i], p->effort) != 0)
            i++;
        if (i == TS_COUNT(efforts))
            return ts_wrong_field(w, "reasoning_effort",
                                  "'%s' (none, minimal, low, medium, high, xhigh, max or ultra "
                                  "expected)",
                                  p->effort);
        r->thinking = i == 0 ? TS_THINKING_OFF : TS_THINKING_ON;
    }
    if (!thinking)
        return true;
    r->thinking = ts_str_is(type, "disabled") ? TS_THINKING_OFF : TS_THINKING_ON;
    if (r->thinking == TS_THINKING_ON && !ts_str_is(type, "enabled"))
        return ts_wrong_field(w, "thinking", "type 'enabled' or 'disabled' expected");
    return true;
}

static bool read_chat(ts_turn_request *r, const params *p, ts_wrong *w)
{
    r->one_call = !p->parallel;
    return read_thinking(r, p, w) && ts_turn_take_title(r, w) && ts_openai_messages_read(r, w) &&
           ts_openai_tools_read(r, w) && ts_openai_format_read(r, w);
}

/* ---- the whole */

static bool read_all(ts_openai_request *r, const ts_models *models, ts_str body, uint64_t seed,
                     ts_wrong *w)
{
    const ts_field *own = r->is_chat ? chat_fields : completion_fields;
    const size_t n_own = r->is_chat ? TS_COUNT(chat_fields) : TS_COUNT(completion_fields);
    ts_turn_request *t = &r->turn;
    params p = {.temperature = -1, .top_p = -1, .min_p = -1, .text_logprobs = -1, .parallel = true};

    return ts_turn_open(t, body, seed, w) &&
           ts_fields_read(t->body, shared_fields, TS_COUNT(shared_fields), &p, w) &&
           ts_fields_read(t->body, own, n_own, &p, w) &&
           ts_turn_take_model(t, models, p.model, w) && read_stream(r, &p, w) &&
           read_options(r, &p, w) && (r->is_chat ? read_chat(t, &p, w) : read_completion(t, &p, w));
}

bool ts_openai_request_read(ts_openai_request *out, const ts_models *models, ts_str body,
                            bool is_chat, uint64_t seed, ts_wrong *wrong)
{
    *out = (ts_openai_request){.is_chat = is_chat};
    if (read_all(out, models, body, seed, wrong))
        return true;
    ts_turn_close(&out->turn);
    return false;
}
