/* reject.c - see reject.h. */
#include "train/reject.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/hash.h"
#include "train/checkpoint.h"
#include "train/export_gguf.h"
#include "train/grpo.h"
#include "train/policy.h"
#include "train/reject_state.h"

/* More than run together, so that there is work, but few enough that attempts of the
 * oldest problem, for which the others wait, come soon. */
enum { TOGETHER = 128, MAX_SLOTS = 160, SAVE_SECONDS = 30, MAX_FRESH = 1024 };
/* Answers that an older program had kept lacked their ends: they are not gone on with. */
enum { HAS_ENDS = 1 };

/* A problem on its way.  Problem i lies in slot i % n_slots. */
typedef struct slot {
    ts_item item;
    ts_policy_answer answer;
    uint32_t n_tried;
    uint64_t n_cut, n_generated;
    bool is_settled, is_right;
} slot;

typedef struct sampling {
    const ts_reject_spec *spec;
    ts_reject_made *made;
    ts_policy *policy;
    ts_shard_writer shard;
    slot *slots;
    uint8_t *learned; /* (n_ctx) */
    size_t n_slots, n_ctx;
    uint64_t first, end; /* problems in the slots */
    uint64_t key;
    double saved_at;
} sampling;

/* ------------------------------------------------------------------ answers */

static tiefsee_status try(sampling *s, slot *x, uint64_t index, tiefsee_error *err)
{
    const ts_reject_spec *spec = s->spec;
    const ts_policy_ask ask = {
        .item = &x->item,
        .thinks = x->item.family->thinks || index % 2 == 1,
        .max_answer = spec->max_answer,
        .temperature = spec->temperature,
        .seed = (spec->seed << 40) + index * spec->n_answers + x->n_tried,
    };

    x->n_tried++;
    return ts_policy_ask_for(s->policy, &x->answer, &ask, err);
}

static tiefsee_status begin_problem(sampling *s, tiefsee_error *err)
{
    const uint64_t index = s->end;
    slot *x = &s->slots[index % s->n_slots];
    const ts_item_spec spec = {.seed = s->spec->seed + 0x72656a,
                               .index = index,
                               .family = ts_grpo_family(s->spec->families, index),
                               .split = TS_SPLIT_TRAIN,
                               .level = s->spec->level,
                               .lang = -1};
    const tiefsee_status st = ts_item_make(&x->item, &spec, err);

    x->n_tried = 0;
    x->n_cut = x->n_generated = 0;
    x->is_settled = x->is_right = false;
    s->end++;
    return st == TIEFSEE_OK ? try(s, x, index, err) : st;
}

static bool has_room(const sampling *s)
{
    return s->end - s->first < s->n_slots && s->end < s->spec->n_problems;
}

static tiefsee_status fill_slots(sampling *s, tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    while (st == TIEFSEE_OK && has_room(s))
        st = begin_problem(s, err);
    return st;
}

/* What is done is judged, and tried again if it was wrong. */
static tiefsee_status look(sampling *s, uint64_t index, tiefsee_error *err)
{
    slot *x = &s->slots[index % s->n_slots];
    ts_policy_verdict v;

    if (x->is_settled || ts_policy_look(&x->answer) != TS_ANSWER_DONE)
        return TIEFSEE_OK;
    const tiefsee_status st = ts_policy_judge(s->policy, &x->item, &x->answer, &v, err);
    if (st != TIEFSEE_OK)
        return st;
    x->n_cut += x->answer.is_cut;
    x->n_generated += x->answer.n - x->answer.n_prompt;
    s->made->n_generated += x->answer.n - x->answer.n_prompt;
    x->is_right = v.is_right && v.keeps_language;
    if (s->spec->judge)
        x->is_right = s->spec->judge(&x->item, x->answer.token + x->answer.n_prompt,
                                     x->answer.n - x->answer.n_prompt);
    x->is_settled = x->is_right || x->n_tried == s->spec->n_answers;
    return x->is_settled ? TIEFSEE_OK : try(s, x, index, err);
}

