/* eval.c - see eval.h. */
#include "train/eval.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/thread.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "formats/json.h"
#include "train/tasks/maker.h"

enum { MAX_PROMPT = 1 << 16, MAX_TEXT = 1 << 22, MAX_LINE = 1 << 20, DEFAULT_TOGETHER = 32 };

typedef enum slot_state { FREE, RUNNING, DONE } slot_state;

/* One problem on its way. */
typedef struct slot {
    ts_eval *eval;
    ts_item item;
    ts_job *job;
    slot_state state; /* under the lock */
    ts_buf text;      /* what the model wrote, markers as text */
    size_t n_generated;
    bool is_cut, is_lost; /* lost: no memory for the text */
    tiefsee_status status;
    tiefsee_error error;
} slot;

struct ts_eval {
    tiefsee_model *model;
    ts_eval_options opt;
    ts_engine *engine;
    ts_lock *lock;
    slot *slots;
    size_t n_slots, n_ctx;
    bool thinks;
    tiefsee_token *prompt; /* (MAX_PROMPT) */
};

/* -------------------------------------------------------------------- open */

static size_t context_of(const ts_eval_options *opt, const tiefsee_model_info *info)
{
    const size_t most = info->n_ctx_train > 0 ? info->n_ctx_train : 4096;
    const size_t wanted = opt->n_ctx > 0 ? opt->n_ctx : 4096;

    return wanted < most || opt->n_ctx > 0 ? wanted : most;
}

/* Room for all that run, but no more than a quarter of the memory (the default). */
static uint64_t cache_of(const tiefsee_model *model, size_t n_ctx, size_t n)
{
    tiefsee_plan plan;

    tiefsee_model_plan(model, n_ctx, &plan);
    const uint64_t wanted = plan.kv_bytes + plan.kv_bytes / 4 + (1 << 20);
    return wanted > plan.available_bytes / 4 / n ? 0 : wanted * n;
}

static tiefsee_status open_parts(ts_eval *e, tiefsee_error *err)
{
    const size_t n = e->opt.n_together > 0 ? e->opt.n_together : DEFAULT_TOGETHER;
    const ts_engine_options engine = {.n_ctx = e->n_ctx,
                                      .max_running = n,
                                      .max_queue = 2 * n,
                                      .cache_bytes = cache_of(e->model, e->n_ctx, n)};

    e->n_slots = 2 * n;
    e->lock = ts_lock_new();
    e->prompt = ts_alloc(MAX_PROMPT * sizeof *e->prompt);
    e->slots = ts_alloc_zero(e->n_slots, sizeof *e->slots);
    if (!e->lock || !e->prompt || !e->slots)
        return ts_fail_nomem(err, e->n_slots * sizeof *e->slots, "problems in the making");
    for (size_t i = 0; i < e->n_slots; i++) {
        e->slots[i].eval = e;
        e->slots[i].item = ts_item_empty();
        e->slots[i].text = ts_buf_make(MAX_TEXT);
    }
    return ts_engine_open(&e->engine, e->model, &engine, err);
}

tiefsee_status ts_eval_open(ts_eval **out, tiefsee_model *model, const ts_eval_options *opt,
                            tiefsee_error *err)
{
    const tiefsee_chat_options chat = {.size = sizeof chat, .no_thinking = opt->no_thinking};
    tiefsee_model_info info = {0};

    *out = NULL;
    tiefsee_model_describe(model, &info);
    if (!info.has_tokenizer || !*info.encoding)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "%s has no %s that is known", info.name,
                       info.has_tokenizer ? "chat format" : "tokenizer");
    ts_eval *e = ts_alloc_zero(1, sizeof *e);
    if (!e)
        return ts_fail_nomem(err, sizeof *e, "an evaluation");
    e->model = model;
    e->opt = *opt;
    e->n_ctx = context_of(opt, &info);
    e->thinks = tiefsee_chat_opens_reasoning(model, &chat);
    const tiefsee_status st = open_parts(e, err);
    if (st != TIEFSEE_OK) {
        ts_eval_close(e);
        return st;
    }
    *out = e;
    return TIEFSEE_OK;
}

void ts_eval_close(ts_eval *e)
{
    if (!e)
        return;
    ts_engine_close(e->engine);
    for (size_t i = 0; e->slots && i < e->n_slots; i++) {
        ts_item_free(&e->slots[i].item);
        ts_buf_free(&e->slots[i].text);
    }
    ts_free(e->slots);
    ts_free(e->prompt);
    ts_lock_free(e->lock);
    ts_free(e);
}

