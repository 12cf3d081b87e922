/* curve.c - see curve.h. */
#include "train/curve.h"

#include <math.h>
#include <string.h>

static void join(ts_curve_bin *to, const ts_curve_bin *from)
{
    if (from->n == 0)
        return;
    to->min = to->n ? fmin(to->min, from->min) : from->min;
    to->max = to->n ? fmax(to->max, from->max) : from->max;
    to->sum += from->sum;
    to->n += from->n;
}

static void halve(ts_curve *c)
{
    for (size_t i = 0; i < CURVE_BINS / 2; i++) {
        ts_curve_bin both = c->bin[2 * i];

        join(&both, &c->bin[2 * i + 1]);
        c->bin[i] = both;
    }
    memset(c->bin + CURVE_BINS / 2, 0, CURVE_BINS / 2 * sizeof *c->bin);
    c->n = (c->n + 1) / 2;
    c->width *= 2;
}

void ts_curve_add(ts_curve *c, uint64_t step, double v)
{
    const ts_curve_bin one = {v, v, v, 1};

    c->width = c->width ? c->width : 1;
    while (step / c->width >= CURVE_BINS)
        halve(c);
    const size_t i = (size_t)(step / c->width);
    join(&c->bin[i], &one);
    c->n = i + 1 > c->n ? i + 1 : c->n;
}

ts_curve_bin ts_curve_between(const ts_curve *c, uint64_t begin, uint64_t end)
{
    ts_curve_bin all = {0};

    if (c->width == 0)
        return all;
    for (uint64_t i = begin / c->width; i < c->n && i * c->width < end; i++)
        join(&all, &c->bin[i]);
    return all;
}