/* The oldest problem leaves its slot: into the counts and, if it was solved, the shard. */
static tiefsee_status settle(sampling *s, tiefsee_error *err)
{
    const slot *x = &s->slots[s->first % s->n_slots];
    const ts_policy_answer *a = &x->answer;
    const ts_reject_count more = {.n_problems = 1,
                                  .n_answers = x->n_tried,
                                  .n_cut = x->n_cut,
                                  .n_kept = x->is_right,
                                  .n_tokens = x->is_right ? a->n : 0};

    s->first++;
    ts_reject_add(s->made, x->item.family, x->item.level, &more);
    if (!x->is_right)
        return TIEFSEE_OK;
    memset(s->learned, 0, a->n_prompt);
    memset(s->learned + a->n_prompt, 1, a->n - a->n_prompt);
    return ts_shard_add(&s->shard, a->token, s->learned, a->n, err);
}

static bool is_enough(const sampling *s)
{
    return s->made->all.n_tokens >= s->made->n_wanted || s->first == s->spec->n_problems;
}

static tiefsee_status save(sampling *s, tiefsee_error *err)
{
    s->saved_at = ts_clock_seconds();
    return ts_reject_save(s->made, &s->shard, s->key, s->spec->folder, err);
}

static tiefsee_status step(sampling *s, tiefsee_error *err)
{
    tiefsee_status st = fill_slots(s, err);

    for (uint64_t i = s->first; st == TIEFSEE_OK && i < s->end; i++)
        st = look(s, i, err);
    while (st == TIEFSEE_OK && !is_enough(s) && s->first < s->end &&
           s->slots[s->first % s->n_slots].is_settled)
        st = settle(s, err);
    if (st == TIEFSEE_OK && ts_clock_seconds() - s->saved_at > SAVE_SECONDS)
        st = save(s, err);
    return st;
}

static tiefsee_status sample(sampling *s, ts_on_reject *on_made, void *user, tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    s->saved_at = ts_clock_seconds();
    while (st == TIEFSEE_OK && !is_enough(s)) {
        st = step(s, err);
        if (st == TIEFSEE_OK && !on_made(user, s->made)) {
            st = save(s, err);
            return st == TIEFSEE_OK ? ts_fail(err, TIEFSEE_E_CANCELLED, "stopped") : st;
        }
        if (st == TIEFSEE_OK && !is_enough(s) && !has_room(s))
            ts_policy_wait(s->policy);
    }
    return st == TIEFSEE_OK ? save(s, err) : st;
}

/* -------------------------------------------------------------- begin, end */

static tiefsee_status open_policy(sampling *s, tiefsee_error *err)
{
    const ts_export_options export = {.name = "policy", .type = TS_F32, .experts = TS_F32};
    const ts_reject_spec *spec = s->spec;
    char path[4096];
    const ts_policy_options opt = {
        .path = path, .n_threads = spec->n_threads, .n_ctx = s->n_ctx, .n_queue = MAX_SLOTS};
    const int n = snprintf(path, sizeof path, "%s/policy.gguf", spec->folder);

    if (n < 0 || (size_t)n >= sizeof path)
        return ts_fail(err, TIEFSEE_E_INVALID, "the folder's name is too long");
    const tiefsee_status st =
        ts_export_checkpoint(spec->checkpoint, spec->tokenizer, &export, path, err);
    return st == TIEFSEE_OK ? ts_policy_open(&s->policy, &opt, err) : st;
}

static tiefsee_status reserve(sampling *s, tiefsee_error *err)
{
    const size_t n = s->spec->n_problems < MAX_SLOTS ? (size_t)s->spec->n_problems : MAX_SLOTS;
    bool has_all = true;

    s->slots = ts_alloc_zero(n ? n : 1, sizeof *s->slots);
    s->learned = ts_alloc(s->n_ctx);
    for (size_t i = 0; s->slots && i < n; i++) {
        s->slots[i].item = ts_item_empty();
        s->slots[i].answer.token = ts_alloc(s->n_ctx * sizeof(uint32_t));
        has_all &= s->slots[i].answer.token != NULL;
        s->n_slots = i + 1;
    }
    return has_all && s->slots && s->learned
               ? TIEFSEE_OK
               : ts_fail_nomem(err, n * s->n_ctx * sizeof(uint32_t), "answers");
}

static void release(sampling *s)
{
    ts_policy_close(s->policy);
    for (size_t i = 0; i < s->n_slots; i++) {
        ts_item_free(&s->slots[i].item);
        ts_free(s->slots[i].answer.token);
    }
    ts_free(s->slots);
    ts_free(s->learned);
    ts_shard_writer_free(&s->shard);
}

