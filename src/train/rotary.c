/* rotary.c - pairs (2i, 2i + 1), or (i, i + n) of n pairs, turned by position * frequency_i.
 *
 *     (a, b) -> (a c - b s, a s + b c)        backwards: by the negative angle
 */
#include "train/layers.h"

static void turn(ts_rows x, size_t n_heads, size_t head_stride, const ts_rotary *r, size_t n,
                 real sign)
{
    const size_t step = r->is_split ? 1 : 2, apart = r->is_split ? r->n_pairs : 1;

    for (size_t t = 0; t < n; t++, x.v += x.stride) {
        const float *c = r->cosine + r->position[t] * r->n_pairs;
        const float *s = r->sine + r->position[t] * r->n_pairs;

        for (size_t h = 0; h < n_heads; h++)
            for (size_t i = 0; i < r->n_pairs; i++) {
                real *pair = x.v + h * head_stride + step * i;
                const real a = pair[0], b = pair[apart], sine = sign * (real)s[i];

                pair[0] = a * (real)c[i] - b * sine;
                pair[apart] = a * sine + b * (real)c[i];
            }
    }
}

void ts_rotary_forward(ts_rows x, size_t n_heads, size_t head_stride, const ts_rotary *r, size_t n)
{
    turn(x, n_heads, head_stride, r, n, 1);
}

void ts_rotary_backward(ts_rows dx, size_t n_heads, size_t head_stride, const ts_rotary *r,
                        size_t n)
{
    turn(dx, n_heads, head_stride, r, n, -1);
}
