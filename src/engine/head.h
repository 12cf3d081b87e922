/* head.h - the next token without the logits of all others.
 *
 * The output matrix W is a tenth of the bytes of a step.  Where only a token is wanted,
 * two passes find it:
 *   1. a copy V of W in q4_0, with V x' for all rows, x' being x in the int8 blocks
 *      that q4_0 meets;
 *   2. W x, bit by bit as the linear op computes it, for rows that can still be best, or
 *      that have more than a bit of the probability.
 * Let x be what W meets (floats, or int8 blocks of its own type).  By Cauchy-Schwarz
 *     |W_r x - V_r x'| <= |W_r - V_r| |x| + |V_r| |x - x'|
 * in exact numbers; the roundings of both passes are less than
 *     (n + 64) 2^-23 (|W_r| + |V_r|) (|x| + |x - x'|)
 * for rows of n weights, whatever the order of the sums.  Norms are taken in double
 * and rounded up.  A row whose upper bound is below another one's lower bound is not
 * the best, so the token is the one that all logits would give, ties included.  A draw
 * knows the logits of the likely rows, and bounds of what the others have: it is the
 * draw from all logits, unless what is not known could change it (sampler.h).
 *
 * Where too many rows are left (weights that nothing was learnt into), a draw is not
 * certain, or a number is not finite, there is no answer, and fewer of the next steps
 * try.  Whether a whole copy would be like that its first rows foretell, beside all
 * logits of a step: until such a trial goes well, no more of it is made.
 *
 * One thread at a time, as the backend.
 */
#ifndef TS_ENGINE_HEAD_H
#define TS_ENGINE_HEAD_H

#include "backends/backend.h"
#include "engine/sampler.h"
#include "kernels/kernels.h"

typedef struct ts_head ts_head;

/* Is a copy worth its memory: is W large, and does it have clearly more bits? */
bool ts_head_pays(const ts_tensor *W);

/* undefined: bit set of rows that are never chosen, or NULL; both outlive it. */
tiefsee_status ts_head_open(ts_head **out, const ts_tensor *W, const uint64_t *undefined,
                            tiefsee_error *err) TS_MUST_CHECK;
void ts_head_close(ts_head *h); /* NULL allowed */
uint64_t ts_head_bytes(const ts_tensor *W);

/* May the next ts_head_choose() be asked for?  False while the copy, of which each call
 * makes a part, is not whole, and after steps that had no answer. */
bool ts_head_is_ready(ts_head *h, ts_backend *b);

/* After a call of ts_head_is_ready() that was false: should this step's hidden row x and
 * all its logits go to ts_head_try()? */
bool ts_head_wants_trial(const ts_head *h);
void ts_head_try(ts_head *h, const ts_kernels *k, const float *x, const float *logits);

/* token[i] for row i of x (n_rows, d): what samplers[i], which is plain, chooses next, and
 * it is told so; NULL: the first of the largest logits.  -1: no answer, nothing was drawn.
 * work: (n_rows, rows of W). */
void ts_head_choose(ts_head *h, ts_backend *b, const ts_kernels *k, const float *x, size_t n_rows,
                    ts_sampler *const *samplers, float *work, int32_t *token);

#endif
