/* text.c - tokens and chats of the public interface. */
#include <string.h>

#include "engine/model.h"

enum { MAX_PROMPT_TOKENS = 1 << 26 };

static tiefsee_status need_tokenizer(const tiefsee_model *m, tiefsee_error *err)
{
    if (m->bpe)
        return TIEFSEE_OK;
    if (m->tokenizer_error.status != TIEFSEE_OK)
        return ts_fail(err, m->tokenizer_error.status, "%s: %s", ts_modelfile_path(m->file),
                       m->tokenizer_error.message);
    return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "%s has no tokenizer", ts_modelfile_path(m->file));
}

/* Hand over as many ids as there is room for, and say how many there are. */
static void give(ts_tokens *from, tiefsee_token *tokens, size_t cap, size_t *n_tokens)
{
    const size_t n = from->n < cap ? from->n : cap;

    if (n > 0)
        memcpy(tokens, from->ids, n * sizeof *tokens);
    *n_tokens = from->n;
    ts_tokens_free(from);
}

tiefsee_status tiefsee_tokenize(const tiefsee_model *m, const char *text, size_t n,
                                bool with_special, tiefsee_token *tokens, size_t cap,
                                size_t *n_tokens, tiefsee_error *err)
{
    ts_tokens list = {.max = MAX_PROMPT_TOKENS};

    *n_tokens = 0;
    tiefsee_status st = need_tokenizer(m, err);
    if (st == TIEFSEE_OK)
        st = ts_bpe_encode(m->bpe, text, n, with_special, &list, err);
    if (st != TIEFSEE_OK) {
        ts_tokens_free(&list);
        return st;
    }
    give(&list, tokens, cap, n_tokens);
    return TIEFSEE_OK;
}

const char *tiefsee_token_bytes(const tiefsee_model *m, tiefsee_token token, size_t *n)
{
    const ts_str s = m->bpe ? ts_bpe_bytes(m->bpe, token) : (ts_str){0};

    *n = s.len;
    return s.ptr;
}

tiefsee_token tiefsee_token_bos(const tiefsee_model *m)
{
    return m->bpe ? ts_bpe_bos(m->bpe) : -1;
}

tiefsee_token tiefsee_token_eos(const tiefsee_model *m)
{
    return m->bpe ? ts_bpe_eos(m->bpe) : -1;
}

static tiefsee_chat_options all_options(const tiefsee_chat_options *opt)
{
    tiefsee_chat_options o = {0};

    if (opt)
        memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    return o;
}

bool tiefsee_chat_opens_reasoning(const tiefsee_model *m, const tiefsee_chat_options *opt)
{
    const tiefsee_chat_options o = all_options(opt);

    return ts_encoding_can_think(m->encoding) &&
           (!o.no_thinking || !ts_encoding_can_skip(m->encoding));
}

tiefsee_status tiefsee_chat_encode(const tiefsee_model *m, const tiefsee_message *messages,
                                   size_t n_messages, const tiefsee_chat_options *opt,
                                   tiefsee_token *tokens, size_t cap, size_t *n_tokens,
                                   tiefsee_error *err)
{
    const tiefsee_chat_options o = all_options(opt);
    const ts_chat chat = {.messages = messages,
                          .n = n_messages,
                          .tools = o.tools,
                          .n_tools = o.n_tools,
                          .thinking = ts_encoding_can_think(m->encoding) && !o.no_thinking,
                          .continues = o.continues};
    ts_tokens list = {.max = MAX_PROMPT_TOKENS};

    *n_tokens = 0;
    tiefsee_status st = need_tokenizer(m, err);
    if (st != TIEFSEE_OK)
        return st;
    if (m->encoding == TS_ENCODING_NONE)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "%s: its chat format is not known (raw prompts work)",
                       ts_modelfile_path(m->file));
    st = ts_encoding_render(m->encoding, m->bpe, &chat, &list, err);
    if (st != TIEFSEE_OK) {
        ts_tokens_free(&list);
        return st;
    }
    give(&list, tokens, cap, n_tokens);
    return TIEFSEE_OK;
}

void tiefsee_model_sampling(const tiefsee_model *m, tiefsee_sampling *out)
{
    *out = (tiefsee_sampling){.size = sizeof *out};
    ts_encoding_sampling(m->encoding, &out->temperature, &out->top_p);
}