/* ----------------------------------------------------------------- answers */

static bool is_stop(const tiefsee_model *m, tiefsee_token token)
{
    for (size_t i = 0; i < m->n_stop_tokens; i++)
        if (m->stop_token[i] == token)
            return true;
    return false;
}

/* On the engine's thread: keep the text, tell the other. */
static void on_done(void *user, const ts_job_result *r)
{
    slot *s = user;
    const tiefsee_model *m = s->eval->model;

    for (size_t i = 0; i < r->n_generated && !s->is_lost; i++) {
        const tiefsee_token token = r->tokens[r->n_prompt + i];
        const ts_str bytes = ts_bpe_bytes(m->bpe, token);

        if (!is_stop(m, token) && !ts_buf_append(&s->text, bytes.ptr, bytes.len))
            s->is_lost = true;
    }
    ts_lock_take(s->eval->lock);
    s->status = r->status;
    s->error = r->error;
    s->is_cut = r->finish == TIEFSEE_FINISH_LENGTH;
    s->n_generated = r->n_generated;
    s->state = DONE;
    ts_lock_wake(s->eval->lock);
    ts_lock_give(s->eval->lock);
}

static bool thinks(const ts_eval *e, const ts_item *it)
{
    return e->thinks && !it->is_behind_tool;
}

static tiefsee_status submit(ts_eval *e, slot *s, uint64_t index, tiefsee_error *err)
{
    static const ts_job_events events = {.done = on_done};
    ts_scene_view view;
    size_t n = 0;

    ts_item_look(&view, &s->item);
    const tiefsee_chat_options chat = {.size = sizeof chat,
                                       .no_thinking = e->opt.no_thinking,
                                       .tools = view.tools,
                                       .n_tools = view.n_tools};
    tiefsee_status st =
        tiefsee_chat_encode(e->model, view.messages, view.n, &chat, e->prompt, MAX_PROMPT, &n, err);
    ts_buf_clear(&s->text);
    s->is_lost = s->is_cut = false;
    const bool is_long = n > MAX_PROMPT || n >= e->n_ctx;
    if (st == TIEFSEE_OK && is_long && s->item.family->has_scene) {
        s->is_cut = true; /* too much for this model: it cannot be right */
        s->n_generated = 0;
        s->status = TIEFSEE_OK;
        s->state = DONE;
        return st;
    }
    if (st == TIEFSEE_OK && is_long)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "a question of %zu tokens (a context of %zu)", n,
                     e->n_ctx);
    if (st != TIEFSEE_OK)
        return st;
    const size_t room = e->n_ctx - n;
    ts_job_spec spec = {.tokens = e->prompt, .n_tokens = n, .user_name = ""};
    spec.generate = (tiefsee_generate_options){
        .size = sizeof spec.generate,
        .max_tokens = e->opt.max_tokens > 0 && e->opt.max_tokens < room ? e->opt.max_tokens : room,
        .raw = true,
        .in_reasoning = thinks(e, &s->item),
        .sampling = {.size = sizeof spec.generate.sampling,
                     .temperature = (float)e->opt.temperature,
                     .top_p = (float)e->opt.top_p,
                     .seed = e->opt.seed + index},
    };
    s->state = RUNNING; /* before its events come */
    st = ts_engine_submit(e->engine, &spec, &events, s, &s->job, err);
    if (st != TIEFSEE_OK)
        s->state = FREE;
    return st;
}

/* ------------------------------------------------------------- the stretch */

typedef struct stretch {
    ts_eval *eval;
    const ts_eval_events *events;
    ts_eval_score *score;
    uint64_t total;
    double started;
    tiefsee_error *err;
} stretch;

static bool goes_on(stretch *r)
{
    r->score->seconds = ts_clock_seconds() - r->started;
    return r->events->on_progress(r->events->user, r->score, r->total);
}

