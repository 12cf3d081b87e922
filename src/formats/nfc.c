/* nfc.c - see nfc.h.
 *
 * Unicode Standard Annex 15.  Text is cut in front of every settled character
 * (class 0, no part of a composition as second): such a character never changes
 * what is before it.  Only stretches with an unsettled character are decomposed,
 * their marks sorted by class (stable) and composed again.
 */
#include "formats/nfc.h"

#include <string.h>

#include "core/alloc.h"
#include "core/utf8.h"
#include "formats/unicode_tables.h"

/* Hangul is computed (The Unicode Standard, section 3.12). */
enum {
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11a7,
    S_BASE = 0xac00,
    N_L = 19,
    N_V = 21,
    N_T = 28,
    N_S = N_L * N_V * N_T
};

enum { MAX_PARTS = 4, N_CLASSES = 256, FEW_MARKS = 32 };

typedef struct code_list {
    uint32_t *code;
    uint8_t *class;
    uint32_t *spare; /* room for sorting */
    size_t n, cap;
} code_list;

static unsigned combining_class(uint32_t code)
{
    const unsigned mark = ts_unicode_mark(code);

    return mark == UNI_UNSETTLED ? 0 : mark;
}

bool ts_nfc_is_settled(const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        if ((unsigned char)text[i] < 0xcc) { /* below U+0300, the first mark */
            i++;
            continue;
        }
        i += ts_utf8_decode(text + i, n - i, &code);
        if (ts_unicode_mark(code))
            return false;
    }
    return true;
}

static const ts_unicode_split *find_split(uint32_t code)
{
    uint32_t low = 0, high = ts_unicode_n_splits;

    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (ts_unicode_splits[mid].code < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < ts_unicode_n_splits && ts_unicode_splits[low].code == code
               ? &ts_unicode_splits[low]
               : NULL;
}

/* The composed character; 0: the two stay apart. */
static uint32_t compose(uint32_t first, uint32_t second)
{
    uint32_t low = 0, high = ts_unicode_n_pairs;

    if (first - L_BASE < N_L && second - V_BASE < N_V)
        return S_BASE + ((first - L_BASE) * N_V + (second - V_BASE)) * N_T;
    if (first - S_BASE < N_S && (first - S_BASE) % N_T == 0 && second - T_BASE - 1 < N_T - 1)
        return first + (second - T_BASE);
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        const ts_unicode_pair *p = &ts_unicode_pairs[mid];
        if (p->first < first || (p->first == first && p->second < second))
            low = mid + 1;
        else
            high = mid;
    }
    return low < ts_unicode_n_pairs && ts_unicode_pairs[low].first == first &&
                   ts_unicode_pairs[low].second == second
               ? ts_unicode_pairs[low].composed
               : 0;
}

static void push(code_list *l, uint32_t code)
{
    l->class[l->n] = (uint8_t)combining_class(code);
    l->code[l->n++] = code;
}

static void push_decomposed(code_list *l, uint32_t code)
{
    const uint32_t s = code - S_BASE;

    if (s < N_S) {
        push(l, L_BASE + s / (N_V * N_T));
        push(l, V_BASE + s % (N_V * N_T) / N_T);
        if (s % N_T)
            push(l, T_BASE + s % N_T);
        return;
    }
    const ts_unicode_split *split = find_split(code);
    if (!split) {
        push(l, code);
        return;
    }
    for (size_t i = 0; i < split->n; i++)
        push(l, ts_unicode_parts[split->at + i]);
}

/* Stable, by class: few marks by insertion, many by counting. */
static void sort_marks(code_list *l, size_t begin, size_t end)
{
    size_t start[N_CLASSES + 1] = {0};

    if (end - begin <= FEW_MARKS) {
        for (size_t i = begin + 1; i < end; i++)
            for (size_t k = i; k > begin && l->class[k - 1] > l -> class[k]; k--) {
                const uint32_t code = l->code[k];
                const uint8_t class = l->class[k];
                l->code[k] = l->code[k - 1];
                l->class[k] = l->class[k - 1];
                l->code[k - 1] = code;
                l->class[k - 1] = class;
            }
        return;
    }
    for (size_t i = begin; i < end; i++)
        start[l->class[i] + 1]++;
    for (size_t c = 0; c < N_CLASSES; c++)
        start[c + 1] += start[c];
    for (size_t i = begin; i < end; i++)
        l->spare[start[l->class[i]]++] = l->code[i];
    for (size_t i = begin; i < end; i++) {
        l->code[i] = l->spare[i - begin];
        l->class[i] = (uint8_t)combining_class(l->code[i]);
    }
}

