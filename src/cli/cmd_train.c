/* cmd_train.c - make a model: pre-training and fine-tuning on shards of tokens.
 *
 * The loop is train/run.h; here are options, the line of progress and signals.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/seal.h"
#include "cli/train_view.h"
#include "core/error.h"
#include "core/file.h"
#include "train/comm.h"
#include "train/export_gguf.h"
#include "train/grpo.h"
#include "train/run.h"
#include "train/run_files.h"

static const char *preset = "r-5m", *config_path, *folder, *from, *teacher, *schedule_name,
                  *optimizer_name;
static const char *vocab_model, *type_name, *experts_name, *model_name = "trained here";
static ts_opt_list shards;
static uint64_t n_steps = 2000, batch_tokens, micro_tokens, save_every, seed = 1, n_threads = 2;
static uint64_t n_warmup = UINT64_MAX, n_ctx, n_parts = UINT64_MAX;
static double lr = -1, lr_factor = 0.3, decay_share = -1, weight_decay = -1, clip = -1,
              balance = -1, bias_rate = -1;
static uint64_t n_prompts, n_answers, max_answer = 192;
static double temperature = 1, anchor = 0.1, replay = 0.1, language = 0.05, overlong = 0.2;
static double valid_drop = 0.05;
static double clip_low = 0.2, clip_high = 0.28, kl_weight;
static uint64_t n_updates = 1, n_refresh = 400;
static uint64_t valid_every = 25, n_valid = 24, n_valid_answers = 4, level;
static const char *rollout_type = "f32", *rollout_experts;
static bool has_no_curriculum, keeps_routing;
static ts_opt_list families;
static double average;
static bool has_mtp, resumes, only_plans, is_rounded, is_averaged, has_no_plot;

typedef enum stage { PRETRAIN, SFT, GRPO, DISTILL } stage;

static const char *const schedules[] = {"wsd", "cosine", NULL};
static const char *const optimizers[] = {"muon", "adamw", NULL};

static const ts_opt options[] = {
    {'d', "data", "SHARD", "tokens to learn from; up to 16 times", .list = &shards},
    {'o', "out", "PATH", "folder of the checkpoint and the log; of export: the model file",
     .text = &folder},
    {0, "resume", .help = "go on with the checkpoint in FOLDER, its options and its files",
     .flag = &resumes},
    {0, "from", "CHECKPOINT", "start with these weights (sft, grpo and distill need it)",
     .text = &from},
    {0, "preset", "NAME", "model: r-1m, r-5m, d-5m (dense), r-10m or r-16m; default: r-5m",
     .text = &preset},
    {0, "config", "FILE", "model: a config.json of DeepSeek-V3's architecture",
     .text = &config_path},
    {'c', "ctx", "N", "longest document, in tokens; default: as --from, 512 for presets",
     .count = &n_ctx, .min = 2, .max = 1 << 16},
    {0, "mtp", .help = "also learn to predict the token after the next", .flag = &has_mtp},
    {'n', "steps", "N", "steps; default: 2000", .count = &n_steps, .min = 1, .max = 1u << 30},
    {0, "batch", "N", "tokens of a step; default: 8192", .count = &batch_tokens, .min = 1,
     .max = 1 << 24},
    {0, "pass", "N", "tokens of one pass, of which a step has several; default: 2048",
     .count = &micro_tokens, .min = 1, .max = 1 << 20},
    {0, "parts", "N",
     "of a step, that several ranks share; default: below mpirun each pass, else 0, one sum",
     .count = &n_parts, .max = 1 << 20},
    {0, "lr", "X", "peak learning rate; default: 3e-3 at a width of 192", .number = &lr,
     .high = 10},
    {0, "lr-factor", "X", "sft: what it takes of that rate; default: 0.3", .number = &lr_factor,
     .high = 10},
    {0, "optimizer", "NAME", "muon (and AdamW for what is no matrix) or adamw; default: muon",
     .text = &optimizer_name, .choices = optimizers},
    {0, "schedule", "NAME", "wsd (warm-up, constant, linear decay) or cosine; default: wsd",
     .text = &schedule_name, .choices = schedules},
    {0, "warmup", "N", "steps of the warm-up; default: a tenth, at most 150", .count = &n_warmup,
     .max = 1u << 30},
    {0, "decay", "X", "share of the steps in which wsd decays; default: 0.5",
     .number = &decay_share, .high = 1},
    {0, "weight-decay", "X", "of matrices; default: 0.1", .number = &weight_decay, .high = 10},
    {0, "clip", "X", "largest norm of a gradient, 0: any; default: 1", .number = &clip,
     .high = 1e9},
    {0, "balance", "X", "weight of the balance loss of experts; default: 1e-4", .number = &balance,
     .high = 1e3},
    {0, "bias-rate", "X", "how far a router's bias moves per step; default: 0.01",
     .number = &bias_rate, .high = 1},
    {0, "save-every", "N", "steps between checkpoints; default: 100", .count = &save_every,
     .min = 1, .max = 1u << 30},
    {'s', "seed", "N", "of weights and order; default: 1", .count = &seed},
    {'t', "threads", "N", "threads to compute with; default: 2", .count = &n_threads, .min = 1,
     .max = TS_MAX_THREADS},
    {0, "family", "NAME", "grpo, distill: ask only these problems; up to 16 times; default: all",
     .list = &families},
    {0, "level", "N", "grpo, distill: and only those of this difficulty; default: all",
     .count = &level, .min = 1, .max = TS_MAX_LEVELS},
    {0, "problems", "N", "grpo, distill: problems of a step; default: 32, 64", .count = &n_prompts,
     .min = 1, .max = 4096},
    {0, "answers", "N", "grpo, distill: answers to each; default: 16, 4", .count = &n_answers,
     .min = 2, .max = 1024},
    {0, "max-answer", "N", "grpo, distill: tokens of an answer; default: 192", .count = &max_answer,
     .min = 1, .max = 1 << 16},
    {0, "temp", "X", "grpo, distill: temperature of answers; default: 1", .number = &temperature,
     .low = 0.01, .high = 10},
    {0, "anchor", "X", "grpo, distill: weight of the shards' loss beside theirs; default: 0.1",
     .number = &anchor, .high = 1e3},
    {0, "valid-every", "N", "grpo: steps between validations, 0: none; default: 25",
     .count = &valid_every, .max = 1u << 30},
    {0, "valid", "N", "grpo: problems of each family to validate with; default: 24",
     .count = &n_valid, .min = 1, .max = 4096},
    {0, "valid-answers", "N",
     "grpo: sampled answers to those of asked families, what is best goes by them; default: 4",
     .count = &n_valid_answers, .max = 64},
    {0, "valid-drop", "X", "grpo: end if validation falls that far below the best; default: 0.05",
     .number = &valid_drop, .high = 1},
    {0, "no-curriculum", .help = "grpo: all levels alike, not those that teach most",
     .flag = &has_no_curriculum},
    {0, "replay", "X", "grpo: share of problems of what is mastered, any family; default: 0.1",
     .number = &replay, .high = 1},
    {0, "language", "X", "grpo: what an answer in another language costs; default: 0.05",
     .number = &language, .high = 1},
    {0, "overlong", "X", "grpo: what the last 15% of --max-answer cost; default: 0.2",
     .number = &overlong, .high = 1},
    {0, "mini-batches", "N", "grpo: updates from the answers of a step; default: 1",
     .count = &n_updates, .min = 1, .max = 4096},
    {0, "clip-low", "X", "grpo: with several, how far below 1 the ratio counts; default: 0.2",
     .number = &clip_low, .high = 1},
    {0, "clip-high", "X", "grpo: and how far above; default: 0.28", .number = &clip_high,
     .high = 1e9},
    {0, "kl", "X", "grpo: weight of the divergence from a reference; default: 0, none",
     .number = &kl_weight, .high = 1e3},
    {0, "refresh", "N", "grpo: steps until the weights become the new reference; default: 400",
     .count = &n_refresh, .min = 1, .max = 1u << 30},
    {0, "rollout-type", "TYPE", "grpo: of the weights that answer (f32, q8_0, ...); default: f32",
     .text = &rollout_type},
    {0, "rollout-experts", "TYPE", "grpo: of their routed experts; default: as --rollout-type",
     .text = &rollout_experts},
    {0, "keep-routing",
     .help = "grpo: learn with the experts that answered; so it is anyway if "
             "the weights that answer are rounded",
     .flag = &keeps_routing},
    {0, "teacher", "CHECKPOINT", "distill: who is learned from; any size, the same tokenizer",
     .text = &teacher},
    {0, "tokenizer", "FILE",
     "export, grpo, distill: the tokenizer.json, or a model file that has it",
     .text = &vocab_model},
    {0, "type", "TYPE", "export, --qat: of matrices; default: of --qat's run, or q8_0",
     .text = &type_name},
    {0, "experts", "TYPE", "export, --qat: of routed experts; default: as the other matrices",
     .text = &experts_name},
    {0, "qat", .help = "compute with weights rounded to --type and --experts, as in a model file",
     .flag = &is_rounded},
    {0, "average", "X", "keep a running average of the weights, of decay X (0.999)",
     .number = &average, .high = 0.999999},
    {0, "averaged", .help = "export, --from: take the checkpoint's averages for its weights",
     .flag = &is_averaged},
    {0, "name", "TEXT", "export: the model's name", .text = &model_name},
    {0, "no-plot", .help = "draw no curve on the terminal", .flag = &has_no_plot},
    {0, "plan", .help = "say what it would take, and stop", .flag = &only_plans},
    {0}};

/* is_ending: there is no time for a step more. */
static volatile sig_atomic_t stop, is_ending;
static ts_comm *comm;

