/* ref.h - the definition of every op: scalar loops over the reference kernels,
 * one thread, memory as it goes.  For tests and for whoever ports the ops. */
#ifndef TS_BACKENDS_REF_H
#define TS_BACKENDS_REF_H

#include "backends/backend.h"

/* precise: float activations beside quantised weights, as in ts_cpu_options. */
tiefsee_status ts_ref_open(ts_backend **out, bool precise, tiefsee_error *err) TS_MUST_CHECK;

#endif
