/* dataset.c - see dataset.h. */
#include "train/dataset.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "core/rng.h"
#include "formats/encoding.h"
#include "train/chat_line.h"
#include "train/tasks/maker.h"

/* LONG: tokens that a conversation with any tools fits into. */
enum { MAX_TOKENS = 1 << 16, LONG = 800 };

static const char *const SYSTEMS[] = {
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a helpful assistant",
    "You are a helpful AI assistant.",
    "You are a friendly assistant who answers briefly.",
    "You are an assistant. Answer in the language of the user.",
    "You are a helpful assistant. Answer clearly and concisely.",
    "Be brief.",
    "You are Tiefsee.",
    "You are a math tutor.",
    "You are a helpful math teacher. Explain what you do.",
    "Please answer the user's questions.",
    "You are a helpful, honest and harmless assistant.",
    "You are a chat bot. Be polite.",
    "You are an expert in arithmetic and logic.",
    "Today is Monday. You are a helpful assistant.",
    "Du bist ein hilfreicher Assistent.",
    "Du bist ein hilfreicher Assistent. Antworte auf Deutsch.",
    "Du bist ein freundlicher Helfer.",
    "Du bist ein Mathelehrer.",
    "Antworte kurz.",
    "Beantworte die Fragen des Nutzers.",
    "你是一个有帮助的助手。",
    "你是一个乐于助人的助手。",
    "你是一个友好的助手，请用中文回答。",
    "你是一名数学老师。",
    "请简短回答。",
};

/* One document before it is tokens. */
typedef struct talk {
    const char *system; /* NULL: none */
    size_t n;           /* turns, of which the last is learned */
    bool thinks;
} talk;

enum { MAX_MESSAGES = 1 + 2 * TS_MAX_TURNS + TS_SCENE_MESSAGES + 1 };

typedef struct lines {
    ts_scene_view scene;
    tiefsee_message messages[MAX_MESSAGES];
} lines;

struct ts_dataset {
    ts_dataset_options opt;
    const ts_bpe *bpe;
    ts_item item[TS_MAX_TURNS];
    ts_tokens tokens;
    uint32_t *ids;
    uint8_t *learned;
    int32_t end_think, begin_output, end_output;
    talk last;
};

ts_dataset_options ts_dataset_pretrain(void)
{
    return (ts_dataset_options){
        .seed = 1, .thinking = 80, .mistakes = 8, .several = 8, .system = 8, .max_tokens = 512};
}

/* Percent of a family's share when the rate falls: by what was missing at the constant rate
 * behind 6 million tokens with this working (sums 82 %, products 88 %, but quotients 56 %,
 * sorted lists 54 %, countdown3 46 %) and by what is wanted of each. */
static const struct {
    const char *name;
    unsigned percent;
} LATE[] = {
    {"subtraction", 115}, {"multiplication", 90}, {"division", 130}, {"ordering", 130},
    {"countdown3", 130},  {"countdown4", 110},    {"units", 130},    {"dates", 125},
    {"percent", 80},      {"stories", 110},       {"self", 130},     {"beyond", 120},
};

ts_dataset_options ts_dataset_anneal(void)
{
    ts_dataset_options o = ts_dataset_pretrain();

    o.seed = 4;
    o.several = 12;
    o.system = 10;
    for (size_t i = 0; i < ts_n_all_families; i++)
        o.share[i] = ts_families[i].share * 100;
    for (size_t i = 0; i < TS_COUNT(LATE); i++) {
        unsigned *share = &o.share[ts_family_find(LATE[i].name) - ts_families];

        *share = *share / 100 * LATE[i].percent;
    }
    return o;
}

ts_dataset_options ts_dataset_sft(void)
{
    ts_dataset_options o = ts_dataset_pretrain();

    o.seed = 2;
    o.thinking = 65;
    o.several = 15;
    o.system = 15;
    for (size_t i = 0; i < ts_n_all_families; i++) {
        const ts_family *f = &ts_families[i];

        o.share[i] = f->share * (!f->thinks ? 3 : f->has_scene ? 2 : 1);
    }
    return o;
}

