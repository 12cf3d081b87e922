/* head.c - see head.h. */
#include "engine/head.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "kernels/half.h"
#include "kernels/quant_blocks.h"

/* A copy is made of PART weights per step, which costs a few milliseconds.  Matrices of
 * fewer than LEAST rows are not worth two passes.  At most one of FEW rows may be left
 * for the second one. */
enum { BLOCK = 32, PART = 1 << 19, LEAST = 16384, FEW = 64, LONGEST_PAUSE = 256, LANES = 8 };

/* Below the best, in steps of an eighth of a logit over the temperature. */
enum { N_STEPS = 256 };
#define STEP 0.125f

/* What tokens without a logit may have of the best one's probability, all together. */
static const double LITTLE = 0x1p-11;

/* More than what numbers too small for a float's full precision can lose. */
static const float TINY = 0x1p-100f;

struct ts_head {
    const ts_tensor *W;
    const uint64_t *undefined;
    ts_tensor copy;      /* V */
    float *error, *norm; /* (V) |W_r - V_r| and what roundings may add; |V_r| */
    int32_t *left;       /* (n_vocab / FEW) rows for the second pass */
    float *logits;       /* (n_vocab / FEW) of them */
    float *row;          /* (d) */
    int8_t *q;           /* (d) */
    float *scale;        /* (d / BLOCK) */
    int16_t *sums;       /* (d / 16) */
    size_t n_vocab, d, n_done;
    size_t pause, last_pause; /* steps not to try */
    bool is_worth;            /* a trial went well, so the copy is made */
    bool is_broken;           /* W has numbers that are none */
};

static bool is_known(ts_dtype type)
{
    return type == TS_F32 || type == TS_F16 || type == TS_BF16 || type == TS_Q8_0 ||
           type == TS_Q6_K;
}

bool ts_head_pays(const ts_tensor *W)
{
    return W->n_dims <= 2 && W->ne[1] >= LEAST && W->ne[0] % BLOCK == 0 && is_known(W->type);
}

static size_t copy_row_bytes(const ts_tensor *W)
{
    return (size_t)W->ne[0] / BLOCK * sizeof(ts_block_q4_0);
}

uint64_t ts_head_bytes(const ts_tensor *W)
{
    return W->ne[1] * (copy_row_bytes(W) + 2 * sizeof(float) + 1) + W->ne[0] * 8;
}

tiefsee_status ts_head_open(ts_head **out, const ts_tensor *W, const uint64_t *undefined,
                            tiefsee_error *err)
{
    const size_t n = (size_t)W->ne[1], d = (size_t)W->ne[0];
    ts_head *h = ts_alloc_zero(1, sizeof *h);

    *out = NULL;
    if (h) {
        uint8_t *data = ts_alloc(n * copy_row_bytes(W));
        h->copy = (ts_tensor){.data = data,
                              .ne = {d, n, 1, 1},
                              .bytes = n * copy_row_bytes(W),
                              .row_bytes = copy_row_bytes(W),
                              .n_dims = 2,
                              .type = TS_Q4_0};
        h->W = W;
        h->undefined = undefined;
        h->n_vocab = n;
        h->d = d;
        h->error = ts_alloc(n * sizeof *h->error);
        h->norm = ts_alloc(n * sizeof *h->norm);
        h->left = ts_alloc(n / FEW * sizeof *h->left);
        h->logits = ts_alloc(n / FEW * sizeof *h->logits);
        h->row = ts_alloc(d * sizeof *h->row);
        h->q = ts_alloc(d);
        h->scale = ts_alloc(d / BLOCK * sizeof *h->scale);
        h->sums = ts_alloc(d / 16 * sizeof *h->sums);
    }
    if (!h || !h->copy.data || !h->error || !h->norm || !h->left || !h->logits || !h->row ||
        !h->q || !h->scale || !h->sums) {
        ts_head_close(h);
        return ts_fail_nomem(err, ts_head_bytes(W), "a copy of the output matrix");
    }
    *out = h;
    return TIEFSEE_OK;
}

