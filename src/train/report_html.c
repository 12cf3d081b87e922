/* report_html.c - a report as one HTML page; see report.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/plot_svg.h"
#include "tiefsee/tiefsee.h"
#include "train/report_parts.h"

static const char HEAD[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Training report</title>\n<style>\n"
    ":root{--page:#fff;--ink:#1c1f23;--soft:#667;--grid:#e3e6ea;--line:#1f5fbf;--band:#1f5fbf22;"
    "--other:#b4560f;--card:#f7f8fa}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#14171b;--ink:#e6e8eb;--soft:#9aa3ad;"
    "--grid:#2b3138;--line:#79aefc;--band:#79aefc2e;--other:#f2a45c;--card:#1b1f24}}\n"
    "body{margin:0 auto;max-width:84rem;padding:1.5rem;background:var(--page);color:var(--ink);"
    "font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .2rem}\n"
    "p{margin:.3rem 0;max-width:60rem}.soft{color:var(--soft)}\n"
    ".grid-of{display:grid;gap:1rem;margin-top:.8rem;"
    "grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr))}\n"
    ".grid-of svg{width:100%;height:auto;background:var(--card);border-radius:8px}\n"
    "svg text{fill:var(--ink);font:12px system-ui,sans-serif}.grid{stroke:var(--grid)}\n"
    ".line{stroke:var(--line)}.band{fill:var(--band)}.bar{fill:var(--line)}"
    ".rest{fill:var(--grid)}.bar1 .bar{fill:var(--other)}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;margin-top:.8rem}\n"
    "td,th{padding:.2rem .9rem .2rem 0;text-align:right;font-weight:400;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}\n"
    "th{color:var(--soft)}td:first-child,th:first-child{text-align:left}\n"
    "tr.sum td{border-top:1px solid var(--grid)}\n</style>\n";

/* ----------------------------------------------------------------- numbers */

static void print_count(char *out, size_t size, double v)
{
    if (v >= 1e6)
        (void)snprintf(out, size, "%.1f M", v / 1e6);
    else if (v >= 1e4)
        (void)snprintf(out, size, "%.1f k", v / 1e3);
    else
        (void)snprintf(out, size, "%.0f", v);
}

static void print_duration(char *out, size_t size, double s)
{
    if (s >= 3600)
        (void)snprintf(out, size, "%.0f h %02.0f min", floor(s / 3600), floor(fmod(s, 3600) / 60));
    else if (s >= 60)
        (void)snprintf(out, size, "%.0f min %02.0f s", floor(s / 60), floor(fmod(s, 60)));
    else
        (void)snprintf(out, size, "%.1f s", s);
}

/* -------------------------------------------------------------- one stage */

static double mean_between(const ts_curve *c, uint64_t begin, uint64_t end)
{
    const ts_curve_bin b = ts_curve_between(c, begin, end);

    return b.n ? b.sum / (double)b.n : NAN;
}

static void facts(ts_svg *s, const ts_train_log *l)
{
    const uint64_t tail = l->last_step - l->last_step / 20;
    const double loss = mean_between(&l->curve[LOG_LOSS], tail, l->last_step + 1);
    const double reward = mean_between(&l->curve[LOG_REWARD], tail, l->last_step + 1);
    const double learning = l->total[LOG_SECONDS] - l->total[LOG_ROLLOUT_SECONDS];
    const double peak = mean_between(&l->curve[LOG_SHARE_OF_PEAK], 0, l->last_step + 1);
    char tokens[32], seconds[32];

    if (l->n_steps == 0) {
        ts_svg_put(s, "<p class=\"soft\">Begun; no step is done yet.</p>\n");
        return;
    }
    print_count(tokens, sizeof tokens, l->total[LOG_TOKENS]);
    print_duration(seconds, sizeof seconds, l->total[LOG_SECONDS]);
    ts_svg_put(s, "<p class=\"soft\">%llu steps, %s tokens, %s", (unsigned long long)l->last_step,
               tokens, seconds);
    if (learning > 0)
        ts_svg_put(s, ", %.0f tokens/s of learning", l->total[LOG_TOKENS] / learning);
    if (isfinite(peak))
        ts_svg_put(s, ", %.0f %% of the peak", peak);
    if (isfinite(loss))
        ts_svg_put(s, "; loss %.4f in the last twentieth", loss);
    if (isfinite(reward))
        ts_svg_put(s, ", reward %.3f", reward);
    ts_svg_put(s, ".%s</p>\n",
               l->n_bad ? " Lines of the log that could not be read are not in it." : "");
}

