/* plot_svg.c - see plot_svg.h. */
#include "engine/plot_svg.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void ts_svg_put(ts_svg *s, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    s->ok = s->ok && n >= 0 && (size_t)n < sizeof text && ts_buf_append(s->out, text, (size_t)n);
}

static const char *entity_of(char c)
{
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void ts_svg_escape(ts_svg *s, const char *text)
{
    for (; *text; text++) {
        const char *entity = entity_of(*text);

        if (entity)
            ts_svg_put(s, "%s", entity);
        else if ((unsigned char)*text >= ' ' && *text != 0x7f)
            ts_svg_put(s, "%c", *text);
    }
}

void ts_svg_text(ts_svg *s, double x, double y, const char *anchor, const char *text)
{
    ts_svg_put(s, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    ts_svg_escape(s, text);
    ts_svg_put(s, "</text>\n");
}

static double between_0_and_1(double x)
{
    return x > 0 ? fmin(x, 1) : 0;
}

double ts_svg_x(const ts_svg_frame *f, double v)
{
    return f->left + f->width * between_0_and_1((v - f->x_min) / (f->x_max - f->x_min));
}

double ts_svg_y(const ts_svg_frame *f, double v)
{
    const double share = f->is_log ? log(v / f->y_min) / log(f->y_max / f->y_min)
                                   : (v - f->y_min) / (f->y_max - f->y_min);

    return f->top + f->height * (1 - between_0_and_1(share));
}

/* 1, 2 or 5 times a power of ten, at least a quarter of the span. */
static double tick_of(double span)
{
    const double base = pow(10, floor(log10(span / 4)));
    const double steps[] = {1, 2, 5, 10};

    for (size_t i = 0; i < 4; i++)
        if (base * steps[i] >= span / 4)
            return base * steps[i];
    return base * 10;
}

/* 20000 as 20k: numbers beside an axis are short. */
static void print_tick(char *out, size_t size, double v)
{
    if (fabs(v) >= 1e6)
        (void)snprintf(out, size, "%gM", v / 1e6);
    else if (fabs(v) >= 1e4)
        (void)snprintf(out, size, "%gk", v / 1e3);
    else
        (void)snprintf(out, size, "%g", fabs(v) < 1e-12 ? 0 : v);
}

static void y_tick(ts_svg *s, const ts_svg_frame *f, double v)
{
    char text[32];

    ts_svg_put(s,
               "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" "
               "stroke=\"#ddd\"/>\n",
               f->left, f->left + f->width, ts_svg_y(f, v), ts_svg_y(f, v));
    print_tick(text, sizeof text, v);
    ts_svg_text(s, f->left - 6, ts_svg_y(f, v) + 4, "end", text);
}

static void y_ticks(ts_svg *s, const ts_svg_frame *f)
{
    const double steps[] = {1, 2, 5}, margin = 1e-3 * (f->y_max - f->y_min);

    if (!f->is_log) {
        const double tick = tick_of(f->y_max - f->y_min);

        for (double v = ceil(f->y_min / tick - 1e-9) * tick; v <= f->y_max + margin; v += tick)
            y_tick(s, f, v);
        return;
    }
    for (double base = pow(10, floor(log10(f->y_min))); base <= f->y_max; base *= 10)
        for (size_t i = 0; i < 3; i++)
            if (base * steps[i] >= f->y_min * 0.999 && base * steps[i] <= f->y_max * 1.001)
                y_tick(s, f, base * steps[i]);
}

void ts_svg_axes(ts_svg *s, const ts_svg_frame *f, const char *title, const char *x_name)
{
    const double fine = tick_of(f->x_max - f->x_min), tick = f->is_whole ? fmax(fine, 1) : fine;
    const double margin = 1e-3 * (f->x_max - f->x_min);
    char text[32];

    ts_svg_text(s, f->left, f->top - 16, "start", title);
    if (x_name)
        ts_svg_text(s, f->left + f->width / 2, f->top + f->height + 34, "middle", x_name);
    y_ticks(s, f);
    for (double v = ceil(f->x_min / tick - 1e-9) * tick; v <= f->x_max + margin; v += tick) {
        print_tick(text, sizeof text, v);
        ts_svg_text(s, ts_svg_x(f, v), f->top + f->height + 16, "middle", text);
    }
}
