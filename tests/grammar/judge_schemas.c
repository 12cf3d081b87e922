/* judge_schemas.c - the C side of tools/test/check_schemas.py.
 *
 *     judge_schemas [TOKENIZER.json [SEED]] < cases > verdicts
 *
 * stdin: u32 n, n bytes of schema, u32 number of texts, each u32 n and n bytes;
 * again and again.  stdout, a line per schema: "refused MICROSECONDS MESSAGE", or
 * "ok MICROSECONDS 01..." with a digit per text.  With a tokenizer each text goes
 * through masks token by token, and stderr has the times at the end.  With a seed
 * the verdicts are followed by a blank and a text that was drawn under the masks
 * (line ends as blanks), if one ended within MAX_DRAWN tokens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/rng.h"
#include "engine/grammar.h"
#include "support/json_vocab.h"

enum { MAX_TIMES = 1 << 24, MAX_DRAWN = 400 };

static float *mask_us, *compile_us, *first_us;
static size_t n_mask, n_compile, n_first;

typedef struct judge {
    ts_bpe *bpe;
    ts_grammar_vocab *vocab;
    uint64_t *mask;
    size_t n_vocab;
    bool is_drawing;
    ts_rng rng;
} judge;

static bool get_u32(uint32_t *out)
{
    return fread(out, sizeof *out, 1, stdin) == 1;
}

static char *get_text(uint32_t *n)
{
    if (!get_u32(n))
        return NULL;
    char *text = malloc(*n + 1);
    if (!text || fread(text, 1, *n, stdin) != *n)
        exit(1);
    text[*n] = 0;
    return text;
}

static void note(float *list, size_t *n, double seconds)
{
    if (*n < MAX_TIMES)
        list[(*n)++] = (float)(seconds * 1e6);
}

/* Also holds that the mask says what accept does. */
static bool passes_masks(const judge *j, ts_grammar_rules *rules, const char *text, uint32_t n)
{
    ts_tokens ids = {.max = SIZE_MAX / 8};
    ts_grammar *g;
    bool may_end = false, ok = true;

    if (ts_bpe_encode(j->bpe, text, n, false, &ids, NULL) != TIEFSEE_OK ||
        ts_grammar_start(&g, rules, j->vocab, NULL) != TIEFSEE_OK)
        exit(1);
    for (size_t i = 0; i <= ids.n && ok; i++) {
        const double start = ts_clock_seconds();
        ts_grammar_mask(g, j->mask, &may_end);
        const double took = ts_clock_seconds() - start;
        note(mask_us, &n_mask, took);
        if (i == 0)
            note(first_us, &n_first, took);
        if (i == ids.n)
            break;
        const int32_t id = ids.ids[i];
        const bool in_mask = j->mask[id / 64] >> (id % 64) & 1;
        ok = ts_grammar_accept(g, id);
        if (ok != in_mask) {
            fprintf(stderr, "judge_schemas: mask and accept differ for token %d\n", id);
            exit(1);
        }
    }
    ts_grammar_free(g);
    ts_tokens_free(&ids);
    return ok && may_end;
}

static bool is_allowed(const judge *j, int32_t id)
{
    return id >= 0 && (j->mask[id / 64] >> (id % 64) & 1);
}

/* Any allowed token, or, half the time, one that comes to an end. */
static int32_t draw(judge *j)
{
    static const char *const closing[] = {"\"", "}", "]", "\"}", ",", ":", "\",", "1"};
    const size_t start = (size_t)ts_rng_below(&j->rng, j->n_vocab);

    if (ts_rng_below(&j->rng, 2))
        for (size_t i = 0, k = start; i < TS_COUNT(closing); i++, k++) {
            const int32_t id = ts_bpe_find(j->bpe, closing[k % TS_COUNT(closing)]);
            if (is_allowed(j, id))
                return id;
        }
    for (size_t i = 0; i < j->n_vocab; i++) {
        const int32_t id = (int32_t)((start + i) % j->n_vocab);
        if (is_allowed(j, id))
            return id;
    }
    return -1;
}