static void sort_all_marks(code_list *l)
{
    for (size_t i = 0; i < l->n;) {
        size_t end = i;
        while (end < l->n && l->class[end])
            end++;
        if (end > i + 1)
            sort_marks(l, i, end);
        i = end + 1;
    }
}

/* D117: a character composes with the last starter unless one of the same or a
 * higher class, or another starter, stands between them. */
static void compose_all(code_list *l)
{
    size_t starter = l->n, kept = 0;
    int blocked = -1; /* the class of the character before; -1: none between */

    for (size_t i = 0; i < l->n; i++) {
        const int class = l->class[i];

        if (starter < kept && blocked < class) {
            const uint32_t composed = compose(l->code[starter], l->code[i]);
            if (composed) {
                l->code[starter] = composed;
                continue;
            }
        }
        if (class == 0) {
            starter = kept;
            blocked = -1;
        } else {
            blocked = class;
        }
        l->code[kept] = l->code[i];
        l->class[kept++] = l->class[i];
    }
    l->n = kept;
}

static tiefsee_status reserve(code_list *l, size_t n, tiefsee_error *err)
{
    if (n <= l->cap)
        return TIEFSEE_OK;
    if (n > SIZE_MAX / (2 * sizeof *l->code))
        return ts_fail_nomem(err, UINT64_MAX, "normalising a text");
    ts_free(l->code);
    ts_free(l->class);
    ts_free(l->spare);
    *l = (code_list){.code = ts_alloc(n * sizeof *l->code),
                     .class = ts_alloc(n),
                     .spare = ts_alloc(n * sizeof *l->spare),
                     .cap = n};
    if (!l->code || !l->class || !l->spare) {
        l->cap = 0;
        return ts_fail_nomem(err, n * (2 * sizeof *l->code + 1), "normalising a text");
    }
    return TIEFSEE_OK;
}

/* One stretch: decompose, sort, compose, append. */
static tiefsee_status normalise(code_list *l, ts_buf *out, const char *text, size_t n,
                                tiefsee_error *err)
{
    /* The decomposition of a character of b bytes has at most 2 * b parts (U+0390
     * has 3, U+1F82 has 4). */
    const tiefsee_status st =
        n < SIZE_MAX / 2 ? reserve(l, 2 * n, err) : ts_fail_nomem(err, UINT64_MAX, "a text");
    if (st != TIEFSEE_OK)
        return st;
    l->n = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += ts_utf8_decode(text + i, n - i, &code);
        push_decomposed(l, code);
    }
    sort_all_marks(l);
    compose_all(l);
    for (size_t i = 0; i < l->n; i++) {
        char utf8[4];
        if (!ts_buf_append(out, utf8, ts_utf8_encode(l->code[i], utf8)))
            return ts_fail_nomem(err, out->len + n, "normalising a text");
    }
    return TIEFSEE_OK;
}

tiefsee_status ts_nfc_append(ts_buf *out, const char *text, size_t n, tiefsee_error *err)
{
    code_list list = {0};
    tiefsee_status st = TIEFSEE_OK;
    size_t copied = 0, settled = 0; /* settled: where the last settled character begins */

    for (size_t i = 0; i < n && st == TIEFSEE_OK;) {
        uint32_t code;
        const size_t at = i;

        i += ts_utf8_decode(text + i, n - i, &code);
        if (!ts_unicode_mark(code)) {
            settled = at;
            continue;
        }
        size_t end = i;
        while (i < n && (i += ts_utf8_decode(text + i, n - i, &code)) && ts_unicode_mark(code))
            end = i;
        if (end != n)
            i = end;
        if (!ts_buf_append(out, text + copied, settled - copied))
            st = ts_fail_nomem(err, out->len + n, "normalising a text");
        if (st == TIEFSEE_OK)
            st = normalise(&list, out, text + settled, end - settled, err);
        copied = settled = end;
    }
    if (st == TIEFSEE_OK && !ts_buf_append(out, text + copied, n - copied))
        st = ts_fail_nomem(err, out->len + n, "normalising a text");
    ts_free(list.code);
    ts_free(list.class);
    ts_free(list.spare);
    return st;
}
