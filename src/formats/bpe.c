/* bpe.c - see bpe.h.
 *
 * Order of encoding, as in the published library: added tokens are found in the
 * raw text; what is between them is normalised (Qwen), cut into pieces by the
 * pre-tokenizer and merged.  Bytes that are not UTF-8 end a piece and become the
 * tokens of single bytes; the published library never sees such bytes.
 */
#include "formats/bpe.h"

#include <string.h>

#include "core/alloc.h"
#include "core/arena.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "formats/added_tokens.h"
#include "formats/bpe_merge.h"
#include "formats/config.h"
#include "formats/nfc.h"
#include "formats/pretokenize.h"

enum { ALPHABET_END = 324 }; /* the last character that stands for a byte is U+0143 */
#define MAX_BPE_BYTES ((size_t)1 << 30)

struct ts_bpe {
    ts_arena *arena;
    uint32_t n_tokens;
    ts_str *bytes; /* [n_tokens] what a token decodes to */
    uint8_t *type;
    uint32_t *piece; /* hash table of normal tokens by bytes: id + 1, 0 is free */
    size_t piece_mask;
    ts_merges merges;
    ts_added_tokens added;
    ts_pretokenizer pre;
    bool ignores_merges, normalizes_nfc, adds_bos;
    int32_t bos, eos;
};

/* ------------------------------------------------------------------ tokens */

void ts_tokens_free(ts_tokens *t)
{
    ts_free(t->ids);
    t->ids = NULL;
    t->n = t->cap = 0;
}

bool ts_tokens_push(ts_tokens *t, int32_t id)
{
    if (t->n >= t->max)
        return false;
    if (t->n == t->cap) {
        size_t cap = t->cap < 64 ? 64 : t->cap + t->cap / 2;
        cap = cap < t->max ? cap : t->max;
        if (cap > SIZE_MAX / sizeof *t->ids)
            return false;
        int32_t *ids = ts_realloc(t->ids, t->n * sizeof *ids, cap * sizeof *ids);
        if (!ids)
            return false;
        t->ids = ids;
        t->cap = cap;
    }
    t->ids[t->n++] = id;
    return true;
}

/* --------------------------------------------------------------- compiling */

/* GPT-2's alphabet: bytes that print stand for themselves, the other 68 are
 * U+0100 and following, in order. */
static bool is_printed(unsigned b)
{
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
}

static void make_alphabet(int16_t byte_of[ALPHABET_END])
{
    int next = 256;

    for (int c = 0; c < ALPHABET_END; c++)
        byte_of[c] = -1;
    for (int b = 0; b < 256; b++)
        byte_of[is_printed((unsigned)b) ? b : next++] = (int16_t)b;
}

/* Bytes that a text in the alphabet stands for, into out[text.len]; false if a
 * character is not of the alphabet. */
static bool unmap(const int16_t byte_of[ALPHABET_END], ts_str text, char *out, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < text.len;) {
        uint32_t code;
        const size_t len = ts_utf8_decode(text.ptr + i, text.len - i, &code);
        if (len == 0 || code >= ALPHABET_END || byte_of[code] < 0)
            return false;
        out[(*n)++] = (char)byte_of[code];
        i += len;
    }
    return true;
}

/* The slot of a normal token with these bytes, or the free one where it belongs. */
static uint32_t *piece_slot(const ts_bpe *b, const char *bytes, size_t n)
{
    size_t i = (size_t)ts_hash(bytes, n) & b->piece_mask;

    for (; b->piece[i]; i = (i + 1) & b->piece_mask) {
        const ts_str have = b->bytes[b->piece[i] - 1];
        if (have.len == n && memcmp(have.ptr, bytes, n) == 0)
            break;
    }
    return &b->piece[i];
}

static int32_t find_piece(const ts_bpe *b, const char *bytes, size_t n)
{
    return (int32_t)*piece_slot(b, bytes, n) - 1;
}

static tiefsee_status check_vocab(const ts_vocab *v, tiefsee_error *err)
{
    if (v->n_tokens == 0 || v->n_tokens > TS_MAX_VOCAB)
        return ts_fail(err, TIEFSEE_E_FORMAT, "a vocabulary of %u tokens (1 to %u allowed)",
                       v->n_tokens, (unsigned)TS_MAX_VOCAB);
    if (v->n_merges >= TS_MAX_MERGES)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u merges (%u allowed)", v->n_merges,
                       (unsigned)TS_MAX_MERGES - 1);
    if (v->pre <= TS_PRE_UNKNOWN || v->pre > TS_PRE_LLAMA3)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "the tokenizer's pre-tokenizer is not known");
    if (v->bos >= (int64_t)v->n_tokens || v->eos >= (int64_t)v->n_tokens)
        return ts_fail(err, TIEFSEE_E_FORMAT, "bos %d, eos %d: there are %u tokens", v->bos, v->eos,
                       v->n_tokens);
    return TIEFSEE_OK;
}

