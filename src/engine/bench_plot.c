/* bench_plot.c - the picture of a benchmark: prefill over the length of the
 * prompt, decoding over the depth of the context, each beside its limit.
 *
 * SVG 1.1 with its own light background; the limit is dashed.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/bench.h"

enum { WIDTH = 420, HEIGHT = 260, LEFT = 56, RIGHT = 16, TOP = 36, BOTTOM = 40 };

typedef struct plot {
    ts_buf *out;
    bool ok;
    double x0, x_max, y_max; /* left edge of the panel; scales */
} plot;

static void put(plot *p, const char *format, ...) TS_PRINTF(2, 3);

static void put(plot *p, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->ok = p->ok && n >= 0 && (size_t)n < sizeof text && ts_buf_append(p->out, text, (size_t)n);
}

/* Text from outside, with what XML reads as markup left out. */
static void put_text(plot *p, double x, double y, const char *anchor, const char *text)
{
    put(p, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *text; text++)
        if (!strchr("<>&\"", *text) && (unsigned char)*text >= ' ')
            put(p, "%c", *text);
    put(p, "</text>\n");
}

static double x_of(const plot *p, double v)
{
    return p->x0 + LEFT + (WIDTH - LEFT - RIGHT) * v / p->x_max;
}

static double y_of(const plot *p, double v)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * v / p->y_max;
}

/* 1, 2 or 5 times a power of ten, at least a quarter of top. */
static double tick_of(double top)
{
    const double base = pow(10, floor(log10(top / 4)));
    const double steps[] = {1, 2, 5, 10};

    for (size_t i = 0; i < 4; i++)
        if (base * steps[i] >= top / 4)
            return base * steps[i];
    return base * 10;
}

static void axes(plot *p, const char *title, const char *x_name)
{
    const double x_tick = tick_of(p->x_max), y_tick = tick_of(p->y_max);
    char text[32];

    put_text(p, p->x0 + LEFT, 20, "start", title);
    put_text(p, p->x0 + (WIDTH + LEFT) / 2.0, HEIGHT - 6, "middle", x_name);
    for (double v = 0; v <= p->y_max * 1.001; v += y_tick) {
        put(p, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n",
            x_of(p, 0), x_of(p, p->x_max), y_of(p, v), y_of(p, v));
        (void)snprintf(text, sizeof text, "%g", v);
        put_text(p, x_of(p, 0) - 6, y_of(p, v) + 4, "end", text);
    }
    for (double v = 0; v <= p->x_max * 1.001; v += x_tick) {
        (void)snprintf(text, sizeof text, "%g", v);
        put_text(p, x_of(p, v), HEIGHT - BOTTOM + 16, "middle", text);
    }
}

static bool is_chosen(const ts_bench_point *p, bool is_prefill)
{
    return p->is_prefill == is_prefill && p->n_sequences == 1 && (!is_prefill || p->depth == 0);
}

static double x_value(const ts_bench_point *p)
{
    return p->is_prefill ? (double)p->tokens : (double)p->depth;
}

static void curve(plot *p, const ts_bench_result *r, bool is_prefill, bool is_limit)
{
    put(p, "<polyline fill=\"none\" stroke=\"%s\"%s points=\"", is_limit ? "#888" : "#06c",
        is_limit ? " stroke-dasharray=\"5 4\"" : " stroke-width=\"2\"");
    for (size_t i = 0; i < r->n_points; i++) {
        const ts_bench_point *b = &r->points[i];
        if (is_chosen(b, is_prefill))
            put(p, "%.1f,%.1f ", x_of(p, x_value(b)),
                y_of(p, is_limit ? b->limit_tokens_per_s : b->tokens_per_s));
    }
    put(p, "\"/>\n");
    for (size_t i = 0; !is_limit && i < r->n_points; i++) {
        const ts_bench_point *b = &r->points[i];
        if (is_chosen(b, is_prefill))
            put(p, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#06c\"/>\n", x_of(p, x_value(b)),
                y_of(p, b->tokens_per_s));
    }
}

static void panel(plot *p, const ts_bench_result *r, bool is_prefill)
{
    double x = 1, y = 1e-9;

    for (size_t i = 0; i < r->n_points; i++) {
        const ts_bench_point *b = &r->points[i];
        if (!is_chosen(b, is_prefill))
            continue;
        x = fmax(x, x_value(b));
        y = fmax(y, fmax(b->limit_tokens_per_s, b->tokens_per_s));
    }
    p->x0 = is_prefill ? 0 : WIDTH;
    p->x_max = x;
    p->y_max = 1.05 * y;
    axes(p, is_prefill ? "prefill, tokens/s" : "decode, tokens/s",
         is_prefill ? "tokens of the prompt" : "tokens in the context before");
    curve(p, r, is_prefill, true);
    curve(p, r, is_prefill, false);
}

bool ts_bench_plot(ts_buf *out, const ts_bench_result *r, const char *title)
{
    plot p = {.out = out, .ok = true};

    put(&p,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        2 * WIDTH, HEIGHT + 24);
    panel(&p, r, true);
    panel(&p, r, false);
    put_text(&p, LEFT, HEIGHT + 16, "start", title);
    put_text(&p, 2 * WIDTH - RIGHT, HEIGHT + 16, "end",
             "dashed: this machine's limit, measured beside each run");
    put(&p, "</svg>\n");
    return p.ok;
}
