/* rope.h - rotary position embedding: frequencies and angles.
 *
 * Frequencies and angles are rounded to float where the published PyTorch code
 * does (inverse frequencies and their product with the position are float), so
 * that far positions agree with it; sines and cosines are ours, so that the C
 * library's version does not change a token.
 */
#ifndef TS_MODELS_ROPE_H
#define TS_MODELS_ROPE_H

#include "formats/config.h"

/* frequency[i] of pair i, n_dims / 2 of them.  divisors: for TS_ROPE_DIVISORS,
 * one per pair, else ignored. */
void ts_rope_frequencies(float *frequency, const ts_rope_config *r, const float *divisors);

/* What cosines and sines are multiplied by: YaRN, as each family has it. */
float ts_rope_amplitude(const ts_rope_config *r);

/* DeepSeek: the factor on the softmax scale, g(s, mscale_all_dim)^2, or 1. */
double ts_rope_softmax_factor(const ts_rope_config *r);

/* cosine[i], sine[i] of amplitude * (position * frequency[i]). */
void ts_rope_angles(float *cosine, float *sine, const float *frequency, size_t n_pairs,
                    uint32_t position, float amplitude);

#endif
