/* kl.c - how far a student's next token is from a teacher's, over the whole vocabulary.
 *
 *     L = KL(p || q) = sum_i p_i (log p_i - log q_i),  p = softmax(z), q = softmax(w)
 *     dz_i = scale p_i (log p_i - log q_i - L)
 *
 * The logarithms are differences of logits to log sum exp, which is the largest logit minus
 * the logarithm of its probability, so nothing is lost where a probability is 0.
 */
#include "train/layers.h"

/* x becomes probabilities; log sum exp of what it was. */
static real normalise(const ts_kernels *k, real *x, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    const real largest = x[best];
    ts_real_softmax(k, x, n);
    return largest - REAL_LOG(x[best]);
}

real ts_kl(const ts_kernels *k, real *logits, real *teacher, real *ratio, size_t n_vocab,
           real scale)
{
    for (size_t i = 0; i < n_vocab; i++)
        ratio[i] = logits[i] - teacher[i];
    const real shift = normalise(k, teacher, n_vocab) - normalise(k, logits, n_vocab);
    for (size_t i = 0; i < n_vocab; i++)
        ratio[i] += shift;
    const real loss = ts_real_dot(k, logits, ratio, n_vocab);
    for (size_t i = 0; i < n_vocab; i++)
        logits[i] *= scale * (ratio[i] - loss);
    return loss;
}
