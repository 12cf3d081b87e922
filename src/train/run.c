/* run.c - see run.h. */
#include "train/run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/hash.h"
#include "train/flops.h"
#include "train/grpo.h"
#include "train/run_parts.h"
#include "train/step_gradients.h"

/* The divergence detector: a running mean of the loss over about ten steps that is this
 * far above the best one so far. */
static const double RUNAWAY_FACTOR = 1.5, RUNAWAY_MARGIN = 0.5, FAST = 0.1;
/* And a mean reward that is so far below the best one. */
static const double REWARD_MARGIN = 0.15;

/* ------------------------------------------------------------------- plan */

static ts_trunk_sizes sizes_of(const ts_run_options *o, int n_threads)
{
    return (ts_trunk_sizes){o->micro_tokens, o->config.n_ctx, n_threads};
}

static bool is_rounded(const ts_run_options *o)
{
    return o->round_type != TS_F32 || o->round_experts != TS_F32;
}

static void carve(ts_run *r, const ts_run_options *o, int n_threads, ts_carve *state,
                  ts_carve *work)
{
    r->trunk.net.config = o->config;
    r->trunk.net.has_mtp = o->has_mtp;
    r->trunk.net.is_rounded = is_rounded(o);
    r->trunk.has_teacher = o->teacher != 0;
    r->optimizer.keeps_average = o->average > 0;
    ts_checkpoint_carve(&r->head, &r->trunk, sizes_of(o, n_threads), &r->optimizer, state, work);
    ts_train_batch_carve(&r->batch, o->micro_tokens, work);
    r->grpo = ts_grpo_remembers(o) ? ts_carve_take(state, 1, sizeof *r->grpo) : NULL;
    r->reference = o->updates.refresh
                       ? ts_carve_take(state, r->trunk.net.n_reals, sizeof *r->reference)
                       : NULL;
    ts_gradients_carve(r, o, work);
}

tiefsee_status ts_run_make_plan(ts_run_plan *out, const ts_run_options *o, int n_threads,
                                tiefsee_error *err)
{
    tiefsee_status st = ts_network_check(&o->config, err);
    ts_carve state = {0}, work = {0};
    ts_run r = {0};

    if (st != TIEFSEE_OK)
        return st;
    if (o->micro_tokens < o->config.n_ctx || o->batch_tokens < o->micro_tokens ||
        o->batch_tokens > 1u << 24)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "a step of %u tokens in passes of %u with documents of up to %u "
                       "(step >= pass >= document)",
                       o->batch_tokens, o->micro_tokens, o->config.n_ctx);
    st = ts_gradients_check(o, err);
    if (st == TIEFSEE_OK && o->updates.n > 1 && (o->updates.n > o->grpo.n_prompts || o->teacher))
        st = ts_fail(err, TIEFSEE_E_INVALID, "%u mini-batches of the answers to %u problems%s",
                     o->updates.n, o->grpo.n_prompts, o->teacher ? " that a teacher judges" : "");
    if (st != TIEFSEE_OK)
        return st;
    carve(&r, o, n_threads, &state, &work);
    *out = (ts_run_plan){.state_bytes = state.used,
                         .work_bytes = work.used,
                         .available_bytes = ts_cpu_available_memory(),
                         .n_parameters = r.trunk.net.n_reals,
                         .n_active = ts_flops_active(&r.trunk.net)};
    return TIEFSEE_OK;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static tiefsee_status reserve(ts_run *r, const ts_run_options *o, int n_threads, tiefsee_error *err)
{
    ts_run_plan plan;
    const tiefsee_status st = ts_run_make_plan(&plan, o, n_threads, err);

    if (st != TIEFSEE_OK)
        return st;
    const uint64_t all = plan.state_bytes + plan.work_bytes;
    if (plan.available_bytes && all > plan.available_bytes)
        return ts_fail(err, TIEFSEE_E_NOMEM,
                       "training needs %.0f MiB of weights and moments + %.0f MiB of gradients "
                       "and activations = %.0f MiB; this machine can give %.0f MiB",
                       mib(plan.state_bytes), mib(plan.work_bytes), mib(all),
                       mib(plan.available_bytes));
    r->state = ts_alloc_zero(plan.state_bytes, 1);
    r->work = ts_alloc_zero(plan.work_bytes, 1);
    if (!r->state || !r->work)
        return ts_fail_nomem(err, all, "training");
    r->state_bytes = plan.state_bytes;
    carve(r, o, n_threads, &(ts_carve){r->state, 0}, &(ts_carve){r->work, 0});
    ts_trunk_prepare(&r->trunk);
    ts_optimizer_prepare(&r->optimizer, &r->trunk.net);
    return TIEFSEE_OK;
}

