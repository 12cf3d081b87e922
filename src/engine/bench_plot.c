/* bench_plot.c - the picture of a benchmark: prefill over the length of the
 * prompt, decoding over the depth of the context, each beside its limit.
 *
 * SVG 1.1 with its own light background; the limit is dashed.
 */
#include <math.h>

#include "engine/bench.h"
#include "engine/plot_svg.h"

enum { WIDTH = 420, HEIGHT = 260, LEFT = 56, RIGHT = 16, TOP = 36, BOTTOM = 40 };

static bool is_chosen(const ts_bench_point *p, bool is_prefill)
{
    return p->is_prefill == is_prefill && p->n_sequences == 1 && (!is_prefill || p->depth == 0);
}

static double x_value(const ts_bench_point *p)
{
    return p->is_prefill ? (double)p->tokens : (double)p->depth;
}

static void curve(ts_svg *s, const ts_svg_frame *f, const ts_bench_result *r, bool is_prefill,
                  bool is_limit)
{
    ts_svg_put(s, "<polyline fill=\"none\" stroke=\"%s\"%s points=\"", is_limit ? "#888" : "#06c",
               is_limit ? " stroke-dasharray=\"5 4\"" : " stroke-width=\"2\"");
    for (size_t i = 0; i < r->n_points; i++) {
        const ts_bench_point *b = &r->points[i];
        if (is_chosen(b, is_prefill))
            ts_svg_put(s, "%.1f,%.1f ", ts_svg_x(f, x_value(b)),
                       ts_svg_y(f, is_limit ? b->limit_tokens_per_s : b->tokens_per_s));
    }
    ts_svg_put(s, "\"/>\n");
    for (size_t i = 0; !is_limit && i < r->n_points; i++) {
        const ts_bench_point *b = &r->points[i];
        if (is_chosen(b, is_prefill))
            ts_svg_put(s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#06c\"/>\n",
                       ts_svg_x(f, x_value(b)), ts_svg_y(f, b->tokens_per_s));
    }
}

static void panel(ts_svg *s, const ts_bench_result *r, bool is_prefill)
{
    double x = 1, y = 1e-9;

    for (size_t i = 0; i < r->n_points; i++) {
        const ts_bench_point *b = &r->points[i];
        if (!is_chosen(b, is_prefill))
            continue;
        x = fmax(x, x_value(b));
        y = fmax(y, fmax(b->limit_tokens_per_s, b->tokens_per_s));
    }
    const ts_svg_frame f = {.left = LEFT + (is_prefill ? 0 : WIDTH),
                            .top = TOP,
                            .width = WIDTH - LEFT - RIGHT,
                            .height = HEIGHT - TOP - BOTTOM,
                            .x_max = x,
                            .y_max = 1.05 * y};
    ts_svg_axes(s, &f, is_prefill ? "prefill, tokens/s" : "decode, tokens/s",
                is_prefill ? "tokens of the prompt" : "tokens in the context before");
    curve(s, &f, r, is_prefill, true);
    curve(s, &f, r, is_prefill, false);
}

bool ts_bench_plot(ts_buf *out, const ts_bench_result *r, const char *title)
{
    ts_svg s = {.out = out, .ok = true};

    ts_svg_put(&s,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "font-family=\"sans-serif\" font-size=\"12\">\n"
               "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
               2 * WIDTH, HEIGHT + 24);
    panel(&s, r, true);
    panel(&s, r, false);
    ts_svg_text(&s, LEFT, HEIGHT + 16, "start", title);
    ts_svg_text(&s, 2 * WIDTH - RIGHT, HEIGHT + 16, "end",
                "dashed: this machine's limit, measured beside each run");
    ts_svg_put(&s, "</svg>\n");
    return s.ok;
}
