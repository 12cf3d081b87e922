/* turn_request.c - see turn_request.h. */
#include "server/api/turn_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "engine/calls.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "engine/stop.h"
#include "formats/json.h"

enum { MAX_SCRATCH = 96 << 20, MAX_BODY_VALUES = 1 << 19, MAX_MIDDLE_TOKENS = 1 << 24 };

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
    /* 0.1 is not 0.10000000000000001. */
    const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15),
                 n = json_dumpb(value, NULL, 0, flags);
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

bool ts_turn_take_title(ts_turn_request *r, ts_wrong *w)
{
    const json_t *title = ts_field_get(r->body, "title");
    const json_t *enabled = ts_field_get(title, "enabled");

    if (title && (!json_is_object(title) || (enabled && !json_is_boolean(enabled))))
        return ts_wrong_field(w, "title", "an object with enabled: true or false expected");
    r->wants_title = json_is_true(enabled);
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

static bool raw_middle(ts_turn_request *r, ts_wrong *w)
{
    ts_tokens list = {.max = MAX_MIDDLE_TOKENS};
    tiefsee_error err = {0};

    if (r->tokens)
        return ts_wrong_field(w, "suffix", "not together with a prompt of token ids");
    const tiefsee_status st =
        ts_encoding_render_middle(r->model->model->bpe, r->text, ts_str_of(r->suffix), &list, &err);
    bool is_good = st == TIEFSEE_OK;
    if (st == TIEFSEE_E_NOMEM)
        (void)ts_turn_no_memory(w);
    else if (st != TIEFSEE_OK)
        (void)ts_wrong_field(w, "suffix", "%s", err.message);
    else if ((is_good = take_room(r, list.n, w)))
        memcpy(r->prompt, list.ids, list.n * sizeof *list.ids);
    r->n_prompt = list.n;
    ts_tokens_free(&list);
    return is_good;
}

static bool raw_prompt(ts_turn_request *r, ts_wrong *w)
{
    r->generate.raw = true;
    if (r->suffix)
        return raw_middle(r, w);
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

/* ---- conversations */

/* Answers of tools stand in the order of the calls: the formats do not name them. */
static void sort_answers(tiefsee_message *m, size_t n)
{
    const tiefsee_tool_call *calls = m[0].calls;
    size_t done = 1;

    for (size_t c = 0; c < m[0].n_calls; c++)
        for (size_t i = done; calls[c].id && i < n && m[i].role == TIEFSEE_TOOL; i++) {
            const tiefsee_message found = m[i];

            if (!found.call_id || strcmp(found.call_id, calls[c].id) != 0)
                continue;
            memmove(&m[done + 1], &m[done], (i - done) * sizeof *m);
            m[done++] = found;
            break;
        }
}

static const tiefsee_message *sorted_messages(ts_turn_request *r)
{
    tiefsee_message *list = ts_arena_alloc_zero(r->arena, r->n_messages, sizeof *list);

    if (!list)
        return NULL;
    memcpy(list, r->messages, r->n_messages * sizeof *list);
    for (size_t i = 0; i < r->n_messages; i++)
        if (list[i].role == TIEFSEE_ASSISTANT && list[i].n_calls > 1)
            sort_answers(&list[i], r->n_messages - i);
    return list;
}

static bool check_messages(const ts_turn_request *r, ts_wrong *w)
{
    const size_t last = r->n_messages - 1;
    const tiefsee_role role = r->n_messages ? r->messages[last].role : TIEFSEE_USER;

    if (r->n_messages == 0)
        return ts_wrong_field(w, or_default(r->names.messages, "messages"), "0 messages");
    if (r->is_prefix)
        return role == TIEFSEE_ASSISTANT ||
               wrong_message(r, last, "only an assistant's message can be a prefix", w);
    return role == TIEFSEE_USER || role == TIEFSEE_TOOL ||
           wrong_message(r, last, "the last message must be the user's or a tool's", w);
}

static const tiefsee_tool *list_tools(ts_turn_request *r, ts_wrong *w)
{
    tiefsee_tool *list = ts_arena_alloc_zero(r->arena, r->n_tools + 1, sizeof *list);

    for (size_t i = 0; list && i < r->n_tools; i++) {
        const ts_turn_tool *tool = &r->tools[i];

        list[i] = (tiefsee_tool){.name = tool->name, .description = tool->description};
        if (tool->parameters && !(list[i].parameters = ts_turn_json_text(r, tool->parameters, w)))
            return NULL;
    }
    if (!list)
        (void)ts_turn_no_memory(w);
    return list;
}

/* A prompt's markers are tokens that no text can become. */
static bool ends_in_reasoning(const ts_turn_request *r)
{
    const tiefsee_model *m = r->model->model;

    if (m->think_begin < 0)
        return false;
    for (size_t i = r->n_prompt; i-- > 0;)
        if (r->prompt[i] == m->think_begin || r->prompt[i] == m->think_end)
            return r->prompt[i] == m->think_begin;
    return false;
}

static bool may_call(const ts_turn_request *r)
{
    return r->n_tools > 0 && r->tool_choice != TS_TOOLS_NONE;
}

static bool encode_chat(ts_turn_request *r, const tiefsee_chat_options *options, ts_wrong *w)
{
    const ts_served_model *m = r->model;
    const tiefsee_message *messages = sorted_messages(r);
    tiefsee_error err = {0};

    if (!messages)
        return ts_turn_no_memory(w);
    if (!take_room(r, m->n_ctx, w))
        return false;
    if (tiefsee_chat_encode(m->model, messages, r->n_messages, options, r->prompt, m->n_ctx,
                            &r->n_prompt, &err) != TIEFSEE_OK)
        return err.status == TIEFSEE_E_NOMEM
                   ? ts_turn_no_memory(w)
                   : ts_wrong_field(w, or_default(r->names.messages, "messages"), "%s",
                                    err.message);
    /* Beyond the context the prompt is refused. */
    r->is_thinking = r->n_prompt <= m->n_ctx && ends_in_reasoning(r);
    r->generate.in_reasoning = r->is_thinking;
    return true;
}

static bool chat_prompt(ts_turn_request *r, ts_wrong *w)
{
    const ts_served_model *m = r->model;
    const ts_call_style style = ts_encoding_calls(m->model->encoding, m->model->bpe);
    tiefsee_chat_options options = {.size = sizeof options, .continues = r->is_prefix};

    if (!*m->info.encoding)
        return ts_wrong_field(w, "model", "'%.100s' has no chat format that is known", m->name);
    if (!check_messages(r, w))
        return false;
    if (may_call(r) && style == TS_CALLS_NONE)
        return ts_wrong_field(w, or_default(r->names.tools, "tools"),
                              "'%.100s' has no tool calls (its chat format or its vocabulary)",
                              m->name);
    /* V3.1 was made to call without thinking; it does both if it is told so. */
    options.no_thinking =
        r->thinking == TS_THINKING_OFF ||
        (r->thinking == TS_THINKING_DEFAULT && style == TS_CALLS_PLAIN && may_call(r));
    if (style != TS_CALLS_NONE && r->n_tools > 0) {
        options.tools = list_tools(r, w);
        options.n_tools = r->n_tools;
        if (!options.tools)
            return false;
    }
    return encode_chat(r, &options, w);
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
    if (r->is_prefix)
        return ts_wrong_field(w, param, "not together with a prefix");
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

/* ---- calls */

/* Arguments are an object, whatever the schema leaves open. */
static bool arguments_schema(ts_turn_request *r, const ts_turn_tool *tool, ts_str *out, ts_wrong *w)
{
    const char *text;

    *out = (ts_str){0};
    if (json_object_size(tool->parameters) == 0)
        return true;
    if (json_object_get(tool->parameters, "type"))
        text = ts_turn_json_text(r, tool->parameters, w);
    else {
        json_t *copy = json_copy((json_t *)(uintptr_t)tool->parameters);

        if (!copy || json_object_set_new(copy, "type", json_string("object")) != 0) {
            json_decref(copy);
            return ts_turn_no_memory(w);
        }
        text = ts_turn_json_text(r, copy, w);
        json_decref(copy);
    }
    *out = ts_str_of(text);
    return text != NULL;
}

static bool list_callable(ts_turn_request *r, ts_calls_tool *list, size_t *n, ts_wrong *w)
{
    const bool is_named = r->tool_choice == TS_TOOLS_NAMED;

    for (size_t i = 0; i < r->n_tools; i++) {
        const ts_turn_tool *tool = &r->tools[i];

        if (tool->is_withheld || (is_named && strcmp(tool->name, r->chosen_tool) != 0))
            continue;
        list[*n] = (ts_calls_tool){.name = tool->name, .is_strict = tool->is_strict};
        if (!arguments_schema(r, tool, &list[(*n)++].schema, w))
            return false;
    }
    return *n > 0 || ts_wrong_field(w, or_default(r->names.tool_choice, "tool_choice"),
                                    "no tool has the name '%.60s'", r->chosen_tool);
}

static bool make_calls(ts_turn_request *r, ts_wrong *w)
{
    const char *param = or_default(r->names.tools, "tools");
    const bool is_named = r->tool_choice == TS_TOOLS_NAMED;
    ts_calls_tool *list = ts_arena_alloc_zero(r->arena, r->n_tools, sizeof *list);
    ts_calls_spec spec = {.tools = list,
                          .must_call = is_named || r->tool_choice == TS_TOOLS_REQUIRED,
                          .one_call = is_named || r->one_call,
                          .content = r->constraint};
    tiefsee_error err = {0};
    size_t failed = 0;

    if (!list)
        return ts_turn_no_memory(w);
    if (!r->model->vocab)
        return ts_wrong_field(w, param, "not possible with this model");
    if (!list_callable(r, list, &spec.n_tools, w))
        return false;
    const tiefsee_status st =
        ts_calls_new(&r->constraint, r->model->model, r->model->vocab, &spec, &failed, &err);
    if (st == TIEFSEE_E_NOMEM)
        return ts_turn_no_memory(w);
    if (st != TIEFSEE_OK && failed < spec.n_tools)
        return ts_wrong_field(w, param, "'%.60s': %s", list[failed].name, err.message);
    if (st != TIEFSEE_OK)
        return ts_wrong_field(w, param, "%s", err.message);
    r->generate.splits_calls = true;
    return true;
}

/* Without tools nothing is to be called: the marker is never sampled. */
static bool forbid_calls(ts_turn_request *r, ts_wrong *w)
{
    tiefsee_sampling *s = &r->generate.sampling;
    const int32_t marker = ts_bpe_find(r->model->model->bpe, TS_CALLS_BEGIN);
    tiefsee_logit_bias *list = ts_arena_alloc_zero(r->arena, s->n_bias + 1, sizeof *list);

    if (marker < 0 || s->n_bias == TS_MAX_BIAS)
        return true;
    if (!list)
        return ts_turn_no_memory(w);
    if (s->n_bias > 0)
        memcpy(list, s->bias, s->n_bias * sizeof *list);
    list[s->n_bias++] = (tiefsee_logit_bias){marker, -100};
    s->bias = list;
    return true;
}

bool ts_turn_prepare(ts_turn_request *r, ts_wrong *w)
{
    if (r->is_raw)
        return raw_prompt(r, w) && check_length(r, w) && make_constraint(r, w);
    return chat_prompt(r, w) && check_length(r, w) && make_constraint(r, w) &&
           (may_call(r) ? make_calls(r, w) : forbid_calls(r, w));
}
