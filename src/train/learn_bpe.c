/* learn_bpe.c - see learn_bpe.h.
 *
 * A word is a distinct piece with the number of times it was seen.  For each pair of
 * neighbours we know how often it occurs and in which words (some of which may have
 * lost it since).  Counts of a pair that exists only fall, so a heap of what they
 * once were finds the largest: what comes off it with an old count goes back with
 * the new one.  Time is linear in the text, and then in the occurrences that change.
 */
#include "train/learn_bpe.h"

#include <string.h>

#include "core/alloc.h"
#include "core/arena.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "formats/pretokenize.h"

enum { MAX_TOKEN = 32, MAX_PIECE = 256 };

static const char *const MARKERS[] = {
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜▁pad▁｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<think>",
    "</think>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁outputs▁begin｜>",
    "<｜tool▁outputs▁end｜>",
    "<｜tool▁output▁begin｜>",
    "<｜tool▁output▁end｜>",
    "<｜tool▁sep｜>",
};
enum { N_MARKERS = TS_COUNT(MARKERS), FIRST_MERGE = N_MARKERS + 256 };

/* What a token may become part of. */
typedef enum kind {
    ALONE,   /* a digit, a sign: of nothing */
    BLANK,   /* may stand in front of letters */
    LETTERS, /* whole characters */
    SPACED,  /* a blank and letters */
    OPEN,    /* the first bytes of a character */
    REST     /* a byte that goes on with one */
} kind;

typedef struct token {
    char bytes[MAX_TOKEN];
    uint8_t n, kind;
    uint8_t n_missing; /* of OPEN: bytes that are still to come */
} token;

typedef struct word {
    const char *bytes;
    uint32_t n;      /* bytes */
    uint32_t n_left; /* symbols */
    uint64_t count;
    int32_t *symbol;
} word;

typedef struct place {
    uint32_t word, next; /* next: 1 + index, 0 ends */
} place;

typedef struct pair {
    uint64_t key; /* left << 32 | right */
    uint64_t count;
    uint32_t first; /* place, as next */
} pair;

typedef struct entry {
    uint64_t count;
    uint32_t pair;
} entry;

/* An array that grows. */
typedef struct list {
    void *at;
    size_t n, cap, size;
} list;

struct ts_bpe_learner {
    ts_arena *arena;
    list words, pairs, places, heap, tokens;
    uint32_t *word_slot, *pair_slot; /* 1 + index; capacities are powers of two */
    size_t n_word_slots, n_pair_slots;
    tiefsee_error *err; /* during add */
    tiefsee_status status;
};

/* A new last element, zeroed; NULL: out of memory. */
static void *grow(list *l)
{
    if (l->n == l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 1024;
        void *at = ts_realloc(l->at, l->cap * l->size, cap * l->size);

        if (!at)
            return NULL;
        l->at = at;
        l->cap = cap;
    }
    void *last = (char *)l->at + l->n++ * l->size;
    memset(last, 0, l->size);
    return last;
}

static word *word_at(const ts_bpe_learner *l, size_t i)
{
    return (word *)l->words.at + i;
}

static pair *pair_at(const ts_bpe_learner *l, size_t i)
{
    return (pair *)l->pairs.at + i;
}

static token *token_at(const ts_bpe_learner *l, int32_t id)
{
    return (token *)l->tokens.at + id;
}

ts_bpe_learner *ts_bpe_learner_new(void)
{
    ts_bpe_learner *l = ts_alloc_zero(1, sizeof *l);

    if (!l)
        return NULL;
    l->arena = ts_arena_new(SIZE_MAX / 2);
    l->words.size = sizeof(word);
    l->pairs.size = sizeof(pair);
    l->places.size = sizeof(place);
    l->heap.size = sizeof(entry);
    l->tokens.size = sizeof(token);
    if (!l->arena) {
        ts_bpe_learner_free(l);
        return NULL;
    }
    return l;
}

void ts_bpe_learner_free(ts_bpe_learner *l)
{
    if (!l)
        return;
    ts_arena_free(l->arena);
    ts_free(l->words.at);
    ts_free(l->pairs.at);
    ts_free(l->places.at);
    ts_free(l->heap.at);
    ts_free(l->tokens.at);
    ts_free(l->word_slot);
    ts_free(l->pair_slot);
    ts_free(l);
}