static void on_stop(int number)
{
    (void)number;
    stop = 1;
}

static void on_end(int number)
{
    (void)number;
    is_ending = 1;
}

/* mpirun ends its ranks a second after it has told them to, and passes SIGUSR1 on. */
static void catch_signals(void)
{
    const struct sigaction stops = {.sa_handler = on_stop, .sa_flags = SA_RESTART},
                           ends = {.sa_handler = on_end, .sa_flags = SA_RESTART};

    (void)sigaction(SIGINT, comm ? &ends : &stops, NULL);
    (void)sigaction(SIGTERM, comm ? &ends : &stops, NULL);
    if (comm)
        (void)sigaction(SIGUSR1, &stops, NULL);
}

/* What ranks agree on, rank 0 says; one that others have left speaks for itself. */
static int fail(const tiefsee_error *err)
{
    if (ts_comm_rank(comm) == 0 || err->status == TIEFSEE_E_CANCELLED)
        return ts_cli_fail(err);
    return TS_EXIT_ERROR;
}

static bool on_step(void *user, const ts_run_stats *s)
{
    if (user)
        ts_train_view_show(user, s, stop || s->is_over || s->step == s->n_steps);
    return !stop;
}

/* ---------------------------------------------------------------- options */

static tiefsee_status take_config(ts_config *c, tiefsee_error *err)
{
    uint32_t n_vocab;

    if (from)
        return ts_run_config_of(c, from, err);
    if (config_path)
        return ts_run_read_config(c, config_path, err);
    const tiefsee_status st = ts_run_vocab(&n_vocab, shards.at[0], err);
    if (st != TIEFSEE_OK)
        return st;
    if (!ts_run_preset(c, preset, n_vocab))
        return ts_fail(err, TIEFSEE_E_INVALID, "no preset '%s' (r-1m, r-5m, d-5m, r-10m, r-16m)",
                       preset);
    return TIEFSEE_OK;
}