static void stage_section(ts_svg *s, const ts_report_stage *stage)
{
    ts_svg_put(s, "<h2>");
    ts_svg_escape(s, stage->name);
    ts_svg_put(s, "</h2>\n");
    facts(s, stage->log);
    ts_svg_put(s, "<div class=\"grid-of\">\n");
    for (size_t i = 0; i < ts_report_n_panels; i++)
        if (ts_report_has_panel(stage->log, i))
            ts_report_draw(s, stage->log, i, -1, -1);
    ts_svg_put(s, "</div>\n");
}

/* -------------------------------------------------------------- evaluation */

static const ts_report_score *find_score(const ts_report_eval *e, const char *name)
{
    for (size_t i = 0; i < e->n; i++)
        if (strcmp(e->score[i].name, name) == 0)
            return &e->score[i];
    return NULL;
}

static void score_cells(ts_svg *s, const ts_report_score *x, size_t column)
{
    if (!x) {
        ts_svg_put(s, "<td colspan=\"4\"></td>");
        return;
    }
    ts_svg_put(s,
               "<td class=\"bar%zu\"><svg width=\"110\" height=\"10\" aria-hidden=\"true\">"
               "<rect class=\"rest\" width=\"110\" height=\"10\" rx=\"2\"/>"
               "<rect class=\"bar\" width=\"%.1f\" height=\"10\" rx=\"2\"/></svg></td>",
               column % 2, 110 * x->accuracy);
    ts_svg_put(s, "<td>%.1f %%</td><td>%.1f %%</td><td>%.0f</td>", 100 * x->accuracy,
               100 * x->formed, x->tokens);
}

static ts_report_score mean_of(const ts_report_eval *e)
{
    ts_report_score m = {0};

    for (size_t i = 0; i < e->n; i++) {
        m.n += e->score[i].n;
        m.accuracy += e->score[i].accuracy / (double)e->n;
        m.formed += e->score[i].formed / (double)e->n;
        m.tokens += e->score[i].tokens / (double)e->n;
    }
    return m;
}

static void eval_head(ts_svg *s, const ts_report *r)
{
    ts_svg_put(s, "<tr><th></th>");
    for (size_t i = 0; i < r->n_evals; i++) {
        ts_svg_put(s, "<th colspan=\"2\">");
        ts_svg_escape(s, r->eval[i].name);
        ts_svg_put(s, "<br>%s</th><th>in form</th><th>tokens</th>",
                   r->eval[i].has_thinking ? "thinking" : "at once");
    }
    ts_svg_put(s, "</tr>\n");
}

static void eval_section(ts_svg *s, const ts_report *r)
{
    if (r->n_evals == 0)
        return;
    ts_svg_put(s, "<h2>accuracy</h2>\n<p class=\"soft\">Held-out problems of each family; the "
                  "files are those of <code>tiefsee eval --json</code>.</p>\n<div "
                  "class=\"wide\"><table>\n");
    eval_head(s, r);
    /* Families of later files that the first one lacks have rows as well. */
    for (size_t e = 0; e < r->n_evals; e++)
        for (size_t i = 0; i < r->eval[e].n; i++) {
            const char *name = r->eval[e].score[i].name;
            bool is_new = true;

            for (size_t k = 0; k < e; k++)
                is_new &= find_score(&r->eval[k], name) == NULL;
            if (!is_new)
                continue;
            ts_svg_put(s, "<tr><td>");
            ts_svg_escape(s, name);
            ts_svg_put(s, "</td>");
            for (size_t k = 0; k < r->n_evals; k++)
                score_cells(s, find_score(&r->eval[k], name), k);
            ts_svg_put(s, "</tr>\n");
        }
    ts_svg_put(s, "<tr class=\"sum\"><td>mean of families</td>");
    for (size_t e = 0; e < r->n_evals; e++) {
        const ts_report_score mean = mean_of(&r->eval[e]);
        score_cells(s, &mean, e);
    }
    ts_svg_put(s, "</tr>\n</table></div>\n");
}

/* -------------------------------------------------------------- rejection */