/* What the answers depend on. */
static uint64_t key_of(const ts_reject_spec *s, const ts_checkpoint *h)
{
    const uint64_t numbers[] = {h->hash,       h->tokenizer, s->seed,       s->n_tokens,
                                s->n_problems, s->n_answers, s->max_answer, s->families,
                                s->level,      HAS_ENDS};
    const uint64_t key = ts_hash(numbers, sizeof numbers);

    return ts_hash_more(key, &s->temperature, sizeof s->temperature);
}

static tiefsee_status add_fresh(sampling *s, const ts_vocab *v, tiefsee_error *err)
{
    ts_dataset_options o = ts_dataset_sft();
    ts_dataset *set = NULL;
    ts_bpe *bpe = NULL;
    tiefsee_status st = ts_bpe_new(&bpe, v, err);

    o.seed = s->spec->seed + 0x667265;
    o.max_tokens = s->n_ctx < MAX_FRESH ? s->n_ctx : MAX_FRESH;
    o.level = s->spec->level;
    for (size_t i = 0; o.level && s->spec->families && i < ts_n_all_families; i++)
        o.share[i] *= s->spec->families >> i & 1;
    if (st == TIEFSEE_OK)
        st = ts_dataset_new(&set, &o, bpe, err);
    for (uint64_t i = 0; st == TIEFSEE_OK && s->shard.n_tokens < s->spec->n_tokens; i++) {
        ts_document doc;

        if (i > 1000 && s->made->n_fresh_tokens == 0)
            st = ts_fail(err, TIEFSEE_E_LIMIT, "no document fits into %zu tokens", s->n_ctx);
        else
            st = ts_dataset_make(set, i, &doc, err);
        if (st != TIEFSEE_OK || doc.n == 0)
            continue;
        s->made->n_fresh_tokens += doc.n;
        st = ts_shard_add(&s->shard, doc.tokens, doc.learned, doc.n, err);
    }
    ts_dataset_free(set);
    ts_bpe_free(bpe);
    return st;
}

static tiefsee_status finish(sampling *s, const ts_vocab *v, tiefsee_error *err)
{
    char path[4096];
    tiefsee_status st = add_fresh(s, v, err);

    (void)snprintf(path, sizeof path, "%s/reject-000.shard", s->spec->folder);
    if (st == TIEFSEE_OK)
        st = ts_shard_write(&s->shard, path, err);
    s->made->n_docs = s->shard.n_docs;
    if (st == TIEFSEE_OK)
        st = ts_reject_finish(s->made, s->key, s->spec->folder, err);
    return st;
}

tiefsee_status ts_reject(ts_reject_made *made, const ts_reject_spec *spec, ts_on_reject *on_made,
                         void *user, tiefsee_error *err)
{
    sampling s = {.spec = spec, .made = made};
    ts_vocab_file t = {0};
    ts_checkpoint_file from;
    tiefsee_status st = ts_checkpoint_open(&from, spec->checkpoint, err);

    *made = (ts_reject_made){.n_wanted = spec->n_tokens / 2};
    if (st != TIEFSEE_OK)
        return st;
    const uint64_t tokenizer = from.head.tokenizer;
    s.n_ctx = from.head.options.config.n_ctx;
    s.key = key_of(spec, &from.head);
    ts_checkpoint_close(&from);
    st = ts_vocab_file_open(&t, spec->tokenizer, err);
    if (st == TIEFSEE_OK)
        st = ts_vocab_file_check(&t, tokenizer, spec->tokenizer, err);
    if (st == TIEFSEE_OK) {
        s.shard = ts_shard_writer_make(t.vocab.n_tokens, ts_vocab_fingerprint(&t.vocab),
                                       (size_t)(spec->n_tokens + (1 << 20)) * 4);
        st = ts_reject_load(made, &s.shard, s.key, spec->folder, err);
    }
    s.first = s.end = made->all.n_problems;
    if (st == TIEFSEE_OK)
        st = reserve(&s, err);
    if (st == TIEFSEE_OK && !is_enough(&s))
        st = open_policy(&s, err);
    if (st == TIEFSEE_OK)
        st = sample(&s, on_made, user, err);
    if (st == TIEFSEE_OK)
        st = finish(&s, &t.vocab, err);
    release(&s);
    ts_vocab_file_close(&t);
    return st;
}
