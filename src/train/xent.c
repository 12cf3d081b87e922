/* xent.c - softmax and cross entropy of one token, in place.
 *
 *     L = -log p(target),  p = softmax(z)          dz = scale (p - [i = target])
 *
 * From the largest logit m and its probability, 1 / sum exp(z - m): L = m - z(target)
 * - log p(m), which stays finite where p(target) is 0.
 */
#include "train/layers.h"

real ts_xent(const ts_kernels *k, real *logits, size_t n_vocab, uint32_t target, real scale)
{
    const real z = logits[target];
    size_t best = 0;

    for (size_t i = 1; i < n_vocab; i++)
        best = logits[i] > logits[best] ? i : best;
    const real m = logits[best];
    ts_real_softmax(k, logits, n_vocab);
    const real loss = m - z - REAL_LOG(logits[best]);
    for (size_t i = 0; i < n_vocab; i++)
        logits[i] *= scale;
    logits[target] -= scale;
    return loss;
}