void ts_head_close(ts_head *h)
{
    if (!h)
        return;
    ts_free((void *)(uintptr_t)h->copy.data);
    ts_free(h->error);
    ts_free(h->norm);
    ts_free(h->left);
    ts_free(h->logits);
    ts_free(h->row);
    ts_free(h->q);
    ts_free(h->scale);
    ts_free(h->sums);
    ts_free(h);
}

/* ---- the copy */

/* A float that is not below v. */
static float rounded_up(double v)
{
    return (float)(v * (1 + 0x1p-20));
}

static double rounding_share(size_t n)
{
    return (double)(n + 64) * 0x1p-23;
}

typedef struct squares {
    double error, copy, row;
} squares;

static double sum_of(const float lanes[LANES])
{
    double sum = 0;

    for (size_t i = 0; i < LANES; i++)
        sum += (double)lanes[i];
    return sum;
}

/* Numbers below what a block's scale can say: its codes are 0. */
static void add_zero_block(squares *sum, const float *x)
{
    for (size_t i = 0; i < BLOCK; i++) {
        sum->error += (double)x[i] * (double)x[i];
        sum->row += (double)x[i] * (double)x[i];
    }
}

/* In units of the scale, so that no square is too small for a float. */
static void copy_block(ts_block_q4_0 *b, squares *sum, const float *x)
{
    float most = 0, code[BLOCK], error[LANES] = {0}, copy[LANES] = {0}, row[LANES] = {0};
    uint8_t codes[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    b->d = half_to_f16(most / 7.5f);
    const float d = half_f16(b->d), factor = d > 0 ? 1 / d : 0;
    if (d > 0)
        for (size_t i = 0; i < BLOCK; i += LANES)
            for (size_t j = 0; j < LANES; j++) {
                const float v = x[i + j] * factor, shifted = v + 8.5f;
                const float c = (float)(int)(shifted > 0 ? shifted < 15 ? shifted : 15 : 0) - 8;
                code[i + j] = c + 8;
                error[j] += (v - c) * (v - c);
                copy[j] += c * c;
                row[j] += v * v;
            }
    else
        add_zero_block(sum, x);
    for (size_t i = 0; i < BLOCK; i++)
        codes[i] = d > 0 ? (uint8_t)code[i] : 8;
    for (size_t i = 0; i < BLOCK / 2; i++)
        b->qs[i] = (uint8_t)(codes[i] | codes[i + BLOCK / 2] << 4);
    sum->error += sum_of(error) * (double)d * (double)d;
    sum->copy += sum_of(copy) * (double)d * (double)d;
    sum->row += sum_of(row) * (double)d * (double)d;
}

static void copy_row(ts_head *h, size_t r)
{
    ts_block_q4_0 *blocks =
        (ts_block_q4_0 *)((uint8_t *)(uintptr_t)h->copy.data + r * h->copy.row_bytes);
    squares sum = {0};

    for (size_t b = 0; b < h->d / BLOCK; b++)
        copy_block(&blocks[b], &sum, h->row + b * BLOCK);
    /* The row was rounded on its way to floats, and to units of a scale. */
    const double rounding = rounding_share(h->d) * (sqrt(sum.row) + sqrt(sum.copy));
    h->error[r] = rounded_up(sqrt(sum.error) + rounding);
    h->norm[r] = rounded_up(sqrt(sum.copy) + rounding);
    h->is_broken = h->is_broken || !isfinite(h->error[r]) || !isfinite(h->norm[r]);
}

bool ts_head_is_ready(ts_head *h, ts_backend *b)
{
    if (h->n_done > 0 && !h->is_worth) {
        h->pause -= h->pause > 0;
        return false;
    }
    for (size_t n = 0; n < PART && h->n_done < h->n_vocab; n += h->d, h->n_done++) {
        b->op->cast(b, h->row, h->W, h->n_done, 1);
        copy_row(h, h->n_done);
    }
    if (h->n_done < h->n_vocab || h->is_broken)
        return false;
    if (h->pause > 0) {
        h->pause--;
        return false;
    }
    return true;
}

/* ---- the passes */

static float block_value(const ts_head *h, size_t i, size_t block)
{
    return h->scale[i / block] * (float)h->q[i];
}

/* |x| and |x - x'|, x being what W meets. */
static void norms_of(ts_head *h, const ts_kernels *k, const float *x, double *whole, double *moved)
{
    const ts_dtype_info info = ts_dtype_of((uint32_t)h->W->type);

    *whole = *moved = 0;
    memcpy(h->row, x, h->d * sizeof *x);
    if (info.is_quantized) {
        k->quantize_q8(h->q, h->scale, h->sums, x, h->d, info.block);
        for (size_t i = 0; i < h->d; i++)
            h->row[i] = block_value(h, i, info.block);
    }
    k->quantize_q8(h->q, h->scale, h->sums, x, h->d, BLOCK);
    for (size_t i = 0; i < h->d; i++) {
        const double v = (double)h->row[i], away = v - (double)block_value(h, i, BLOCK);
        *whole += v * v;
        *moved += away * away;
    }
    *whole = sqrt(*whole);
    *moved = sqrt(*moved);
    /* Factors of x were rounded to floats above. */
    *moved += 0x1p-22 * *whole;
}

/* How far row r may be from what the first pass says. */
static float bound(const ts_head *h, size_t r, float whole, float moved)
{
    return (h->error[r] * whole + h->norm[r] * moved) * (1 + 0x1p-20f) + TINY;
}

/* The largest of the lower bounds. */
static float largest_low(const ts_head *h, const float *approx, float whole, float moved)
{
    float most[LANES];
    size_t r = 0;

    for (size_t j = 0; j < LANES; j++)
        most[j] = -INFINITY;
    for (; r + LANES <= h->n_vocab; r += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const float low = approx[r + j] - bound(h, r + j, whole, moved);
            most[j] = low > most[j] ? low : most[j];
        }
    for (; r < h->n_vocab; r++) {
        const float low = approx[r] - bound(h, r, whole, moved);
        most[0] = low > most[0] ? low : most[0];
    }
    for (size_t j = 1; j < LANES; j++)
        most[0] = most[j] > most[0] ? most[j] : most[0];
    return most[0];
}

/* How many steps below `low` a row may reach at least; one that is no number: 0. */
static size_t steps_below(float low, float most, float factor)
{
    const float steps = (low - most) * factor;

    return !(steps > 0) ? 0 : steps < N_STEPS - 1 ? (size_t)steps : N_STEPS - 1;
}

/* Rows that may reach less than n steps below `low`, ascending; SIZE_MAX: too many. */
static size_t find_left(ts_head *h, const float *approx, float whole, float moved, float low,
                        float factor, size_t n_steps)
{
    size_t n = 0;

    for (size_t r = 0; r < h->n_vocab; r++) {
        if (steps_below(low, approx[r] + bound(h, r, whole, moved), factor) >= n_steps)
            continue;
        if (n == h->n_vocab / FEW)
            return SIZE_MAX;
        h->left[n++] = (int32_t)r;
    }
    return n;
}

/* How far down a sampler must know the logits: until the others have little of the mass,
 * and k tokens and what min-p allows lie above; not further than there is room for. */
static size_t find_depth(const ts_head *h, const float *approx, float whole, float moved, float low,
                         const tiefsee_sampling *o, ts_listed *list)
{
    const float factor = 1 / (o->temperature * STEP);
    size_t high[N_STEPS] = {0}, certain[N_STEPS] = {0}, depth = 0, n = 0, n_certain = 0;
    double below[N_STEPS + 1] = {0};

    for (size_t r = 0; r < h->n_vocab; r++) {
        const float b = bound(h, r, whole, moved);
        high[steps_below(low, approx[r] + b, factor)]++;
        if (o->top_k)
            certain[steps_below(low, approx[r] - b, factor)]++;
    }
    for (size_t i = N_STEPS; i-- > 0;)
        below[i] = below[i + 1] + (double)high[i] * exp(-(double)(STEP * (float)i));
    const double least = o->min_p > 0 ? -log((double)o->min_p) / (double)STEP + 2 : 0;
    while (depth < N_STEPS - 1 && n + high[depth] <= h->n_vocab / FEW &&
           (below[depth] > LITTLE || (double)depth < least ||
            (o->top_k && n_certain < (size_t)o->top_k))) {
        n_certain += depth > 0 ? certain[depth - 1] : 0;
        n += high[depth++];
    }
    /* Steps were counted in floats. */
    list->each = exp(-(double)(STEP * (float)depth)) * (1 + 0x1p-12);
    list->others = below[depth] * (1 + 0x1p-12);
    return depth;
}

static void leave_out_undefined(const ts_head *h, float *approx)
{
    for (size_t i = 0; h->undefined && i < (h->n_vocab + 63) / 64; i++)
        for (size_t r = i * 64; h->undefined[i] && r < (i + 1) * 64 && r < h->n_vocab; r++)
            if (h->undefined[i] >> (r % 64) & 1)
                approx[r] = -INFINITY;
}

/* Logits of the rows that are left, as the linear op computes them; false: one is no
 * number. */
static bool compute_left(ts_head *h, ts_backend *b, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const ts_tensor row = ts_tensor_row_range(h->W, (uint64_t)h->left[i], 1);
        b->op->linear(b, &h->logits[i], &row, NULL, x, h->d, 1);
        if (!isfinite(h->logits[i]))
            return false;
    }
    return true;
}

