/* tokenize_routes.c - see tokenize_routes.h. */
#include "server/api/tokenize_routes.h"

#include "core/alloc.h"
#include "formats/json.h"
#include "server/api/openai.h"
#include "server/api/openai_messages.h"
#include "server/api/openai_tools.h"
#include "server/api/turn_answer.h"
#include "server/server.h"

enum { MAX_ANSWER = 512 << 20 };

typedef struct params {
    const char *model, *content, *prompt;
    bool add_special, add_special_tokens, parse_special, with_pieces;
} params;

#define FIELD(name, kind, max)                                 \
    {                                                          \
#name, TS_FIELD_##kind, 0, max, offsetof(params, name) \
    }

static const ts_field tokenize_fields[] = {
    FIELD(model, TEXT, 256),     FIELD(content, TEXT, 1 << 30), FIELD(prompt, TEXT, 1 << 30),
    FIELD(add_special, BOOL, 0), FIELD(parse_special, BOOL, 0), FIELD(add_special_tokens, BOOL, 0),
    FIELD(with_pieces, BOOL, 0),
};

static const ts_field model_field[] = {FIELD(model, TEXT, 256)};

/* Without a name: the first model, as llama.cpp's clients send none. */
static bool take_model(ts_turn_request *r, const ts_models *models, const char *name, ts_wrong *w)
{
    return ts_turn_take_model(r, models, name ? name : "", w);
}

/* ---- tokenize */

static void write_piece(ts_out *o, const tiefsee_model *m, tiefsee_token token)
{
    size_t n = 0;
    const char *bytes = tiefsee_token_bytes(m, token, &n);

    ts_out_f(o, "{\"id\":%d,\"piece\":", (int)token);
    ts_out_text(o, bytes ? bytes : "", n);
    ts_out_raw(o, ",\"bytes\":");
    ts_out_byte_array(o, bytes, n);
    ts_out_raw(o, "}");
}

static void write_tokens(ts_out *o, const ts_served_model *m, const tiefsee_token *tokens, size_t n,
                         bool with_pieces)
{
    ts_out_raw(o, "{\"tokens\":[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            ts_out_raw(o, ",");
        if (with_pieces)
            write_piece(o, m->model, tokens[i]);
        else
            ts_out_f(o, "%d", (int)tokens[i]);
    }
    ts_out_f(o, "],\"count\":%zu,\"max_model_len\":%zu}", n, m->n_ctx);
}

/* A token has one byte at least; one more may stand in front. */
static bool encode(ts_out *o, const ts_served_model *m, ts_str text, const params *p, ts_wrong *w)
{
    const tiefsee_token bos = tiefsee_token_bos(m->model);
    const bool adds_bos = (p->add_special || p->add_special_tokens) && bos >= 0;
    tiefsee_token *tokens = ts_alloc((text.len + 2) * sizeof *tokens);
    tiefsee_error err = {0};
    size_t n = 0;

    if (!tokens)
        return ts_turn_no_memory(w);
    tokens[0] = bos;
    const tiefsee_status st = tiefsee_tokenize(m->model, text.ptr, text.len, p->parse_special,
                                               tokens + 1, text.len + 1, &n, &err);
    const bool is_good = st == TIEFSEE_OK && n <= text.len + 1;
    if (is_good)
        write_tokens(o, m, tokens + !adds_bos, n + adds_bos, p->with_pieces);
    else
        (void)ts_wrong_field(w, "content", "%s", err.message);
    ts_free(tokens);
    return is_good;
}

/* What a chat request with these messages would cost. */
static bool encode_chat(ts_out *o, ts_turn_request *r, const params *p, ts_wrong *w)
{
    if (!ts_openai_messages_read(r, w) || !ts_openai_tools_read(r, w) || !ts_turn_prepare(r, w))
        return false;
    write_tokens(o, r->model, r->prompt, r->n_prompt, p->with_pieces);
    return true;
}

