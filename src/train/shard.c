/* shard.c - see shard.h. */
#include "train/shard.h"

#include <string.h>

#include "core/checked.h"

static const char MAGIC[8] = "tsshard1";

static uint64_t get(const uint8_t *p, size_t n_bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n_bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static void put(uint8_t *p, uint64_t v, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

uint64_t ts_shard_offset(const ts_shard *s, uint64_t doc)
{
    return get(s->offset + 8 * doc, 8);
}

uint32_t ts_shard_token(const ts_shard *s, uint64_t t)
{
    return (uint32_t)get(s->token + s->token_bytes * t, s->token_bytes);
}

static tiefsee_status read_header(ts_shard *s, tiefsee_error *err)
{
    const uint8_t *p = s->map.ptr;
    uint64_t offsets, tokens, want;

    if (s->map.size < SHARD_HEADER_BYTES || memcmp(p, MAGIC, sizeof MAGIC) != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "not a shard of tokens");
    s->token_bytes = (uint32_t)get(p + 8, 4);
    s->n_vocab = (uint32_t)get(p + 12, 4);
    s->n_tokens = get(p + 16, 8);
    s->n_docs = get(p + 24, 8);
    s->tokenizer = get(p + 32, 8);
    if (s->token_bytes != 2 && s->token_bytes != 4)
        return ts_fail(err, TIEFSEE_E_FORMAT, "tokens of %u bytes (2 or 4)", s->token_bytes);
    if (s->n_docs == 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "no documents");
    if (s->n_docs > s->map.size || s->n_tokens > s->map.size ||
        !ts_mul_u64(&offsets, s->n_docs + 1, 8) ||
        !ts_mul_u64(&tokens, s->n_tokens, s->token_bytes) || !ts_add_u64(&want, offsets, tokens) ||
        !ts_add_u64(&want, want, SHARD_HEADER_BYTES + (s->n_tokens + 7) / 8) || want != s->map.size)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "%llu documents and %llu tokens do not make a file of %zu bytes",
                       (unsigned long long)s->n_docs, (unsigned long long)s->n_tokens, s->map.size);
    s->offset = p + SHARD_HEADER_BYTES;
    s->token = s->offset + offsets;
    s->learned = s->token + tokens;
    return TIEFSEE_OK;
}

static tiefsee_status check_documents(ts_shard *s, tiefsee_error *err)
{
    uint64_t begin = ts_shard_offset(s, 0);

    if (begin != 0 || ts_shard_offset(s, s->n_docs) != s->n_tokens)
        return ts_fail(err, TIEFSEE_E_FORMAT, "documents do not cover the tokens");
    for (uint64_t d = 0; d < s->n_docs; d++) {
        const uint64_t end = ts_shard_offset(s, d + 1);

        if (end > s->n_tokens || end < begin || end - begin < 2)
            return ts_fail(err, TIEFSEE_E_FORMAT, "document %llu has fewer than 2 tokens",
                           (unsigned long long)d);
        if (ts_shard_is_learned(s, begin))
            return ts_fail(err, TIEFSEE_E_FORMAT, "document %llu: its first token is learned",
                           (unsigned long long)d);
        s->longest_doc = end - begin > s->longest_doc ? end - begin : s->longest_doc;
        begin = end;
    }
    for (uint64_t t = 0; t < s->n_tokens; t++) {
        if (ts_shard_token(s, t) >= s->n_vocab)
            return ts_fail(err, TIEFSEE_E_FORMAT, "token %llu is %u (%u tokens known)",
                           (unsigned long long)t, ts_shard_token(s, t), s->n_vocab);
        s->n_learned += ts_shard_is_learned(s, t);
    }
    return s->n_learned ? TIEFSEE_OK : ts_fail(err, TIEFSEE_E_FORMAT, "no token is learned");
}

tiefsee_status ts_shard_open(ts_shard *out, const char *path, tiefsee_error *err)
{
    ts_shard s = {0};

    *out = s;
    tiefsee_status st = ts_map_open(&s.map, path, err);
    if (st != TIEFSEE_OK)
        return st;
    st = read_header(&s, err);
    if (st == TIEFSEE_OK)
        st = check_documents(&s, err);
    if (st != TIEFSEE_OK) {
        ts_map_close(&s.map);
        return ts_while(err, st, "%s", path);
    }
    *out = s;
    return TIEFSEE_OK;
}

void ts_shard_close(ts_shard *s)
{
    ts_map_close(&s->map);
    *s = (ts_shard){0};
}

ts_shard_writer ts_shard_writer_make(uint32_t n_vocab, uint64_t tokenizer, size_t max_bytes)
{
    return (ts_shard_writer){
        .offsets = ts_buf_make(max_bytes),
        .tokens = ts_buf_make(max_bytes),
        .learned = ts_buf_make(max_bytes),
        .token_bytes = n_vocab <= 1u << 16 ? 2 : 4,
        .n_vocab = n_vocab,
        .tokenizer = tokenizer,
    };
}

void ts_shard_writer_free(ts_shard_writer *w)
{
    ts_buf_free(&w->offsets);
    ts_buf_free(&w->tokens);
    ts_buf_free(&w->learned);
}

/* One token; a new byte of bits when the last one is full. */
static bool add_token(ts_shard_writer *w, uint32_t token, bool is_learned)
{
    const uint64_t t = w->n_tokens;
    uint8_t bytes[4];

    put(bytes, token, 4);
    if (!ts_buf_append(&w->tokens, bytes, w->token_bytes))
        return false;
    if (t % 8 == 0 && !ts_buf_append(&w->learned, "", 1))
        return false;
    w->learned.ptr[t / 8] = (char)(w->learned.ptr[t / 8] | (int)is_learned << (t % 8));
    w->n_tokens++;
    return true;
}

tiefsee_status ts_shard_add(ts_shard_writer *w, const uint32_t *tokens, const uint8_t *learned,
                            size_t n, tiefsee_error *err)
{
    uint8_t offset[8];

    if (n < 2 || learned[0])
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "document %llu: %zu tokens (at least 2; the first is not learned)",
                       (unsigned long long)w->n_docs, n);
    for (size_t i = 0; i < n; i++)
        if (tokens[i] >= w->n_vocab)
            return ts_fail(err, TIEFSEE_E_INVALID, "document %llu: token %u (%u tokens known)",
                           (unsigned long long)w->n_docs, tokens[i], w->n_vocab);
    put(offset, w->n_tokens, 8);
    if (!ts_buf_append(&w->offsets, offset, 8))
        return ts_fail_nomem(err, 8, "offsets of documents");
    for (size_t i = 0; i < n; i++)
        if (!add_token(w, tokens[i], learned[i] != 0))
            return ts_fail_nomem(err, w->token_bytes, "tokens of documents");
    w->n_docs++;
    return TIEFSEE_OK;
}