static void take_optimizer(ts_run_options *o, stage at)
{
    if (at == SFT)
        o->optimizer = ts_optimizer_defaults(o->optimizer.lr * lr_factor);
    if (lr >= 0)
        o->optimizer = ts_optimizer_defaults(lr);
    if (lr >= 0 && at == GRPO) {
        o->optimizer.has_muon = false;
        o->optimizer.lr_head = o->optimizer.lr_router = lr;
        o->optimizer.decay = 0;
    }
    if (optimizer_name)
        o->optimizer.has_muon = strcmp(optimizer_name, "muon") == 0;
    if (weight_decay >= 0)
        o->optimizer.decay = weight_decay;
    if (clip >= 0)
        o->optimizer.clip = clip;
}

static void take_answers(ts_grpo_options *g)
{
    g->n_prompts = n_prompts ? (uint32_t)n_prompts : g->n_prompts;
    g->group = n_answers ? (uint32_t)n_answers : g->group;
    g->max_answer = (uint32_t)max_answer;
    g->families = ts_grpo_family_mask(families.at, families.n);
    g->temperature = temperature;
    g->anchor = anchor;
}

static void take_rewards(ts_grpo_options *g)
{
    ts_dtype type = TS_F32, experts = TS_F32;

    g->valid_every = (uint32_t)valid_every;
    g->valid_n = (uint32_t)n_valid;
    g->valid_drop = valid_drop;
    g->has_curriculum = !has_no_curriculum;
    g->replay = replay;
    g->language = language;
    g->overlong = overlong;
    (void)ts_export_type(&type, rollout_type); /* train() has tried */
    (void)ts_export_type(&experts, rollout_experts ? rollout_experts : rollout_type);
    g->rollout_type = type;
    g->rollout_experts = experts;
    g->keeps_routing = keeps_routing || is_rounded || type != TS_F32 || experts != TS_F32;
}

