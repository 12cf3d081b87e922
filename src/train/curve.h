/* curve.h - a value over the steps of a run, however long, in fixed memory: means and
 * extremes of equally many steps each.  When all places are taken, neighbours are joined. */
#ifndef TS_TRAIN_CURVE_H
#define TS_TRAIN_CURVE_H

#include <stddef.h>
#include <stdint.h>

enum { CURVE_BINS = 512 };

typedef struct ts_curve_bin {
    double sum, min, max;
    uint64_t n; /* values; 0: none */
} ts_curve_bin;

typedef struct ts_curve {
    uint64_t width; /* steps of a bin; 0: nothing was added */
    size_t n;       /* bins in use: bin i is that of steps [i width, (i + 1) width) */
    ts_curve_bin bin[CURVE_BINS];
} ts_curve;

/* In any order of steps; v is finite. */
void ts_curve_add(ts_curve *c, uint64_t step, double v);

/* Of the steps [begin, end), in whole bins; n == 0: there is none. */
ts_curve_bin ts_curve_between(const ts_curve *c, uint64_t begin, uint64_t end);

#endif
