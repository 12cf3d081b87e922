/* calls.c - see calls.h.
 *
 *     content -> calls begin -> call begin -> head -> separator -> tail -> call end
 *                                   ^                                         |
 *                                   +----------- (line break) ----------------+-> calls end
 *
 * Markers are single tokens; head and tail are texts between them, each under a
 * grammar: head is the name (plain) or "function" (fenced), tail the arguments of the
 * named tool (plain), or name, fence and arguments (fenced), where all tools are
 * alternatives of one grammar.
 */
#include "engine/calls.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"

/* A schema is some tenths of a millisecond; one request must not hold a thread. */
static const double MAX_COMPILE_S = 2;

typedef enum phase { CONTENT, BEGIN, CALL, HEAD, TAIL, BETWEEN, BREAK, END } phase;

typedef struct calls {
    const tiefsee_model *m;
    const ts_grammar_vocab *vocab;
    ts_call_style style;
    phase phase;
    bool one_call, has_content; /* something of the content was accepted */
    int32_t calls_begin, calls_end, call_begin, call_end, sep, line_break;
    ts_constraint content;
    ts_grammar_rules *head, **tail; /* (n_tools), or one if fenced */
    char **names;
    size_t n_tails, n_tools;
    ts_grammar *at; /* in HEAD and TAIL */
    char name[TS_CALL_NAME_MAX + 1];
    size_t n_name;
    size_t n_spelt; /* bytes of the marker that the content ends in, spelt out */
} calls;

static void set_bit(uint64_t *mask, int32_t token)
{
    mask[token / 64] |= (uint64_t)1 << (token % 64);
}

static void clear_markers(const calls *c, uint64_t *mask)
{
    for (size_t i = 0; i < c->m->n_call_markers; i++)
        mask[c->m->call_marker[i] / 64] &= ~((uint64_t)1 << (c->m->call_marker[i] % 64));
}

/* ---- content */

static void mask_content(calls *c, uint64_t *mask, bool *may_end)
{
    const size_t n_words = (c->m->net->config.n_vocab + 63) / 64;

    if (c->content.ctx) {
        c->content.mask(c->content.ctx, mask, may_end);
    } else {
        memset(mask, 0xff, n_words * sizeof *mask);
        *may_end = true;
    }
    clear_markers(c, mask);
    if (!c->content.ctx || !c->has_content)
        set_bit(mask, c->calls_begin);
}

/* The marker can also come in the letters of other tokens. */
static void spell(calls *c, ts_str bytes)
{
    static const char marker[] = TS_CALLS_BEGIN;

    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != marker[c->n_spelt])
            c->n_spelt = 0; /* '<' comes only once */
        c->n_spelt += bytes.ptr[i] == marker[c->n_spelt];
        if (marker[c->n_spelt] == '\0') {
            c->phase = CALL;
            return;
        }
    }
}

static bool accept_content(calls *c, int32_t token)
{
    if (token == c->calls_begin && (!c->content.ctx || !c->has_content)) {
        c->phase = CALL;
        return true;
    }
    if (c->content.ctx && !c->content.accept(c->content.ctx, token))
        return false;
    c->has_content = true;
    if (!c->content.ctx)
        spell(c, ts_bpe_bytes(c->m->bpe, token));
    return true;
}

/* ---- a call */

static bool start_text(calls *c, ts_grammar_rules *rules, phase next)
{
    ts_grammar_free(c->at);
    c->at = NULL;
    if (ts_grammar_start(&c->at, rules, c->vocab, NULL) != TIEFSEE_OK)
        return false;
    c->phase = next;
    return true;
}

static ts_grammar_rules *tail_of(const calls *c)
{
    if (c->style == TS_CALLS_FENCED)
        return c->tail[0];
    for (size_t i = 0; i < c->n_tools; i++)
        if (strlen(c->names[i]) == c->n_name && memcmp(c->names[i], c->name, c->n_name) == 0)
            return c->tail[i];
    return NULL;
}

/* The marker that ends a text is allowed where the text may end. */
static void mask_text(calls *c, uint64_t *mask, bool *may_end)
{
    bool is_whole;

    ts_grammar_mask(c->at, mask, &is_whole);
    clear_markers(c, mask); /* added tokens that are not special would do as text */
    if (is_whole)
        set_bit(mask, c->phase == HEAD ? c->sep : c->call_end);
    *may_end = false;
}

static bool accept_text(calls *c, int32_t token)
{
    if (token == c->sep && c->phase == HEAD) {
        ts_grammar_rules *rules = tail_of(c);
        return rules && start_text(c, rules, TAIL);
    }
    if (token == c->call_end && c->phase == TAIL) {
        c->phase = BETWEEN;
        return true;
    }
    if (!ts_grammar_accept(c->at, token))
        return false;
    const ts_str bytes = ts_bpe_bytes(c->m->bpe, token);
    if (c->phase == HEAD && c->n_name + bytes.len <= TS_CALL_NAME_MAX) {
        memcpy(c->name + c->n_name, bytes.ptr, bytes.len);
        c->n_name += bytes.len;
    }
    return true;
}

