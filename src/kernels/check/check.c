/* check.c - operands, comparisons and timing for the checks; see check.h. */
#include "kernels/check/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* How far in front of an output a stray store is looked for. */
#define FRONT_BYTES 256

/* A batch lasts at least this long, so that the clock's own time is < 0.1 %. */
#define BATCH_NS 100e3

void ts_check_case(ts_check *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(c->where, sizeof c->where, format, args);
    va_end(args);
}

bool ts_check_fail(ts_check *c, const char *format, ...)
{
    char text[160];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)snprintf(c->message, sizeof c->message, "%s: %s", c->where, text);
    return false;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(ts_check *c)
{
    uint64_t z = c->rng += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t ts_check_random(ts_check *c, size_t n)
{
    return (size_t)(next_random(c) % n);
}

static uint8_t *operand(ts_check *c, size_t slot, size_t n_bytes)
{
    ts_check_slot *s = &c->slot[slot];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t need = (n_bytes + c->slack_bytes + FRONT_BYTES + page - 1) / page * page;

    if (s->mapped_bytes < need) {
        if (s->base)
            (void)munmap(s->base, s->mapped_bytes + page);
        s->base =
            mmap(NULL, need + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (s->base == MAP_FAILED || mprotect(s->base + need, page, PROT_NONE) != 0) {
            /* Out of memory: the null operand crashes the check, which reports it. */
            ts_check_case(c, "no memory for an operand of %zu bytes", n_bytes);
            *s = (ts_check_slot){0};
            return NULL;
        }
        s->mapped_bytes = need;
    }
    s->bytes = n_bytes;
    s->operand = s->base + s->mapped_bytes - c->slack_bytes - n_bytes;
    return s->operand;
}

/* A float of one of these kinds; a whole operand has the same kind.  PLUS and
 * MINUS vanish when multiplied with each other: a sum of -0 in every lane shows
 * whether a tail adds +0 to it. */
enum { MODERATE, WIDE, EXTREME, TINY, GRID, BROKEN, PLUS, MINUS, N_KINDS };

static float random_float(ts_check *c, size_t kind)
{
    static const float tiny[] = {0.0f,        -0.0f,      0x1p-149f, -0x1p-149f,
                                 0x1.8p-127f, -0x1p-126f, 1,         -1};
    static const float broken[] = {INFINITY, -INFINITY, NAN, 1, -1, 0, -0.0f, 2};
    const uint64_t r = next_random(c);
    const float moderate = (float)(int32_t)(r >> 32) * 0x1p-31f;
    uint32_t bits = (uint32_t)(r >> 32);
    float f;

    switch (kind) {
    case WIDE: return ldexpf(moderate, (int)(r % 81) - 40);
    case EXTREME:
        bits = bits & 0x7f800000u ? bits : bits | 0x00800000u;
        bits = (bits & 0x7f800000u) != 0x7f800000u ? bits : bits & ~0x40000000u;
        memcpy(&f, &bits, sizeof f);
        return f;
    case TINY: return r % 4 ? tiny[r / 4 % 8] : moderate * 0x1p-120f;
    case GRID: return (float)((int)(r % 512) - 256) * 0.5f;
    case PLUS: return 0x1p-100f;
    case MINUS: return -0x1p-100f;
    case BROKEN: return r % 64 ? moderate : broken[r / 64 % 8];
    default: return moderate;
    }
}

static float *floats_of_kind(ts_check *c, size_t slot, size_t n, size_t kind)
{
    uint8_t *p = operand(c, slot, n * sizeof(float));

    for (size_t i = 0; i < n; i++) {
        const float f = random_float(c, kind);
        memcpy(p + i * sizeof f, &f, sizeof f);
    }
    return (float *)(void *)p;
}

float *ts_check_floats(ts_check *c, size_t slot, size_t n)
{
    return floats_of_kind(c, slot, n, ts_check_random(c, N_KINDS));
}

float *ts_check_moderate(ts_check *c, size_t slot, size_t n)
{
    return floats_of_kind(c, slot, n, MODERATE);
}

uint8_t *ts_check_bytes(ts_check *c, size_t slot, size_t n_bytes)
{
    uint8_t *p = operand(c, slot, n_bytes);

    for (size_t i = 0; i < n_bytes; i++)
        p[i] = (uint8_t)next_random(c);
    return p;
}

void *ts_check_output(ts_check *c, size_t slot, size_t n_bytes)
{
    uint8_t *p = operand(c, slot, n_bytes);

    if (p)
        memset(p - FRONT_BYTES, 0xa5, n_bytes + FRONT_BYTES);
    return p;
}

void *ts_check_copy(ts_check *c, size_t to_slot, size_t from_slot)
{
    const ts_check_slot *from = &c->slot[from_slot];
    uint8_t *p = operand(c, to_slot, from->bytes);

    if (p)
        memcpy(p - FRONT_BYTES, from->operand - FRONT_BYTES, from->bytes + FRONT_BYTES);
    return p;
}

/* FNV-1a over what the reference said. */
static void digest_byte(ts_check *c, unsigned byte)
{
    c->digest = (c->digest ^ byte) * 0x100000001b3u;
}

static void digest_float(ts_check *c, float f)
{
    uint32_t bits = 0x7fc00000u;

    if (!isnan(f))
        memcpy(&bits, &f, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8)
        digest_byte(c, bits >> shift & 0xff);
}

static bool is_same_float(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

bool ts_check_same_float(ts_check *c, float want, float got)
{
    digest_float(c, want);
    return is_same_float(want, got) ||
           ts_check_fail(c, "want %a, got %a", (double)want, (double)got);
}

bool ts_check_same_floats(ts_check *c, size_t want_slot, size_t got_slot)
{
    const ts_check_slot *want = &c->slot[want_slot], *got = &c->slot[got_slot];

    if (memcmp(want->operand - FRONT_BYTES, got->operand - FRONT_BYTES, FRONT_BYTES) != 0)
        return ts_check_fail(c, "writes in front of its output");
    for (size_t i = 0; i < want->bytes / sizeof(float); i++) {
        float a, b;
        memcpy(&a, want->operand + i * sizeof a, sizeof a);
        memcpy(&b, got->operand + i * sizeof b, sizeof b);
        digest_float(c, a);
        if (!is_same_float(a, b))
            return ts_check_fail(c, "[%zu] want %a, got %a", i, (double)a, (double)b);
    }
    return true;
}

bool ts_check_same_bytes(ts_check *c, size_t want_slot, size_t got_slot)
{
    const ts_check_slot *want = &c->slot[want_slot], *got = &c->slot[got_slot];

    if (memcmp(want->operand - FRONT_BYTES, got->operand - FRONT_BYTES, FRONT_BYTES) != 0)
        return ts_check_fail(c, "writes in front of its output");
    for (size_t i = 0; i < want->bytes; i++) {
        digest_byte(c, want->operand[i]);
        if (want->operand[i] != got->operand[i])
            return ts_check_fail(c, "byte %zu: want 0x%02x, got 0x%02x", i, want->operand[i],
                                 got->operand[i]);
    }
    return true;
}

/* This thread's own time: other work on the machine costs samples their cache,
 * but not their time slice. */
static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Batches double until one is long enough; from then on each is a sample. */
bool ts_check_batch(ts_check *c)
{
    const double elapsed_ns = now_ns() - c->start_ns;

    if (c->n_batch == 0)
        c->n_batch = 1;
    else if (elapsed_ns < BATCH_NS && c->n_samples == 0)
        c->n_batch *= 2;
    else
        c->sample_ns[c->n_samples++] = elapsed_ns / (double)c->n_batch;
    if (c->n_samples == CHECK_MAX_SAMPLES)
        return false;
    c->n_left = c->n_batch - 1;
    c->start_ns = now_ns();
    return true;
}