/* ------------------------------------------------------------- open, close */

void ts_run_close(ts_run *r)
{
    if (!r)
        return;
    if (r->end)
        r->end(r);
    if (r->log_fd >= 0)
        (void)close(r->log_fd);
    ts_gradients_end(r);
    ts_feed_close(&r->feed);
    ts_rounding_free(r->rounding);
    ts_teacher_close(r->teacher);
    ts_pool_free(r->trunk.team.pool);
    ts_free(r->state);
    ts_free(r->work);
    ts_free(r);
}

static tiefsee_status start_team(ts_run *r, const ts_run_files *files, tiefsee_error *err)
{
    unsigned flags = ts_cpu_flags();

    if (!ts_cpu_limit(&flags, files->cpu))
        return ts_fail(err, TIEFSEE_E_INVALID, "no kernel level '%s'", files->cpu);
    ts_kernels_select(&r->trunk.team.kernels, flags);
    return ts_pool_new(&r->trunk.team.pool, files->n_threads, err);
}

static tiefsee_status open_data(ts_run *r, const ts_run_options *o, const ts_run_files *files,
                                tiefsee_error *err)
{
    const tiefsee_status st = ts_feed_open(&r->feed, files->shards, files->n_shards, o->seed, err);

    if (st != TIEFSEE_OK)
        return st;
    if (r->feed.n_vocab != o->config.n_vocab)
        return ts_fail(err, TIEFSEE_E_INVALID, "the data has %u tokens, the model %u",
                       r->feed.n_vocab, o->config.n_vocab);
    if (r->feed.longest_doc > o->config.n_ctx)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "the longest document has %llu tokens, the model a context of %u",
                       (unsigned long long)r->feed.longest_doc, o->config.n_ctx);
    return TIEFSEE_OK;
}

/* log.jsonl from byte `length` on: what was written behind a checkpoint is dropped. */
static tiefsee_status open_log(ts_run *r, const char *folder, uint64_t length, tiefsee_error *err)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/log.jsonl", folder);
    r->log_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (r->log_fd < 0 || ftruncate(r->log_fd, (off_t)length) != 0)
        return ts_fail_errno(err, errno, "%s", path);
    return TIEFSEE_OK;
}

/* Also refuses a folder whose name leaves no room for what lies in it. */
static tiefsee_status set_paths(ts_run *r, const char *folder, tiefsee_error *err)
{
    const int n =
        snprintf(r->checkpoint_path, sizeof r->checkpoint_path, "%s/checkpoint.bin", folder);

    if (n < 0 || (size_t)n >= sizeof r->checkpoint_path)
        return ts_fail(err, TIEFSEE_E_INVALID, "the folder's name is too long");
    return TIEFSEE_OK;
}

static tiefsee_status load_weights(ts_run *r, const ts_run_files *files, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const ts_network *n = &r->trunk.net;
    const float *weights;
    ts_checkpoint_file from;
    tiefsee_status st = ts_checkpoint_open(&from, files->weights, err);

    if (st != TIEFSEE_OK)
        return st;
    /* Rotary positions have no weights: documents may be of another length. */
    from.head.options.config.n_ctx = o->config.n_ctx;
    if (memcmp(&from.head.options.config, &o->config, sizeof(ts_config)) != 0 ||
        (o->has_mtp && !from.head.options.has_mtp))
        st = ts_fail(err, TIEFSEE_E_INVALID, "the weights of another architecture");
    else
        st = ts_checkpoint_choose(&weights, &from, files->averaged, err);
    if (st == TIEFSEE_OK) {
        /* MTP's are the last ones, so without it the others lie where they are. */
        memcpy(n->value, weights, n->n_reals * sizeof *weights);
        memcpy(n->bias, from.biases, n->n_biases * sizeof *n->bias);
    }
    ts_checkpoint_close(&from);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%s", files->weights);
}