static bool begin_call(calls *c)
{
    c->n_name = 0;
    return start_text(c, c->head, HEAD);
}

/* ---- the constraint */

static void mask_of(void *ctx, uint64_t *mask, bool *may_end)
{
    calls *c = ctx;

    if (c->phase == CONTENT) {
        mask_content(c, mask, may_end);
        return;
    }
    if (c->phase == HEAD || c->phase == TAIL) {
        mask_text(c, mask, may_end);
        return;
    }
    memset(mask, 0, (c->m->net->config.n_vocab + 63) / 64 * sizeof *mask);
    *may_end = c->phase == END;
    if (c->phase == BEGIN)
        set_bit(mask, c->calls_begin);
    if (c->phase == CALL || c->phase == BREAK)
        set_bit(mask, c->call_begin);
    if (c->phase == BETWEEN) {
        set_bit(mask, c->calls_end);
        if (!c->one_call)
            set_bit(mask, c->style == TS_CALLS_FENCED ? c->line_break : c->call_begin);
    }
}

static bool accept_between(calls *c, int32_t token)
{
    if (token == c->calls_end) {
        c->phase = END;
        return true;
    }
    if (c->one_call)
        return false;
    if (c->style == TS_CALLS_FENCED && token == c->line_break) {
        c->phase = BREAK;
        return true;
    }
    return c->style == TS_CALLS_PLAIN && token == c->call_begin && begin_call(c);
}

static bool accept_in(void *ctx, int32_t token)
{
    calls *c = ctx;

    switch (c->phase) {
    case CONTENT: return accept_content(c, token);
    case BEGIN:
        if (token == c->calls_begin)
            c->phase = CALL;
        return token == c->calls_begin;
    case CALL:
    case BREAK: return token == c->call_begin && begin_call(c);
    case HEAD:
    case TAIL: return accept_text(c, token);
    case BETWEEN: return accept_between(c, token);
    default: return false;
    }
}

static void free_of(void *ctx)
{
    calls *c = ctx;

    ts_grammar_free(c->at);
    ts_grammar_rules_free(c->head);
    for (size_t i = 0; i < c->n_tails; i++)
        ts_grammar_rules_free(c->tail[i]);
    ts_free(c->tail);
    for (size_t i = 0; c->names && i < c->n_tools; i++)
        ts_free(c->names[i]);
    ts_free(c->names);
    if (c->content.ctx)
        c->content.free(c->content.ctx);
    ts_free(c);
}

/* ---- compile */

static tiefsee_status compile_one(ts_grammar_rules **out, const ts_grammar_part *part,
                                  tiefsee_error *err)
{
    size_t ignored;

    return ts_grammar_compile_parts(out, part, 1, &ignored, err);
}

/* The rules of a tool's arguments, and the part that they were made of. */
static tiefsee_status compile_arguments(ts_grammar_rules **out, ts_grammar_part *part,
                                        const ts_calls_tool *tool, double until, tiefsee_error *err)
{
    if (ts_clock_thread_seconds() > until)
        return ts_fail(err, TIEFSEE_E_LIMIT,
                       "the schemas of all tools take more than %.0f s to prepare", MAX_COMPILE_S);
    *part = (ts_grammar_part){.kind = tool->schema.len > 0 ? TS_GRAMMAR_SCHEMA : TS_GRAMMAR_JSON,
                              .text = tool->schema};
    const tiefsee_status st = compile_one(out, part, err);
    if (st == TIEFSEE_OK || st == TIEFSEE_E_NOMEM || tool->is_strict)
        return st;
    *part = (ts_grammar_part){.kind = TS_GRAMMAR_JSON};
    return compile_one(out, part, err);
}

static tiefsee_status compile_plain(calls *c, const ts_calls_spec *spec, ts_grammar_part *parts,
                                    size_t *failed, tiefsee_error *err)
{
    const double until = ts_clock_thread_seconds() + MAX_COMPILE_S;
    tiefsee_status st = TIEFSEE_OK;
    size_t ignored;

    for (*failed = 0; *failed < spec->n_tools && st == TIEFSEE_OK; *failed += st == TIEFSEE_OK) {
        st = compile_arguments(&c->tail[*failed], parts, &spec->tools[*failed], until, err);
        c->n_tails += st == TIEFSEE_OK;
    }
    for (size_t i = 0; i < spec->n_tools; i++)
        parts[i] = (ts_grammar_part){.before = ts_str_of(c->names[i]), .is_fixed = true};
    return st == TIEFSEE_OK
               ? ts_grammar_compile_parts(&c->head, parts, spec->n_tools, &ignored, err)
               : st;
}