tiefsee_status ts_dataset_new(ts_dataset **out, const ts_dataset_options *opt, const ts_bpe *bpe,
                              tiefsee_error *err)
{
    ts_dataset *d = ts_alloc_zero(1, sizeof *d);
    unsigned total = 0;

    *out = NULL;
    if (!d)
        return ts_fail_nomem(err, sizeof *d, "a data set");
    d->opt = *opt;
    d->bpe = bpe;
    d->tokens.max = MAX_TOKENS;
    d->ids = ts_alloc(MAX_TOKENS * sizeof *d->ids);
    d->learned = ts_alloc(MAX_TOKENS);
    for (size_t i = 0; i < TS_MAX_TURNS; i++)
        d->item[i] = ts_item_empty();
    for (size_t i = 0; i < ts_n_all_families; i++)
        total += opt->share[i];
    for (size_t i = 0; total == 0 && i < ts_n_all_families; i++)
        d->opt.share[i] = ts_families[i].share;
    d->end_think = ts_bpe_find(bpe, "</think>");
    d->begin_output = ts_bpe_find(bpe, TS_OUTPUT_BEGIN);
    d->end_output = ts_bpe_find(bpe, TS_OUTPUT_END);
    tiefsee_status st = TIEFSEE_OK;
    if (!d->ids || !d->learned)
        st = ts_fail_nomem(err, MAX_TOKENS, "a document");
    else if (d->end_think < 0 || ts_bpe_bos(bpe) < 0 || ts_bpe_eos(bpe) < 0)
        st = ts_fail(err, TIEFSEE_E_INVALID, "the tokenizer has no bos, eos or </think>");
    if (st != TIEFSEE_OK) {
        ts_dataset_free(d);
        return st;
    }
    *out = d;
    return TIEFSEE_OK;
}

void ts_dataset_free(ts_dataset *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < TS_MAX_TURNS; i++)
        ts_item_free(&d->item[i]);
    ts_tokens_free(&d->tokens);
    ts_free(d->ids);
    ts_free(d->learned);
    ts_free(d);
}

static const ts_family *pick_family(const ts_dataset *d, ts_rng *rng)
{
    uint64_t total = 0;

    for (size_t i = 0; i < ts_n_all_families; i++)
        total += d->opt.share[i];
    uint64_t at = ts_rng_below(rng, total);
    for (size_t i = 0;; i++) {
        if (at < d->opt.share[i])
            return &ts_families[i];
        at -= d->opt.share[i];
    }
}

/* Tools in few words where there is little room. */
static unsigned level_of(const ts_dataset *d, const ts_family *f)
{
    const bool is_long = d->opt.max_tokens == 0 || d->opt.max_tokens >= LONG;

    if (d->opt.level)
        return d->opt.level;
    return strcmp(f->name, "tools") != 0 || is_long ? 0 : 1;
}

/* Item k of document i; the last turn is item 0.  What has a scene of its own stands alone. */
static tiefsee_status draw_turn(ts_dataset *d, uint64_t i, size_t k, bool thinks, ts_rng *rng,
                                tiefsee_error *err)
{
    const ts_family *f = pick_family(d, rng);

    while (k > 0 && f->has_scene)
        f = pick_family(d, rng);
    const ts_item_spec spec = {
        .seed = d->opt.seed,
        .index = i * TS_MAX_TURNS + k,
        .family = f,
        .split = d->opt.split,
        .level = level_of(d, f),
        .lang = -1,
        .mistakes = thinks ? d->opt.mistakes : 0,
    };
    return ts_item_make(&d->item[k], &spec, err);
}

/* The turns of document i; one_turn: what is too long otherwise.  The last turn is
 * the same in both. */
