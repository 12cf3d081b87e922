/* cmd_train_lora.c - fine-tune a model on conversations: learn a LoRA adapter. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/clock.h"
#include "core/error.h"
#include "train/lora/lora_run.h"

static const char *folder, *target_names = "all";
static ts_opt_list chats;
static bool resumes, only_plans, skips_bad, is_lora;
static uint64_t rank = 16, batch = 8, pass_tokens = 1024, max_length = 1024, n_steps;
static uint64_t n_warmup = UINT64_MAX, save_every = 50, seed = 1, n_threads = 2;
static double alpha = -1, epochs = 3, lr = 2e-4, weight_decay, clip = 1, held_out = 5;

static const ts_opt options[] = {
    {'m', "model", "MODEL", "the model, as the argument", .text = &ts_settings_now.model},
    {'d', "data", "FILE", "conversations as lines of JSON; up to 16 times", .list = &chats},
    {'o', "out", "FOLDER", "where the run lives: adapter, checkpoint and log", .text = &folder},
    {0, "resume", .help = "go on with the folder's checkpoint and its options", .flag = &resumes},
    {0, "plan", .help = "say what it would take, and stop", .flag = &only_plans},
    {0, "skip-bad", .help = "leave out lines that are no conversation, and count them",
     .flag = &skips_bad},
    {0, "lora", .help = "what this is; for those who write train sft --lora", .flag = &is_lora},
    {0, "rank", "N", "of the adapter; default: 16", .count = &rank, .min = 1, .max = 1024},
    {0, "alpha", "X", "the adapter counts alpha / rank; default: twice the rank", .number = &alpha,
     .high = 1e6},
    {0, "targets", "NAMES",
     "matrices with an adapter: all, attention, mlp, or q_proj,v_proj,...; default: all",
     .text = &target_names},
    {0, "epochs", "X", "how often each conversation is learned; default: 3", .number = &epochs,
     .low = 0.001, .high = 1e6},
    {'n', "steps", "N", "steps, instead of --epochs", .count = &n_steps, .min = 1, .max = 1u << 30},
    {0, "batch", "N", "answers of a step; default: 8", .count = &batch, .min = 1, .max = 1 << 16},
    {0, "max-length", "N",
     "tokens of a conversation up to an answer; longer ones are left out; default: 1024",
     .count = &max_length, .min = 2, .max = 1 << 17},
    {0, "pass", "N",
     "tokens of one pass, of which a step has several; fewer need less memory; default: 1024",
     .count = &pass_tokens, .min = 1, .max = 1 << 20},
    {0, "lr", "X", "peak learning rate; default: 2e-4", .number = &lr, .high = 10},
    {0, "warmup", "N", "steps of the warm-up; default: a twentieth", .count = &n_warmup,
     .max = 1u << 30},
    {0, "weight-decay", "X", "default: 0", .number = &weight_decay, .high = 10},
    {0, "clip", "X", "largest norm of a gradient, 0: any; default: 1", .number = &clip,
     .high = 1e9},
    {0, "held-out", "PERCENT",
     "of the conversations are not learned but judged at every checkpoint; default: 5",
     .number = &held_out, .high = 90},
    {0, "save-every", "N", "steps between checkpoints; default: 50", .count = &save_every, .min = 1,
     .max = 1u << 30},
    {'s', "seed", "N", "of the adapter's beginning and the order; default: 1", .count = &seed},
    {'t', "threads", "N", "threads to compute with; default: 2", .count = &n_threads, .min = 1,
     .max = TS_MAX_THREADS},
    {0}};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

typedef struct progress {
    bool is_live;    /* one line, written over */
    double shown_at; /* clock of the last line */
    double seconds;  /* of a step, running mean */
} progress;

static bool show(void *user, const ts_lora_stats *s)
{
    progress *p = user;
    const double now = ts_clock_seconds();
    const bool is_last = s->step == s->n_steps;
    const char *clear = p->is_live ? "\r\033[K" : "";
    char left[32];

    p->seconds = p->seconds > 0 ? 0.8 * p->seconds + 0.2 * s->seconds : s->seconds;
    if (s->save_error)
        (void)fprintf(stderr, "%stiefsee: no checkpoint at step %llu: %s\n", clear,
                      (unsigned long long)s->step, s->save_error);
    if (s->held_out >= 0)
        (void)fprintf(stderr, "%sstep %llu  held-out loss %.4f\n", clear,
                      (unsigned long long)s->step, s->held_out);
    if (stop || is_last || now - p->shown_at >= (p->is_live ? 0.5 : 10)) {
        p->shown_at = now;
        ts_cli_duration(left, sizeof left, p->seconds * (double)(s->n_steps - s->step));
        (void)fprintf(stderr,
                      "%sstep %llu of %llu  loss %.4f  norm %.2f  lr %.2g  epoch %.2f  "
                      "%.0f tokens/s  %s left%s",
                      clear, (unsigned long long)s->step, (unsigned long long)s->n_steps, s->loss,
                      s->norm, s->rate, s->epoch, (double)s->n_tokens / s->seconds, left,
                      p->is_live && !is_last && !stop ? "" : "\n");
        (void)fflush(stderr);
    }
    return !stop;
}

