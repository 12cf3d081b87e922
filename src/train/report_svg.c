/* report_svg.c - curves of a report, in its page and as pictures of their own; see report.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/report_parts.h"

enum { WIDTH = 420, HEIGHT = 240, LEFT = 56, RIGHT = 14, TOP = 34, BOTTOM = 28, MAX_POINTS = 256 };
enum { PICTURE_POINTS = 100 };
/* Of pictures. */
enum { COLUMNS = 2, GAP = 8, ROW = 22, NAMES = 120, BAR = 460, FIGURES = 80 };

static const char STYLE[] =
    "<style>:root{--page:#fff;--ink:#1c1f23;--grid:#e3e6ea;--line:#1f5fbf;--band:#1f5fbf22;"
    "--other:#b4560f}@media(prefers-color-scheme:dark){:root{--page:#14171b;--ink:#e6e8eb;"
    "--grid:#2b3138;--line:#79aefc;--band:#79aefc2e;--other:#f2a45c}}"
    "text{fill:var(--ink);font:12px system-ui,sans-serif}.grid{stroke:var(--grid)}"
    ".line{stroke:var(--line)}.band{fill:var(--band)}.bar{fill:var(--line)}"
    ".other{fill:var(--other)}.rest{fill:var(--grid)}.page{fill:var(--page)}</style>\n";

typedef struct panel {
    ts_log_field field;
    const char *title;
    bool is_log;    /* where it spans much */
    double at_most; /* the axis ends there; 0: where the curve does */
} panel;

static const panel panels[] = {
    {LOG_LOSS, "loss of a learned token", true, 0},
    {LOG_MTP_LOSS, "loss of the token after the next", true, 0},
    {LOG_VALIDATION, "validation, share right (mean of families)", false, 1},
    {LOG_SAMPLED, "sampled validation answers, share right", false, 1},
    {LOG_REWARD, "reward", false, 1},
    {LOG_RIGHT, "right answers, share", false, 1},
    {LOG_INFORMATIVE, "informative problems, share", false, 1},
    {LOG_ANSWER_TOKENS, "tokens of an answer", false, 0},
    {LOG_CUT, "answers that were cut, share", false, 1},
    {LOG_RATE, "learning rate, share of its peak", false, 1},
    {LOG_NORM, "norm of the gradient", true, 0},
    {LOG_MAX_VIOLATION, "expert load: largest over mean, minus 1", false, 0},
    {LOG_SPEED, "tokens/s of learning", false, 0},
    {LOG_SHARE_OF_PEAK, "share of the machine's product peak, %", false, 0},
    {LOG_GFLOPS, "matrix products, GFLOP/s", false, 0},
};

const size_t ts_report_n_panels = TS_COUNT(panels);

typedef struct points {
    size_t n;
    double x[MAX_POINTS], mean[MAX_POINTS], min[MAX_POINTS], max[MAX_POINTS];
} points;

/* At most `most` of them. */
static void take_points(points *p, const ts_curve *c, size_t most)
{
    const uint64_t width = c->width * (c->n > most ? (c->n + most - 1) / most : 1);

    p->n = 0;
    for (uint64_t begin = 0; begin < c->n * c->width; begin += width) {
        const ts_curve_bin b = ts_curve_between(c, begin, begin + width);

        if (b.n == 0)
            continue;
        p->x[p->n] = (double)begin + ((double)width - 1) / 2;
        p->mean[p->n] = b.sum / (double)b.n;
        p->min[p->n] = b.min;
        p->max[p->n++] = b.max;
    }
}

static ts_svg_frame frame_of(const points *p, const panel *what, double last_step)
{
    ts_svg_frame f = {.left = LEFT,
                      .top = TOP,
                      .width = WIDTH - LEFT - RIGHT,
                      .height = HEIGHT - TOP - BOTTOM,
                      .x_max = fmax(last_step, 1),
                      .is_whole = true};
    double low = p->mean[0], high = p->mean[0];

    for (size_t i = 1; i < p->n; i++) {
        low = fmin(low, p->mean[i]);
        high = fmax(high, p->mean[i]);
    }
    f.is_log = what->is_log && low > 0 && high > 4 * low;
    f.y_min = f.is_log ? low / 1.1 : fmin(low, 0);
    f.y_max = f.is_log ? high * 1.1 : what->at_most > 0 ? what->at_most : high * 1.08;
    if (!(f.y_max > f.y_min))
        f.y_max = f.y_min + 1;
    return f;
}