static tiefsee_status draw(ts_dataset *d, uint64_t i, bool one_turn, talk *t, tiefsee_error *err)
{
    const uint64_t seed[] = {d->opt.seed, i, 0xd0c};
    tiefsee_status st = TIEFSEE_OK;
    ts_rng rng;

    ts_rng_seed(&rng, ts_hash(seed, sizeof seed));
    t->thinks = ts_rng_below(&rng, 100) < d->opt.thinking;
    const bool has_system = ts_rng_below(&rng, 100) < d->opt.system;
    t->system = has_system ? SYSTEMS[ts_rng_below(&rng, TS_COUNT(SYSTEMS))] : NULL;
    t->n = ts_rng_below(&rng, 100) < d->opt.several ? 2 + ts_rng_below(&rng, TS_MAX_TURNS - 1) : 1;
    if (one_turn)
        t->n = 1;
    for (size_t k = 0; k < t->n && st == TIEFSEE_OK; k++) {
        st = draw_turn(d, i, k, t->thinks, &rng, err);
        if (st == TIEFSEE_OK && d->item[0].family->has_scene)
            t->n = 1;
    }
    t->thinks = t->thinks && !d->item[0].is_behind_tool;
    return st;
}

/* The conversation, up to where the last answer begins. */
static ts_chat look(const ts_dataset *d, const talk *t, lines *out)
{
    size_t n = 0;

    ts_item_look(&out->scene, &d->item[0]);
    if (t->system)
        out->messages[n++] = (tiefsee_message){.role = TIEFSEE_SYSTEM, .content = t->system};
    for (size_t k = t->n - 1; k > 0; k--) {
        const ts_item *it = &d->item[k];

        out->messages[n++] =
            (tiefsee_message){.role = TIEFSEE_USER, .content = ts_text_in(&it->question)};
        out->messages[n++] =
            (tiefsee_message){.role = TIEFSEE_ASSISTANT, .content = ts_text_in(&it->answer)};
    }
    memcpy(out->messages + n, out->scene.messages, out->scene.n * sizeof *out->messages);
    return (ts_chat){.messages = out->messages,
                     .n = n + out->scene.n,
                     .tools = out->scene.tools,
                     .n_tools = out->scene.n_tools,
                     .thinking = t->thinks};
}

static tiefsee_status push(ts_dataset *d, int32_t id, tiefsee_error *err)
{
    return ts_tokens_push(&d->tokens, id)
               ? TIEFSEE_OK
               : ts_fail(err, TIEFSEE_E_LIMIT, "a document of more than %d tokens", MAX_TOKENS);
}

/* Tokens that begin in a part of the trace that must not be imitated are not learned. */
static void unlearn(ts_dataset *d, size_t first, size_t end, const ts_item *it)
{
    size_t at = 0;

    for (size_t i = first; i < end; i++) {
        for (size_t k = 0; k < it->n_unlearned; k++)
            if (at >= it->unlearned[k].begin && at < it->unlearned[k].end)
                d->learned[i] = 0;
        at += ts_bpe_bytes(d->bpe, d->tokens.ids[i]).len;
    }
}

typedef struct said {
    ts_str trace, answer;
    bool thinks, has_calls;         /* calls: in the answer's text, with their markers */
    const tiefsee_tool_call *calls; /* behind the answer */
    size_t n_calls;
} said;

static tiefsee_status push_text(ts_dataset *d, ts_str text, tiefsee_error *err)
{
    return ts_bpe_encode(d->bpe, text.ptr, text.len, false, &d->tokens, err);
}

/* As V3.1 writes them: no text of theirs can become a marker. */
static tiefsee_status push_calls(ts_dataset *d, const said *a, tiefsee_error *err)
{
    tiefsee_status st = push(d, ts_bpe_find(d->bpe, TS_CALLS_BEGIN), err);

    for (size_t i = 0; i < a->n_calls && st == TIEFSEE_OK; i++) {
        st = push(d, ts_bpe_find(d->bpe, TS_CALL_BEGIN), err);
        if (st == TIEFSEE_OK)
            st = push_text(d, ts_str_of(a->calls[i].name), err);
        if (st == TIEFSEE_OK)
            st = push(d, ts_bpe_find(d->bpe, TS_CALL_SEP), err);
        if (st == TIEFSEE_OK)
            st = push_text(d, ts_str_of(a->calls[i].arguments), err);
        if (st == TIEFSEE_OK)
            st = push(d, ts_bpe_find(d->bpe, TS_CALL_END), err);
    }
    return st == TIEFSEE_OK ? push(d, ts_bpe_find(d->bpe, TS_CALLS_END), err) : st;
}