static bool tokenize_body(ts_out *o, ts_turn_request *r, const ts_models *models, ts_wrong *w)
{
    const json_t *content = ts_field_get(r->body, "content");
    const json_t *prompt = ts_field_get(r->body, "prompt");
    const json_t *messages = ts_field_get(r->body, "messages");
    params p = {.parse_special = true, .add_special_tokens = prompt != NULL};

    if (!ts_fields_read(r->body, tokenize_fields, TS_COUNT(tokenize_fields), &p, w) ||
        !take_model(r, models, p.model, w))
        return false;
    if ((content != NULL) + (prompt != NULL) + (messages != NULL) != 1)
        return ts_wrong_field(w, "content", "one of content, prompt and messages is expected");
    if (messages)
        return encode_chat(o, r, &p, w);
    return encode(o, r->model, ts_json_str(content ? content : prompt), &p, w);
}

/* ---- detokenize */

static bool decode(ts_buf *text, const tiefsee_model *m, const json_t *list, size_t n_vocab,
                   ts_wrong *w)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        const json_int_t token = json_integer_value(id);
        size_t n = 0;

        if (!json_is_integer(id))
            return ts_wrong_field(w, "tokens", "entry %zu is %s (a token id expected)", i,
                                  ts_json_kind(id));
        if (token < 0 || token >= (json_int_t)n_vocab)
            return ts_wrong_field(w, "tokens", "entry %zu is %lld (0 to %zu exist)", i,
                                  (long long)token, n_vocab - 1);
        const char *bytes = tiefsee_token_bytes(m, (tiefsee_token)token, &n);
        if (bytes && !ts_buf_append(text, bytes, n))
            return ts_turn_no_memory(w);
    }
    return true;
}

static bool detokenize_body(ts_out *o, ts_turn_request *r, const ts_models *models, ts_wrong *w)
{
    const json_t *list = ts_field_get(r->body, "tokens");
    params p = {0};

    if (!ts_fields_read(r->body, model_field, TS_COUNT(model_field), &p, w) ||
        !take_model(r, models, p.model, w))
        return false;
    if (!json_is_array(list))
        return ts_wrong_field(w, "tokens", "%s (an array of token ids expected)",
                              ts_json_kind(list));
    ts_buf text = ts_buf_make(MAX_ANSWER / 2);
    const bool is_good = decode(&text, r->model->model, list, r->model->info.n_vocab, w);
    /* The same text under both names that clients look for. */
    for (size_t i = 0; i < 2 && is_good; i++) {
        ts_out_raw(o, i == 0 ? "{\"content\":" : ",\"prompt\":");
        ts_out_text(o, text.len ? text.ptr : "", text.len);
    }
    ts_out_raw(o, "}");
    ts_buf_free(&text);
    return is_good;
}

/* ---- routes */

typedef bool answer_body(ts_out *o, ts_turn_request *r, const ts_models *models, ts_wrong *w);

static void answer(ts_http_request *req, ts_reply *reply, answer_body *write)
{
    ts_out o = ts_out_make(MAX_ANSWER);
    ts_turn_request r;
    ts_wrong wrong = {0};

    if (!ts_turn_open(&r, req->body, 0, &wrong) ||
        !write(&o, &r, ts_server_of(req)->models, &wrong))
        ts_turn_refuse(reply, &wrong);
    else
        ts_turn_send(reply, &o);
    ts_out_free(&o);
    ts_turn_close(&r);
}

static void tokenize(ts_http_request *req, ts_reply *reply)
{
    answer(req, reply, tokenize_body);
}

static void detokenize(ts_http_request *req, ts_reply *reply)
{
    answer(req, reply, detokenize_body);
}

const ts_route ts_tokenize_routes[] = {
    {"POST", "/tokenize", tokenize, 0, &ts_protocol_openai, NULL},
    {"POST", "/detokenize", detokenize, 0, &ts_protocol_openai, NULL},
};
const size_t ts_n_tokenize_routes = TS_COUNT(ts_tokenize_routes);
