/* cmd_bench.c - how fast a model runs here, beside what the machine can do. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/file.h"
#include "core/str.h"
#include "engine/bench.h"

enum { MAX_SVG = 1 << 20 };

static uint64_t n_decode = 64, n_repeats = 3;
static const char *prompts = "512", *depths = "0", *sequences = "1", *svg_path;
static bool wants_json, wants_profile;

static const ts_opt options[] = {
    TS_OPTIONS_MODEL,
    {'p', "prompt", "N,...", "prefill N tokens; 0: skip; default: 512", .text = &prompts},
    {'n', "tokens", "N", "decode N tokens; 0: skip; default: 64", .count = &n_decode,
     .max = TS_MAX_CTX},
    {'d', "depth", "N,...", "behind a context of N tokens; default: 0", .text = &depths},
    {0, "sequences", "N,...", "decode in N sequences together, at most 16; default: 1",
     .text = &sequences},
    {'r', "repeat", "N", "report the median of N runs; default: 3", .count = &n_repeats, .min = 1,
     .max = 32},
    {'j', "json", .help = "print one JSON object", .flag = &wants_json},
    {0, "profile", .help = "say where the time goes, per op and weight type",
     .flag = &wants_profile},
    {0, "svg", "FILE", "draw speed over prompt length and depth", .text = &svg_path},
    {0}};

/* "128,512,2048" as an ascending list; returns an exit code or TS_EXIT_NONE. */
static int read_list(ts_bench_list *out, const char *name, const char *text, uint64_t min,
                     uint64_t max)
{
    out->n = 0;
    for (const char *left = text; left; left = strchr(left, ','), left += left ? 1 : 0) {
        char number[24] = "";
        uint64_t v;
        (void)snprintf(number, sizeof number, "%.*s", (int)strcspn(left, ","), left);
        if (!ts_parse_u64(number, min, max, &v))
            return ts_cli_error(TS_EXIT_USAGE,
                                "--%s %s: numbers from %llu to %llu, apart by commas", name, text,
                                (unsigned long long)min, (unsigned long long)max);
        if (out->n == TS_BENCH_MAX_LIST)
            return ts_cli_error(TS_EXIT_USAGE, "--%s %s: more than %d numbers", name, text,
                                TS_BENCH_MAX_LIST);
        size_t at = out->n++;
        for (; at > 0 && out->at[at - 1] > v; at--)
            out->at[at] = out->at[at - 1];
        out->at[at] = (size_t)v;
    }
    return TS_EXIT_NONE;
}

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