static bool is_added(const ts_vocab *v, uint32_t id)
{
    return v->text[id].len &&
           (v->type[id] == TS_TOKEN_CONTROL || v->type[id] == TS_TOKEN_USER_DEFINED);
}

/* Copies every text, decoded, and fills the table of normal tokens. */
static tiefsee_status add_texts(ts_bpe *b, const ts_vocab *v, const int16_t *byte_of,
                                tiefsee_error *err)
{
    size_t total = 0, n_slots = 16;

    for (uint32_t i = 0; i < v->n_tokens; i++) {
        if (v->text[i].len > TS_MAX_TOKEN_BYTES)
            return ts_fail(err, TIEFSEE_E_FORMAT, "token %u: %zu bytes (%d allowed)", i,
                           v->text[i].len, TS_MAX_TOKEN_BYTES);
        total += v->text[i].len;
    }
    while (n_slots < 2 * (size_t)v->n_tokens)
        n_slots *= 2;
    b->piece_mask = n_slots - 1;
    b->piece = ts_arena_alloc_zero(b->arena, n_slots, sizeof *b->piece);
    b->bytes = ts_arena_alloc_zero(b->arena, v->n_tokens, sizeof *b->bytes);
    b->type = ts_arena_alloc(b->arena, v->n_tokens);
    char *blob = total < MAX_BPE_BYTES ? ts_arena_alloc(b->arena, total + 1) : NULL;
    if (!b->piece || !b->bytes || !b->type || !blob)
        return ts_fail_nomem(err, total, "the vocabulary");
    memcpy(b->type, v->type, v->n_tokens);

    for (uint32_t i = 0; i < v->n_tokens; i++) {
        const ts_str text = v->text[i];
        size_t n = text.len;

        if (n == 0)
            continue;
        const bool is_mapped = v->type[i] == TS_TOKEN_NORMAL && unmap(byte_of, text, blob, &n);
        if (!is_mapped) {
            n = text.len;
            memcpy(blob, text.ptr, n);
        }
        b->bytes[i] = (ts_str){blob, n};
        blob += n;
        if (is_mapped)
            *piece_slot(b, b->bytes[i].ptr, n) = i + 1;
    }
    return TIEFSEE_OK;
}

static tiefsee_status add_added(ts_bpe *b, const ts_vocab *v, tiefsee_error *err)
{
    size_t n = 0;

    for (uint32_t i = 0; i < v->n_tokens; i++)
        n += is_added(v, i);
    ts_added_token *added = ts_arena_alloc(b->arena, (n ? n : 1) * sizeof *added);
    if (!added)
        return ts_fail_nomem(err, n * sizeof *added, "the vocabulary");
    n = 0;
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        if (!is_added(v, i))
            continue;
        if (v->text[i].len > TS_MAX_ADDED_BYTES)
            return ts_fail(err, TIEFSEE_E_FORMAT, "special token %u: %zu bytes (%d allowed)", i,
                           v->text[i].len, TS_MAX_ADDED_BYTES);
        added[n++] = (ts_added_token){b->bytes[i], (int32_t)i};
    }
    ts_added_tokens_init(&b->added, added, n);
    for (size_t i = 1; i < n; i++)
        if (ts_str_eq(added[i - 1].text, added[i].text))
            return ts_fail(err, TIEFSEE_E_FORMAT, "special tokens %d and %d are both '%.*s'",
                           added[i - 1].id, added[i].id, TS_STR_ARG(added[i].text));
    return TIEFSEE_OK;
}

/* A token by its text as the vocabulary has it.  Control tokens are never made
 * by merging, or text could forge them. */
static int32_t find_mapped(const ts_bpe *b, const int16_t *byte_of, ts_str text, char *scratch)
{
    size_t n;

    if (unmap(byte_of, text, scratch, &n)) {
        const int32_t id = find_piece(b, scratch, n);
        if (id >= 0)
            return id;
    }
    const ts_added_token *added = ts_added_tokens_find(&b->added, text);
    return added && b->type[added->id] == TS_TOKEN_USER_DEFINED ? added->id : -1;
}

/* Some vocabularies (deepseek-llm) have a token for the bytes that no UTF-8
 * contains only among the added ones. */