/* What is learned: the working (of a model that thinks), the answer, the end.  Markers are
 * tokens only in calls of tools, which none but this program writes.
 * trace_end: where the working ends. */
static tiefsee_status add_answer(ts_dataset *d, const said *a, size_t *trace_end,
                                 tiefsee_error *err)
{
    const size_t begin = d->tokens.n;
    tiefsee_status st = TIEFSEE_OK;

    if (a->thinks)
        st = ts_bpe_encode(d->bpe, a->trace.ptr, a->trace.len, false, &d->tokens, err);
    *trace_end = d->tokens.n;
    if (a->thinks && st == TIEFSEE_OK)
        st = push(d, d->end_think, err);
    if (st == TIEFSEE_OK)
        st = ts_bpe_encode(d->bpe, a->answer.ptr, a->answer.len, a->has_calls, &d->tokens, err);
    if (st == TIEFSEE_OK && a->n_calls > 0)
        st = push_calls(d, a, err);
    if (st == TIEFSEE_OK)
        st = push(d, ts_bpe_eos(d->bpe), err);
    if (st != TIEFSEE_OK)
        return st;
    memset(d->learned, 0, begin);
    memset(d->learned + begin, 1, d->tokens.n - begin);
    return TIEFSEE_OK;
}

/* Earlier answers: from where they may begin, behind </think> or a tool's result, to their
 * end.  No text can become such markers. */
static void learn_earlier(ts_dataset *d, size_t end)
{
    bool is_answer = false;

    for (size_t i = 0; i < end; i++) {
        const int32_t id = d->tokens.ids[i];

        is_answer = is_answer && id != d->begin_output; /* of a second tool's result */
        d->learned[i] = is_answer;
        if (id == d->end_think || id == d->end_output)
            is_answer = true;
        else if (id == ts_bpe_eos(d->bpe))
            is_answer = false;
    }
}

/* More tokens than there is room for are too many for any limit. */
static tiefsee_status leave_out(const ts_dataset *d, tiefsee_status st)
{
    return st == TIEFSEE_E_LIMIT && d->opt.max_tokens > 0 ? TIEFSEE_OK : st;
}

static void give(ts_dataset *d, ts_document *out)
{
    for (size_t i = 0; i < d->tokens.n; i++)
        d->ids[i] = (uint32_t)d->tokens.ids[i];
    *out = (ts_document){d->ids, d->learned, d->tokens.n};
}

tiefsee_status ts_dataset_make(ts_dataset *d, uint64_t i, ts_document *out, tiefsee_error *err)
{
    *out = (ts_document){0};
    for (int one_turn = 0; one_turn < 2; one_turn++) {
        talk t;
        lines conversation;
        tiefsee_status st = draw(d, i, one_turn, &t, err);

        if (st != TIEFSEE_OK)
            return st;
        const ts_chat chat = look(d, &t, &conversation);
        d->tokens.n = 0;
        st = ts_encoding_render(TS_ENCODING_V31, d->bpe, &chat, &d->tokens, err);
        const ts_item *it = &d->item[0];
        const said a = {.trace = ts_str_of(ts_text_in(&it->trace)),
                        .answer = ts_str_of(ts_text_in(&it->answer)),
                        .thinks = t.thinks,
                        .has_calls = it->has_calls};
        const size_t begin = d->tokens.n;
        size_t trace_end = begin;
        if (st == TIEFSEE_OK)
            st = add_answer(d, &a, &trace_end, err);
        if (st != TIEFSEE_OK)
            return st;
        unlearn(d, begin, trace_end, it);
        if (it->teaches_all)
            learn_earlier(d, begin);
        if (d->opt.max_tokens == 0 || d->tokens.n <= d->opt.max_tokens) {
            d->last = t;
            give(d, out);
            return TIEFSEE_OK;
        }
    }
    return TIEFSEE_OK;
}

static int take(const char *bytes, size_t n, void *user)
{
    return ts_buf_append(user, bytes, n) ? 0 : -1;
}

