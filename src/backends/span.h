/* span.h - the softmax of a long context in spans of fixed length.
 *
 * A context is cut into spans of TS_SPAN rows, whatever the threads and however the
 * prompt came.  Within a span s, with largest score m_s:
 *     p_r = exp(s_r - m_s) / l_s     l_s = sum of exp(s_r - m_s)     z_s = sum p_r v_r
 * and spans are joined in ascending order: a span that comes after what was joined
 * before (m, l, z) moves both to the larger of m and m_s, and
 *     z = z l / (l + l_s) + z_s l_s / (l + l_s)
 * So spans can be worked on by several threads, the result has the same bits, and
 * nobody keeps the scores of a whole context.  A context of one span is a plain
 * softmax.  Shared by every backend on the host.
 */
#ifndef TS_BACKENDS_SPAN_H
#define TS_BACKENDS_SPAN_H

#include "backends/backend.h"
#include "kernels/kernels.h"

enum { TS_SPAN = 8 * TS_KV_PAGE };

typedef struct ts_span_sum {
    float max, mass; /* m, l */
} ts_span_sum;

static inline size_t ts_span_count(size_t n_rows)
{
    return (n_rows + TS_SPAN - 1) / TS_SPAN;
}

/* Scores of one span, already scaled, become p. */
ts_span_sum ts_span_softmax(const ts_kernels *k, float *scores, size_t n);

/* Join z_s (d_v) to z; *sum is what z is of so far. */
void ts_span_join(const ts_kernels *k, ts_span_sum *sum, float *z, ts_span_sum next,
                  const float *z_s, size_t d_v);

#endif
