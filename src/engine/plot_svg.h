/* plot_svg.h - what pictures of curves share: SVG elements, scales and axes.
 *
 * Elements carry the colours of a light page as attributes and a class, so that a style
 * sheet around them can choose others.
 */
#ifndef TS_ENGINE_PLOT_SVG_H
#define TS_ENGINE_PLOT_SVG_H

#include "core/str.h"

typedef struct ts_svg {
    ts_buf *out;
    bool ok; /* false: out is full, and nothing more is written */
} ts_svg;

/* Where a curve is drawn, and what its edges mean. */
typedef struct ts_svg_frame {
    double left, top, width, height;
    double x_min, x_max, y_min, y_max; /* min < max; is_log: above 0 */
    bool is_log;                       /* of y */
    bool is_whole;                     /* x counts something: no ticks between */
} ts_svg_frame;

void ts_svg_put(ts_svg *s, const char *format, ...) TS_PRINTF(2, 3);

/* Text from outside: what markup means is escaped, control characters are left out. */
void ts_svg_escape(ts_svg *s, const char *text);
void ts_svg_text(ts_svg *s, double x, double y, const char *anchor, const char *text);

/* Values outside the frame come to lie on its edge. */
double ts_svg_x(const ts_svg_frame *f, double v);
double ts_svg_y(const ts_svg_frame *f, double v);

/* Grid, numbers, the title above and the meaning of x below (NULL: none). */
void ts_svg_axes(ts_svg *s, const ts_svg_frame *f, const char *title, const char *x_name);

#endif
