/* clip.c - the loss of one token of an answer that was given by older weights (PPO's, as
 * GRPO has it: arXiv:2402.03300; two bounds: arXiv:2503.14476).
 *
 *     L = -min(c A, clip(c, 1 - low, 1 + high) A) + kl (r - log r - 1)
 *     c = p / p_old,  r = p_reference / p
 *     dL / d log p = -c A (0 where the bound is what counts) + kl (1 - r)
 *
 * Cross entropy is -log p, so its gradient times -dL / d log p is that of the logits.
 */
#include "train/layers.h"

real ts_clip(const ts_kernels *k, real *logits, size_t n_vocab, uint32_t target,
             const ts_clip_row *row, ts_clip_told *told)
{
    const ts_clip_bounds *b = row->bounds;
    const real log_p = -ts_xent(k, logits, n_vocab, target, 1);
    const real c = REAL_EXP(log_p - row->old), r = REAL_EXP(row->reference - log_p);
    const bool is_clipped = row->advantage > 0 ? c > 1 + b->high : c < 1 - b->low;
    const real bound = row->advantage > 0 ? 1 + b->high : 1 - b->low;
    const real pull = is_clipped ? 0 : c * row->advantage;
    const real scale = pull - b->kl * (1 - r);

    for (size_t i = 0; i < n_vocab; i++)
        logits[i] *= scale;
    *told = (ts_clip_told){is_clipped && row->advantage != 0, r - (row->reference - log_p) - 1};
    return b->kl * told->divergence - (is_clipped ? bound : c) * row->advantage;
}