/* Fine-tuning: 0.3 of the rate, cosine to nothing, biases of the routers stay. */
static void take_stage(ts_run_options *o, stage at, uint64_t fingerprint)
{
    o->has_mtp = has_mtp && at <= SFT;
    if (at == SFT) {
        o->schedule.kind = TS_SCHEDULE_COSINE;
        o->schedule.floor = 0;
        o->bias_rate = 0;
    }
    if (at == GRPO)
        ts_run_grpo_defaults(o);
    if (at == DISTILL)
        ts_run_distill_defaults(o, fingerprint);
    if (at >= GRPO)
        take_answers(&o->grpo);
    if (at >= GRPO)
        o->level = (uint32_t)level;
    if (at == GRPO)
        take_rewards(&o->grpo);
    if (at == GRPO && valid_every)
        o->valid_answers = (uint32_t)n_valid_answers;
    if (at == GRPO && (n_updates > 1 || kl_weight > 0))
        o->updates = (ts_grpo_updates){.n = (uint32_t)n_updates,
                                       .refresh = kl_weight > 0 ? (uint32_t)n_refresh : 0,
                                       .low = clip_low,
                                       .high = clip_high,
                                       .kl = kl_weight};
}

static tiefsee_status take_types(uint32_t *type, uint32_t *experts, tiefsee_error *err)
{
    const char *const name = type_name ? type_name : "q8_0";
    ts_dtype t, e;

    if (!ts_export_type(&t, name) || !ts_export_type(&e, experts_name ? experts_name : name))
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "train: no such type of weights (f32, f16, q8_0, q4_0, ...)");
    *type = t;
    *experts = e;
    return TIEFSEE_OK;
}

static tiefsee_status take_options(ts_run_options *o, stage at, tiefsee_error *err)
{
    ts_config config;
    uint64_t fingerprint = 0;
    tiefsee_status st = take_config(&config, err);

    if (st == TIEFSEE_OK && at == DISTILL)
        st = ts_run_fingerprint_of(&fingerprint, teacher, err);
    if (st != TIEFSEE_OK)
        return st;
    if (n_ctx)
        config.n_ctx = (uint32_t)n_ctx;
    ts_run_defaults(o, &config, n_steps);
    take_stage(o, at, fingerprint);
    if (at >= GRPO && families.n && !o->grpo.families)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "no such family of problems (tiefsee eval lists them)");
    if (at >= GRPO)
        st = ts_grpo_check_level(o->grpo.families, o->level, err);
    if (st != TIEFSEE_OK)
        return st;
    take_optimizer(o, at);
    if (schedule_name)
        o->schedule.kind = strcmp(schedule_name, "wsd") == 0 ? TS_SCHEDULE_WSD : TS_SCHEDULE_COSINE;
    if (batch_tokens)
        o->batch_tokens = (uint32_t)batch_tokens;
    if (micro_tokens)
        o->micro_tokens = (uint32_t)micro_tokens;
    if (o->micro_tokens > o->batch_tokens)
        o->micro_tokens = o->batch_tokens;
    if (n_parts != UINT64_MAX)
        o->n_parts = (uint32_t)n_parts;
    else if (ts_cli_ranks() > 0 && at <= SFT)
        o->n_parts = o->batch_tokens / o->micro_tokens;
    if (n_warmup != UINT64_MAX)
        o->schedule.n_warmup = n_warmup;
    if (decay_share >= 0)
        o->schedule.decay = decay_share;
    if (balance >= 0)
        o->balance = balance;
    if (bias_rate >= 0)
        o->bias_rate = bias_rate;
    if (save_every)
        o->save_every = save_every;
    o->seed = seed;
    o->average = average;
    return is_rounded ? take_types(&o->round_type, &o->round_experts, err) : TIEFSEE_OK;
}

/* -------------------------------------------------------------------- run */