tiefsee_status ts_dataset_line(ts_dataset *d, ts_buf *out, tiefsee_error *err)
{
    const talk t = d->last;
    lines conversation;

    assert(t.n > 0);
    const ts_item *it = &d->item[0];
    const ts_chat chat = look(d, &t, &conversation);
    const tiefsee_message answer = {.role = TIEFSEE_ASSISTANT,
                                    .content = ts_text_in(&it->answer),
                                    .reasoning = t.thinks ? ts_text_in(&it->trace) : NULL};
    json_t *line = ts_chat_line(&chat, &answer);
    json_t *about =
        json_pack("{s:b, s:s, s:s, s:i}", "thinking", t.thinks, "family", it->family->name, "lang",
                  ts_lang_names[it->lang], "level", (int)it->level);
    const bool is_good = line && json_object_update(line, about) == 0 &&
                         json_dump_callback(line, take, out, 0) == 0 && ts_buf_append(out, "\n", 1);
    json_decref(line);
    json_decref(about);
    return is_good ? TIEFSEE_OK : ts_fail_nomem(err, it->trace.len, "a line of JSON");
}

tiefsee_status ts_dataset_chat(ts_dataset *d, const ts_chat *conversation, size_t n,
                               ts_document *out, tiefsee_error *err)
{
    *out = (ts_document){0};
    if (n < 2 || conversation->messages[n - 1].role != TIEFSEE_ASSISTANT)
        return ts_fail(err, TIEFSEE_E_INVALID, "a conversation ends with an answer");
    const tiefsee_message *last = &conversation->messages[n - 1];
    /* Behind a tool's result an answer goes on with its turn. */
    const bool goes_on = conversation->messages[n - 2].role == TIEFSEE_TOOL;
    const bool thinks = last->reasoning && *last->reasoning && !goes_on;
    const ts_chat chat = {.messages = conversation->messages,
                          .n = n - 1,
                          .tools = conversation->tools,
                          .n_tools = conversation->n_tools,
                          .thinking = thinks};
    const said a = {.trace = ts_str_of(last->reasoning),
                    .answer = ts_str_of(last->content),
                    .thinks = thinks,
                    .calls = last->calls,
                    .n_calls = last->n_calls};
    size_t trace_end;
    d->tokens.n = 0;
    tiefsee_status st = ts_encoding_render(TS_ENCODING_V31, d->bpe, &chat, &d->tokens, err);
    if (st == TIEFSEE_OK)
        st = add_answer(d, &a, &trace_end, err);
    if (st == TIEFSEE_OK && (d->opt.max_tokens == 0 || d->tokens.n <= d->opt.max_tokens))
        give(d, out);
    return leave_out(d, st);
}

tiefsee_status ts_dataset_text(ts_dataset *d, const char *text, size_t n, ts_document *out,
                               tiefsee_error *err)
{
    *out = (ts_document){0};
    d->tokens.n = 0;
    tiefsee_status st = push(d, ts_bpe_bos(d->bpe), err);
    if (st == TIEFSEE_OK)
        st = ts_bpe_encode(d->bpe, text, n, false, &d->tokens, err);
    if (st == TIEFSEE_OK)
        st = push(d, ts_bpe_eos(d->bpe), err);
    if (st != TIEFSEE_OK)
        return leave_out(d, st);
    if (d->opt.max_tokens > 0 && d->tokens.n > d->opt.max_tokens)
        return TIEFSEE_OK;
    memset(d->learned, 1, d->tokens.n);
    d->learned[0] = 0;
    give(d, out);
    return TIEFSEE_OK;
}

uint64_t ts_vocab_fingerprint(const ts_vocab *v)
{
    uint64_t h = ts_hash(&v->pre, sizeof v->pre);

    for (uint32_t i = 0; i < v->n_tokens; i++) {
        h = ts_hash_more(h, &v->type[i], 1);
        h = ts_hash_more(h, v->text[i].ptr, v->text[i].len);
        h = ts_hash_more(h, "", 1);
    }
    for (uint32_t i = 0; i < v->n_merges; i++) {
        h = ts_hash_more(h, v->merge_left[i].ptr, v->merge_left[i].len);
        h = ts_hash_more(h, " ", 1);
        h = ts_hash_more(h, v->merge_right[i].ptr, v->merge_right[i].len);
        h = ts_hash_more(h, "", 1);
    }
    return h ? h : 1;
}
