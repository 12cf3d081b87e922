/* chat_set.c - see chat_set.h. */
#include "train/lora/chat_set.h"

#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "train/feed.h"
#include "train/read_chats.h"

enum { MAX_DOCUMENT = 1 << 17 };
static const uint64_t MAX_TOKENS = (uint64_t)1 << 31;

/* ------------------------------------------------------------------- growing */

typedef struct reader {
    ts_chat_set *set;
    const ts_chat_spec *spec;
    ts_tokens tokens;
} reader;

static bool grow(void *at, uint64_t *cap, uint64_t need, size_t size)
{
    void **p = at;

    if (need <= *cap)
        return true;
    const uint64_t next = need + need / 2 + 1024;
    void *bigger = ts_realloc(*p, *cap * size, next * size);
    if (bigger) {
        *p = bigger;
        *cap = next;
    }
    return bigger != NULL;
}

static tiefsee_status append(reader *r, size_t first_learned, tiefsee_error *err)
{
    ts_chat_set *s = r->set;
    const size_t n = r->tokens.n;
    uint64_t caps[] = {s->token_cap, s->token_cap, s->doc_cap, s->doc_cap};

    if (n > r->spec->max_tokens) {
        s->n_long++;
        return TIEFSEE_OK;
    }
    if (s->n_tokens + n > MAX_TOKENS || s->n_docs >= UINT32_MAX)
        return ts_fail(err, TIEFSEE_E_LIMIT, "more than %llu tokens",
                       (unsigned long long)MAX_TOKENS);
    if (!grow(&s->token, &caps[0], s->n_tokens + n, sizeof *s->token) ||
        !grow(&s->learned, &caps[1], s->n_tokens + n, 1) ||
        !grow(&s->begin, &caps[2], s->n_docs + 2, sizeof *s->begin) ||
        !grow(&s->conversation, &caps[3], s->n_docs + 2, sizeof *s->conversation))
        return ts_fail_nomem(err, s->n_tokens * 5, "conversations");
    s->token_cap = caps[0];
    s->doc_cap = caps[2];
    for (size_t i = 0; i < n; i++)
        s->token[s->n_tokens + i] = (uint32_t)r->tokens.ids[i];
    memset(s->learned + s->n_tokens, 0, first_learned);
    memset(s->learned + s->n_tokens + first_learned, 1, n - first_learned);
    s->begin[s->n_docs] = s->n_tokens;
    s->conversation[s->n_docs++] = (uint32_t)s->n_conversations;
    s->n_tokens += n;
    s->begin[s->n_docs] = s->n_tokens;
    return TIEFSEE_OK;
}

/* ------------------------------------------------------------------- answers */

static tiefsee_status push_text(reader *r, const char *before, const char *text, const char *behind,
                                tiefsee_error *err)
{
    ts_buf all = ts_buf_make(4 << 20);
    const bool is_good = ts_buf_append_str(&all, before) && ts_buf_append_str(&all, text) &&
                         ts_buf_append_str(&all, behind);
    const tiefsee_status st =
        is_good ? ts_bpe_encode(r->spec->bpe, all.ptr, all.len, false, &r->tokens, err)
                : ts_fail_nomem(err, 4 << 20, "a text");

    ts_buf_free(&all);
    return st;
}

static tiefsee_status push(reader *r, int32_t id, tiefsee_error *err)
{
    return ts_tokens_push(&r->tokens, id) ? TIEFSEE_OK
                                          : ts_fail(err, TIEFSEE_E_LIMIT, "too many tokens");
}

/* What the model is to say behind the rendered prompt: R1 has "<think>\n" in it, V3.1
 * one of the two markers, the others nothing. */
static tiefsee_status add_answer(reader *r, const tiefsee_message *m, tiefsee_error *err)
{
    const ts_encoding e = r->spec->encoding;
    const bool is_r1 = e == TS_ENCODING_R1, thinks = m->reasoning && *m->reasoning;
    const int32_t end_think = ts_bpe_find(r->spec->bpe, "</think>");
    tiefsee_status st = TIEFSEE_OK;

    if (thinks && !ts_encoding_can_think(e))
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "reasoning_content, but this model's chat format has no thinking");
    if (is_r1 || thinks) {
        st = push_text(r, "", thinks ? m->reasoning : "", is_r1 ? "\n" : "", err);
        if (st == TIEFSEE_OK && end_think < 0)
            st = ts_fail(err, TIEFSEE_E_UNSUPPORTED, "the tokenizer has no </think>");
        if (st == TIEFSEE_OK)
            st = push(r, end_think, err);
    }
    const char *before = is_r1 ? "\n\n" : e == TS_ENCODING_V2 ? " " : "";
    if (st == TIEFSEE_OK)
        st = push_text(r, before, m->content, "", err);
    return st == TIEFSEE_OK ? push(r, ts_bpe_eos(r->spec->bpe), err) : st;
}

/* A text of more tokens than any document may have is one that is too long. */
static tiefsee_status add_document(reader *r, const tiefsee_message *messages, size_t n,
                                   tiefsee_error *err)
{
    const tiefsee_message *last = &messages[n - 1];
    const ts_chat chat = {
        .messages = messages, .n = n - 1, .thinking = last->reasoning && *last->reasoning};

    r->tokens.n = 0;
    tiefsee_status st = ts_encoding_render(r->spec->encoding, r->spec->bpe, &chat, &r->tokens, err);
    const size_t first = r->tokens.n;
    if (st == TIEFSEE_OK)
        st = add_answer(r, last, err);
    if (st == TIEFSEE_E_LIMIT) {
        r->set->n_long++;
        return TIEFSEE_OK;
    }
    return st == TIEFSEE_OK ? append(r, first, err) : st;
}

