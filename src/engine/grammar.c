/* grammar.c - see grammar.h.
 *
 * Rules keep what was learnt about them (DFA states, masks) for each vocabulary
 * they met, so that the second answer under a schema finds all of it ready.
 */
#include "engine/grammar.h"

#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "engine/grammar/frontend.h"
#include "engine/grammar/mask.h"

typedef struct cache {
    ts_gr_machine *machine;
    ts_masks masks;
    uint64_t serial; /* of the vocabulary */
    ts_grammar *positions;
    struct cache *next;
} cache;

struct ts_grammar_rules {
    ts_gr_automaton a;
    ts_arena *names;
    cache *caches;
    _Atomic uint32_t n_owners;
};

struct ts_grammar {
    ts_grammar_rules *rules;
    cache *cache;
    const ts_grammar_vocab *vocab;
    uint32_t d;
    ts_grammar *next, *before; /* positions of the same cache */
};

static tiefsee_status compile(ts_grammar_rules *r, ts_gr_builder *b, ts_grammar_kind kind,
                              ts_str text, tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_E_INVALID;
    uint32_t root = 0;

    switch (kind) {
    case TS_GRAMMAR_JSON: st = ts_gr_from_json(&root, b, err); break;
    case TS_GRAMMAR_SCHEMA: st = ts_gr_from_schema(&root, b, text, err); break;
    case TS_GRAMMAR_REGEX: st = ts_gr_from_regex(&root, b, text, err); break;
    case TS_GRAMMAR_GBNF: st = ts_gr_from_gbnf(&root, b, text, r->names, err); break;
    }
    return st == TIEFSEE_OK ? ts_gr_freeze(&r->a, b, root, err) : st;
}

static tiefsee_status add_part(ts_gr_builder *b, uint32_t root, const ts_grammar_part *part,
                               tiefsee_error *err)
{
    uint32_t body = 0, at = ts_gr_add_state(b);
    tiefsee_status st = TIEFSEE_OK;

    ts_gr_empty(b, ts_gr_start(b, root), at);
    at = ts_gr_text(b, at, part->before);
    if (!part->is_fixed) {
        st = part->kind == TS_GRAMMAR_SCHEMA ? ts_gr_from_schema(&body, b, part->text, err)
                                             : ts_gr_from_json(&body, b, err);
        const uint32_t behind = ts_gr_add_state(b);
        ts_gr_call(b, at, body, behind);
        at = behind;
    }
    ts_gr_empty(b, ts_gr_text(b, at, part->after), ts_gr_end(b, root));
    return st;
}