tiefsee_status ts_run_config_of(ts_config *out, const char *checkpoint, tiefsee_error *err)
{
    ts_checkpoint_file from;
    const tiefsee_status st = ts_checkpoint_open(&from, checkpoint, err);

    if (st != TIEFSEE_OK)
        return st;
    *out = from.head.options.config;
    ts_checkpoint_close(&from);
    return TIEFSEE_OK;
}

tiefsee_status ts_run_fingerprint_of(uint64_t *out, const char *checkpoint, tiefsee_error *err)
{
    ts_checkpoint_file from;
    const tiefsee_status st = ts_checkpoint_open(&from, checkpoint, err);

    if (st != TIEFSEE_OK)
        return st;
    *out = ts_checkpoint_fingerprint(&from.head);
    ts_checkpoint_close(&from);
    return TIEFSEE_OK;
}

static tiefsee_status set_up(ts_run *r, const ts_run_options *o, const ts_run_files *files,
                             tiefsee_error *err)
{
    tiefsee_status st = set_paths(r, files->folder, err);

    if (st == TIEFSEE_OK)
        st = start_team(r, files, err);
    if (st == TIEFSEE_OK)
        st = open_data(r, o, files, err);
    if (st == TIEFSEE_OK)
        st = reserve(r, o, files->n_threads, err);
    return st;
}

/* What ranks must have in common is compared, not believed. */
static tiefsee_status compare_ranks(ts_run *r, const ts_run_options *o, tiefsee_error *err)
{
    ts_run_options options;
    ts_map program;
    uint64_t hash = 0;

    if (!r->comm)
        return TIEFSEE_OK;
    tiefsee_status st = ts_map_open(&program, "/proc/self/exe", err);
    if (st == TIEFSEE_OK) {
        hash = ts_hash(program.ptr, program.size);
        ts_map_close(&program);
    }
    st = ts_comm_agree(r->comm, st, err);
    if (st == TIEFSEE_OK)
        st = ts_comm_same(r->comm, hash, "a program", err);
    ts_run_copy_options(&options, o);
    if (st == TIEFSEE_OK)
        st = ts_comm_same(r->comm, ts_hash(&options, sizeof options), "options", err);
    if (st == TIEFSEE_OK)
        st = ts_comm_same(r->comm, r->feed.fingerprint, "data", err);
    return st;
}

static tiefsee_status begin_folder(ts_run *r, const ts_run_options *o, const ts_run_files *files,
                                   tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    if (ts_file_exists(r->checkpoint_path))
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "%s is there already (resume it, or take another "
                       "folder)",
                       r->checkpoint_path);
    ts_run_copy_options(&r->head->options, o);
    r->head->fingerprint = r->feed.fingerprint;
    r->head->tokenizer = r->feed.shard[0].tokenizer;
    r->head->best_loss = r->head->fast_loss = INFINITY;
    ts_network_init(&r->trunk.net, o->seed);
    if (files->weights)
        st = load_weights(r, files, err);
    if (st == TIEFSEE_OK && r->optimizer.average)
        memcpy(r->optimizer.average, r->trunk.net.value,
               r->trunk.net.n_reals * sizeof *r->optimizer.average);
    if (st == TIEFSEE_OK && mkdir(files->folder, 0777) != 0 && errno != EEXIST)
        st = ts_fail_errno(err, errno, "%s", files->folder);
    return st == TIEFSEE_OK ? open_log(r, files->folder, 0, err) : st;
}

