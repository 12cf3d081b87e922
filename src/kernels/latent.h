/* latent.h - cached rows of latent attention as integers, and what is exact.
 *
 * A row of n latents and n_rope rotary values:
 *     int8 c[n]          c = round(x / d_c)   |c| <= 127     d_c = max|x| / 127
 *     int16 r[n_rope]    r = round(x / d_r)   |r| <= 2047    d_r = max|x| / 2047
 *     float d_c, d_r
 * A query of both parts:  q = round(x / d), |q| <= 8191, int16.
 *     s = d * fmaf(d_r, (float)(q . r), d_c * (float)(q . c))
 * Weights p >= 0 of up to 64 rows: w = p * d_c, u = round(w / e), e = max w / 32767.
 *     z[j] = fmaf(e, (float)(sum over rows of u * c[j]), z[j])
 * Both sums are exact in 32 bits: 8191 * 127 * 2048 and 8191 * 2047 * 128 for
 * scores, 32767 * 127 * 64 for values.  So the order does not matter, and every
 * variant gives the same bits.  Largest magnitudes are found as in q8.h, and
 * infinity or NaN in a part makes its factor NaN or infinity.
 */
#ifndef TS_KERNELS_LATENT_H
#define TS_KERNELS_LATENT_H

#include "kernels/kernels.h"
#include "kernels/q8.h"

enum {
    LATENT_MAX = 127,
    LATENT_ROPE_MAX = 2047,
    LATENT_QUERY_MAX = 8191,
    LATENT_WEIGHT_MAX = 32767
};

static inline const int16_t *latent_rope(const void *row, const ts_latent *l)
{
    return (const int16_t *)(const void *)((const int8_t *)row + l->n);
}

/* which: 0 is d_c, 1 is d_r. */
static inline float latent_factor(const void *row, const ts_latent *l, int which)
{
    float d;

    memcpy(&d, (const int8_t *)row + l->n + 2 * l->n_rope + 4 * (size_t)which, sizeof d);
    return d;
}

static inline void latent_set_factor(void *row, const ts_latent *l, int which, float d)
{
    memcpy((int8_t *)row + l->n + 2 * l->n_rope + 4 * (size_t)which, &d, sizeof d);
}

#endif
