/* token_tree.c - see token_tree.h. */
#include "engine/grammar/token_tree.h"

#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/utf8.h"

static _Atomic uint64_t last_serial;

void ts_grammar_vocab_free(ts_grammar_vocab *v)
{
    if (!v)
        return;
    ts_free(v->plain.nodes);
    ts_free(v->plain.tokens);
    ts_free(v->rest.nodes);
    ts_free(v->rest.tokens);
    ts_free(v->plain_masks);
    ts_free(v);
}

/* Characters of a text that is plain; 0: it is not. */
static size_t plain_chars(ts_str t)
{
    size_t n = 0;

    for (size_t i = 0; i < t.len; n++) {
        uint32_t c;
        const size_t used = ts_utf8_decode(t.ptr + i, t.len - i, &c);
        if (used == 0 || c < 0x20 || c == '"' || c == '\\')
            return 0;
        i += used;
    }
    return n <= GR_MAX_PLAIN ? n : 0;
}

static int compare(ts_str a, ts_str b)
{
    const int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* Merge sort of ids by their texts, and by id among equals. */
static void sort_ids(const ts_bpe *bpe, int32_t *ids, int32_t *other, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            size_t i = begin, mid = begin + width < n ? begin + width : n;
            const size_t end = begin + 2 * width < n ? begin + 2 * width : n;
            size_t k = mid;
            for (size_t at = begin; at < end; at++) {
                const bool left = k >= end || (i < mid && compare(ts_bpe_bytes(bpe, ids[i]),
                                                                  ts_bpe_bytes(bpe, ids[k])) <= 0);
                other[at] = left ? ids[i++] : ids[k++];
            }
        }
        memcpy(ids, other, n * sizeof *ids);
    }
}

static bool add_node(ts_token_tree *t, uint8_t byte, size_t depth, size_t first)
{
    if (t->n + 1 >= t->cap) {
        const uint32_t cap = t->cap ? t->cap * 2 : 1024;
        void *grown = ts_realloc(t->nodes, t->n * sizeof *t->nodes, cap * sizeof *t->nodes);
        if (!grown)
            return false;
        t->nodes = grown;
        t->cap = cap;
    }
    t->nodes[t->n++] =
        (ts_token_node){.byte = byte, .depth = (uint16_t)depth, .first = (uint32_t)first};
    if (depth > t->max_depth)
        t->max_depth = (uint32_t)depth;
    return true;
}

/* ids are sorted by their texts: each continues the path of the one before. */
static bool build_tree(ts_grammar_vocab *v, ts_token_tree *t, const int32_t *ids, size_t n)
{
    uint32_t path[GR_MAX_TOKEN + 1]; /* node by depth */
    size_t depth = 0;
    ts_str before = {0};

    t->tokens = ts_alloc_zero(n, sizeof *t->tokens);
    if (!t->tokens)
        return false;
    for (size_t i = 0; i < n; i++) {
        const ts_str text = ts_bpe_bytes(v->bpe, ids[i]);
        size_t same = 0;
        while (same < text.len && same < before.len && text.ptr[same] == before.ptr[same])
            same++;
        for (; depth > same; depth--)
            t->nodes[path[depth]].after = t->n;
        for (; depth < text.len; depth++) {
            path[depth + 1] = t->n;
            if (!add_node(t, (uint8_t)text.ptr[depth], depth + 1, i))
                return false;
        }
        t->tokens[i] = ids[i];
        t->nodes[path[depth]].n_own++;
        before = text;
    }
    for (; depth > 0; depth--)
        t->nodes[path[depth]].after = t->n;
    t->n_tokens = (uint32_t)n;
    if (!add_node(t, 0, 0, n))
        return false;
    t->n--; /* the one that ends the list */
    return true;
}

static void fill_plain_masks(ts_grammar_vocab *v, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t chars = plain_chars(ts_bpe_bytes(v->bpe, ids[i]));
        for (size_t k = chars; k <= GR_MAX_PLAIN; k++)
            v->plain_masks[k * v->n_words + (size_t)ids[i] / 64] |= (uint64_t)1 << (ids[i] % 64);
    }
}

static bool fill(ts_grammar_vocab *v, int32_t *plain, int32_t *rest, int32_t *other)
{
    size_t n_plain = 0, n_rest = 0;

    for (size_t i = 0; i < v->n_vocab; i++) {
        const int32_t id = (int32_t)i;
        const ts_str text = ts_bpe_bytes(v->bpe, id);
        if (text.len == 0 || text.len > GR_MAX_TOKEN || ts_bpe_is_control(v->bpe, id))
            continue;
        if (plain_chars(text))
            plain[n_plain++] = id;
        else
            rest[n_rest++] = id;
    }
    sort_ids(v->bpe, plain, other, n_plain);
    sort_ids(v->bpe, rest, other, n_rest);
    fill_plain_masks(v, plain, n_plain);
    return build_tree(v, &v->plain, plain, n_plain) && build_tree(v, &v->rest, rest, n_rest);
}

tiefsee_status ts_grammar_vocab_new(ts_grammar_vocab **out, const ts_bpe *bpe, size_t n_vocab,
                                    tiefsee_error *err)
{
    ts_grammar_vocab *v = ts_alloc_zero(1, sizeof *v);
    tiefsee_status st = TIEFSEE_OK;

    *out = NULL;
    if (!v)
        return ts_fail_nomem(err, sizeof *v, "vocabulary of a grammar");
    v->bpe = bpe;
    v->n_vocab = n_vocab;
    v->n_words = (n_vocab + 63) / 64;
    v->serial = atomic_fetch_add_explicit(&last_serial, 1, memory_order_relaxed) + 1;
    v->plain_masks = ts_alloc_zero((GR_MAX_PLAIN + 1) * v->n_words, sizeof *v->plain_masks);
    int32_t *plain = ts_alloc_zero(n_vocab, sizeof *plain);
    int32_t *rest = ts_alloc_zero(n_vocab, sizeof *rest);
    int32_t *other = ts_alloc_zero(n_vocab, sizeof *other);
    if (!v->plain_masks || !plain || !rest || !other || !fill(v, plain, rest, other))
        st = ts_fail_nomem(err, n_vocab * 64, "vocabulary of a grammar");
    ts_free(plain);
    ts_free(rest);
    ts_free(other);
    if (st != TIEFSEE_OK)
        ts_grammar_vocab_free(v);
    else
        *out = v;
    return st;
}
