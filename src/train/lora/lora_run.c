/* lora_run.c - see lora_run.h. */
#include "train/lora/lora_run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "train/feed.h"
#include "train/lora/lora_parts.h"

/* Reals of one piece of a norm, and of AdamW's work. */
enum { PIECE = 4096 };

ts_lora_options ts_lora_defaults(void)
{
    return (ts_lora_options){
        .rank = 16,
        .targets = (1u << TS_N_TARGETS) - 1,
        .batch = 8,
        .pass_tokens = 1024,
        .max_tokens = 1024,
        .n_warmup = UINT64_MAX,
        .seed = 1,
        .save_every = 50,
        .n_epochs = 3,
        .alpha = 32,
        .lr = 2e-4,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = 1e-8,
        .clip = 1,
        .held_out = 0.05,
    };
}

uint64_t ts_lora_targets(const char *names)
{
    static const char *const groups[] = {"all", "attention", "mlp"};
    static const uint64_t bits[] = {0x7f, 0x0f, 0x70};
    uint64_t out = 0;

    for (const char *at = names;; at++) {
        const size_t n = strcspn(at, ",");
        const ts_str name = {at, n};
        uint64_t found = 0;

        for (size_t i = 0; i < TS_COUNT(groups); i++)
            found |= ts_str_is(name, groups[i]) ? bits[i] : 0;
        for (size_t i = 0; i < TS_N_TARGETS; i++)
            found |= ts_str_is(name, ts_target_names[i]) ? (uint64_t)1 << i : 0;
        if (!found)
            return 0;
        out |= found;
        at += n;
        if (!*at)
            return out;
    }
}

/* ------------------------------------------------------------------- opening */

void ts_lora_close(ts_lora_run *r)
{
    if (!r)
        return;
    if (r->log_fd >= 0)
        (void)close(r->log_fd);
    ts_map_close(&r->saved);
    ts_pool_free(r->dense.team.pool);
    ts_chat_set_free(&r->set);
    ts_free(r->state);
    ts_free(r->work);
    ts_bpe_free(r->bpe);
    ts_net_close(r->net);
    ts_modelfile_close(r->file);
    ts_free(r);
}

static tiefsee_status start_team(ts_lora_run *r, const ts_lora_files *files, tiefsee_error *err)
{
    unsigned flags = ts_cpu_flags();

    if (!ts_cpu_limit(&flags, files->cpu))
        return ts_fail(err, TIEFSEE_E_INVALID, "no kernel level '%s'", files->cpu);
    ts_kernels_select(&r->dense.team.kernels, flags);
    r->n_threads = files->n_threads;
    return ts_pool_new(&r->dense.team.pool, files->n_threads, err);
}

static tiefsee_status open_tokenizer(ts_lora_run *r, tiefsee_error *err)
{
    const ts_vocab *vocab = ts_modelfile_vocab(r->file);

    if (!vocab)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "the model has no tokenizer %s",
                       ts_modelfile_no_vocab(r->file));
    if (vocab->n_tokens > r->net->config.n_vocab)
        return ts_fail(err, TIEFSEE_E_FORMAT, "the tokenizer has %u tokens, the model %u",
                       vocab->n_tokens, r->net->config.n_vocab);
    const tiefsee_status st = ts_bpe_new(&r->bpe, vocab, err);
    if (st != TIEFSEE_OK)
        return st;
    r->encoding = ts_encoding_detect(vocab, r->bpe);
    return r->encoding != TS_ENCODING_NONE
               ? TIEFSEE_OK
               : ts_fail(err, TIEFSEE_E_UNSUPPORTED, "the model has no chat format that is known");
}

static tiefsee_status open_model(ts_lora_run *r, const char *path, tiefsee_error *err)
{
    tiefsee_status st = ts_modelfile_open(&r->file, path, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_net_open(&r->net, r->file, err);
    if (st == TIEFSEE_OK)
        st = ts_dense_check(r->net, err);
    if (st == TIEFSEE_OK)
        st = open_tokenizer(r, err);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "%s", ts_modelfile_path(r->file));
    r->dense.net = r->net;
    ts_net_base(r->net, r->base);
    return TIEFSEE_OK;
}