/* Rank 0 has made the state, or could not. */
static tiefsee_status share_state(ts_run *r, tiefsee_status st, tiefsee_error *err)
{
    st = ts_comm_agree(r->comm, st, err);
    return st == TIEFSEE_OK ? ts_comm_broadcast(r->comm, r->state, r->state_bytes, err) : st;
}

static tiefsee_status set_up_new(ts_run *r, const ts_run_options *o, const ts_run_files *files,
                                 tiefsee_error *err)
{
    tiefsee_status st = ts_comm_agree(r->comm, set_up(r, o, files, err), err);

    if (st == TIEFSEE_OK)
        st = compare_ranks(r, o, err);
    if (st != TIEFSEE_OK)
        return st;
    if (ts_comm_rank(r->comm) == 0)
        st = begin_folder(r, o, files, err);
    return share_state(r, st, err);
}

static tiefsee_status open_checkpoint(ts_run *r, const ts_run_files *files,
                                      ts_checkpoint_file *from, tiefsee_error *err)
{
    const tiefsee_status st = set_paths(r, files->folder, err);

    return st == TIEFSEE_OK ? ts_checkpoint_open(from, r->checkpoint_path, err) : st;
}

static tiefsee_status go_on_in_folder(ts_run *r, const ts_run_files *files,
                                      const ts_checkpoint_file *from, tiefsee_error *err)
{
    if (from->head.fingerprint != r->feed.fingerprint)
        return ts_fail(err, TIEFSEE_E_INVALID, "the run was started with other data");
    const tiefsee_status st = open_log(r, files->folder, from->head.log_bytes, err);
    if (st != TIEFSEE_OK)
        return st;
    memcpy(r->head, &from->head, sizeof from->head); /* with its padding */
    memcpy((uint8_t *)r->state + ts_checkpoint_body(), from->body, from->body_bytes);
    return TIEFSEE_OK;
}

static tiefsee_status set_up_resumed(ts_run *r, const ts_run_files *files, tiefsee_error *err)
{
    const bool is_first = ts_comm_rank(r->comm) == 0;
    ts_checkpoint_file from = {0};
    const tiefsee_status opened = is_first ? open_checkpoint(r, files, &from, err) : TIEFSEE_OK;
    ts_run_options o = from.head.options;

    tiefsee_status st = ts_comm_agree(r->comm, opened, err);
    if (st == TIEFSEE_OK)
        st = ts_comm_broadcast(r->comm, &o, sizeof o, err);
    if (st == TIEFSEE_OK)
        st = ts_comm_agree(r->comm, set_up(r, &o, files, err), err);
    if (st == TIEFSEE_OK)
        st = compare_ranks(r, &o, err);
    if (st == TIEFSEE_OK)
        st = share_state(r, is_first ? go_on_in_folder(r, files, &from, err) : TIEFSEE_OK, err);
    if (is_first && opened == TIEFSEE_OK)
        ts_checkpoint_close(&from);
    return st;
}

/* What all ranks reach together. */
static tiefsee_status add_peaks(ts_run *r, tiefsee_error *err)
{
    const int n = ts_comm_size(r->comm);
    double *peak = ts_alloc_zero((size_t)n, sizeof *peak);

    if (!peak)
        return ts_fail_nomem(err, (size_t)n * sizeof *peak, "the ranks");
    const double mine = ts_flops_peak(&r->trunk.team);
    const tiefsee_status st = ts_comm_gather(r->comm, &mine, sizeof mine, peak, err);
    for (int i = 0; i < n && st == TIEFSEE_OK; i++)
        r->peak_flops += peak[i];
    ts_free(peak);
    return st;
}

void ts_run_use_weights(ts_run *r)
{
    if (r->rounding)
        ts_rounding_run(r->rounding, r->trunk.team.pool);
    ts_trunk_pack_weights(&r->trunk);
}