static void print_point(const ts_bench_result *r, const ts_bench_point *p)
{
    (void)printf("  %-8s %6zu %7zu %4zu %10.2f  +-%2.0f %%", p->is_prefill ? "prefill" : "decode",
                 p->tokens, p->depth, p->n_sequences, p->tokens_per_s, 50 * p->spread);
    if (p->limit_tokens_per_s > 0)
        (void)printf("   %5.1f %% of the %s (%.1f tok/s)", 100 * p->share_of_limit,
                     p->is_prefill ? peak_name(r) : "memory bus", p->limit_tokens_per_s);
    (void)putchar('\n');
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

/* One op with weights of one type, and what it took. */
typedef struct cost_line {
    ts_op_id op;
    ts_dtype type;
    ts_op_cost cost;
} cost_line;

static int more_seconds_first(const void *a, const void *b)
{
    const double x = ((const cost_line *)a)->cost.seconds;
    const double y = ((const cost_line *)b)->cost.seconds;

    return x > y ? -1 : x < y;
}

static size_t list_costs(cost_line out[TS_OP_COUNT * TS_DTYPE_MAX], const ts_profile *p)
{
    size_t n = 0;

    for (int op = 0; op < TS_OP_COUNT; op++)
        for (int type = 0; type < TS_DTYPE_MAX; type++)
            if (p->cost[op][type].calls)
                out[n++] = (cost_line){(ts_op_id)op, (ts_dtype)type, p->cost[op][type]};
    qsort(out, n, sizeof *out, more_seconds_first);
    return n;
}

/* The name of a weight type; "" for ops without weights. */
static const char *type_name(const cost_line *l)
{
    return l->cost.macs ? ts_dtype_of((uint32_t)l->type).name : "";
}

static void print_profile(const char *phase, const ts_profile *p, double seconds)
{
    static cost_line lines[TS_OP_COUNT * TS_DTYPE_MAX];
    const size_t n = list_costs(lines, p);
    double left = seconds;

    if (seconds <= 0)
        return;
    (void)printf("\n  %s by op      share      calls   us each   GMAC/s\n", phase);
    for (size_t i = 0; i < n; i++) {
        const ts_op_cost *c = &lines[i].cost;
        left -= c->seconds;
        (void)printf("    %-13s %-6s %6.1f %% %8llu %9.1f", ts_op_name(lines[i].op),
                     type_name(&lines[i]), 100 * c->seconds / seconds, (unsigned long long)c->calls,
                     1e6 * c->seconds / (double)c->calls);
        if (c->macs)
            (void)printf(" %8.1f", 1e-9 * (double)c->macs / c->seconds);
        (void)putchar('\n');
    }
    (void)printf("    %-20s %6.1f %%\n", "between ops", 100 * left / seconds);
}

static void print_table(const tiefsee_model_info *info, const ts_bench_result *r)
{
    char a[32], c[32], d[32], e[32];

    (void)printf("%s: %s parameters, %s\n", info->name, amount(a, (double)info->n_parameters),
                 info->weight_types);
    (void)printf("%d threads, kernels %s; a token reads %sB of weights and takes %s "
                 "multiply-adds, its logits %s\n\n",
                 info->n_threads, info->kernels, amount(c, (double)r->cost.weight_bytes),
                 amount(d, (double)r->cost.macs_per_token),
                 amount(e, (double)r->cost.macs_per_logits));
    (void)printf("           tokens   depth  seq      tok/s\n");
    for (size_t i = 0; i < r->n_points; i++)
        print_point(r, &r->points[i]);
    if (wants_profile) {
        print_profile("prefill", &r->prefill_profile, r->prefill_seconds);
        print_profile("decode", &r->decode_profile, r->decode_seconds);
    }
    (void)printf("\n  limits   bus %.1f GB/s, int8 %.0f GOPS, float %.0f GFLOPS (measured beside "
                 "each run)\n",
                 r->rates.bus_gb_per_s, r->rates.int8_gops, r->rates.f32_gflops);
    (void)printf("  memory   %.2f GB at the most\n", 1e-9 * (double)r->peak_rss_bytes);
}

static json_t *point_json(const ts_bench_point *p)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "phase",
                     p->is_prefill ? "prefill" : "decode", "tokens", (json_int_t)p->tokens, "depth",
                     (json_int_t)p->depth, "sequences", (json_int_t)p->n_sequences, "tokens_per_s",
                     p->tokens_per_s, "share_of_limit", p->share_of_limit, "limit_tokens_per_s",
                     p->limit_tokens_per_s, "spread", p->spread, "bus_gb_per_s",
                     p->rates.bus_gb_per_s, "int8_gops", p->rates.int8_gops);
}

static json_t *profile_json(const ts_profile *p, double seconds)
{
    static cost_line lines[TS_OP_COUNT * TS_DTYPE_MAX];
    const size_t n = list_costs(lines, p);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        const ts_op_cost *c = &lines[i].cost;
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:f, s:I, s:I}", "op", ts_op_name(lines[i].op), "type",
                            type_name(&lines[i]), "seconds", c->seconds, "calls",
                            (json_int_t)c->calls, "macs", (json_int_t)c->macs));
    }
    return json_pack("{s:f, s:o}", "seconds", seconds, "ops", list);
}

