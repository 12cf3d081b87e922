/* turn_request.c - see turn_request.h. */
#include "server/api/turn_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "engine/model.h"
#include "engine/stop.h"
#include "formats/json.h"

enum { MAX_SCRATCH = 96 << 20, MAX_BODY_VALUES = 1 << 19 };

bool ts_turn_no_memory(ts_wrong *w)
{
    return ts_wrong_set(w, 503, NULL, NULL, "out of memory for this request");
}

static const char *or_default(const char *name, const char *otherwise)
{
    return name ? name : otherwise;
}

/* ---- the body */

bool ts_turn_open(ts_turn_request *r, ts_str body, uint64_t seed, ts_wrong *w)
{
    tiefsee_error err = {0};

    *r = (ts_turn_request){.user_id = "", .seed = seed};
    r->arena = ts_arena_new(MAX_SCRATCH);
    if (!r->arena)
        return ts_turn_no_memory(w);
    if (body.len == 0)
        return ts_wrong_field(w, NULL, "the request has no body (a JSON object expected)");
    if (ts_json_parse(&r->body, body.ptr, body.len, (ts_json_limits){.values = MAX_BODY_VALUES},
                      &err) == TIEFSEE_OK)
        return true;
    return err.status == TIEFSEE_E_NOMEM ? ts_turn_no_memory(w)
                                         : ts_wrong_field(w, NULL, "%s", err.message);
}

void ts_turn_close(ts_turn_request *r)
{
    if (r->constraint.ctx)
        r->constraint.free(r->constraint.ctx);
    ts_free(r->prompt);
    json_decref(r->body);
    ts_arena_free(r->arena);
    *r = (ts_turn_request){0};
}