static tiefsee_status find_bytes(ts_bpe *b, const int16_t *byte_of, tiefsee_error *err)
{
    for (uint32_t c = 0; c < ALPHABET_END; c++) {
        char text[4], scratch[4];
        if (byte_of[c] < 0)
            continue;
        const ts_str mapped = {text, ts_utf8_encode(c, text)};
        const int32_t id = find_mapped(b, byte_of, mapped, scratch);
        if (id < 0)
            return ts_fail(err, TIEFSEE_E_FORMAT, "the vocabulary has no token for byte 0x%02x",
                           (unsigned)byte_of[c]);
        b->merges.byte_token[byte_of[c]] = id;
    }
    return TIEFSEE_OK;
}

static tiefsee_status add_merges(ts_bpe *b, const ts_vocab *v, const int16_t *byte_of,
                                 tiefsee_error *err)
{
    ts_buf joined = ts_buf_make(2 * TS_MAX_TOKEN_BYTES);
    char *scratch = ts_alloc(2 * TS_MAX_TOKEN_BYTES);
    tiefsee_status st = TIEFSEE_OK;

    if (!scratch || !ts_merges_init(&b->merges, v->n_merges, b->arena))
        st = ts_fail_nomem(err, 2 * (uint64_t)v->n_merges * sizeof(uint64_t), "the merges");
    for (uint32_t i = 0; i < v->n_merges && st == TIEFSEE_OK; i++) {
        const ts_str left = v->merge_left[i], right = v->merge_right[i];

        ts_buf_clear(&joined);
        if (left.len > TS_MAX_TOKEN_BYTES || right.len > TS_MAX_TOKEN_BYTES) {
            st = ts_fail(err, TIEFSEE_E_FORMAT, "merge %u: a token of %zu bytes (%d allowed)", i,
                         left.len > right.len ? left.len : right.len, TS_MAX_TOKEN_BYTES);
        } else if (!ts_buf_append(&joined, left.ptr, left.len) ||
                   !ts_buf_append(&joined, right.ptr, right.len)) {
            st = ts_fail_nomem(err, left.len + right.len, "the merges");
        } else {
            const int32_t l = find_mapped(b, byte_of, left, scratch);
            const int32_t r = find_mapped(b, byte_of, right, scratch);
            const ts_str both = {joined.ptr, joined.len};
            const int32_t id = find_mapped(b, byte_of, both, scratch);
            if (l < 0 || r < 0 || id < 0)
                st = ts_fail(err, TIEFSEE_E_FORMAT, "merge %u: no token '%.*s'", i,
                             TS_STR_ARG(l < 0   ? left
                                        : r < 0 ? right
                                                : both));
            else
                ts_merges_add(&b->merges, i, l, r, id);
        }
    }
    if (st == TIEFSEE_OK)
        ts_merges_finish(&b->merges);
    ts_buf_free(&joined);
    ts_free(scratch);
    return st;
}

tiefsee_status ts_bpe_new(ts_bpe **out, const ts_vocab *vocab, tiefsee_error *err)
{
    int16_t byte_of[ALPHABET_END];
    tiefsee_status st = check_vocab(vocab, err);

    *out = NULL;
    if (st != TIEFSEE_OK)
        return st;
    ts_bpe *b = ts_alloc_zero(1, sizeof *b);
    if (!b)
        return ts_fail_nomem(err, sizeof *b, "the tokenizer");
    b->arena = ts_arena_new(MAX_BPE_BYTES);
    b->n_tokens = vocab->n_tokens;
    b->pre = vocab->pre;
    b->ignores_merges = vocab->ignore_merges;
    b->normalizes_nfc = vocab->normalizes_nfc;
    b->adds_bos = vocab->adds_bos;
    b->bos = vocab->bos < 0 ? -1 : vocab->bos;
    b->eos = vocab->eos < 0 ? -1 : vocab->eos;
    make_alphabet(byte_of);
    st = b->arena ? add_texts(b, vocab, byte_of, err)
                  : ts_fail_nomem(err, MAX_BPE_BYTES, "the tokenizer");
    if (st == TIEFSEE_OK)
        st = add_added(b, vocab, err);
    if (st == TIEFSEE_OK)
        st = find_bytes(b, byte_of, err);
    if (st == TIEFSEE_OK)
        st = add_merges(b, vocab, byte_of, err);
    if (st != TIEFSEE_OK) {
        ts_bpe_free(b);
        return ts_while(err, st, "tokenizer");
    }
    *out = b;
    return TIEFSEE_OK;
}

void ts_bpe_free(ts_bpe *b)
{
    if (!b)
        return;
    ts_arena_free(b->arena);
    ts_free(b);
}

/* ---------------------------------------------------------------- encoding */

typedef struct encoder {
    const ts_bpe *b;
    ts_tokens *out;
    tiefsee_error *err;
    tiefsee_status st;
    ts_merge_scratch scratch;
    ts_buf normal; /* the text in NFC */
} encoder;