/* ------------------------------------------------------------------- words */

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t word_slot_of(const ts_bpe_learner *l, const char *bytes, size_t n)
{
    const size_t mask = l->n_word_slots - 1;
    size_t i = (size_t)ts_hash(bytes, n) & mask;

    for (; l->word_slot[i]; i = (i + 1) & mask) {
        const word *w = word_at(l, l->word_slot[i] - 1);

        if (w->n == n && memcmp(w->bytes, bytes, n) == 0)
            break;
    }
    return i;
}

static bool make_room_for_words(ts_bpe_learner *l)
{
    if (2 * (l->words.n + 1) <= l->n_word_slots)
        return true;
    const size_t n = l->n_word_slots ? 2 * l->n_word_slots : 1 << 12;
    uint32_t *slots = ts_alloc_zero(n, sizeof *slots);
    if (!slots)
        return false;
    ts_free(l->word_slot);
    l->word_slot = slots;
    l->n_word_slots = n;
    for (size_t i = 0; i < l->words.n; i++)
        slots[word_slot_of(l, word_at(l, i)->bytes, word_at(l, i)->n)] = (uint32_t)i + 1;
    return true;
}

/* One piece of the text.  What cannot merge is not kept: a piece that long is no
 * word. */
static bool count_piece(void *user, const char *piece, size_t n)
{
    ts_bpe_learner *l = user;
    bool has_letters = false;

    for (size_t i = 0; i < n; i++)
        has_letters |= is_letter((unsigned char)piece[i]) || (unsigned char)piece[i] > 127;
    if (!has_letters || n < 2 || n > MAX_PIECE)
        return true;
    if (l->words.n >= UINT32_MAX / 4 || !make_room_for_words(l)) {
        l->status = ts_fail_nomem(l->err, n, "the words of a vocabulary");
        return false;
    }
    const size_t slot = word_slot_of(l, piece, n);
    if (!l->word_slot[slot]) {
        char *copy = ts_arena_strdup(l->arena, piece, n);
        word *w = copy ? grow(&l->words) : NULL;

        if (!w) {
            l->status = ts_fail_nomem(l->err, n, "the words of a vocabulary");
            return false;
        }
        w->bytes = copy;
        w->n = (uint32_t)n;
        l->word_slot[slot] = (uint32_t)l->words.n;
    }
    word_at(l, l->word_slot[slot] - 1)->count++;
    return true;
}

tiefsee_status ts_bpe_learner_add(ts_bpe_learner *l, const char *text, size_t n, tiefsee_error *err)
{
    if (!ts_utf8_is_valid(text, n))
        return ts_fail(err, TIEFSEE_E_FORMAT, "the text is not UTF-8");
    l->err = err;
    l->status = TIEFSEE_OK;
    (void)ts_pretokenize(TS_PRE_DEEPSEEK_V3, text, n, count_piece, l);
    return l->status;
}

/* ------------------------------------------------------------------ tokens */

static bool add_bytes(ts_bpe_learner *l)
{
    for (int i = 0; i < N_MARKERS; i++)
        if (!grow(&l->tokens))
            return false;
    for (int b = 0; b < 256; b++) {
        token *t = grow(&l->tokens);

        if (!t)
            return false;
        t->bytes[0] = (char)b;
        t->n = 1;
        t->kind = (uint8_t)(is_letter((unsigned char)b) ? LETTERS
                            : b == ' '                  ? BLANK
                            : b >= 0xC2 && b <= 0xF4    ? OPEN
                            : b >= 0x80 && b <= 0xBF    ? REST
                                                        : ALONE);
        t->n_missing = (uint8_t)(t->kind != OPEN ? 0 : b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3);
    }
    return true;
}

/* The kind of two tokens in one; ALONE: they stay apart. */
static kind joined(const token *a, const token *b)
{
    if (a->n + b->n > MAX_TOKEN)
        return ALONE;
    if (a->kind == OPEN)
        return b->kind != REST ? ALONE : a->n_missing == 1 ? LETTERS : OPEN;
    if (b->kind != LETTERS)
        return ALONE;
    return a->kind == LETTERS ? LETTERS : a->kind == BLANK || a->kind == SPACED ? SPACED : ALONE;
}

/* ------------------------------------------------------------------- pairs */

static size_t pair_slot_of(const ts_bpe_learner *l, uint64_t key)
{
    const size_t mask = l->n_pair_slots - 1;
    size_t i = (size_t)ts_hash(&key, sizeof key) & mask;

    while (l->pair_slot[i] && pair_at(l, l->pair_slot[i] - 1)->key != key)
        i = (i + 1) & mask;
    return i;
}