/* The first point of each phase is also a field of its own. */
static void add_points(json_t *o, const ts_bench_result *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_points; i++) {
        const char *name = r->points[i].is_prefill ? "prefill" : "decode";
        if (!json_object_get(o, name))
            (void)json_object_set_new(o, name, point_json(&r->points[i]));
        (void)json_array_append_new(list, point_json(&r->points[i]));
    }
    (void)json_object_set_new(o, "points", list);
}

static int print_json(const tiefsee_model_info *info, const ts_bench_result *r)
{
    json_t *o = json_pack(
        "{s:s, s:{s:f, s:f, s:f}, s:i, s:s, s:I, s:I, s:I, s:I}", "model", info->name, "limits",
        "bus_gb_per_s", r->rates.bus_gb_per_s, "int8_gops", r->rates.int8_gops, "f32_gflops",
        r->rates.f32_gflops, "threads", info->n_threads, "kernels", info->kernels, "peak_rss_bytes",
        (json_int_t)r->peak_rss_bytes, "weight_bytes_per_token", (json_int_t)r->cost.weight_bytes,
        "macs_per_token", (json_int_t)r->cost.macs_per_token, "macs_per_logits",
        (json_int_t)r->cost.macs_per_logits);

    if (o) {
        add_points(o, r);
        if (wants_profile)
            (void)json_object_set_new(
                o, "profile",
                json_pack("{s:o, s:o}", "prefill",
                          profile_json(&r->prefill_profile, r->prefill_seconds), "decode",
                          profile_json(&r->decode_profile, r->decode_seconds)));
    }
    const int failed = !o || json_dumpf(o, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;
    json_decref(o);
    return failed ? ts_cli_error(TS_EXIT_ERROR, "the result could not be written") : TS_EXIT_OK;
}

static int write_svg(const tiefsee_model_info *info, const ts_bench_result *r)
{
    ts_buf picture = ts_buf_make(MAX_SVG);
    tiefsee_error err;
    int exit_code = TS_EXIT_OK;

    if (!ts_bench_plot(&picture, r, info->name))
        exit_code = ts_cli_error(TS_EXIT_ERROR, "out of memory for the picture");
    else if (ts_file_write(svg_path, picture.ptr, picture.len, &err) != TIEFSEE_OK)
        exit_code = ts_cli_fail(&err);
    ts_buf_free(&picture);
    return exit_code;
}

static int read_lists(ts_bench_options *opt)
{
    int exit_code = read_list(&opt->prompts, "prompt", prompts, 0, TS_MAX_CTX);

    if (exit_code == TS_EXIT_NONE)
        exit_code = read_list(&opt->depths, "depth", depths, 0, TS_MAX_CTX);
    if (exit_code == TS_EXIT_NONE)
        exit_code = read_list(&opt->sequences, "sequences", sequences, 1, TS_BENCH_MAX_LIST);
    return exit_code;
}

static int run(int argc, char **argv)
{
    static ts_bench_result result;
    ts_bench_options opt = {
        .n_decode = (size_t)n_decode, .n_repeats = (int)n_repeats, .profile = wants_profile};
    tiefsee_model_info info;
    tiefsee_model *model;
    tiefsee_error err;

    int exit_code = read_lists(&opt);
    if (exit_code == TS_EXIT_NONE)
        exit_code = ts_cli_take_model(argc, argv);
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
    if (st != TIEFSEE_OK) {
        exit_code = ts_cli_fail(&err);
    } else if (wants_json) {
        exit_code = print_json(&info, &result);
    } else {
        print_table(&info, &result);
        exit_code = TS_EXIT_OK;
    }
    if (exit_code == TS_EXIT_OK && svg_path)
        exit_code = write_svg(&info, &result);
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
        "work. A context (--depth) is filled with random cache rows, which cost what real ones do. "
        "Lists (-p 128,512,2048 -d 0,8192 --sequences 1,8) are measured in every combination; "
        "of several sequences together the speed is that of all.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
