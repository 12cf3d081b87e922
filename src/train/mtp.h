/* mtp.h - multi-token prediction, the part of trunk.c that has a file of its own. */
#ifndef TS_TRAIN_MTP_H
#define TS_TRAIN_MTP_H

#include "train/trunk.h"

void ts_mtp_carve(ts_mtp_memory *m, const ts_config *c, size_t max_tokens, ts_carve *work);

/* From t->normed to t->mtp.normed. */
void ts_mtp_forward(ts_trunk *t, ts_pass *x, const ts_train_batch *b);

/* d_out (n, d): of t->mtp.normed.  Adds to t->d_normed; uses t->dh. */
void ts_mtp_backward(ts_trunk *t, ts_pass *x, const ts_train_batch *b, real *d_out);

#endif