static void print_plan(const ts_run_options *o, const ts_run_plan *p)
{
    const double mb = 1 << 20;
    char parts[96] = "";

    if (o->n_parts)
        (void)snprintf(parts, sizeof parts, "; %u parts on %d ranks", o->n_parts,
                       ts_comm_size(comm));
    (void)fprintf(stderr,
                  "%.2f M parameters, %.2f M of them active per token\n"
                  "memory: %.0f MiB of weights and moments + %.0f MiB of gradients and activations "
                  "= %.0f MiB; this machine can give %.0f MiB\n"
                  "steps: %llu of %u tokens in passes of %u; %u threads%s\n",
                  (double)p->n_parameters / 1e6, (double)p->n_active / 1e6,
                  (double)p->state_bytes / mb, (double)p->work_bytes / mb,
                  (double)(p->state_bytes + p->work_bytes) / mb, (double)p->available_bytes / mb,
                  (unsigned long long)o->schedule.n_steps, o->batch_tokens, o->micro_tokens,
                  (unsigned)n_threads, parts);
}

static int go(ts_run *r)
{
    const bool is_first = ts_comm_rank(comm) == 0;
    char log[4096];
    const int n = snprintf(log, sizeof log, "%s/log.jsonl", folder);
    const bool has_log = resumes && n > 0 && (size_t)n < sizeof log;
    ts_train_view *view = is_first ? ts_train_view_open(has_log ? log : NULL, !has_no_plot) : NULL;
    tiefsee_error err;

    const tiefsee_status st = ts_run_go(r, on_step, view, &err);
    ts_train_view_close(view);
    if (st != TIEFSEE_OK)
        return fail(&err);
    if (!stop || ts_run_step(r) == ts_run_options_of(r)->schedule.n_steps)
        return TS_EXIT_OK;
    if (is_first)
        (void)fprintf(stderr, "stopped behind step %llu; --resume goes on\n",
                      (unsigned long long)ts_run_step(r));
    return TS_EXIT_INTERRUPTED;
}

/* What the folder knows need not be said again. */
static void find_files(void)
{
    ts_run_file_names known = {.n_data = shards.n, .tokenizer = vocab_model, .teacher = teacher};

    if (!resumes || !folder)
        return;
    ts_run_files_load(folder, &known);
    for (; shards.n < known.n_data; shards.n++)
        shards.at[shards.n] = known.data[shards.n];
    vocab_model = known.tokenizer;
    teacher = known.teacher;
}

/* Without it the run is as good; the names can be given again. */
static void keep_files(void)
{
    ts_run_file_names names = {.n_data = shards.n, .tokenizer = vocab_model, .teacher = teacher};
    tiefsee_error err;

    memcpy(names.data, shards.at, shards.n * sizeof *shards.at);
    if (ts_run_files_save(folder, &names, &err) != TIEFSEE_OK)
        (void)fprintf(stderr, "tiefsee: %s\n", err.message);
}

/* TS_EXIT_NONE: go. */
static int begin(ts_run **out, const ts_run_files *files, stage at)
{
    const bool is_first = ts_comm_rank(comm) == 0;
    ts_run_options o = {0};
    ts_run_plan plan;
    tiefsee_error err;
    tiefsee_status st = TIEFSEE_OK;

    if (!resumes) {
        st = take_options(&o, at, &err);
        if (st == TIEFSEE_OK)
            st = ts_run_make_plan(&plan, &o, (int)n_threads, &err);
        st = ts_comm_agree(comm, st, &err);
        if (st == TIEFSEE_OK && is_first)
            print_plan(&o, &plan);
        if (st == TIEFSEE_OK && only_plans)
            return TS_EXIT_OK;
    }
    if (st == TIEFSEE_OK)
        st = resumes ? ts_run_resume(out, files, &err) : ts_run_new(out, &o, files, &err);
    if (st != TIEFSEE_OK)
        return fail(&err);
    if (!resumes && is_first)
        keep_files();
    if (resumes && is_first)
        (void)fprintf(stderr, "going on behind step %llu\n", (unsigned long long)ts_run_step(*out));
    return TS_EXIT_NONE;
}