static bool add_token(encoder *e, int32_t id)
{
    e->st = ts_tokens_add(e->out, id, e->err);
    return e->st == TIEFSEE_OK;
}

static bool encode_piece(void *user, const char *piece, size_t n)
{
    encoder *e = user;
    const ts_bpe *b = e->b;

    if (n == 1)
        return add_token(e, b->merges.byte_token[(unsigned char)piece[0]]);
    if (b->ignores_merges && n <= TS_MAX_TOKEN_BYTES) {
        const int32_t id = find_piece(b, piece, n);
        if (id >= 0)
            return add_token(e, id);
    }
    e->st = ts_merge_piece(&b->merges, piece, n, &e->scratch, e->out, e->err);
    return e->st == TIEFSEE_OK;
}

/* Valid UTF-8 without added tokens. */
static void encode_valid(encoder *e, const char *text, size_t n)
{
    if (e->b->normalizes_nfc && !ts_nfc_is_settled(text, n)) {
        ts_buf_free(&e->normal);
        e->normal = ts_buf_make(n < SIZE_MAX / 3 ? 3 * n : SIZE_MAX);
        e->st = ts_nfc_append(&e->normal, text, n, e->err);
        if (e->st != TIEFSEE_OK)
            return;
        text = e->normal.ptr;
        n = e->normal.len;
    }
    (void)ts_pretokenize(e->b->pre, text, n, encode_piece, e); /* e->st says why it stopped */
}

/* Behind the valid UTF-8 that the text begins with. */
static size_t skip_valid(const char *text, size_t i, size_t n)
{
    while (i < n) {
        uint32_t code;
        const size_t len =
            (unsigned char)text[i] < 0x80 ? 1 : ts_utf8_decode(text + i, n - i, &code);
        if (len == 0)
            break;
        i += len;
    }
    return i;
}

/* Any bytes without added tokens. */
static void encode_plain(encoder *e, const char *text, size_t n)
{
    for (size_t i = 0; i < n && e->st == TIEFSEE_OK;) {
        const size_t end = skip_valid(text, i, n);

        if (end > i)
            encode_valid(e, text + i, end - i);
        else
            (void)add_token(e, e->b->merges.byte_token[(unsigned char)text[i]]);
        i = end > i ? end : i + 1;
    }
}

tiefsee_status ts_bpe_encode(const ts_bpe *b, const char *text, size_t n, bool with_special,
                             ts_tokens *out, tiefsee_error *err)
{
    encoder e = {.b = b, .out = out, .err = err, .st = TIEFSEE_OK};
    const size_t n_before = out->n;
    const ts_added_token *added;
    size_t done = 0, at = 0;

    while (e.st == TIEFSEE_OK && (added = ts_added_tokens_next(&b->added, text, n, &at))) {
        const size_t end = at + added->text.len;

        /* A marker that is not wanted is plain text, but nothing is looked for
         * inside it (the published library's encode_special_tokens). */
        if (with_special || b->type[added->id] != TS_TOKEN_CONTROL) {
            encode_plain(&e, text + done, at - done);
            if (e.st == TIEFSEE_OK)
                (void)add_token(&e, added->id);
            done = end;
        }
        at = end;
    }
    if (e.st == TIEFSEE_OK && n > done)
        encode_plain(&e, text + done, n - done);
    ts_merge_scratch_free(&e.scratch);
    ts_buf_free(&e.normal);
    if (e.st != TIEFSEE_OK)
        out->n = n_before;
    return e.st;
}

/* ------------------------------------------------------------------ access */

static bool is_token(const ts_bpe *b, int32_t id)
{
    return id >= 0 && (uint32_t)id < b->n_tokens;
}

ts_str ts_bpe_bytes(const ts_bpe *b, int32_t id)
{
    return is_token(b, id) ? b->bytes[id] : (ts_str){0};
}

bool ts_bpe_is_control(const ts_bpe *b, int32_t id)
{
    return is_token(b, id) && b->type[id] == TS_TOKEN_CONTROL;
}

int32_t ts_bpe_find(const ts_bpe *b, const char *text)
{
    const ts_str wanted = ts_str_of(text);
    const ts_added_token *added = ts_added_tokens_find(&b->added, wanted);

    if (added)
        return added->id;
    return wanted.len ? find_piece(b, wanted.ptr, wanted.len) : -1;
}

uint32_t ts_bpe_size(const ts_bpe *b)
{
    return b->n_tokens;
}

int32_t ts_bpe_bos(const ts_bpe *b)
{
    return b->bos;
}

int32_t ts_bpe_eos(const ts_bpe *b)
{
    return b->eos;
}

bool ts_bpe_adds_bos(const ts_bpe *b)
{
    return b->adds_bos;
}
