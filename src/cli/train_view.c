/* train_view.c - see train_view.h.
 *
 * The picture is braille, eight dots a character, with its numbers at the left; it is as
 * wide as the terminal, and is left out where that is too small.  A block is drawn over by
 * going up its rows: rows are counted as the terminal has wrapped them by now, so that a
 * window that was made narrower is cleaned as well.
 */
#include "cli/train_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "train/train_log.h"

enum { PLOT_ROWS = 8, LABEL = 9, MIN_COLUMNS = 40, MIN_ROWS = 16, MAX_COLUMNS = 120 };

/* A run that is shown: at most twice a second. */
static const double PAUSE_S = 0.5;

struct ts_train_view {
    bool is_live, is_pretty, has_plot;
    double shown_at, seconds; /* clock of the last picture; of a step, running mean */
    size_t n_lines;           /* of the block on the screen */
    int width[PLOT_ROWS + 4]; /* of each */
    bool has_reward;
    ts_train_log before; /* curves, from the log and then from the steps */
};

typedef struct screen {
    int columns, rows;
} screen;

static screen screen_now(void)
{
    struct winsize w = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
        return (screen){80, 24};
    return (screen){w.ws_col, w.ws_row ? w.ws_row : 24};
}

ts_train_view *ts_train_view_open(const char *log, bool has_plot)
{
    ts_train_view *v = ts_alloc_zero(1, sizeof *v);
    tiefsee_error err;

    if (!v)
        return NULL;
    v->is_live = ts_cli_has_escapes(STDERR_FILENO);
    v->is_pretty = ts_cli_is_pretty(STDERR_FILENO);
    v->has_plot = has_plot && v->is_live;
    /* A picture without its beginning is better than no training. */
    if (log && v->has_plot && ts_train_log_load(&v->before, log, NULL, NULL, &err) != TIEFSEE_OK)
        memset(&v->before, 0, sizeof v->before);
    v->has_reward = v->before.curve[LOG_REWARD].n > 0;
    return v;
}

void ts_train_view_close(ts_train_view *v)
{
    if (v && v->n_lines > 0) /* whatever comes now begins a line */
        (void)fprintf(stderr, "\n");
    ts_free(v);
}

/* ----------------------------------------------------------------- figures */

static void print_middle(char *out, size_t size, const ts_run_stats *s)
{
    if (s->rollout_seconds > 0)
        (void)snprintf(out, size,
                       "reward %.3f  informative %.0f%%  %.0f tokens an answer  cut %.0f%%",
                       s->reward, 100 * s->informative, s->answer_tokens, 100 * s->cut);
    else
        (void)snprintf(out, size, "loss %.4f  load +%.0f%%", s->loss, 100 * s->max_violation);
}

/* What matters first: a narrow terminal cuts the end. */
static void print_figures(char *out, size_t size, const ts_run_stats *s, double seconds)
{
    const double learning = s->seconds - s->rollout_seconds;
    char left[32], peak[32] = "", middle[128];

    ts_cli_duration(left, sizeof left, seconds * (double)(s->n_steps - s->step));
    if (s->peak_flops > 0)
        (void)snprintf(peak, sizeof peak, "%.0f%% of peak  ",
                       100 * s->flops / learning / s->peak_flops);
    print_middle(middle, sizeof middle, s);
    (void)snprintf(out, size, "step %llu of %llu  %s left  %s  %.0f tokens/s  %snorm %.2f  lr %.2f",
                   (unsigned long long)s->step, (unsigned long long)s->n_steps, left, middle,
                   (double)s->n_tokens / learning, peak, s->norm, s->rate);
}

/* ------------------------------------------------------------------- block */

/* Up to where the block begins, and nothing behind. */
static void erase(ts_train_view *v, int columns)
{
    int up = 0;

    for (size_t i = 0; i < v->n_lines; i++)
        up += 1 + (v->width[i] > 0 ? (v->width[i] - 1) / columns : 0);
    if (v->n_lines > 0) {
        (void)fprintf(stderr, "\r");
        if (up > 1)
            (void)fprintf(stderr, "\033[%dA", up - 1);
        (void)fprintf(stderr, "\033[J");
    }
    v->n_lines = 0;
}