/* What is beside weights and data. */
static tiefsee_status prepare_sources(ts_run *r, const ts_run_files *files, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const ts_file_types types = {(ts_dtype)o->round_type, (ts_dtype)o->round_experts};
    tiefsee_status st = ts_gradients_prepare(r, err);

    r->optimizer.options = o->optimizer;
    if (st == TIEFSEE_OK && is_rounded(o))
        st = ts_rounding_new(&r->rounding, &r->trunk.net, types, files->n_threads, err);
    if (st == TIEFSEE_OK && o->grpo.n_prompts)
        st = ts_grpo_start(r, files, err);
    if (st == TIEFSEE_OK && o->teacher)
        st = ts_teacher_open(&r->teacher, r, files->teacher, err);
    return st;
}

static tiefsee_status finish_opening(ts_run **out, ts_run *r, const ts_run_files *files,
                                     tiefsee_status st, tiefsee_error *err)
{
    if (st == TIEFSEE_OK)
        st = ts_comm_agree(r->comm, prepare_sources(r, files, err), err);
    if (st == TIEFSEE_OK) {
        ts_run_use_weights(r);
        st = add_peaks(r, err);
    }
    if (st != TIEFSEE_OK) {
        ts_run_close(r);
        return st;
    }
    r->cpu_mark = ts_clock_process_seconds();
    *out = r;
    return TIEFSEE_OK;
}

static bool fill_from_feed(ts_run *r, size_t pass, uint64_t *cursor);

static ts_run *new_run(const ts_run_files *files, tiefsee_error *err)
{
    ts_run *r = ts_alloc_zero(1, sizeof *r);

    if (!r) {
        (void)ts_fail_nomem(err, sizeof *r, "training");
        return NULL;
    }
    r->log_fd = -1;
    r->comm = files->comm;
    r->fill = fill_from_feed;
    return r;
}

tiefsee_status ts_run_new(ts_run **out, const ts_run_options *o, const ts_run_files *files,
                          tiefsee_error *err)
{
    ts_run *r = new_run(files, err);

    *out = NULL;
    return r ? finish_opening(out, r, files, set_up_new(r, o, files, err), err) : TIEFSEE_E_NOMEM;
}

tiefsee_status ts_run_resume(ts_run **out, const ts_run_files *files, tiefsee_error *err)
{
    ts_run *r = new_run(files, err);

    *out = NULL;
    return r ? finish_opening(out, r, files, set_up_resumed(r, files, err), err) : TIEFSEE_E_NOMEM;
}

const ts_run_options *ts_run_options_of(const ts_run *r)
{
    return &r->head->options;
}

uint64_t ts_run_step(const ts_run *r)
{
    return r->head->step;
}

/* ------------------------------------------------------------------- loop */

/* Passes of documents from the shards. */
static bool fill_from_feed(ts_run *r, size_t pass, uint64_t *cursor)
{
    const ts_run_options *o = &r->head->options;

    if (pass == o->batch_tokens / o->micro_tokens)
        return false;
    ts_feed_fill(&r->feed, cursor, &r->batch, o->micro_tokens);
    return true;
}

/* Moves the routers' biases and forgets the loads; the worst overload of the step. */
static double balance_experts(ts_run *r, double rate)
{
    const size_t E = r->trunk.net.config.n_experts,
                 n_blocks = r->trunk.net.config.n_layers + r->trunk.net.has_mtp;
    double worst = 0;

    for (size_t l = 0; l < n_blocks; l++) {
        ts_block *b = &r->trunk.block[l];
        uint64_t total = 0, most = 0;

        if (!b->w->is_moe)
            continue;
        for (size_t e = 0; e < E; e++) {
            total += b->load[e];
            most = b->load[e] > most ? b->load[e] : most;
        }
        if (total)
            worst = fmax(worst, (double)most * (double)E / (double)total - 1);
        ts_gate_update_bias(b->w->bias, b->load, E, (float)rate);
        memset(b->load, 0, E * sizeof *b->load);
    }
    return worst;
}