static tiefsee_status count(stretch *r, slot *s)
{
    const ts_str text = {s->text.ptr ? s->text.ptr : "", s->text.len};
    const ts_item *it = &s->item;

    if (s->status != TIEFSEE_OK) {
        if (r->err)
            *r->err = s->error;
        return s->status;
    }
    if (s->is_lost)
        return ts_fail_nomem(r->err, s->text.len, "an answer");
    ts_verdict v = ts_judge(it, text, thinks(r->eval, it));
    v.is_formed = v.is_formed && !s->is_cut;
    v.is_correct = v.is_correct && !s->is_cut;
    r->score->n++;
    r->score->n_correct += v.is_correct;
    r->score->n_formed += v.is_formed;
    r->score->n_cut += s->is_cut;
    r->score->n_tokens += s->n_generated;
    if (it->family->make) { /* what a file asks may be in any language */
        r->score->n_of[it->lang]++;
        r->score->n_correct_of[it->lang] += v.is_correct;
    }
    if (r->events->on_answer) {
        const ts_eval_answer a = {.question = {it->question.ptr, it->question.len},
                                  .text = text,
                                  .truth = {it->truth.ptr, it->truth.len},
                                  .verdict = v};
        r->events->on_answer(r->events->user, &a);
    }
    return TIEFSEE_OK;
}

/* Judge what is done; a free slot, or NULL and *n_running of them running. */
static slot *collect(stretch *r, size_t *n_running, tiefsee_status *st)
{
    ts_eval *e = r->eval;
    slot *free_slot = NULL;

    *n_running = 0;
    for (size_t i = 0; i < e->n_slots; i++) {
        slot *s = &e->slots[i];

        ts_lock_take(e->lock);
        const slot_state state = s->state;
        ts_lock_give(e->lock);
        if (state == RUNNING)
            ++*n_running;
        if (state == DONE) {
            const tiefsee_status judged = count(r, s);

            *st = *st == TIEFSEE_OK ? judged : *st;
            s->state = FREE;
        }
        if (state != RUNNING)
            free_slot = s;
    }
    return free_slot;
}

static bool is_any_done(const ts_eval *e)
{
    for (size_t i = 0; i < e->n_slots; i++)
        if (e->slots[i].state == DONE)
            return true;
    return false;
}

static void wait_for_one(ts_eval *e)
{
    ts_lock_take(e->lock);
    if (!is_any_done(e))
        ts_lock_wait(e->lock, 0.1);
    ts_lock_give(e->lock);
}

/* A job may end between the two, so the mark is looked at under the lock. */
static void cancel_all(ts_eval *e)
{
    ts_lock_take(e->lock);
    for (size_t i = 0; i < e->n_slots; i++)
        if (e->slots[i].state == RUNNING)
            ts_job_cancel(e->slots[i].job);
    ts_lock_give(e->lock);
}

/* Waits for all; what was stopped is not judged. */
static void drop_all(stretch *r)
{
    ts_eval *e = r->eval;

    cancel_all(e);
    for (bool is_running = true; is_running;) {
        is_running = false;
        ts_lock_take(e->lock);
        for (size_t i = 0; i < e->n_slots; i++) {
            is_running |= e->slots[i].state == RUNNING;
            if (e->slots[i].state == DONE)
                e->slots[i].state = FREE;
        }
        if (is_running)
            ts_lock_wait(e->lock, 0.1);
        ts_lock_give(e->lock);
    }
}

/* Fills an item; false: there are no more (or *st says why not). */
typedef bool next_item(void *source, ts_item *it, tiefsee_status *st, tiefsee_error *err);

static tiefsee_status go(stretch *r, next_item *next, void *source)
{
    tiefsee_status st = TIEFSEE_OK;
    bool has_more = true;
    size_t n_running = 0;

    r->started = ts_clock_seconds();
    for (uint64_t index = 0; st == TIEFSEE_OK;) {
        slot *s = collect(r, &n_running, &st);

        if (st == TIEFSEE_OK && !goes_on(r))
            st = ts_fail(r->err, TIEFSEE_E_CANCELLED, "stopped");
        if (st != TIEFSEE_OK || (!has_more && n_running == 0))
            break;
        if (s && has_more && index < r->total) {
            has_more = next(source, &s->item, &st, r->err);
            if (has_more)
                st = submit(r->eval, s, index++, r->err);
        } else {
            has_more = has_more && index < r->total;
            if (n_running > 0)
                wait_for_one(r->eval);
        }
    }
    drop_all(r);
    r->score->seconds = ts_clock_seconds() - r->started;
    return st;
}

/* ---------------------------------------------------------------- families */

typedef struct family_source {
    ts_item_spec spec;
} family_source;

static bool next_problem(void *source, ts_item *it, tiefsee_status *st, tiefsee_error *err)
{
    family_source *f = source;

    *st = ts_item_make(it, &f->spec, err);
    f->spec.index++;
    return *st == TIEFSEE_OK;
}

