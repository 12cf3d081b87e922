/* fingerprint.h - 32 bytes that say which latents a model computes.
 *
 * Pages of the context cache outlive the process; they are good for another one
 * only if it would compute the same bits.  The fingerprint covers the layout of
 * pages, the files (sizes, times of change, metadata, names and shapes of
 * tensors, a sample of their bytes) and the latents of a probe, computed by the
 * kernels that will be used: a kernel that rounds differently is another model.
 */
#ifndef TS_ENGINE_FINGERPRINT_H
#define TS_ENGINE_FINGERPRINT_H

#include "engine/model.h"

enum { TS_FINGERPRINT_LEN = 32 };

/* Runs a step of the model; its backend must have room for a few rows (reserve). */
tiefsee_status ts_model_fingerprint(tiefsee_model *m, uint8_t out[TS_FINGERPRINT_LEN],
                                    tiefsee_error *err) TS_MUST_CHECK;

/* Which model it is, wherever and by whom it is computed: metadata and tensors, of large
 * ones samples of their bytes. */
enum { TS_MODEL_HASH_LEN = 8 };
void ts_model_hash(const tiefsee_model *m, uint8_t out[TS_MODEL_HASH_LEN]);

#endif