static bool make_room_for_pairs(ts_bpe_learner *l)
{
    if (2 * (l->pairs.n + 1) <= l->n_pair_slots)
        return true;
    const size_t n = l->n_pair_slots ? 2 * l->n_pair_slots : 1 << 12;
    uint32_t *slots = ts_alloc_zero(n, sizeof *slots);
    if (!slots)
        return false;
    ts_free(l->pair_slot);
    l->pair_slot = slots;
    l->n_pair_slots = n;
    for (size_t i = 0; i < l->pairs.n; i++)
        slots[pair_slot_of(l, pair_at(l, i)->key)] = (uint32_t)i + 1;
    return true;
}

static bool is_before(const ts_bpe_learner *l, const entry *a, const entry *b)
{
    return a->count != b->count ? a->count > b->count
                                : pair_at(l, a->pair)->key < pair_at(l, b->pair)->key;
}

static bool push(ts_bpe_learner *l, entry e)
{
    if (!grow(&l->heap))
        return false;
    entry *h = l->heap.at;
    size_t i = l->heap.n - 1;
    for (; i > 0 && is_before(l, &e, &h[(i - 1) / 2]); i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = e;
    return true;
}

static entry pop(ts_bpe_learner *l)
{
    entry *h = l->heap.at;
    const entry top = h[0], last = h[--l->heap.n];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= l->heap.n)
            break;
        if (child + 1 < l->heap.n && is_before(l, &h[child + 1], &h[child]))
            child++;
        if (!is_before(l, &h[child], &last))
            break;
        h[i] = h[child];
        i = child;
    }
    if (l->heap.n > 0)
        h[i] = last;
    return top;
}

/* All pairs of a word come (again) or go.  Where a word has a pair is written down
 * once: for pairs that are there from the start, and for those with token fresh. */
static bool count_pairs(ts_bpe_learner *l, uint32_t i, bool comes, int32_t fresh)
{
    const word *w = word_at(l, i);

    for (uint32_t k = 0; k + 1 < w->n_left; k++) {
        const int32_t a = w->symbol[k], b = w->symbol[k + 1];

        if (joined(token_at(l, a), token_at(l, b)) == ALONE)
            continue;
        if (!make_room_for_pairs(l))
            return false;
        const uint64_t key = (uint64_t)a << 32 | (uint32_t)b;
        const size_t slot = pair_slot_of(l, key);
        if (!l->pair_slot[slot]) {
            pair *p = grow(&l->pairs);

            if (!p)
                return false;
            p->key = key;
            l->pair_slot[slot] = (uint32_t)l->pairs.n;
        }
        pair *p = pair_at(l, l->pair_slot[slot] - 1);
        p->count += comes ? w->count : -w->count;
        const bool is_noted = p->first && ((place *)l->places.at)[p->first - 1].word == i;
        if (!comes || is_noted || (fresh >= 0 && a != fresh && b != fresh))
            continue;
        place *at = grow(&l->places);
        if (!at)
            return false;
        *at = (place){i, p->first};
        p->first = (uint32_t)l->places.n;
    }
    return true;
}

static bool split_words(ts_bpe_learner *l)
{
    for (size_t i = 0; i < l->words.n; i++) {
        word *w = word_at(l, i);

        w->symbol = ts_arena_alloc(l->arena, w->n * sizeof *w->symbol);
        if (!w->symbol)
            return false;
        w->n_left = w->n;
        for (uint32_t k = 0; k < w->n; k++)
            w->symbol[k] = N_MARKERS + (unsigned char)w->bytes[k];
        if (!count_pairs(l, (uint32_t)i, true, -1))
            return false;
    }
    for (size_t i = 0; i < l->pairs.n; i++)
        if (!push(l, (entry){pair_at(l, i)->count, (uint32_t)i}))
            return false;
    return true;
}

static void replace(word *w, int32_t a, int32_t b, int32_t by)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < w->n_left; k++) {
        if (k + 1 < w->n_left && w->symbol[k] == a && w->symbol[k + 1] == b) {
            w->symbol[n++] = by;
            k++;
        } else {
            w->symbol[n++] = w->symbol[k];
        }
    }
    w->n_left = n;
}