tiefsee_status ts_eval_family(ts_eval *e, const ts_family *f, const ts_eval_events *events,
                              ts_eval_score *out, tiefsee_error *err)
{
    family_source source = {{.seed = e->opt.seed,
                             .family = f,
                             .split = e->opt.split,
                             .level = e->opt.level,
                             .lang = e->opt.lang,
                             .has_new_phrase = e->opt.has_new_phrase}};
    stretch r = {.eval = e, .events = events, .score = out, .total = e->opt.n, .err = err};

    *out = (ts_eval_score){0};
    return go(&r, next_problem, &source);
}

/* ------------------------------------------------------------------- lines */

static const ts_family LINES = {.name = "lines", .judge = ts_judge_number};

typedef struct line_source {
    const char *path;
    ts_map map;
    size_t at;
    uint64_t number;
    bool skips_bad;
    ts_eval_score *score;
} line_source;

static bool fill(ts_buf *b, const char *text, size_t n)
{
    ts_buf_clear(b);
    return ts_buf_append(b, text, n);
}

/* NULL if the line is a question with an answer, else what is wrong with it. */
static const char *take_line(ts_item *it, const char *line, size_t n, tiefsee_error *why)
{
    const ts_json_limits limits = {.bytes = MAX_LINE, .values = 10000};
    json_t *all = NULL;
    const char *wrong = NULL;

    if (ts_json_parse(&all, line, n, limits, why) != TIEFSEE_OK)
        return why->message;
    const ts_str question = ts_json_str(json_object_get(all, "question"));
    const ts_str answer = ts_json_str(json_object_get(all, "answer"));
    const char *mark = answer.len > 0 ? strstr(answer.ptr, "####") : NULL;
    if (question.len == 0)
        wrong = "no text \"question\"";
    else if (!mark)
        wrong = "no \"answer\" with #### and a number";
    else if (!fill(&it->question, question.ptr, question.len) || !fill(&it->truth, "", 0))
        wrong = "it is longer than 8 KiB";
    for (mark = wrong ? NULL : mark + 4; mark && *mark && !wrong; mark++) /* 1,234 is 1234 */
        if (!strchr(" ,$\r\n\t", *mark) && !ts_buf_append(&it->truth, mark, 1))
            wrong = "its answer is longer than 8 KiB";
    json_decref(all);
    it->family = &LINES;
    it->judge = NULL;
    it->is_behind_tool = it->has_calls = false;
    ts_scene_clear(&it->scene);
    it->lang = TS_LANG_EN;
    return wrong;
}

static bool next_line(void *source, ts_item *it, tiefsee_status *st, tiefsee_error *err)
{
    line_source *l = source;

    while (l->at < l->map.size) {
        const char *line = (const char *)l->map.ptr + l->at;
        const char *end = memchr(line, '\n', l->map.size - l->at);
        const size_t n = end ? (size_t)(end - line) : l->map.size - l->at;
        tiefsee_error why = {0};

        l->at += n + 1;
        l->number++;
        if (n == 0)
            continue;
        const char *wrong = n > MAX_LINE ? "it is longer than 1 MiB" : take_line(it, line, n, &why);
        if (!wrong)
            return true;
        if (!l->skips_bad) {
            *st = ts_fail(err, TIEFSEE_E_FORMAT, "%s: line %llu: %s", l->path,
                          (unsigned long long)l->number, wrong);
            return false;
        }
        l->score->n_bad++;
    }
    return false;
}

tiefsee_status ts_eval_lines(ts_eval *e, const char *path, const ts_eval_events *events,
                             ts_eval_score *out, tiefsee_error *err)
{
    line_source source = {.path = path, .skips_bad = e->opt.skips_bad, .score = out};
    stretch r = {.eval = e, .events = events, .score = out, .total = e->opt.n, .err = err};

    *out = (ts_eval_score){0};
    tiefsee_status st = ts_map_open(&source.map, path, err);
    if (st != TIEFSEE_OK)
        return st;
    for (size_t i = 0, n = 0; i < source.map.size; i++) { /* for the progress */
        n += source.map.ptr[i] == '\n' || i + 1 == source.map.size;
        r.total = n < e->opt.n ? n : e->opt.n;
    }
    st = go(&r, next_line, &source);
    ts_map_close(&source.map);
    return st;
}
