/* report_parts.h - a report before it is a page: report.c reads, report_html.c writes. */
#ifndef TS_TRAIN_REPORT_PARTS_H
#define TS_TRAIN_REPORT_PARTS_H

#include "core/str.h"
#include "engine/plot_svg.h"
#include "train/train_log.h"

enum { REPORT_MAX_STAGES = 32, REPORT_MAX_EVALS = 8, REPORT_MAX_SCORES = 64 };

typedef struct ts_report_stage {
    char name[64];
    int64_t changed_ns;
    ts_train_log *log;
} ts_report_stage;

typedef struct ts_report_score {
    char name[48];
    double n, accuracy, formed, cut, tokens; /* shares of 1; tokens of an answer */
} ts_report_score;

typedef struct ts_report_eval {
    char name[64]; /* of the file, without its end */
    bool has_thinking;
    size_t n;
    ts_report_score score[REPORT_MAX_SCORES];
} ts_report_eval;

/* Of reject.json, all levels of a family together. */
typedef struct ts_report_reject {
    char name[48];
    double n_problems, n_answers, n_kept, n_tokens;
} ts_report_reject;

typedef struct ts_report {
    char folder[256];
    size_t n_stages, n_evals, n_costs, n_rejects;
    ts_report_reject reject[REPORT_MAX_SCORES];
    ts_report_stage stage[REPORT_MAX_STAGES];
    ts_report_eval eval[REPORT_MAX_EVALS];
    ts_stage_cost cost[TRAIN_MAX_COSTS];
    double watts;
    uint64_t n_threads;
} ts_report;

/* --- report_svg.c: one curve of a stage each --- */

extern const size_t ts_report_n_panels;
bool ts_report_has_panel(const ts_train_log *l, size_t i);
/* x, y: where it stands in a picture; negative: it is a picture in the page. */
void ts_report_draw(ts_svg *s, const ts_train_log *l, size_t i, int x, int y);

/* Whole files.  False: out is full. */
bool ts_report_stage_svg(ts_buf *out, const ts_train_log *l) TS_MUST_CHECK;
bool ts_report_accuracy_svg(ts_buf *out, const ts_report *r) TS_MUST_CHECK;

/* False: out is full. */
bool ts_report_html(ts_buf *out, const ts_report *r) TS_MUST_CHECK;

#endif