static tiefsee_status read_data(ts_lora_run *r, ts_lora_files *files, tiefsee_error *err)
{
    ts_lora_options *o = &r->options;
    ts_chat_spec spec = {.files = files->chats,
                         .bpe = r->bpe,
                         .encoding = r->encoding,
                         .max_tokens = (size_t)o->max_tokens,
                         .held_out = o->held_out,
                         .seed = o->seed};

    if (spec.max_tokens > r->net->config.n_ctx)
        spec.max_tokens = r->net->config.n_ctx;
    const tiefsee_status st = ts_chat_set_read(&r->set, &spec, err);
    files->chats = spec.files;
    if (st != TIEFSEE_OK)
        return st;
    r->n_bad = spec.files.n_bad;
    if (o->n_steps == 0)
        o->n_steps = (uint64_t)ceil(o->n_epochs * (double)r->set.n_train / (double)o->batch);
    if (o->n_steps == 0)
        o->n_steps = 1;
    if (o->n_warmup == UINT64_MAX)
        o->n_warmup = (o->n_steps + 19) / 20;
    r->pass_tokens = (size_t)(o->pass_tokens > r->set.longest ? o->pass_tokens : r->set.longest);
    return TIEFSEE_OK;
}

tiefsee_status ts_lora_open(ts_lora_run **out, ts_lora_files *files, const ts_lora_options *options,
                            bool resumes, tiefsee_error *err)
{
    ts_lora_run *r = ts_alloc_zero(1, sizeof *r);
    tiefsee_status st;

    *out = NULL;
    if (!r)
        return ts_fail_nomem(err, sizeof *r, "fine-tuning");
    r->log_fd = -1;
    r->folder = files->folder;
    st = resumes ? ts_lora_checkpoint_open(r, err) : TIEFSEE_OK;
    if (!resumes)
        r->options = *options;
    if (st == TIEFSEE_OK)
        st = start_team(r, files, err);
    if (st == TIEFSEE_OK)
        st = open_model(r, files->model, err);
    if (st == TIEFSEE_OK)
        st = read_data(r, files, err);
    if (st != TIEFSEE_OK) {
        ts_lora_close(r);
        return st;
    }
    *out = r;
    return TIEFSEE_OK;
}

const ts_lora_options *ts_lora_options_of(const ts_lora_run *r)
{
    return &r->options;
}

const char *ts_lora_model_name(const ts_lora_run *r)
{
    return ts_modelfile_name(r->file);
}

/* ---------------------------------------------------------------------- plan */

static void carve(ts_lora_run *r, ts_carve *state, ts_carve *work)
{
    const ts_lora_options *o = &r->options;
    const ts_dense_sizes sizes = {.rank = (size_t)o->rank,
                                  .scale = (real)(o->alpha / (double)o->rank),
                                  .targets = (unsigned)o->targets,
                                  .max_tokens = r->pass_tokens,
                                  .longest_doc = (size_t)r->set.longest,
                                  .n_threads = r->n_threads};

    r->head = ts_carve_take(state, 1, sizeof *r->head);
    ts_dense_net_carve(&r->dense, sizes, state, work);
    r->m = ts_carve_take(state, r->dense.n_reals, sizeof *r->m);
    r->v = ts_carve_take(state, r->dense.n_reals, sizeof *r->v);
    r->n_pieces = (r->dense.n_reals + PIECE - 1) / PIECE;
    r->partial = ts_carve_take(work, r->n_pieces, sizeof *r->partial);
    ts_train_batch_carve(&r->batch, r->pass_tokens, work);
}