/* Each alone first, to know which cannot be kept; then all as one. */
static tiefsee_status fill_fenced(const ts_calls_spec *spec, ts_grammar_part *parts, ts_buf *text,
                                  size_t *failed, tiefsee_error *err)
{
    static const char fence[] = "\n```json\n";
    const double until = ts_clock_thread_seconds() + MAX_COMPILE_S;
    size_t at = 0;

    for (*failed = 0; *failed < spec->n_tools; ++*failed) {
        const ts_calls_tool *tool = &spec->tools[*failed];
        ts_grammar_rules *rules = NULL;
        const tiefsee_status st = compile_arguments(&rules, &parts[*failed], tool, until, err);
        ts_grammar_rules_free(rules);
        if (st != TIEFSEE_OK)
            return st;
        if (!ts_buf_append_str(text, tool->name) || !ts_buf_append_str(text, fence))
            return ts_fail_nomem(err, text->len, "tool calls");
    }
    for (size_t i = 0; i < spec->n_tools; i++) {
        const size_t n = strlen(spec->tools[i].name) + sizeof fence - 1;
        parts[i].before = (ts_str){text->ptr + at, n};
        parts[i].after = TS_STR("\n```");
        at += n;
    }
    return TIEFSEE_OK;
}

static tiefsee_status compile_fenced(calls *c, const ts_calls_spec *spec, ts_grammar_part *parts,
                                     size_t *failed, tiefsee_error *err)
{
    const ts_grammar_part type = {.before = TS_STR("function"), .is_fixed = true};
    ts_buf text = ts_buf_make(spec->n_tools * (TS_CALL_NAME_MAX + 16));
    size_t ignored;

    tiefsee_status st = fill_fenced(spec, parts, &text, failed, err);
    if (st == TIEFSEE_OK)
        st = compile_one(&c->head, &type, err);
    if (st == TIEFSEE_OK)
        st = ts_grammar_compile_parts(&c->tail[0], parts, spec->n_tools, &ignored, err);
    c->n_tails = st == TIEFSEE_OK;
    ts_buf_free(&text);
    return st;
}

static tiefsee_status find_markers(calls *c, tiefsee_error *err)
{
    ts_tokens line = {.max = 8};

    c->calls_begin = ts_bpe_find(c->m->bpe, TS_CALLS_BEGIN);
    c->calls_end = ts_bpe_find(c->m->bpe, TS_CALLS_END);
    c->call_begin = ts_bpe_find(c->m->bpe, TS_CALL_BEGIN);
    c->call_end = ts_bpe_find(c->m->bpe, TS_CALL_END);
    c->sep = ts_bpe_find(c->m->bpe, TS_CALL_SEP);
    const tiefsee_status st = ts_bpe_encode(c->m->bpe, "\n", 1, false, &line, err);
    c->line_break = line.n == 1 ? line.ids[0] : c->call_begin;
    ts_tokens_free(&line);
    return st;
}

static tiefsee_status build(calls *c, const ts_calls_spec *spec, size_t *failed, tiefsee_error *err)
{
    ts_grammar_part *parts = ts_alloc_zero(spec->n_tools, sizeof *parts);

    c->tail = ts_alloc_zero(spec->n_tools, sizeof *c->tail);
    c->names = ts_alloc_zero(spec->n_tools, sizeof *c->names);
    c->n_tools = spec->n_tools;
    tiefsee_status st =
        parts && c->tail && c->names ? find_markers(c, err) : ts_fail_nomem(err, 0, "tool calls");
    for (size_t i = 0; i < spec->n_tools && st == TIEFSEE_OK; i++) {
        const char *name = spec->tools[i].name;
        c->names[i] = ts_strdup_n(name, strlen(name));
        if (!c->names[i])
            st = ts_fail_nomem(err, strlen(name), "tool calls");
    }
    if (st == TIEFSEE_OK)
        st = c->style == TS_CALLS_FENCED ? compile_fenced(c, spec, parts, failed, err)
                                         : compile_plain(c, spec, parts, failed, err);
    ts_free(parts);
    return st;
}

tiefsee_status ts_calls_new(ts_constraint *out, const tiefsee_model *m,
                            const ts_grammar_vocab *vocab, const ts_calls_spec *spec,
                            size_t *failed, tiefsee_error *err)
{
    const ts_call_style style = ts_encoding_calls(m->encoding, m->bpe);

    *failed = spec->n_tools;
    if (style == TS_CALLS_NONE)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "the model has no tool calls");
    if (spec->n_tools == 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "no tool may be called");
    calls *c = ts_alloc_zero(1, sizeof *c);
    if (!c)
        return ts_fail_nomem(err, sizeof *c, "tool calls");
    c->m = m;
    c->vocab = vocab;
    c->style = style;
    c->one_call = spec->one_call;
    c->phase = spec->must_call ? BEGIN : CONTENT;
    const tiefsee_status st = build(c, spec, failed, err);
    if (st != TIEFSEE_OK) {
        free_of(c);
        return st;
    }
    c->content = spec->content;
    *out = (ts_constraint){.ctx = c, .mask = mask_of, .accept = accept_in, .free = free_of};
    return TIEFSEE_OK;
}