static int train(stage at)
{
    find_files();
    ts_run_files files = {.folder = folder,
                          .shards = shards.at,
                          .n_shards = shards.n,
                          .weights = from,
                          .averaged = is_averaged,
                          .n_threads = (int)n_threads,
                          .tokenizer = vocab_model,
                          .teacher = teacher};
    tiefsee_error err;
    ts_run *r;

    if (shards.n == 0 || (!folder && !only_plans))
        return ts_cli_error(TS_EXIT_USAGE, "train: --data and --out are needed");
    if (at != PRETRAIN && !from && !resumes)
        return ts_cli_error(TS_EXIT_USAGE, "train: --from is needed");
    ts_dtype type;
    if (at == GRPO && (!ts_export_type(&type, rollout_type) ||
                       (rollout_experts && !ts_export_type(&type, rollout_experts))))
        return ts_cli_error(TS_EXIT_USAGE, "train grpo: no such type of weights (f32, q8_0, ...)");
    if (at >= GRPO && !vocab_model)
        return ts_cli_error(TS_EXIT_USAGE, "train %s: --tokenizer is needed",
                            at == GRPO ? "grpo" : "distill");
    if (at == DISTILL && !teacher)
        return ts_cli_error(TS_EXIT_USAGE, "train distill: --teacher is needed");
    if (at >= GRPO && ts_cli_ranks() > 1)
        return ts_cli_error(TS_EXIT_USAGE, "train grpo and distill run on one rank");
    if (ts_cli_ranks() > 1 && ts_comm_open(&comm, &is_ending, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    /* Another MPI's processes would each take themselves for the only one. */
    if (comm && (uint64_t)ts_comm_size(comm) != ts_cli_ranks())
        return ts_cli_error(TS_EXIT_ERROR,
                            "%llu processes were started, of which Open MPI knows %d",
                            (unsigned long long)ts_cli_ranks(), ts_comm_size(comm));
    if (!comm)
        ts_cli_seal();
    catch_signals();
    files.comm = comm;
    int code = begin(&r, &files, at);
    if (code == TS_EXIT_NONE) {
        code = go(r);
        ts_run_close(r);
    }
    ts_comm_close(comm);
    return code;
}

static int export_model(const char *path)
{
    ts_export_options opt = {
        .name = model_name, .as_trained = !type_name && !experts_name, .averaged = is_averaged};
    uint32_t type = 0, experts = 0;
    char checkpoint[4096];
    tiefsee_error err;

    if (!path || !folder || !vocab_model)
        return ts_cli_error(TS_EXIT_USAGE,
                            "train export: the checkpoint, --tokenizer and --out are needed");
    if (take_types(&type, &experts, &err) != TIEFSEE_OK)
        return ts_cli_error(TS_EXIT_USAGE, "%s", err.message);
    opt.type = (ts_dtype)type;
    opt.experts = (ts_dtype)experts;
    (void)snprintf(checkpoint, sizeof checkpoint, "%s%s", path,
                   ts_file_is_folder(path) ? "/checkpoint.bin" : "");
    if (ts_export_checkpoint(checkpoint, vocab_model, &opt, folder, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    return TS_EXIT_OK;
}

static int run(int argc, char **argv)
{
    if (strcmp(argv[0], "export") == 0)
        return export_model(argc > 1 ? argv[1] : NULL);
    if (argc > 1)
        return ts_cli_error(TS_EXIT_USAGE, "train %s takes no argument ('%s')", argv[0], argv[1]);
    if (strcmp(argv[0], "pretrain") == 0)
        return train(PRETRAIN);
    if (strcmp(argv[0], "sft") == 0)
        return train(SFT);
    if (strcmp(argv[0], "grpo") == 0)
        return train(GRPO);
    if (strcmp(argv[0], "distill") == 0)
        return train(DISTILL);
    return ts_cli_error(
        TS_EXIT_USAGE, "train: unknown stage '%s' (pretrain, sft, grpo, distill, export)", argv[0]);
}

const ts_command ts_cmd_train = {
    .name = "train",
    .arguments = "STAGE [CHECKPOINT] [options]",
    .summary = "make a model of DeepSeek-V3's architecture from tokens",
    .details =
        "Stages: pretrain learns from nothing; sft goes on from the weights of a "
        "checkpoint; grpo lets the model answer problems and learns from what was right; "
        "distill lets it answer and learns what a larger --teacher would have said there; "
        "export CHECKPOINT writes a model file. pretrain and sft learn only the tokens that "
        "the shards mark as answers. A terminal shows the curve of the loss, or of the reward; "
        "elsewhere each step has a line. What a step was is in FOLDER/log.jsonl. "
        "Interrupting saves a checkpoint; killing loses the steps since the last one, and a "
        "resumed run ends with the same bits. mpirun starts pretrain and sft on several ranks, "
        "with the same bits for any number of them. Defaults are those of pretrain: sft takes 0.3 "
        "of "
        "the rate, a cosine to zero and leaves the routers' biases; grpo takes AdamW at "
        "1e-4, a cosine to zero behind 5 steps of warm-up, no decay of weights, no balance "
        "and saves every 10 steps; distill is as grpo with the optimizer of pretrain at 0.2 of the "
        "rate. With --from the model is the checkpoint's, whatever --preset, --config and --ctx "
        "say.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};