/* After the cursor and before the weights have moved. */
static tiefsee_status check_health(ts_run *r, const ts_run_stats *s, tiefsee_error *err)
{
    ts_checkpoint *h = r->head;

    if (!isfinite(s->loss) || !isfinite(s->mtp_loss) || !isfinite(s->norm))
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "step %llu: the loss is %g and the gradient's norm %g; the last "
                       "checkpoint is left as it is",
                       (unsigned long long)s->step, s->loss, s->norm);
    if (h->options.grpo.valid_every) /* that is watched instead: problems get harder */
        return TIEFSEE_OK;
    /* What is watched is the loss, or, where rewards are learned, what is missing of them. */
    const bool is_rewarded = h->options.grpo.n_prompts && !h->options.teacher;
    const double watched = is_rewarded ? 1 - s->reward : s->loss;
    h->fast_loss = isinf(h->fast_loss) ? watched : h->fast_loss + FAST * (watched - h->fast_loss);
    h->best_loss = fmin(h->best_loss, h->fast_loss);
    if (is_rewarded && h->fast_loss > h->best_loss + REWARD_MARGIN)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "step %llu: the reward falls (%.3f on average, it was %.3f); the last "
                       "checkpoint is left as it is",
                       (unsigned long long)s->step, 1 - h->fast_loss, 1 - h->best_loss);
    if (!is_rewarded && h->fast_loss > h->best_loss * RUNAWAY_FACTOR + RUNAWAY_MARGIN)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "step %llu: the loss runs away (%.3f on average, it was %.3f); the last "
                       "checkpoint is left as it is",
                       (unsigned long long)s->step, h->fast_loss, h->best_loss);
    return TIEFSEE_OK;
}

/* Times have a fixed width, so that a checkpoint, which counts the log's bytes, does not
 * depend on them.  A log that cannot be written does not stop the run; the caller sees
 * every step; of a line that was cut off (a full disk) the next one takes the place. */
static void log_step(ts_run *r, const ts_run_stats *s)
{
    char line[3072], reward[2048] = "";

    if (r->tell)
        r->tell(s, reward, sizeof reward);
    const int n = snprintf(
        line, sizeof line,
        "{\"step\":%llu,\"loss\":%.6f,\"mtp_loss\":%.6f,\"balance_loss\":%.3g,"
        "\"norm\":%.5g,"
        "\"rate\":%.5g,\"max_violation\":%.4f,\"tokens\":%llu,\"learned\":%llu,\"epoch\":%llu,%s"
        "\"seconds\":%9.4f,\"cpu_seconds\":%10.4f,\"gflops\":%8.2f,\"peak_gflops\":%8.2f}\n",
        (unsigned long long)s->step, s->loss, s->mtp_loss, s->balance_loss, s->norm, s->rate,
        s->max_violation, (unsigned long long)s->n_tokens, (unsigned long long)s->n_learned,
        (unsigned long long)s->epoch, reward, s->seconds, s->cpu_seconds,
        s->flops / s->seconds / 1e9, s->peak_flops / 1e9);

    if (r->log_fd >= 0 && n > 0 && (size_t)n < sizeof line &&
        pwrite(r->log_fd, line, (size_t)n, (off_t)r->head->log_bytes) == n)
        r->head->log_bytes += (uint64_t)n;
}

/* The others say that they have saved what rank 0 does. */
static void save(ts_run *r, ts_run_stats *s)
{
    s->has_saved = ts_comm_rank(r->comm) > 0 ||
                   ts_checkpoint_save(r->state, r->state_bytes, r->checkpoint_path,
                                      &r->save_error) == TIEFSEE_OK;
    s->save_error = s->has_saved ? NULL : r->save_error.message;
}

/* Weights and moments are the same bits everywhere, or something is broken: no checkpoint
 * is made of that. */
static tiefsee_status compare_states(ts_run *r, tiefsee_error *err)
{
    const size_t body = ts_checkpoint_body();

    if (!r->comm)
        return TIEFSEE_OK;
    return ts_comm_same(r->comm, ts_hash((uint8_t *)r->state + body, r->state_bytes - body),
                        "weights", err);
}

/* Only what the ranks agree on.  A disk that is full does not end the run: see s. */
static tiefsee_status try_to_save(ts_run *r, ts_run_stats *s, tiefsee_error *err)
{
    const tiefsee_status st = compare_states(r, err);

    if (st == TIEFSEE_OK)
        save(r, s);
    return st;
}