static tiefsee_status compile_parts(ts_grammar_rules *r, ts_gr_builder *b,
                                    const ts_grammar_part *parts, size_t n, size_t *failed,
                                    tiefsee_error *err)
{
    const uint32_t root = ts_gr_add_rule(b, "calls");

    for (*failed = 0; *failed < n; ++*failed) {
        tiefsee_status st =
            parts[*failed].text.len > GR_MAX_TEXT
                ? ts_fail(err, TIEFSEE_E_LIMIT, "a grammar of %zu bytes (%d allowed)",
                          parts[*failed].text.len, GR_MAX_TEXT)
                : add_part(b, root, &parts[*failed], err);
        if (st == TIEFSEE_OK)
            st = ts_gr_builder_status(b, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    return ts_gr_freeze(&r->a, b, root, err);
}

static ts_grammar_rules *new_rules(tiefsee_error *err)
{
    ts_grammar_rules *r = ts_alloc_zero(1, sizeof *r);

    if (r) {
        atomic_init(&r->n_owners, 1);
        r->names = ts_arena_new(GR_ARENA_BYTES);
        if (r->names)
            return r;
    }
    ts_free(r);
    (void)ts_fail_nomem(err, sizeof *r, "grammar");
    return NULL;
}

/* Hand over, or free. */
static tiefsee_status give_rules(ts_grammar_rules **out, ts_grammar_rules *r, tiefsee_status st)
{
    if (st == TIEFSEE_OK)
        *out = r;
    else
        ts_grammar_rules_free(r);
    return st;
}

tiefsee_status ts_grammar_compile(ts_grammar_rules **out, ts_grammar_kind kind, const char *text,
                                  size_t n, tiefsee_error *err)
{
    ts_gr_builder b;

    *out = NULL;
    if (n > GR_MAX_TEXT)
        return ts_fail(err, TIEFSEE_E_LIMIT, "a grammar of %zu bytes (%d allowed)", n, GR_MAX_TEXT);
    ts_grammar_rules *r = new_rules(err);
    if (!r)
        return TIEFSEE_E_NOMEM;
    ts_gr_builder_init(&b);
    const tiefsee_status st = compile(r, &b, kind, (ts_str){text, n}, err);
    ts_gr_builder_free(&b);
    return give_rules(out, r, st);
}

tiefsee_status ts_grammar_compile_parts(ts_grammar_rules **out, const ts_grammar_part *parts,
                                        size_t n, size_t *failed, tiefsee_error *err)
{
    ts_gr_builder b;

    *out = NULL;
    *failed = n;
    ts_grammar_rules *r = new_rules(err);
    if (!r)
        return TIEFSEE_E_NOMEM;
    ts_gr_builder_init(&b);
    const tiefsee_status st = compile_parts(r, &b, parts, n, failed, err);
    ts_gr_builder_free(&b);
    return give_rules(out, r, st);
}

static void free_cache(cache *c)
{
    ts_masks_close(&c->masks);
    ts_gr_machine_free(c->machine);
    ts_free(c);
}

void ts_grammar_rules_free(ts_grammar_rules *r)
{
    if (!r || atomic_fetch_sub(&r->n_owners, 1) > 1)
        return;
    for (cache *c = r->caches, *next; c; c = next) {
        next = c->next;
        free_cache(c);
    }
    ts_gr_automaton_free(&r->a);
    ts_arena_free(r->names);
    ts_free(r);
}

static tiefsee_status find_cache(cache **out, ts_grammar_rules *r, const ts_grammar_vocab *vocab,
                                 tiefsee_error *err)
{
    for (*out = r->caches; *out; *out = (*out)->next)
        if ((*out)->serial == vocab->serial)
            return TIEFSEE_OK;
    cache *c = ts_alloc_zero(1, sizeof *c);
    if (!c)
        return ts_fail_nomem(err, sizeof *c, "grammar");
    c->serial = vocab->serial;
    tiefsee_status st = ts_gr_machine_new(&c->machine, &r->a, err);
    if (st == TIEFSEE_OK)
        st = ts_masks_open(&c->masks, c->machine, vocab, err);
    if (st != TIEFSEE_OK) {
        ts_gr_machine_free(c->machine);
        ts_free(c);
        return st;
    }
    c->next = r->caches;
    r->caches = c;
    *out = c;
    return TIEFSEE_OK;
}

tiefsee_status ts_grammar_start(ts_grammar **out, ts_grammar_rules *rules,
                                const ts_grammar_vocab *vocab, tiefsee_error *err)
{
    cache *c;
    tiefsee_status st = find_cache(&c, rules, vocab, err);

    *out = NULL;
    if (st != TIEFSEE_OK)
        return st;
    const uint32_t d = ts_gr_machine_start(c->machine);
    ts_grammar *g = d == GR_DEAD ? NULL : ts_alloc_zero(1, sizeof *g);
    if (!g)
        return ts_fail_nomem(err, sizeof *g, "grammar");
    *g = (ts_grammar){.rules = rules, .cache = c, .vocab = vocab, .d = d, .next = c->positions};
    if (g->next)
        g->next->before = g;
    c->positions = g;
    atomic_fetch_add(&rules->n_owners, 1);
    *out = g;
    return TIEFSEE_OK;
}

void ts_grammar_free(ts_grammar *g)
{
    if (!g)
        return;
    if (g->next)
        g->next->before = g->before;
    if (g->before)
        g->before->next = g->next;
    else
        g->cache->positions = g->next;
    ts_grammar_rules_free(g->rules);
    ts_free(g);
}

/* Forget all that no position stands on.  Without memory for that things stay as
 * they are, and what does not fit is not allowed. */
static void make_room(cache *c)
{
    size_t n = 0;

    for (ts_grammar *g = c->positions; g; g = g->next)
        n++;
    uint32_t **keep = ts_alloc_zero(n, sizeof *keep);
    if (!keep)
        return;
    n = 0;
    for (ts_grammar *g = c->positions; g; g = g->next)
        keep[n++] = &g->d;
    if (ts_gr_machine_compact(c->machine, keep, n, NULL) == TIEFSEE_OK)
        ts_masks_clear(&c->masks);
    ts_free(keep);
}

void ts_grammar_mask(ts_grammar *g, uint64_t *mask, bool *may_end)
{
    cache *c = g->cache;

    if (ts_gr_machine_is_crowded(c->machine))
        make_room(c);
    if (!ts_masks_get(&c->masks, g->d, mask)) {
        make_room(c);
        (void)ts_masks_get(&c->masks, g->d, mask);
    }
    *may_end = c->machine->d[g->d].may_end;
}

static uint32_t advance(ts_gr_machine *m, uint32_t d, ts_str bytes)
{
    for (size_t i = 0; i < bytes.len && d != GR_DEAD; i++)
        d = ts_gr_next(m, d, (uint8_t)bytes.ptr[i]);
    return d;
}

bool ts_grammar_accept(ts_grammar *g, int32_t token)
{
    cache *c = g->cache;

    if (token < 0 || (size_t)token >= g->vocab->n_vocab || ts_bpe_is_control(g->vocab->bpe, token))
        return false;
    const ts_str bytes = ts_bpe_bytes(g->vocab->bpe, token);
    if (bytes.len == 0 || bytes.len > GR_MAX_TOKEN)
        return false;
    uint32_t d = advance(c->machine, g->d, bytes);
    if (d == GR_DEAD && c->machine->is_full) {
        make_room(c);
        d = advance(c->machine, g->d, bytes);
    }
    if (d == GR_DEAD)
        return false;
    g->d = d;
    return true;
}

static void mask_of(void *ctx, uint64_t *mask, bool *may_end)
{
    ts_grammar_mask(ctx, mask, may_end);
}

static bool accept_in(void *ctx, int32_t token)
{
    return ts_grammar_accept(ctx, token);
}

static void free_of(void *ctx)
{
    ts_grammar_free(ctx);
}

ts_constraint ts_grammar_constraint(ts_grammar *g)
{
    return (ts_constraint){.ctx = g, .mask = mask_of, .accept = accept_in, .free = free_of};
}

bool ts_grammar_matches(const ts_grammar_rules *rules, const char *text, size_t n)
{
    ts_gr_machine *m;

    if (ts_gr_machine_new(&m, &rules->a, NULL) != TIEFSEE_OK)
        return false;
    uint32_t d = ts_gr_machine_start(m);
    uint32_t *const keep[] = {&d};
    for (size_t i = 0; i < n && d != GR_DEAD; i++) {
        const uint32_t next = ts_gr_next(m, d, (uint8_t)text[i]);
        if (next == GR_DEAD && m->is_full) {
            if (ts_gr_machine_compact(m, keep, 1, NULL) != TIEFSEE_OK)
                break;
            d = ts_gr_next(m, d, (uint8_t)text[i]);
        } else {
            d = next;
        }
    }
    const bool matches = m->d[d].may_end;
    ts_gr_machine_free(m);
    return matches;
}