static tiefsee_status on_chat(void *user, const ts_chat *chat, tiefsee_error *err)
{
    reader *r = user;
    const tiefsee_message *messages = chat->messages;
    const size_t n = chat->n;
    const ts_chat_set before = *r->set;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t i = 0; i < n && st == TIEFSEE_OK; i++)
        if (messages[i].n_calls > 0 || messages[i].role == TIEFSEE_TOOL || chat->n_tools > 0)
            st = ts_fail(err, TIEFSEE_E_FORMAT, "tools, which adapters cannot learn so far");
        else if (messages[i].role == TIEFSEE_ASSISTANT)
            st = add_document(r, messages, i + 1, err);
    if (st == TIEFSEE_OK) {
        r->set->n_conversations++;
    } else { /* a bad conversation leaves nothing */
        r->set->n_tokens = before.n_tokens;
        r->set->n_docs = before.n_docs;
        r->set->n_long = before.n_long;
    }
    return st;
}

static tiefsee_status on_line(void *user, const char *text, size_t n, tiefsee_error *err)
{
    return ts_read_chat(text, n, on_chat, user, err);
}

/* ------------------------------------------------------------------- held out */

static tiefsee_status divide(ts_chat_set *s, const ts_chat_spec *spec, tiefsee_error *err)
{
    const uint64_t n = s->n_conversations;
    uint64_t n_held = (uint64_t)(spec->held_out * (double)n + 0.5);

    if (spec->held_out > 0 && n_held == 0 && n > 1)
        n_held = 1;
    s->train = ts_alloc((s->n_docs + 1) * sizeof *s->train);
    s->held = ts_alloc((s->n_docs + 1) * sizeof *s->held);
    if (!s->train || !s->held)
        return ts_fail_nomem(err, s->n_docs * sizeof *s->train, "conversations");
    for (uint64_t i = 0; i < s->n_docs; i++) {
        const uint64_t length = s->begin[i + 1] - s->begin[i];

        if (ts_feed_shuffle(spec->seed, UINT64_MAX, s->conversation[i], n) < n_held) {
            s->held[s->n_held++] = (uint32_t)i;
        } else {
            s->train[s->n_train++] = (uint32_t)i;
            s->n_learned += ts_chat_set_learned(s, (uint32_t)i);
        }
        s->longest = length > s->longest ? length : s->longest;
    }
    if (s->n_train > 0) {
        s->fingerprint = ts_hash(s->token, s->n_tokens * sizeof *s->token);
        s->fingerprint = ts_hash_more(s->fingerprint, s->begin, (s->n_docs + 1) * sizeof *s->begin);
    } else
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "no conversation to learn from (%llu bad lines, %llu answers too long for "
                       "%zu tokens, %llu held out)",
                       (unsigned long long)spec->files.n_bad, (unsigned long long)s->n_long,
                       spec->max_tokens, (unsigned long long)s->n_held);
    return TIEFSEE_OK;
}

tiefsee_status ts_chat_set_read(ts_chat_set *out, ts_chat_spec *spec, tiefsee_error *err)
{
    reader r = {.set = out, .spec = spec, .tokens = {.max = MAX_DOCUMENT}};

    *out = (ts_chat_set){0};
    tiefsee_status st = ts_bpe_eos(spec->bpe) >= 0
                            ? ts_read_lines(&spec->files, on_line, &r, err)
                            : ts_fail(err, TIEFSEE_E_UNSUPPORTED, "the tokenizer has no eos");
    if (st == TIEFSEE_OK)
        st = divide(out, spec, err);
    ts_tokens_free(&r.tokens);
    if (st != TIEFSEE_OK)
        ts_chat_set_free(out);
    return st;
}

void ts_chat_set_free(ts_chat_set *s)
{
    ts_free(s->token);
    ts_free(s->learned);
    ts_free(s->begin);
    ts_free(s->conversation);
    ts_free(s->train);
    ts_free(s->held);
    *s = (ts_chat_set){0};
}

uint64_t ts_chat_set_learned(const ts_chat_set *s, uint32_t doc)
{
    uint64_t n = 0;

    for (uint64_t i = s->begin[doc] + 1; i < s->begin[doc + 1]; i++)
        n += s->learned[i];
    return n;
}

/* ------------------------------------------------------------------- batches */

void ts_chat_batch_clear(ts_train_batch *b)
{
    b->pack.n = b->pack.n_docs = b->n_learned = b->n_ahead = 0;
    b->pack.begin[0] = 0;
}

bool ts_chat_batch_add(ts_train_batch *b, const ts_chat_set *s, uint32_t doc, size_t max_tokens)
{
    ts_pack *p = &b->pack;
    const uint64_t begin = s->begin[doc], end = s->begin[doc + 1];

    if (end - begin > max_tokens - p->n)
        return false;
    for (uint64_t t = begin; t < end; t++) {
        const uint32_t at = (uint32_t)p->n++;

        p->token[at] = s->token[t];
        p->position[at] = (uint32_t)(t - begin);
        if (t + 1 < end && s->learned[t + 1]) {
            b->row[b->n_learned] = at;
            b->target[b->n_learned++] = s->token[t + 1];
        }
    }
    p->begin[++p->n_docs] = (uint32_t)p->n;
    return true;
}