static int32_t choose_of_row(ts_head *h, ts_backend *b, const ts_kernels *k, const float *x,
                             ts_sampler *sampler, float *approx)
{
    const bool is_draw = sampler && !ts_sampler_picks_best(sampler);
    ts_listed list = {.ids = h->left, .logits = h->logits};
    float factor = FLT_MAX; /* the least step counts */
    size_t depth = 1;
    double whole, moved;

    norms_of(h, k, x, &whole, &moved);
    const float w = rounded_up(whole + moved), m = rounded_up(moved);
    if (!isfinite(w))
        return -1;
    leave_out_undefined(h, approx);
    const float low = largest_low(h, approx, w, m);
    if (is_draw) {
        factor = 1 / (sampler->opt.temperature * STEP);
        depth = find_depth(h, approx, w, m, low, &sampler->opt, &list);
    }
    list.n = find_left(h, approx, w, m, low, factor, depth);
    if (list.n == SIZE_MAX || !compute_left(h, b, x, list.n))
        return -1;
    if (is_draw)
        return list.n > 0 ? ts_sampler_next_of(sampler, k, &list) : -1;
    return list.n > 0 ? h->left[ts_argmax(h->logits, list.n)] : -1;
}

/* Another step without an answer: twice as many that are not tried. */
static void wait_longer(ts_head *h)
{
    h->last_pause = h->last_pause ? 2 * h->last_pause : 1;
    h->last_pause = h->last_pause < LONGEST_PAUSE ? h->last_pause : LONGEST_PAUSE;
    h->pause = h->last_pause;
}

