/* check.h - the judge of kernels: is a variant what the reference says, and how
 * fast is it?
 *
 * ts_checkkern_run() walks the levels of this CPU upward and holds every
 * function that a level adds against the reference.  Each check runs in a child
 * process, so that a crash names its kernel and case and stops nothing else;
 * call it from a program that may fork (one thread).  It prints nothing.
 *
 * The rest of this header is for check_<family>.c: for every kernel of
 * kernels.def one ts_check_<name>() and one ts_bench_<name>(), or the program
 * does not link.
 */
#ifndef TS_KERNELS_CHECK_H
#define TS_KERNELS_CHECK_H

#include "core/compiler.h"
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ts_checkkern_options {
    unsigned cpu_flags; /* TS_CPU_*: what may be called */
    uint64_t seed;
    size_t
        slack_bytes;  /* readable behind every operand: 0, or 64 under an emulator that needs it */
    const char *only; /* names that contain this; NULL: all */
    bool bench;       /* time instead of check */
    bool digest;      /* run the reference alone, for line->digest */
} ts_checkkern_options;

/* One variant judged or timed. */
typedef struct ts_checkkern_line {
    const char *kernel, *level;
    const char *message; /* what is wrong, with the case; "" if nothing */
    bool passed;
    uint64_t digest; /* of what the reference said: the same on every machine for a seed */
    /* Only with bench: median of one call, half the samples lie within
     * +- spread (a share of the median); the reference timed right before;
     * floating-point or integer operations and bytes of one call, 0 if not said. */
    double ns, spread, ref_ns, ops, bytes;
} ts_checkkern_line;

/* Returns the number of variants that failed.  line lives during the call. */
int ts_checkkern_run(const ts_checkkern_options *options,
                     void (*on_line)(void *user, const ts_checkkern_line *line), void *user);

/* --- for check_<family>.c --- */

#define CHECK_MAX_SLOTS   10
#define CHECK_MAX_SAMPLES 11

/* One operand: the last `bytes` (and slack) in front of an unmapped page. */
typedef struct ts_check_slot {
    uint8_t *base, *operand;
    size_t mapped_bytes, bytes;
} ts_check_slot;

typedef struct ts_check {
    uint64_t rng, digest;
    size_t slack_bytes;
    ts_check_slot slot[CHECK_MAX_SLOTS];
    char where[128];   /* the case that runs */
    char message[300]; /* the first difference */
    /* Set by a bench function: work of one call. */
    double ops, bytes;
    /* Owned by ts_check_again(). */
    uint64_t n_left, n_batch;
    double start_ns, sample_ns[CHECK_MAX_SAMPLES];
    size_t n_samples;
} ts_check;

#define KERNEL(name, result, params)                                                     \
    bool ts_check_##name(ts_check *c, const ts_kernels *ref, const ts_kernels *variant); \
    void ts_bench_##name(ts_check *c, const ts_kernels *k);
#include "kernels/kernels.def"
#undef KERNEL

/* Say which case follows; a crash reports it. */
void ts_check_case(ts_check *c, const char *format, ...) TS_PRINTF(2, 3);

/* Operands, valid until the slot is used again.  floats: awkward ones (zeros of
 * both signs, subnormals, wide exponents, infinity and NaN now and then) or
 * only moderate ones; bytes: any; output: filled with a pattern. */
float *ts_check_floats(ts_check *c, size_t slot, size_t n);
float *ts_check_moderate(ts_check *c, size_t slot, size_t n);
uint8_t *ts_check_bytes(ts_check *c, size_t slot, size_t n_bytes);
void *ts_check_output(ts_check *c, size_t slot, size_t n_bytes);
void *ts_check_copy(ts_check *c, size_t to_slot, size_t from_slot);

/* Uniform in 0 ... n - 1. */
size_t ts_check_random(ts_check *c, size_t n);

/* Compare two outputs including what lies between rows and in front; false and
 * a message if they differ.  Floats: the same bits, or both NaN. */
bool ts_check_same_floats(ts_check *c, size_t want_slot, size_t got_slot);
bool ts_check_same_bytes(ts_check *c, size_t want_slot, size_t got_slot);
bool ts_check_same_float(ts_check *c, float want, float got);
bool ts_check_fail(ts_check *c, const char *format, ...) TS_PRINTF(2, 3);

/* while (ts_check_again(c)) call();  times the calls. */
bool ts_check_batch(ts_check *c);

static inline bool ts_check_again(ts_check *c)
{
    if (c->n_left == 0)
        return ts_check_batch(c);
    c->n_left--;
    return true;
}

#endif