void ts_lora_make_plan(const ts_lora_run *r, ts_lora_plan *out)
{
    ts_lora_run counted = *r;
    ts_carve state = {0}, work = {0};
    const ts_chat_set *s = &r->set;
    const ts_config *c = &r->net->config;

    carve(&counted, &state, &work);
    *out = (ts_lora_plan){
        .weight_bytes = ts_modelfile_bytes(r->file),
        .state_bytes = state.used,
        .input_bytes = (uint64_t)(c->n_layers + 1) * r->pass_tokens * c->d_model * sizeof(real),
        .work_bytes = work.used,
        .data_bytes = s->n_tokens * 5,
        .available_bytes = ts_cpu_available_memory(),
        .n_parameters = counted.dense.n_reals,
        .pass_tokens = r->pass_tokens,
        .n_conversations = s->n_conversations,
        .n_train = s->n_train,
        .n_held = s->n_held,
        .n_long = s->n_long,
        .n_bad = r->n_bad,
        .n_tokens = s->n_tokens,
        .n_learned = s->n_learned,
        .n_steps = r->options.n_steps,
    };
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static tiefsee_status reserve(ts_lora_run *r, tiefsee_error *err)
{
    ts_lora_plan p;

    ts_lora_make_plan(r, &p);
    const uint64_t all = p.weight_bytes + p.state_bytes + p.work_bytes;
    if (p.available_bytes && all > p.available_bytes)
        return ts_fail(err, TIEFSEE_E_NOMEM,
                       "fine-tuning needs %.0f MiB of the model + %.0f MiB of adapter and moments "
                       "+ %.0f MiB of activations and scratch = %.0f MiB; this machine can give "
                       "%.0f MiB (fewer --pass tokens or a lower --rank need less)",
                       mib(p.weight_bytes), mib(p.state_bytes), mib(p.work_bytes), mib(all),
                       mib(p.available_bytes));
    r->state = ts_alloc_zero(p.state_bytes, 1);
    r->work = ts_alloc_zero(p.work_bytes, 1);
    if (!r->state || !r->work)
        return ts_fail_nomem(err, p.state_bytes + p.work_bytes, "fine-tuning");
    r->state_bytes = p.state_bytes;
    carve(r, &(ts_carve){r->state, 0}, &(ts_carve){r->work, 0});
    ts_dense_net_prepare(&r->dense);
    return TIEFSEE_OK;
}

tiefsee_status ts_lora_start(ts_lora_run *r, uint64_t *step, tiefsee_error *err)
{
    tiefsee_status st = reserve(r, err);

    if (st == TIEFSEE_OK && !r->saved.ptr) {
        ts_dense_net_init(&r->dense, r->options.seed);
        st = ts_lora_folder_begin(r, err);
    } else if (st == TIEFSEE_OK) {
        st = ts_lora_checkpoint_load(r, err);
    }
    if (st != TIEFSEE_OK)
        return st;
    ts_dense_net_pack(&r->dense);
    *step = r->head->step;
    return TIEFSEE_OK;
}

/* ---------------------------------------------------------------------- loop */

double ts_lora_held_out(ts_lora_run *r)
{
    const ts_chat_set *s = &r->set;
    double sum = 0;
    uint64_t n = 0;

    for (uint64_t i = 0; i < s->n_held;) {
        ts_chat_batch_clear(&r->batch);
        while (i < s->n_held && ts_chat_batch_add(&r->batch, s, s->held[i], r->pass_tokens))
            i++;
        sum += ts_dense_net_loss(&r->dense, &r->batch);
        n += r->batch.n_learned;
    }
    return n > 0 ? sum / (double)n : -1;
}

/* Document number i of the whole run: each epoch has all of them in an order of its own. */
static uint32_t document(const ts_lora_run *r, uint64_t i)
{
    const uint64_t n = r->set.n_train;

    return r->set.train[ts_feed_shuffle(r->options.seed, i / n, i % n, n)];
}

static void compute_gradients(ts_lora_run *r, ts_lora_stats *s)
{
    const uint64_t begin = r->head->step * r->options.batch, end = begin + r->options.batch;
    double sum = 0;

    for (uint64_t i = begin; i < end; i++)
        s->n_learned += ts_chat_set_learned(&r->set, document(r, i));
    ts_dense_net_clear_gradients(&r->dense);
    for (uint64_t i = begin; i < end;) {
        ts_chat_batch_clear(&r->batch);
        while (i < end && ts_chat_batch_add(&r->batch, &r->set, document(r, i), r->pass_tokens))
            i++;
        s->n_tokens += r->batch.pack.n;
        sum += ts_dense_net_learn(&r->dense, &r->batch, (real)(1 / (double)s->n_learned));
    }
    s->loss = sum / (double)s->n_learned;
}

typedef struct step_loop {
    ts_lora_run *r;
    ts_adamw adamw;
} step_loop;

static void add_squares(void *ctx, size_t begin, size_t end, int thread)
{
    const step_loop *l = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const size_t at = i * PIECE, left = l->r->dense.n_reals - at;
        const real *g = l->r->dense.grad + at;
        l->r->partial[i] =
            (double)ts_real_dot(&l->r->dense.team.kernels, g, g, left < PIECE ? left : PIECE);
    }
}

