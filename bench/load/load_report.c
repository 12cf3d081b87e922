/* load_report.c - see load_report.h. */
#include "load_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"

void load_sample(load_samples *s, double x)
{
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 1024;
        double *more = ts_realloc(s->at, s->n * sizeof *more, cap * sizeof *more);
        if (!more)
            return;
        s->at = more;
        s->cap = cap;
    }
    s->at[s->n++] = x;
}

void load_error(load_report *r, const char *format, ...)
{
    va_list args;

    if (r->n_errors < LOAD_MAX_ERRORS) {
        va_start(args, format);
        (void)vsnprintf(r->errors[r->n_errors], sizeof r->errors[0], format, args);
        va_end(args);
    }
    r->n_errors++;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of sorted samples. */
static double percentile(const load_samples *s, double p)
{
    if (s->n == 0)
        return 0;
    const size_t i = (size_t)(p * (double)s->n);
    return s->at[i < s->n ? i : s->n - 1];
}

static void print_samples(const char *name, load_samples *s, bool as_json)
{
    if (s->n > 0)
        qsort(s->at, s->n, sizeof *s->at, ascending);
    const double p50 = percentile(s, 0.5) * 1e3, p90 = percentile(s, 0.9) * 1e3,
                 p99 = percentile(s, 0.99) * 1e3, worst = percentile(s, 1) * 1e3;
    if (as_json)
        (void)printf("\"%s\": {\"n\": %zu, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, "
                     "\"max_ms\": %.3f}, ",
                     name, s->n, p50, p90, p99, worst);
    else
        (void)printf("%-20s %9.2f %9.2f %9.2f %9.2f   %zu\n", name, p50, p90, p99, worst, s->n);
}

static void print_all_samples(load_report *r, bool as_json)
{
    char name[64];

    for (size_t i = 0; i < r->n_turns; i++) {
        (void)snprintf(name, sizeof name,
                       as_json ? "first_token_turn_%zu" : "first token, turn %zu", i + 1);
        print_samples(name, &r->first[i], as_json);
    }
    print_samples(as_json ? "between_tokens" : "between tokens", &r->gap, as_json);
    print_samples(as_json ? "answer" : "whole answer", &r->whole, as_json);
}

static void print_json(load_report *r)
{
    const double s = r->seconds > 0 ? r->seconds : 1;

    (void)printf("{\"clients\": %zu, \"seconds\": %.3f, \"answers\": %llu, \"errors\": %llu, ",
                 r->n_clients, r->seconds, (unsigned long long)r->n_answers,
                 (unsigned long long)r->n_errors);
    (void)printf("\"prompt_tokens\": %llu, \"cached_tokens\": %llu, \"completion_tokens\": %llu, ",
                 (unsigned long long)r->n_prompt, (unsigned long long)r->n_cached,
                 (unsigned long long)r->n_completion);
    print_all_samples(r, true);
    if (r->cpu_s >= 0)
        (void)printf("\"server_cpu_s\": %.3f, \"server_rss_mb\": %.1f, ", r->cpu_s, r->rss_mb);
    if (r->idle_mb >= 0)
        (void)printf("\"idle_connections\": %zu, \"idle_mb\": %.1f, ", r->n_idle, r->idle_mb);
    (void)printf("\"tokens_per_second\": %.2f}\n", (double)r->n_completion / s);
}

static void print_text(load_report *r)
{
    const double s = r->seconds > 0 ? r->seconds : 1;

    (void)printf("%zu clients, %llu answers in %.2f s, %llu errors\n", r->n_clients,
                 (unsigned long long)r->n_answers, r->seconds, (unsigned long long)r->n_errors);
    (void)printf("prompts %llu tokens (%llu of them cached), answers %llu: %.1f tokens/s\n",
                 (unsigned long long)r->n_prompt, (unsigned long long)r->n_cached,
                 (unsigned long long)r->n_completion, (double)r->n_completion / s);
    (void)printf("%-20s %9s %9s %9s %9s   n\n", "ms", "p50", "p90", "p99", "max");
    print_all_samples(r, false);
    if (r->cpu_s >= 0)
        (void)printf("server: %.2f s of CPU, %.1f us per token; %.1f MB resident\n", r->cpu_s,
                     r->n_completion ? r->cpu_s * 1e6 / (double)r->n_completion : 0, r->rss_mb);
    if (r->idle_mb >= 0)
        (void)printf("%zu idle connections: %.1f MB\n", r->n_idle, r->idle_mb);
    for (size_t i = 0; i < r->n_errors && i < LOAD_MAX_ERRORS; i++)
        (void)printf("error: %s\n", r->errors[i]);
}

void load_print(load_report *r, bool as_json)
{
    if (as_json)
        print_json(r);
    else
        print_text(r);
}

void load_free(load_report *r)
{
    for (size_t i = 0; i < LOAD_MAX_TURNS; i++)
        ts_free(r->first[i].at);
    ts_free(r->gap.at);
    ts_free(r->whole.at);
}