/* Make one token of a pair, everywhere. */
static bool merge(ts_bpe_learner *l, uint32_t which)
{
    const int32_t a = (int32_t)(pair_at(l, which)->key >> 32), b = (int32_t)pair_at(l, which)->key;
    const int32_t fresh = (int32_t)l->tokens.n;
    const size_t first_new = l->pairs.n;
    token *t = grow(&l->tokens);

    if (!t)
        return false;
    const token *x = token_at(l, a), *y = token_at(l, b);
    memcpy(t->bytes, x->bytes, x->n);
    memcpy(t->bytes + x->n, y->bytes, y->n);
    t->n = (uint8_t)(x->n + y->n);
    t->kind = (uint8_t)joined(x, y);
    t->n_missing = (uint8_t)(t->kind == OPEN ? x->n_missing - 1 : 0);
    for (uint32_t at = pair_at(l, which)->first; at;) {
        const place p = ((place *)l->places.at)[at - 1];

        if (!count_pairs(l, p.word, false, fresh))
            return false;
        replace(word_at(l, p.word), a, b, fresh);
        if (!count_pairs(l, p.word, true, fresh))
            return false;
        at = p.next;
    }
    for (size_t i = first_new; i < l->pairs.n; i++)
        if (pair_at(l, i)->count > 0 && !push(l, (entry){pair_at(l, i)->count, (uint32_t)i}))
            return false;
    return true;
}

/* ------------------------------------------------------------------ result */

/* The bytes in GPT-2's alphabet. */
static ts_str printed(ts_arena *arena, const char *bytes, size_t n)
{
    char *out = ts_arena_alloc(arena, 2 * n + 1);
    size_t len = 0;

    if (!out)
        return (ts_str){NULL, 0};
    for (size_t i = 0; i < n; i++) {
        const unsigned b = (unsigned char)bytes[i];
        const bool is_own = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        const uint32_t code = is_own     ? b
                              : b < 33   ? 256 + b
                              : b == 173 ? 256 + 67
                                         : 256 + 33 + (b - 127);

        len += ts_utf8_encode(code, out + len);
    }
    return (ts_str){out, len};
}

static bool describe(ts_bpe_learner *l, const uint64_t *merges, ts_vocab *v)
{
    const size_t n = l->tokens.n;
    ts_str *text = ts_arena_alloc(l->arena, n * sizeof *text);
    uint8_t *type = ts_arena_alloc(l->arena, n);
    ts_str *left = ts_arena_alloc(l->arena, n * sizeof *left);
    ts_str *right = ts_arena_alloc(l->arena, n * sizeof *right);

    if (!text || !type || !left || !right)
        return false;
    for (size_t i = 0; i < n; i++) {
        const token *t = token_at(l, (int32_t)i);

        text[i] = i < N_MARKERS ? ts_str_of(MARKERS[i]) : printed(l->arena, t->bytes, t->n);
        type[i] = i < N_MARKERS ? TS_TOKEN_CONTROL : TS_TOKEN_NORMAL;
        if (!text[i].ptr)
            return false;
    }
    for (size_t i = FIRST_MERGE; i < n; i++) {
        left[i - FIRST_MERGE] = text[merges[i - FIRST_MERGE] >> 32];
        right[i - FIRST_MERGE] = text[(uint32_t)merges[i - FIRST_MERGE]];
    }
    *v = (ts_vocab){
        .n_tokens = (uint32_t)n,
        .text = text,
        .type = type,
        .n_merges = (uint32_t)(n - FIRST_MERGE),
        .merge_left = left,
        .merge_right = right,
        .pre = TS_PRE_DEEPSEEK_V3,
        .bos = 0,
        .eos = 1,
        .pad = 2,
        .encoding = TS_STR("deepseek-v3.1"),
    };
    return true;
}

tiefsee_status ts_bpe_learner_finish(ts_bpe_learner *l, uint32_t n_vocab, ts_vocab *out,
                                     tiefsee_error *err)
{
    if (n_vocab < TS_LEARN_MIN_VOCAB || n_vocab > TS_LEARN_MAX_VOCAB)
        return ts_fail(err, TIEFSEE_E_INVALID, "a vocabulary of %u tokens (%d to %d)", n_vocab,
                       TS_LEARN_MIN_VOCAB, TS_LEARN_MAX_VOCAB);
    uint64_t *merges = ts_arena_alloc(l->arena, n_vocab * sizeof *merges);
    bool is_good = merges && add_bytes(l) && split_words(l);
    while (is_good && l->tokens.n < n_vocab && l->heap.n > 0) {
        const entry top = pop(l);
        const uint64_t now = pair_at(l, top.pair)->count;

        if (now < 2)
            continue;
        if (now != top.count) {
            is_good = push(l, (entry){now, top.pair});
            continue;
        }
        merges[l->tokens.n - FIRST_MERGE] = pair_at(l, top.pair)->key;
        is_good = merge(l, top.pair);
    }
    if (!is_good || !describe(l, merges, out))
        return ts_fail_nomem(err, l->places.cap * sizeof(place), "a vocabulary");
    return TIEFSEE_OK;
}