tiefsee_status ts_shard_write(ts_shard_writer *w, const char *path, tiefsee_error *err)
{
    uint8_t header[SHARD_HEADER_BYTES] = {0}, end[8];
    const size_t total = SHARD_HEADER_BYTES + w->offsets.len + 8 + w->tokens.len + w->learned.len;
    ts_buf file = ts_buf_make(total);

    if (w->n_docs == 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "%s: no documents to write", path);
    memcpy(header, MAGIC, sizeof MAGIC);
    put(header + 8, w->token_bytes, 4);
    put(header + 12, w->n_vocab, 4);
    put(header + 16, w->n_tokens, 8);
    put(header + 24, w->n_docs, 8);
    put(header + 32, w->tokenizer, 8);
    put(end, w->n_tokens, 8);
    tiefsee_status st;
    if (ts_buf_append(&file, header, sizeof header) &&
        ts_buf_append(&file, w->offsets.ptr, w->offsets.len) && ts_buf_append(&file, end, 8) &&
        ts_buf_append(&file, w->tokens.ptr, w->tokens.len) &&
        ts_buf_append(&file, w->learned.ptr, w->learned.len))
        st = ts_file_write(path, file.ptr, file.len, err);
    else
        st = ts_fail_nomem(err, total, path);
    ts_buf_free(&file);
    return st;
}
