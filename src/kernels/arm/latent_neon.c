/* latent_neon.c - rows and queries of latent attention, rounded; see latent.h and
 * ref/latent_ref.c. */
#include "kernels/arm/latent_neon.h"

void ts_latent_pack_neon(void *row, const float *x, const ts_latent *l)
{
    int8_t *c = row;
    int16_t *rope = (int16_t *)(void *)(c + l->n);
    float d;

    const float factor = q_factor(largest_of_floats(x, l->n), LATENT_MAX, &d);
    for (size_t i = 0; i < l->n; i += 16)
        vst1q_s8(c + i, vcombine_s8(vmovn_s16(round_8(x + i, factor)),
                                    vmovn_s16(round_8(x + i + 8, factor))));
    latent_set_factor(row, l, 0, d);
    x += l->n;
    const float factor_rope = q_factor(largest_of_floats(x, l->n_rope), LATENT_ROPE_MAX, &d);
    for (size_t i = 0; i < l->n_rope; i += 8)
        vst1q_s16(rope + i, round_8(x + i, factor_rope));
    latent_set_factor(row, l, 1, d);
}

void ts_latent_query_neon(int16_t *q, float *d, const float *x, float scale, const ts_latent *l)
{
    const size_t n = l->n + l->n_rope;
    float step;

    const float factor = q_factor(largest_of_floats(x, n), LATENT_QUERY_MAX, &step);
    for (size_t i = 0; i < n; i += 8)
        vst1q_s16(q + i, round_8(x + i, factor));
    *d = step * scale;
}