/* The last line of a block stays open: there the cursor waits. */
static void put_line(ts_train_view *v, const char *text, int width)
{
    (void)fprintf(stderr, "%s%s", v->n_lines ? "\n" : "", text);
    if (v->n_lines < sizeof v->width / sizeof *v->width)
        v->width[v->n_lines++] = width;
}

/* One cell of four by two dots; bits as U+2800 counts them. */
static const uint8_t DOTS[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

typedef struct picture {
    int columns; /* of cells */
    double low, high;
    bool is_log;
    uint8_t cell[PLOT_ROWS][MAX_COLUMNS];
} picture;

/* Dot from the top, 0 to 4 PLOT_ROWS - 1. */
static int dot_of(const picture *p, double v)
{
    const double share =
        p->is_log ? log(v / p->low) / log(p->high / p->low) : (v - p->low) / (p->high - p->low);
    const double bounded = share > 0 ? fmin(share, 1) : 0;

    return (int)lround((1 - bounded) * (4 * PLOT_ROWS - 1));
}

static void set_dot(picture *p, int x, int y)
{
    p->cell[y / 4][x / 2] |= DOTS[x % 2][y % 4];
}

/* Between neighbours the curve is drawn through, whatever lies between. */
static void trace(picture *p, const double *mean, int n)
{
    int before = -1;

    for (int x = 0; x < n; x++) {
        if (isnan(mean[x]))
            continue;
        const int y = dot_of(p, mean[x]), from = before < 0 ? y : before;

        for (int at = from < y ? from + (from != y) : y; at <= (from < y ? y : from - (from != y));
             at++)
            set_dot(p, x, at);
        set_dot(p, x, y);
        before = y;
    }
}

static bool fit(picture *p, const double *mean, int n, bool is_share)
{
    bool has_any = false;

    for (int x = 0; x < n; x++) {
        if (isnan(mean[x]))
            continue;
        p->low = has_any ? fmin(p->low, mean[x]) : mean[x];
        p->high = has_any ? fmax(p->high, mean[x]) : mean[x];
        has_any = true;
    }
    p->is_log = !is_share && p->low > 0 && p->high > 4 * p->low;
    if (is_share)
        p->low = 0;
    if (p->high - p->low < 1e-3)
        p->high = p->low + 1e-3;
    return has_any;
}

/* The value of a curve at each of n columns of dots, NaN where there is none. */
static void sample(double *mean, int n, const ts_curve *c, uint64_t last)
{
    const double step = (double)last / n;

    for (int x = 0; x < n; x++) {
        const uint64_t begin = 1 + (uint64_t)(x * step), end = 1 + (uint64_t)((x + 1) * step);
        const ts_curve_bin b = ts_curve_between(c, begin, end > begin ? end : begin + 1);

        mean[x] = b.n ? b.sum / (double)b.n : NAN;
    }
}

static void put_row(ts_train_view *v, const picture *p, int row)
{
    const double share = 1 - row / (double)(PLOT_ROWS - 1);
    const bool has_number = row == 0 || row == PLOT_ROWS - 1 || row == PLOT_ROWS / 2;
    const double value =
        p->is_log ? p->low * pow(p->high / p->low, share) : p->low + (p->high - p->low) * share;
    char text[64 + 3 * MAX_COLUMNS], number[32] = "";

    if (has_number)
        (void)snprintf(number, sizeof number, "%.4g", value);
    size_t n = (size_t)snprintf(text, sizeof text, "%*s %s%s", LABEL - 2, number,
                                has_number ? "┤" : "│", v->is_pretty ? "\033[36m" : "");
    for (int x = 0; x < p->columns; x++) {
        text[n++] = (char)0xe2; /* U+2800 + bits */
        text[n++] = (char)(0xa0 | p->cell[row][x] >> 6);
        text[n++] = (char)(0x80 | (p->cell[row][x] & 0x3f));
    }
    (void)snprintf(text + n, sizeof text - n, "%s", v->is_pretty ? "\033[0m" : "");
    put_line(v, text, LABEL + p->columns);
}

static void put_plot(ts_train_view *v, screen now, uint64_t last)
{
    const ts_log_field field = v->has_reward ? LOG_REWARD : LOG_LOSS;
    picture p = {.columns = now.columns - LABEL - 1};
    double mean[2 * MAX_COLUMNS];
    char text[160], right[32];

    if (p.columns > MAX_COLUMNS)
        p.columns = MAX_COLUMNS;
    sample(mean, 2 * p.columns, &v->before.curve[field], last);
    if (!fit(&p, mean, 2 * p.columns, v->has_reward))
        return;
    trace(&p, mean, 2 * p.columns);
    (void)snprintf(text, sizeof text, "%*s%s", LABEL, "", v->has_reward ? "reward" : "loss");
    put_line(v, text, (int)strlen(text));
    for (int row = 0; row < PLOT_ROWS; row++)
        put_row(v, &p, row);
    (void)snprintf(right, sizeof right, "step %llu", (unsigned long long)last);
    (void)snprintf(text, sizeof text, "%*s1%*s", LABEL, "", p.columns - 1, right);
    put_line(v, text, LABEL + p.columns);
}

/* What is said once stays on the screen, above the block. */
static void print_messages(const ts_run_stats *s)
{
    if (s->save_error)
        (void)fprintf(stderr, "tiefsee: no checkpoint at step %llu: %s\n",
                      (unsigned long long)s->step, s->save_error);
    if (!s->has_validation)
        return;
    (void)fprintf(stderr, "validation %.1f%%", 100 * s->validation);
    if (s->sampled >= 0)
        (void)fprintf(stderr, ", %.1f%% of the sampled answers", 100 * s->sampled);
    (void)fprintf(stderr, ", the best was %.1f%% behind step %llu%s\n", 100 * s->best_validation,
                  (unsigned long long)s->best_step,
                  s->is_over ? ": it has fallen, and ends here (best.bin)" : "");
}

static void draw(ts_train_view *v, const ts_run_stats *s, const char *figures, bool is_end)
{
    const screen now = screen_now();
    char text[400];

    erase(v, now.columns);
    print_messages(s);
    if (v->has_plot && now.columns >= MIN_COLUMNS && now.rows >= MIN_ROWS)
        put_plot(v, now, s->step);
    (void)snprintf(text, sizeof text, "%.*s", now.columns - 1, figures);
    put_line(v, text, (int)strlen(text));
    if (is_end) {
        (void)fprintf(stderr, "\n");
        v->n_lines = 0;
    }
    (void)fflush(stderr);
}

static void remember(ts_train_view *v, const ts_run_stats *s)
{
    ts_curve_add(&v->before.curve[LOG_LOSS], s->step, s->loss);
    if (s->rollout_seconds > 0) {
        v->has_reward = true;
        ts_curve_add(&v->before.curve[LOG_REWARD], s->step, s->reward);
    }
}

void ts_train_view_show(ts_train_view *v, const ts_run_stats *s, bool is_end)
{
    const double now = ts_clock_seconds();
    char figures[400];

    v->seconds = v->seconds > 0 ? 0.9 * v->seconds + 0.1 * s->seconds : s->seconds;
    print_figures(figures, sizeof figures, s, v->seconds);
    if (!v->is_live) {
        print_messages(s);
        (void)fprintf(stderr, "%s\n", figures);
        return;
    }
    remember(v, s);
    if (!is_end && !s->save_error && !s->has_validation && now - v->shown_at < PAUSE_S)
        return;
    v->shown_at = now;
    draw(v, s, figures, is_end);
}