const char *ts_turn_json_text(ts_turn_request *r, const json_t *value, ts_wrong *w)
{
    const size_t flags = JSON_ENCODE_ANY, n = json_dumpb(value, NULL, 0, flags);
    char *text = ts_arena_alloc(r->arena, n + 1);

    if (!text || json_dumpb(value, text, n, flags) != n) {
        (void)ts_turn_no_memory(w);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

/* ---- models */

static const char NOT_THINKING[] = "deepseek-chat";

const ts_served_model *ts_turn_find_model(const ts_models *models, const char *name)
{
    static const char *const once[] = {NOT_THINKING,
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

bool ts_turn_take_model(ts_turn_request *r, const ts_models *models, const char *name, ts_wrong *w)
{
    if (!name)
        return ts_wrong_field(w, "model", "nothing (a string expected)");
    r->model = ts_turn_find_model(models, name);
    if (!r->model)
        return ts_wrong_set(w, 404, "model_not_found", "model", "'%.100s' is not served here",
                            name);
    if (!r->model->info.has_tokenizer)
        return ts_wrong_field(w, "model", "'%.100s' has no tokenizer", r->model->name);
    if (strcasecmp(name, NOT_THINKING) == 0)
        r->thinking = TS_THINKING_OFF;
    r->generate.size = sizeof r->generate;
    tiefsee_model_sampling(r->model->model, &r->generate.sampling);
    r->generate.sampling.seed = r->seed;
    return true;
}

bool ts_turn_take_stops(ts_turn_request *r, const char *param, ts_wrong *w)
{
    const json_t *stop = ts_field_get(r->body, param);
    const size_t n = json_is_array(stop) ? json_array_size(stop) : stop ? 1 : 0;

    if (stop && !json_is_string(stop) && !json_is_array(stop))
        return ts_wrong_field(w, param, "%s (a string or an array of strings expected)",
                              ts_json_kind(stop));
    if (n > TS_MAX_STOPS)
        return ts_wrong_field(w, param, "%zu strings (%d allowed)", n, TS_MAX_STOPS);
    const char **list = ts_arena_alloc_zero(r->arena, n + 1, sizeof *list);
    if (!list)
        return ts_turn_no_memory(w);
    for (size_t i = 0; i < n; i++) {
        const json_t *text = json_is_array(stop) ? json_array_get(stop, i) : stop;
        const size_t bytes = json_string_length(text);

        if (!json_is_string(text))
            return ts_wrong_field(w, param, "entry %zu is %s (a string expected)", i,
                                  ts_json_kind(text));
        if (bytes == 0 || bytes > TS_MAX_STOP_BYTES)
            return ts_wrong_field(w, param, "entry %zu has %zu bytes (1 to %d allowed)", i, bytes,
                                  TS_MAX_STOP_BYTES);
        list[i] = json_string_value(text);
    }
    r->generate.stop = list;
    r->generate.n_stop = n;
    return true;
}

/* ---- prompts */

static bool take_room(ts_turn_request *r, size_t n, ts_wrong *w)
{
    r->prompt = ts_alloc(n * sizeof *r->prompt);
    return r->prompt ? true : ts_turn_no_memory(w);
}

static bool raw_text(ts_turn_request *r, ts_wrong *w)
{
    const tiefsee_model *m = r->model->model;
    const tiefsee_token bos = ts_bpe_adds_bos(m->bpe) ? tiefsee_token_bos(m) : -1;
    const size_t room = r->model->n_ctx + 1;
    tiefsee_error err = {0};
    size_t n = 0;

    if (!take_room(r, room, w))
        return false;
    r->prompt[0] = bos;
    if (tiefsee_tokenize(m, r->text.ptr, r->text.len, true, r->prompt + 1, room - 1, &n, &err) !=
        TIEFSEE_OK)
        return ts_wrong_field(w, or_default(r->names.prompt, "prompt"), "%s", err.message);
    if (bos < 0 || (n > 0 && r->prompt[1] == bos))
        memmove(r->prompt, r->prompt + 1, (n < room - 1 ? n : room - 1) * sizeof *r->prompt);
    else
        n++;
    r->n_prompt = n;
    return true;
}

static bool raw_prompt(ts_turn_request *r, ts_wrong *w)
{
    r->generate.raw = true;
    if (r->suffix)
        return ts_wrong_field(w, "suffix", "not supported on completions yet");
    if (!r->tokens)
        return raw_text(r, w);
    r->n_prompt = r->n_tokens;
    if (!take_room(r, r->n_tokens + 1, w))
        return false;
    memcpy(r->prompt, r->tokens, r->n_tokens * sizeof *r->tokens);
    return true;
}

/* As ts_wrong_field, about message i. */
static bool wrong_message(const ts_turn_request *r, size_t i, const char *text, ts_wrong *w)
{
    char param[64];

    (void)snprintf(param, sizeof param, "%.40s[%zu]", or_default(r->names.messages, "messages"), i);
    return ts_wrong_field(w, param, "%s", text);
}

static bool refuse_tools(const ts_turn_request *r, ts_wrong *w)
{
    const size_t last = r->n_messages - 1;

    if (r->n_tools > 0 && r->tool_choice != TS_TOOLS_NONE)
        return ts_wrong_field(w, or_default(r->names.tools, "tools"),
                              "tool calls are not supported yet");
    for (size_t i = 0; i < r->n_messages; i++)
        if (r->messages[i].role == TIEFSEE_TOOL || r->messages[i].n_calls > 0)
            return wrong_message(r, i, "tool calls are not supported yet", w);
    if (r->is_prefix)
        return wrong_message(r, last, "prefix completion is not supported yet", w);
    return r->messages[last].role == TIEFSEE_USER ||
           wrong_message(r, last, "the last message must be the user's", w);
}

static bool chat_prompt(ts_turn_request *r, ts_wrong *w)
{
    const ts_served_model *m = r->model;
    const tiefsee_chat_options options = {.size = sizeof options,
                                          .no_thinking = r->thinking == TS_THINKING_OFF};
    tiefsee_error err = {0};

    if (!*m->info.encoding)
        return ts_wrong_field(w, "model", "'%.100s' has no chat format that is known", m->name);
    if (r->n_messages == 0)
        return ts_wrong_field(w, or_default(r->names.messages, "messages"), "0 messages");
    if (!refuse_tools(r, w) || !take_room(r, m->n_ctx, w))
        return false;
    if (tiefsee_chat_encode(m->model, r->messages, r->n_messages, &options, r->prompt, m->n_ctx,
                            &r->n_prompt, &err) != TIEFSEE_OK)
        return err.status == TIEFSEE_E_NOMEM
                   ? ts_turn_no_memory(w)
                   : ts_wrong_field(w, or_default(r->names.messages, "messages"), "%s",
                                    err.message);
    r->is_thinking = tiefsee_chat_opens_reasoning(m->model, &options);
    r->generate.in_reasoning = r->is_thinking;
    return true;
}

static bool check_length(const ts_turn_request *r, ts_wrong *w)
{
    const char *param = r->is_raw ? or_default(r->names.prompt, "prompt")
                                  : or_default(r->names.messages, "messages");

    if (r->n_prompt == 0)
        return ts_wrong_field(w, param, "the prompt is empty");
    if (r->n_prompt >= r->model->n_ctx)
        return ts_wrong_set(w, 400, "context_length_exceeded", param,
                            "this model's maximum context length is %zu tokens, answer included; "
                            "the prompt has %zu tokens",
                            r->model->n_ctx, r->n_prompt);
    return true;
}

/* ---- the form of the answer */

static bool make_constraint(ts_turn_request *r, ts_wrong *w)
{
    static const ts_grammar_kind kinds[] = {[TS_OUTPUT_JSON] = TS_GRAMMAR_JSON,
                                            [TS_OUTPUT_SCHEMA] = TS_GRAMMAR_SCHEMA,
                                            [TS_OUTPUT_REGEX] = TS_GRAMMAR_REGEX,
                                            [TS_OUTPUT_GBNF] = TS_GRAMMAR_GBNF};
    const char *param = or_default(r->names.output, "response_format");
    const ts_str text = r->output_text;
    ts_grammar_rules *rules = NULL;
    ts_grammar *grammar = NULL;
    tiefsee_error err = {0};

    if (r->output == TS_OUTPUT_TEXT)
        return true;
    if (!r->model->vocab)
        return ts_wrong_field(w, param, "not possible with this model");
    tiefsee_status st =
        ts_grammar_compile(&rules, kinds[r->output], text.ptr ? text.ptr : "", text.len, &err);
    if (st == TIEFSEE_OK)
        st = ts_grammar_start(&grammar, rules, r->model->vocab, &err);
    ts_grammar_rules_free(rules);
    if (st == TIEFSEE_E_NOMEM)
        return ts_turn_no_memory(w);
    if (st != TIEFSEE_OK)
        return ts_wrong_field(w, param, "%s", err.message);
    r->constraint = ts_grammar_constraint(grammar);
    return true;
}

bool ts_turn_prepare(ts_turn_request *r, ts_wrong *w)
{
    return (r->is_raw ? raw_prompt(r, w) : chat_prompt(r, w)) && check_length(r, w) &&
           make_constraint(r, w);
}
