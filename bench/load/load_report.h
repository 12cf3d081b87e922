/* load_report.h - what was measured, and how it is said. */
#ifndef TS_BENCH_LOAD_REPORT_H
#define TS_BENCH_LOAD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_MAX_TURNS = 16, LOAD_MAX_ERRORS = 8 };

typedef struct load_samples {
    double *at;
    size_t n, cap;
} load_samples;

typedef struct load_report {
    load_samples first[LOAD_MAX_TURNS]; /* seconds from request to first token, by turn */
    load_samples gap;                   /* between tokens of one answer */
    load_samples whole;                 /* from request to end */
    uint64_t n_answers, n_errors, n_prompt, n_cached, n_completion, n_events;
    char errors[LOAD_MAX_ERRORS][160]; /* the first ones */
    double seconds;                    /* from the first request to the last end */
    size_t n_clients, n_turns, n_idle;
    /* Of the process of --pid; else negative. */
    double cpu_s, rss_mb, idle_mb;
} load_report;

void load_sample(load_samples *s, double x);
void load_error(load_report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void load_print(load_report *r, bool as_json);
void load_free(load_report *r);

#endif