static double norm_of(step_loop *l)
{
    double sum = 0;

    ts_pool_loop(l->r->dense.team.pool, l->r->n_pieces, 16, add_squares, l);
    for (size_t i = 0; i < l->r->n_pieces; i++)
        sum += l->r->partial[i];
    return sqrt(sum);
}

static void run_adamw(void *ctx, size_t begin, size_t end, int thread)
{
    const step_loop *l = ctx;
    const ts_lora_run *r = l->r;

    (void)thread;
    ts_adamw_step(&l->adamw, r->dense.value + begin, r->dense.grad + begin, r->m + begin,
                  r->v + begin, end - begin);
}

static void update(step_loop *l, double rate, double norm)
{
    ts_lora_run *r = l->r;
    const ts_lora_options *o = &r->options;
    const double t = (double)(r->head->step + 1);

    l->adamw = (ts_adamw){
        .lr = (real)rate,
        .beta1 = (real)o->beta1,
        .beta2 = (real)o->beta2,
        .eps = (real)o->eps,
        .decay = (real)o->decay,
        .correct1 = (real)(1 - pow(o->beta1, t)),
        .correct2 = (real)(1 - pow(o->beta2, t)),
        .grad_scale = (real)(o->clip > 0 && norm > o->clip ? o->clip / norm : 1),
    };
    ts_pool_loop(r->dense.team.pool, r->dense.n_reals, PIECE, run_adamw, l);
    ts_dense_net_pack(&r->dense);
}

static tiefsee_status one_step(ts_lora_run *r, ts_lora_stats *s, tiefsee_error *err)
{
    const ts_lora_options *o = &r->options;
    const ts_schedule schedule = {
        .kind = TS_SCHEDULE_COSINE, .n_steps = o->n_steps, .n_warmup = o->n_warmup};
    const double start = ts_clock_seconds();
    step_loop l = {.r = r};

    *s = (ts_lora_stats){.step = r->head->step + 1,
                         .n_steps = o->n_steps,
                         .held_out = -1,
                         .rate = o->lr * ts_schedule_at(&schedule, r->head->step)};
    compute_gradients(r, s);
    s->norm = norm_of(&l);
    s->epoch = (double)(s->step * o->batch) / (double)r->set.n_train;
    if (!isfinite(s->loss) || !isfinite(s->norm))
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "step %llu: the loss is %g, the gradient's norm %g; the last checkpoint is "
                       "left as it is (a lower --lr helps)",
                       (unsigned long long)s->step, s->loss, s->norm);
    update(&l, s->rate, s->norm);
    r->head->step = s->step;
    s->seconds = ts_clock_seconds() - start;
    return TIEFSEE_OK;
}

tiefsee_status ts_lora_go(ts_lora_run *r, ts_lora_on_step *on_step, void *user, tiefsee_error *err)
{
    bool goes_on = true;

    while (goes_on && r->head->step < r->options.n_steps) {
        ts_lora_stats s;
        const tiefsee_status st = one_step(r, &s, err);

        if (st != TIEFSEE_OK)
            return st;
        const bool is_last = s.step == s.n_steps, saves = s.step % r->options.save_every == 0;
        if (is_last || saves)
            s.held_out = ts_lora_held_out(r);
        ts_lora_log(r, &s);
        if (is_last || saves)
            ts_lora_save(r, &s);
        goes_on = on_step(user, &s);
        if ((is_last || !goes_on) && !s.has_saved) {
            ts_lora_save(r, &s);
            if (!s.has_saved) {
                *err = r->save_error;
                return err->status;
            }
        }
    }
    return TIEFSEE_OK;
}