/* One of the updates of a step: what they tell becomes means, sums and the last one's. */
static tiefsee_status update(ts_run *r, ts_run_stats *s, double bias_rate, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    const uint64_t number = r->head->step * ts_grpo_n_updates(o) + r->update + 1;
    const double share = 1.0 / ts_grpo_n_updates(o);
    ts_run_stats own = {.step = s->step, .n_steps = s->n_steps, .reward = s->reward};

    tiefsee_status st = ts_gradients_compute(r, &own, err);
    if (st != TIEFSEE_OK)
        return st;
    own.norm = ts_optimizer_norm(&r->optimizer, &r->trunk.net, &r->trunk.team);
    st = check_health(r, &own, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_optimizer_step(&r->optimizer, &r->trunk.net, &r->trunk.team, number, s->rate, own.norm);
    if (o->average > 0)
        ts_optimizer_average(&r->optimizer, &r->trunk.net, &r->trunk.team, number, o->average);
    s->max_violation = balance_experts(r, bias_rate);
    ts_run_use_weights(r);
    s->norm = own.norm;
    s->loss += share * own.loss;
    s->mtp_loss += share * own.mtp_loss;
    s->balance_loss += share * own.balance_loss;
    s->clipped += share * own.clipped;
    s->divergence += share * own.divergence;
    s->flops += own.flops;
    s->n_tokens += own.n_tokens;
    s->n_learned += own.n_learned;
    s->cpu_seconds += own.cpu_seconds;
    return TIEFSEE_OK;
}

static tiefsee_status one_step(ts_run *r, ts_run_stats *s, tiefsee_error *err)
{
    const double start = ts_clock_seconds(), cpu_start = ts_clock_process_seconds();
    const ts_run_options *o = &r->head->options;
    const uint64_t step = r->head->step;
    const uint32_t n_updates = ts_grpo_n_updates(o);
    const bool moves_bias = (double)step < o->bias_until * (double)o->schedule.n_steps;

    *s = (ts_run_stats){.step = step + 1,
                        .n_steps = o->schedule.n_steps,
                        .rate = ts_schedule_at(&o->schedule, step),
                        .peak_flops = r->peak_flops,
                        .epoch = r->head->cursor / r->feed.first_doc[r->feed.n_shards]};
    if (r->prepare) {
        const tiefsee_status made = r->prepare(r, s, err);
        if (made != TIEFSEE_OK)
            return made;
    }
    for (r->update = 0; r->update < n_updates; r->update++) {
        const tiefsee_status st = update(r, s, moves_bias ? o->bias_rate : 0, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    r->head->step = step + 1;
    if (r->behind) {
        const tiefsee_status told = r->behind(r, s, err);
        if (told != TIEFSEE_OK)
            return told;
    }
    s->seconds = ts_clock_seconds() - start;
    s->cpu_seconds += ts_clock_process_seconds() - cpu_start;
    log_step(r, s);
    return TIEFSEE_OK;
}

tiefsee_status ts_run_go(ts_run *r, ts_run_on_step *on_step, void *user, tiefsee_error *err)
{
    const ts_run_options *o = &r->head->options;
    bool goes_on = true;

    while (goes_on && !r->is_over && r->head->step < o->schedule.n_steps) {
        ts_run_stats s;
        tiefsee_status st = one_step(r, &s, err);
        const bool is_last = s.step == s.n_steps || r->is_over;

        if (st == TIEFSEE_OK && (is_last || s.step % o->save_every == 0))
            st = try_to_save(r, &s, err);
        if (st != TIEFSEE_OK)
            return st;
        goes_on = on_step(user, &s);
        st = ts_comm_all(r->comm, &goes_on, err);
        const bool is_due = st == TIEFSEE_OK && (is_last || !goes_on) && !s.has_saved;
        if (is_due)
            st = try_to_save(r, &s, err);
        if (is_due && st == TIEFSEE_OK && !s.has_saved) {
            *err = r->save_error;
            st = err->status;
        }
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}
