/* cmd_bench.c - how fast a model runs here, beside what the machine can do. */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/bench.h"

static uint64_t n_prefill = 512, n_decode = 64, depth, n_repeats = 3;
static bool wants_json;

static const ts_opt options[] = {
    TS_OPTIONS_MODEL,
    {'p', "prompt", "N", "prefill N tokens; 0: skip; default: 512", .count = &n_prefill,
     .max = TS_MAX_CTX},
    {'n', "tokens", "N", "decode N tokens; 0: skip; default: 64", .count = &n_decode,
     .max = TS_MAX_CTX},
    {'d', "depth", "N", "decode behind a context of N tokens; default: 0", .count = &depth,
     .max = TS_MAX_CTX},
    {'r', "repeat", "N", "report the median of N runs; default: 3", .count = &n_repeats, .min = 1,
     .max = 32},
    {'j', "json", .help = "print one JSON object", .flag = &wants_json},
    {0}};

static void on_step(void *user, const char *phase, size_t done, size_t total)
{
    (void)user;
    (void)fprintf(stderr, "\r\033[K%s %zu/%zu", phase, done + (total > done), total);
    (void)fflush(stderr);
}

/* What the limit of a phase is made of. */
static const char *peak_name(const ts_bench_result *r)
{
    return r->is_integer ? "int8 peak" : "float peak";
}

static void print_phase(const char *name, const ts_bench_phase *p, const char *limit)
{
    if (p->tokens == 0)
        return;
    (void)printf("  %-8s %6zu tokens", name, p->tokens);
    if (p->depth)
        (void)printf(" at %zu", p->depth);
    (void)printf("   %9.2f tok/s  +-%2.0f %%   %5.1f %% of the %s (%.1f tok/s)\n", p->tokens_per_s,
                 50 * p->spread, 100 * p->share_of_limit, limit, p->limit_tokens_per_s);
}

/* "2.3 M", "15.7 G" */
static const char *amount(char out[static 32], double v)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    size_t i = 0;

    while (v >= 1000 && i + 1 < sizeof units / sizeof *units) {
        v /= 1000;
        i++;
    }
    (void)snprintf(out, 32, "%.3g%s", v, units[i]);
    return out;
}

static void print_table(const tiefsee_model_info *info, const ts_bench_result *r)
{
    char a[32], c[32], d[32];

    (void)printf("%s: %s parameters, %s\n", info->name, amount(a, (double)info->n_parameters),
                 info->weight_types);
    (void)printf("%d threads, kernels %s; a token reads %sB of weights and takes %s "
                 "multiply-adds\n\n",
                 info->n_threads, info->kernels, amount(c, (double)r->weight_bytes_per_token),
                 amount(d, (double)r->macs_per_token));
    print_phase("prefill", &r->prefill, peak_name(r));
    print_phase("decode", &r->decode, "memory bus");
    (void)printf("\n  limits   bus %.1f GB/s, int8 %.0f GOPS, float %.0f GFLOPS (measured beside "
                 "each run)\n",
                 r->rates.bus_gb_per_s, r->rates.int8_gops, r->rates.f32_gflops);
    (void)printf("  memory   %.2f GB at the most\n", 1e-9 * (double)r->peak_rss_bytes);
}

static json_t *phase_json(const ts_bench_phase *p, bool has_depth)
{
    json_t *o = json_pack("{s:I, s:f, s:f, s:f, s:f}", "tokens", (json_int_t)p->tokens,
                          "tokens_per_s", p->tokens_per_s, "share_of_limit", p->share_of_limit,
                          "limit_tokens_per_s", p->limit_tokens_per_s, "spread", p->spread);
    if (o && has_depth)
        (void)json_object_set_new(o, "depth", json_integer((json_int_t)p->depth));
    return o;
}

static int print_json(const tiefsee_model_info *info, const ts_bench_result *r)
{
    json_t *o = json_pack(
        "{s:s, s:{s:f, s:f, s:f}, s:i, s:s, s:I, s:I, s:I}", "model", info->name, "limits",
        "bus_gb_per_s", r->rates.bus_gb_per_s, "int8_gops", r->rates.int8_gops, "f32_gflops",
        r->rates.f32_gflops, "threads", info->n_threads, "kernels", info->kernels, "peak_rss_bytes",
        (json_int_t)r->peak_rss_bytes, "weight_bytes_per_token",
        (json_int_t)r->weight_bytes_per_token, "macs_per_token", (json_int_t)r->macs_per_token);

    if (o && r->prefill.tokens)
        (void)json_object_set_new(o, "prefill", phase_json(&r->prefill, false));
    if (o && r->decode.tokens)
        (void)json_object_set_new(o, "decode", phase_json(&r->decode, true));
    const int failed = !o || json_dumpf(o, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;
    json_decref(o);
    return failed ? ts_cli_error(TS_EXIT_ERROR, "the result could not be written") : TS_EXIT_OK;
}

static int run(int argc, char **argv)
{
    ts_bench_options opt = {.n_prefill = (size_t)n_prefill,
                            .n_decode = (size_t)n_decode,
                            .depth = (size_t)depth,
                            .n_repeats = (int)n_repeats};
    tiefsee_model_info info;
    ts_bench_result result;
    tiefsee_model *model;
    tiefsee_error err;

    int exit_code = ts_cli_take_model(argc, argv);
    if (exit_code == TS_EXIT_NONE)
        exit_code = ts_cli_open_model(&model, false);
    if (exit_code != TS_EXIT_NONE)
        return exit_code;
    if (isatty(STDERR_FILENO))
        opt.on_step = on_step;
    tiefsee_model_describe(model, &info);
    const tiefsee_status st = ts_bench_run(model, &opt, &result, &err);
    if (opt.on_step)
        (void)fprintf(stderr, "\r\033[K");
    if (st != TIEFSEE_OK)
        exit_code = ts_cli_fail(&err);
    else if (wants_json)
        exit_code = print_json(&info, &result);
    else {
        print_table(&info, &result);
        exit_code = TS_EXIT_OK;
    }
    tiefsee_model_close(model);
    return exit_code;
}

const ts_command ts_cmd_bench = {
    .name = "bench",
    .arguments = "[MODEL] [options]",
    .summary = "prefill and decode speed beside this machine's own limits",
    .details =
        "The memory bus and the rate of the product instruction are measured right before each "
        "run, with the same threads. Decoding is compared with the bus: the bytes of weights and "
        "cache that a token must read. Prefill is compared with the multipliers: int8 products "
        "where most weights are quantised, float ones elsewhere. Attention is not counted as "
        "work.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