static void print_drawn(judge *j, ts_grammar_rules *rules)
{
    ts_buf text = ts_buf_make(1 << 24);
    bool may_end = false;
    ts_grammar *g;

    if (ts_grammar_start(&g, rules, j->vocab, NULL) != TIEFSEE_OK)
        exit(1);
    for (int i = 0; i < MAX_DRAWN; i++) {
        ts_grammar_mask(g, j->mask, &may_end);
        const int32_t id = draw(j);
        if (id < 0 || (may_end && ts_rng_below(&j->rng, 2)))
            break;
        const ts_str bytes = ts_bpe_bytes(j->bpe, id);
        if (!ts_grammar_accept(g, id) || !ts_buf_append(&text, bytes.ptr, bytes.len))
            exit(1);
        may_end = false;
    }
    putchar(' ');
    for (size_t i = 0; may_end && i < text.len; i++)
        putchar((unsigned char)text.ptr[i] < ' ' ? ' ' : text.ptr[i]);
    ts_buf_free(&text);
    ts_grammar_free(g);
}

static int compare(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

static void report(const char *what, float *list, size_t n)
{
    static const double at[] = {0.5, 0.9, 0.99, 0.999};
    double sum = 0;

    qsort(list, n, sizeof *list, compare);
    for (size_t i = 0; i < n; i++)
        sum += (double)list[i];
    fprintf(stderr, "%s: %zu, average %.1f us", what, n, n ? sum / (double)n : 0);
    for (size_t i = 0; n && i < TS_COUNT(at); i++)
        fprintf(stderr, ", p%g %.1f", at[i] * 100, (double)list[(size_t)((double)(n - 1) * at[i])]);
    fprintf(stderr, ", worst %.1f\n", n ? (double)list[n - 1] : 0);
}

static void judge_one(judge *j, const char *schema, uint32_t n)
{
    tiefsee_error err = {0};
    ts_grammar_rules *rules;
    uint32_t n_texts, n_text;

    const double start = ts_clock_seconds();
    const tiefsee_status st = ts_grammar_compile(&rules, TS_GRAMMAR_SCHEMA, schema, n, &err);
    const double took = ts_clock_seconds() - start;
    note(compile_us, &n_compile, took);
    if (st != TIEFSEE_OK)
        printf("refused %.0f %s\n", took * 1e6, err.message);
    else
        printf("ok %.0f ", took * 1e6);
    if (!get_u32(&n_texts))
        exit(1);
    for (uint32_t i = 0; i < n_texts; i++) {
        char *text = get_text(&n_text);
        if (!text)
            exit(1);
        if (st == TIEFSEE_OK)
            putchar('0' + (j->vocab ? passes_masks(j, rules, text, n_text)
                                    : ts_grammar_matches(rules, text, n_text)));
        free(text);
    }
    if (st == TIEFSEE_OK && j->is_drawing)
        print_drawn(j, rules);
    if (st == TIEFSEE_OK)
        putchar('\n');
    fflush(stdout);
    ts_grammar_rules_free(rules);
}

int main(int argc, char **argv)
{
    tiefsee_error err = {0};
    json_vocab v;
    judge j = {0};
    uint32_t n;

    mask_us = malloc(MAX_TIMES * sizeof(float));
    first_us = malloc(MAX_TIMES * sizeof(float));
    compile_us = malloc(MAX_TIMES * sizeof(float));
    if (argc > 1) {
        if (!json_vocab_open(&v, argv[1]) || ts_bpe_new(&j.bpe, &v.vocab, &err) != TIEFSEE_OK)
            return 1;
        const size_t size = ts_bpe_size(j.bpe), n_vocab = (size + 127) / 128 * 128;
        const double start = ts_clock_seconds();
        if (ts_grammar_vocab_new(&j.vocab, j.bpe, n_vocab, &err) != TIEFSEE_OK)
            return 1;
        fprintf(stderr, "vocabulary of %zu: %.0f ms\n", n_vocab,
                (ts_clock_seconds() - start) * 1e3);
        j.mask = malloc(n_vocab / 8);
        j.n_vocab = n_vocab;
        j.is_drawing = argc > 2;
        ts_rng_seed(&j.rng, argc > 2 ? strtoull(argv[2], NULL, 10) : 0);
    }
    for (char *schema; (schema = get_text(&n)); free(schema))
        judge_one(&j, schema, n);
    report("compile", compile_us, n_compile);
    if (j.vocab) {
        report("first mask", first_us, n_first);
        report("mask", mask_us, n_mask);
        ts_grammar_vocab_free(j.vocab);
        ts_bpe_free(j.bpe);
        json_vocab_close(&v);
    }
    free(j.mask);
    free(mask_us);
    free(first_us);
    free(compile_us);
    return 0;
}