static void reject_section(ts_svg *s, const ts_report *r)
{
    if (r->n_rejects == 0)
        return;
    ts_svg_put(s,
               "<h2>rejection sampling</h2>\n<p class=\"soft\">Problems of the training split, of "
               "each at most one right answer.</p>\n<div class=\"wide\"><table>\n<tr><th></th>"
               "<th>problems</th><th>answers</th><th>solved</th><th>tokens kept</th></tr>\n");
    for (size_t i = 0; i < r->n_rejects; i++) {
        const ts_report_reject *x = &r->reject[i];

        ts_svg_put(s, "<tr><td>");
        ts_svg_escape(s, x->name);
        ts_svg_put(s, "</td><td>%.0f</td><td>%.0f</td><td>%.1f %%</td><td>%.0f</td></tr>\n",
                   x->n_problems, x->n_answers, 100 * x->n_kept / x->n_problems, x->n_tokens);
    }
    ts_svg_put(s, "</table></div>\n");
}

/* -------------------------------------------------------------------- cost */

typedef struct bill {
    double seconds, cpu_seconds;
    bool is_estimate;
} bill;

static bill bill_of(const ts_report *r, const ts_train_log *l)
{
    return (bill){l->total[LOG_SECONDS],
                  l->total[LOG_CPU_SECONDS] + l->uncounted_seconds * (double)r->n_threads,
                  l->uncounted_seconds > 0};
}

static void cost_row(ts_svg *s, const ts_report *r, const char *name, bill b, bool is_sum)
{
    const double hours = b.cpu_seconds / 3600;
    const char *about = b.is_estimate ? "about " : "";
    char seconds[32];

    print_duration(seconds, sizeof seconds, b.seconds);
    ts_svg_put(s, "<tr%s><td>", is_sum ? " class=\"sum\"" : "");
    ts_svg_escape(s, name);
    ts_svg_put(s, "</td><td>%s</td><td>%s%.3f</td><td>%.1f</td></tr>\n", seconds, about, hours,
               hours * r->watts);
}

static bool is_stage(const ts_report *r, const char *name)
{
    for (size_t i = 0; i < r->n_stages; i++)
        if (strcmp(r->stage[i].name, name) == 0)
            return true;
    return false;
}

static void add_bill(bill *sum, bill b)
{
    sum->seconds += b.seconds;
    sum->cpu_seconds += b.cpu_seconds;
    sum->is_estimate |= b.is_estimate;
}

static void cost_section(ts_svg *s, const ts_report *r)
{
    bill sum = {0};

    ts_svg_put(s, "<h2>cost</h2>\n<div class=\"wide\"><table>\n<tr><th></th><th>by the clock</th>"
                  "<th>core-hours</th><th>Wh (estimate)</th></tr>\n");
    for (size_t i = 0; i < r->n_stages; i++) {
        const bill b = bill_of(r, r->stage[i].log);
        cost_row(s, r, r->stage[i].name, b, false);
        add_bill(&sum, b);
    }
    for (size_t i = 0; i < r->n_costs; i++) {
        const bill b = {r->cost[i].seconds, r->cost[i].cpu_seconds, false};
        if (is_stage(r, r->cost[i].name)) /* its log knows what a killed run took as well */
            continue;
        cost_row(s, r, r->cost[i].name, b, false);
        add_bill(&sum, b);
    }
    cost_row(s, r, "all", sum, true);
    ts_svg_put(s,
               "</table></div>\n<p class=\"soft\">Core-hours are processor time. Watt-hours are "
               "not measured: a busy core is taken to draw %g W, memory, fans and power supply "
               "included.",
               r->watts);
    if (sum.is_estimate)
        ts_svg_put(s,
                   " Where a log has no processor time (&ldquo;about&rdquo;), it is taken to be "
                   "%llu times the clock.",
                   (unsigned long long)r->n_threads);
    ts_svg_put(s, "</p>\n");
}

bool ts_report_html(ts_buf *out, const ts_report *r)
{
    ts_svg s = {.out = out, .ok = ts_buf_append(out, HEAD, sizeof HEAD - 1)};

    ts_svg_put(&s, "<h1>Training report</h1>\n<p class=\"soft\">");
    ts_svg_escape(&s, r->folder);
    ts_svg_put(&s, "; lines are means over steps, the shade around them reaches from the least to "
                   "the greatest.</p>\n");
    eval_section(&s, r);
    reject_section(&s, r);
    for (size_t i = 0; i < r->n_stages; i++)
        stage_section(&s, &r->stage[i]);
    cost_section(&s, r);
    ts_svg_put(&s, "<p class=\"soft\">tiefsee %s</p>\n</html>\n", tiefsee_version());
    return s.ok;
}