void ts_report_draw(ts_svg *s, const ts_train_log *l, size_t which, int x, int y)
{
    const panel *what = &panels[which];
    points p = {0};

    take_points(&p, &l->curve[what->field], x < 0 ? MAX_POINTS : PICTURE_POINTS);
    if (p.n == 0)
        return;
    const ts_svg_frame f = frame_of(&p, what, (double)l->last_step);
    ts_svg_put(s, "<svg ");
    if (x >= 0)
        ts_svg_put(s, "x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" ", x, y, WIDTH, HEIGHT);
    ts_svg_put(s, "viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    ts_svg_escape(s, what->title);
    ts_svg_put(s, "\">\n");
    ts_svg_axes(s, &f, what->title, NULL);
    ts_svg_put(s, "<polygon class=\"band\" points=\"");
    for (size_t i = 0; i < p.n; i++)
        ts_svg_put(s, "%.1f,%.1f ", ts_svg_x(&f, p.x[i]), ts_svg_y(&f, p.max[i]));
    for (size_t i = p.n; i-- > 0;)
        ts_svg_put(s, "%.1f,%.1f ", ts_svg_x(&f, p.x[i]), ts_svg_y(&f, p.min[i]));
    ts_svg_put(s, "\"/>\n<polyline class=\"line\" fill=\"none\" stroke-width=\"1.6\" points=\"");
    for (size_t i = 0; i < p.n; i++)
        ts_svg_put(s, "%.1f,%.1f ", ts_svg_x(&f, p.x[i]), ts_svg_y(&f, p.mean[i]));
    ts_svg_put(s, "\"/>\n");
    if (p.n == 1)
        ts_svg_put(s, "<circle class=\"bar\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n",
                   ts_svg_x(&f, p.x[0]), ts_svg_y(&f, p.mean[0]));
    ts_svg_put(s, "</svg>\n");
}

bool ts_report_has_panel(const ts_train_log *l, size_t i)
{
    const panel *what = &panels[i];
    const ts_curve *c = &l->curve[what->field];

    if (what->field == LOG_GFLOPS && l->curve[LOG_SHARE_OF_PEAK].n > 0)
        return false;
    if (what->field == LOG_MTP_LOSS && l->total[LOG_MTP_LOSS] == 0)
        return false;
    return c->n > 0;
}

static void begin_picture(ts_svg *s, int width, int height)
{
    ts_svg_put(s,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\">\n",
               width, height, width, height);
    ts_svg_put(s, "%s", STYLE);
    ts_svg_put(s, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", width, height);
}

/* What says how a stage went; speeds are the machine's. */
static bool is_in_picture(const ts_train_log *l, size_t i)
{
    const ts_log_field f = panels[i].field;

    return ts_report_has_panel(l, i) && f != LOG_RATE && f != LOG_SPEED && f != LOG_SHARE_OF_PEAK &&
           f != LOG_GFLOPS && f != LOG_RIGHT;
}

bool ts_report_stage_svg(ts_buf *out, const ts_train_log *l)
{
    ts_svg s = {.out = out, .ok = true};
    int n = 0, k = 0;

    for (size_t i = 0; i < TS_COUNT(panels); i++)
        n += is_in_picture(l, i);
    const int columns = n < COLUMNS ? n : COLUMNS, rows = (n + COLUMNS - 1) / COLUMNS;
    begin_picture(&s, columns * (WIDTH + GAP), rows * (HEIGHT + GAP));
    for (size_t i = 0; i < TS_COUNT(panels); i++)
        if (is_in_picture(l, i)) {
            ts_report_draw(&s, l, i, k % COLUMNS * (WIDTH + GAP), k / COLUMNS * (HEIGHT + GAP));
            k++;
        }
    ts_svg_put(&s, "</svg>\n");
    return s.ok;
}

static double accuracy_of(const ts_report_eval *e, const char *name)
{
    for (size_t i = 0; i < e->n; i++)
        if (strcmp(e->score[i].name, name) == 0)
            return e->score[i].accuracy;
    return -1;
}

static void put_bar(ts_svg *s, const char *class, int y, int height, double share)
{
    ts_svg_put(s,
               "<rect class=\"rest\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
               "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
               NAMES, y, BAR, height, class, NAMES, y, BAR * share, height);
}

bool ts_report_accuracy_svg(ts_buf *out, const ts_report *r)
{
    const ts_report_eval *e = &r->eval[0], *other = NULL;
    ts_svg s = {.out = out, .ok = true};
    char text[32];

    for (size_t i = 1; i < r->n_evals && !other; i++)
        other = r->eval[i].has_thinking ? NULL : &r->eval[i];
    begin_picture(&s, NAMES + BAR + FIGURES, (int)(e->n + 1) * ROW + ROW);
    ts_svg_text(&s, NAMES, 15, "start",
                other ? "held-out problems: thinking, below it at once" : "held-out problems");
    for (size_t i = 0; i < e->n; i++) {
        const int y = (int)(i + 1) * ROW;
        const double direct = other ? accuracy_of(other, e->score[i].name) : -1;

        ts_svg_text(&s, NAMES - 8, y + 13, "end", e->score[i].name);
        put_bar(&s, "bar", y + 3, 9, e->score[i].accuracy);
        if (direct >= 0)
            put_bar(&s, "other", y + 13, 4, direct);
        (void)snprintf(text, sizeof text, "%.1f %%", 100 * e->score[i].accuracy);
        ts_svg_text(&s, NAMES + BAR + FIGURES - 8, y + 13, "end", text);
    }
    ts_svg_put(&s, "</svg>\n");
    return s.ok;
}