bool ts_head_wants_trial(const ts_head *h)
{
    return h->n_done > 0 && !h->is_worth && !h->is_broken && h->pause == 0;
}

void ts_head_try(ts_head *h, const ts_kernels *k, const float *x, const float *logits)
{
    double whole, moved, reach = 0;
    float most = -INFINITY;
    size_t n_left = 0;

    norms_of(h, k, x, &whole, &moved);
    for (size_t r = 0; r < h->n_done; r++)
        reach += (double)bound(h, r, (float)(whole + moved), (float)moved);
    reach *= 2 / (double)h->n_done;
    for (size_t r = 0; r < h->n_vocab; r++)
        most = logits[r] > most ? logits[r] : most;
    for (size_t r = 0; r < h->n_vocab; r++)
        n_left += (double)logits[r] + reach >= (double)most;
    h->is_worth = isfinite(reach) && n_left <= h->n_vocab / FEW;
    h->last_pause = h->is_worth ? 0 : h->last_pause;
    if (!h->is_worth)
        wait_longer(h);
}

void ts_head_choose(ts_head *h, ts_backend *b, const ts_kernels *k, const float *x, size_t n_rows,
                    ts_sampler *const *samplers, float *work, int32_t *token)
{
    size_t n_found = 0;

    b->op->linear(b, work, &h->copy, NULL, x, h->d, n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        token[i] = choose_of_row(h, b, k, x + i * h->d, samplers[i], work + i * h->n_vocab);
        n_found += token[i] >= 0;
    }
    if (2 * n_found >= n_rows) {
        h->last_pause = 0;
        return;
    }
    wait_longer(h);
}
