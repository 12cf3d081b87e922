/* rotary.c - pairs (2i, 2i + 1) turned by position * frequency_i.
 *
 *     (a, b) -> (a c - b s, a s + b c)        backwards: by the negative angle
 */
#include "train/layers.h"

static void turn(ts_rows x, size_t n_heads, size_t head_stride, const ts_rotary *r, size_t n,
                 real sign)
{
    for (size_t t = 0; t < n; t++, x.v += x.stride) {
        const float *c = r->cosine + r->position[t] * r->n_pairs;
        const float *s = r->sine + r->position[t] * r->n_pairs;

        for (size_t h = 0; h < n_heads; h++)
            for (size_t i = 0; i < r->n_pairs; i++) {
                real *pair = x.v + h * head_stride + 2 * i;
                const real a = pair[0], b = pair[1], sine = sign * (real)s[i];

                pair[0] = a * (real)c[i] - b * sine;
                pair[1] = a * sine + b * (real)c[i];
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
