/* round_weights.c - see round_weights.h. */
#include "train/round_weights.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"
#include "models/quantize_row.h"

/* Rows of one piece of work. */
enum { ROWS = 16 };

/* A tensor that changes, and how many rows are in front of it. */
typedef struct part {
    ts_file_tensor t;
    size_t first_row;
} part;

struct ts_rounding {
    const ts_network *n;
    part *part;
    size_t n_parts, n_rows;
    float *rows;     /* (n_threads, widest) */
    uint8_t *packed; /* (n_threads, packed_bytes) */
    size_t widest, packed_bytes;
};

static tiefsee_status add_part(void *ctx, const ts_file_tensor *t)
{
    ts_rounding *r = ctx;

    if (t->type == TS_F32)
        return TIEFSEE_OK;
    if (r->part)
        r->part[r->n_parts] = (part){*t, r->n_rows};
    r->n_parts++;
    r->n_rows += ts_file_tensor_rows(t);
    return TIEFSEE_OK;
}

tiefsee_status ts_rounding_new(ts_rounding **out, const ts_network *n, ts_file_types types,
                               int n_threads, tiefsee_error *err)
{
    ts_rounding *r = ts_alloc_zero(1, sizeof *r);
    const size_t widest = ts_file_tensors_widest(n);

    assert(n->is_rounded);
    *out = NULL;
    if (!r)
        return ts_fail_nomem(err, sizeof *r, "rounded weights");
    r->n = n;
    r->widest = widest;
    /* No type takes more than a float and the scales of a last, partial block. */
    r->packed_bytes = (widest * sizeof(float) + 512 + 63) / 64 * 64;
    tiefsee_status st = ts_file_tensors(n, types, add_part, r); /* counts */
    r->part = ts_alloc((r->n_parts + 1) * sizeof *r->part);
    r->rows = ts_alloc((size_t)n_threads * widest * sizeof *r->rows);
    r->packed = ts_alloc((size_t)n_threads * r->packed_bytes);
    r->n_parts = r->n_rows = 0;
    if (!r->part || !r->rows || !r->packed)
        st = ts_fail_nomem(err, (size_t)n_threads * r->packed_bytes * 2, "rounded weights");
    if (st == TIEFSEE_OK)
        st = ts_file_tensors(n, types, add_part, r);
    if (st != TIEFSEE_OK) {
        ts_rounding_free(r);
        return st;
    }
    *out = r;
    return TIEFSEE_OK;
}

void ts_rounding_free(ts_rounding *r)
{
    if (!r)
        return;
    ts_free(r->part);
    ts_free(r->rows);
    ts_free(r->packed);
    ts_free(r);
}

static void round_row(const ts_rounding *r, const ts_file_tensor *t, size_t i, int thread)
{
    const float *from = ts_file_tensor_row(t, i);
    float *to = r->n->used + (from - r->n->value), *row = r->rows + (size_t)thread * r->widest;
    uint8_t *packed = r->packed + (size_t)thread * r->packed_bytes;

    for (size_t j = 0; j < t->n_in; j++)
        row[j] = from[j * t->step];
    if (!ts_quantize_row(t->type, packed, row, t->n_in) ||
        !ts_widen_row(t->type, row, packed, t->n_in))
        return;
    for (size_t j = 0; j < t->n_in; j++)
        to[j * t->step] = row[j];
}

static void round_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_rounding *r = ctx;
    const part *p = r->part;

    for (size_t i = begin; i < end; i++) {
        while (i - p->first_row >= ts_file_tensor_rows(&p->t))
            p++;
        round_row(r, &p->t, i - p->first_row, thread);
    }
}

void ts_rounding_run(ts_rounding *r, ts_pool *pool)
{
    memcpy(r->n->used, r->n->value, r->n->n_reals * sizeof *r->n->used);
    ts_pool_loop(pool, r->n_rows, ROWS, round_rows, r);
}