static void print_plan(const ts_lora_run *r)
{
    const ts_lora_options *o = ts_lora_options_of(r);
    const double mb = 1 << 20;
    ts_lora_plan p;

    ts_lora_make_plan(r, &p);
    (void)fprintf(stderr,
                  "%s: %llu conversations; %llu answers to learn, %llu held out, %llu too long, "
                  "%llu bad lines\n"
                  "%llu tokens, %llu of them learned\n",
                  ts_lora_model_name(r), (unsigned long long)p.n_conversations,
                  (unsigned long long)p.n_train, (unsigned long long)p.n_held,
                  (unsigned long long)p.n_long, (unsigned long long)p.n_bad,
                  (unsigned long long)p.n_tokens, (unsigned long long)p.n_learned);
    (void)fprintf(stderr,
                  "adapter: rank %llu, alpha %g, %.2f M parameters\n"
                  "memory: %.0f MiB of the model (mapped) + %.0f MiB of adapter and moments\n"
                  "      + %.0f MiB of layers' inputs + %.0f MiB of activations, gradients and "
                  "scratch\n"
                  "      = %.0f MiB; this machine can give %.0f MiB\n"
                  "steps: %llu of %llu answers in passes of %llu tokens; %llu threads\n",
                  (unsigned long long)o->rank, o->alpha, (double)p.n_parameters / 1e6,
                  (double)p.weight_bytes / mb, (double)p.state_bytes / mb,
                  (double)p.input_bytes / mb, (double)(p.work_bytes - p.input_bytes) / mb,
                  (double)(p.weight_bytes + p.state_bytes + p.work_bytes) / mb,
                  (double)p.available_bytes / mb, (unsigned long long)p.n_steps,
                  (unsigned long long)o->batch, (unsigned long long)p.pass_tokens,
                  (unsigned long long)n_threads);
}

static int go(ts_lora_run *r)
{
    progress p = {.is_live = ts_cli_has_escapes(STDERR_FILENO), .shown_at = ts_clock_seconds()};
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    tiefsee_error err;
    uint64_t step;

    tiefsee_status st = ts_lora_start(r, &step, &err);
    if (st != TIEFSEE_OK)
        return ts_cli_fail(&err);
    if (step > 0)
        (void)fprintf(stderr, "going on behind step %llu\n", (unsigned long long)step);
    const double before = step == 0 ? ts_lora_held_out(r) : -1;
    if (before >= 0)
        (void)fprintf(stderr, "step 0  held-out loss %.4f\n", before);
    /* From here on there is something to save. */
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    st = ts_lora_go(r, show, &p, &err);
    if (st != TIEFSEE_OK)
        return ts_cli_fail(&err);
    if (stop) {
        (void)fprintf(stderr, "stopped; --resume goes on\n");
        return TS_EXIT_INTERRUPTED;
    }
    (void)fprintf(stderr, "the adapter is in %s: tiefsee run MODEL --lora %s\n", folder, folder);
    return TS_EXIT_OK;
}

static int take_options(ts_lora_options *o)
{
    *o = ts_lora_defaults();
    o->targets = ts_lora_targets(target_names);
    if (o->targets == 0)
        return ts_cli_error(TS_EXIT_USAGE,
                            "train lora: --targets '%s' (all, attention, mlp, or names of "
                            "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj)",
                            target_names);
    o->rank = rank;
    o->alpha = alpha >= 0 ? alpha : 2 * (double)rank;
    o->batch = batch;
    o->pass_tokens = pass_tokens;
    o->max_tokens = max_length;
    o->n_steps = n_steps;
    o->n_epochs = epochs;
    o->n_warmup = n_warmup;
    o->seed = seed;
    o->save_every = save_every;
    o->lr = lr;
    o->decay = weight_decay;
    o->clip = clip;
    o->held_out = held_out / 100;
    return TS_EXIT_NONE;
}

static int run(int argc, char **argv)
{
    tiefsee_model_options model;
    ts_lora_options o;
    ts_lora_run *r;
    tiefsee_error err;
    char path[4096];

    int code = ts_cli_take_model(argc, argv);
    if (code == TS_EXIT_NONE && (!ts_settings_now.model || chats.n == 0 || !folder))
        code = ts_cli_error(TS_EXIT_USAGE, "train lora: MODEL, --data and --out are needed");
    if (code == TS_EXIT_NONE)
        code = ts_cli_find_model(path, sizeof path);
    if (code == TS_EXIT_NONE)
        code = take_options(&o);
    if (code != TS_EXIT_NONE)
        return code;
    ts_cli_model_options(&model);
    ts_lora_files files = {.model = path,
                           .folder = folder,
                           .chats = {.paths = chats.at, .n = chats.n, .skips_bad = skips_bad},
                           .n_threads = (int)n_threads,
                           .cpu = model.cpu};
    if (ts_lora_open(&r, &files, &o, resumes, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    print_plan(r);
    code = only_plans ? TS_EXIT_OK : go(r);
    ts_lora_close(r);
    return code;
}

const ts_command ts_cmd_train_lora = {
    .name = "train lora",
    .arguments = "MODEL --data FILE --out FOLDER [options]",
    .summary = "fine-tune a model on conversations (train sft --lora)",
    .details =
        "Learns a LoRA adapter beside the frozen matrices of a Qwen2, Qwen3 or Llama model (the "
        "R1 distills), which stay in the file's types. A line of FILE is {\"messages\": "
        "[{\"role\": \"user\", \"content\": \"...\"}, {\"role\": \"assistant\", \"content\": "
        "\"...\"}]}; answers may have \"reasoning_content\". Only answers are learned. FOLDER "
        "gets adapter_model.safetensors and adapter_config.json as PEFT has them; run, chat and "
        "serve take the folder with --lora. Interrupting saves a checkpoint; killing loses the "
        "steps since the last one, and a resumed run ends with the same bits.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
