/* arena.c - see arena.h. */
#include "core/arena.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"
#include "core/checked.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 64, MIN_BLOCK = 64 * 1024 };

typedef struct block {
    struct block *next; /* older */
    size_t size, used;
    _Alignas(ALIGN) uint8_t bytes[];
} block;

struct ts_arena {
    block *newest;
    size_t total, max;
    int is_fixed;
};

static block *block_new(size_t size)
{
    block *b = size <= SIZE_MAX - sizeof *b ? ts_alloc(sizeof *b + size) : NULL;

    if (b) {
        b->next = NULL;
        b->size = size;
        b->used = 0;
        POISON(b->bytes, size);
    }
    return b;
}

static void block_free(block *b)
{
    UNPOISON(b->bytes, b->size);
    ts_free(b);
}

ts_arena *ts_arena_new(size_t max_bytes)
{
    ts_arena *a = ts_alloc_zero(1, sizeof *a);

    if (a)
        a->max = max_bytes;
    return a;
}

ts_arena *ts_arena_fixed(size_t bytes)
{
    ts_arena *a = ts_arena_new(bytes);

    if (!a)
        return NULL;
    a->is_fixed = 1;
    a->newest = block_new(bytes);
    if (!a->newest) {
        ts_free(a);
        return NULL;
    }
    return a;
}

void ts_arena_free(ts_arena *a)
{
    if (!a)
        return;
    while (a->newest) {
        block *b = a->newest;
        a->newest = b->next;
        block_free(b);
    }
    ts_free(a);
}

static int grow(ts_arena *a, size_t need)
{
    size_t size = need > MIN_BLOCK ? need : MIN_BLOCK;

    /* Doubling keeps the number of blocks small in arenas that hold a lot. */
    if (a->newest && a->newest->size >= size / 2 && a->newest->size < (size_t)8 << 20)
        size = a->newest->size * 2 > size ? a->newest->size * 2 : size;
    block *b = block_new(size);
    if (!b)
        return 0;
    b->next = a->newest;
    a->newest = b;
    return 1;
}

void *ts_arena_alloc(ts_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX - ALIGN)
        return NULL;
    const size_t need = (bytes + ALIGN - 1) / ALIGN * ALIGN;

    if (need > a->max - a->total)
        return NULL;
    if (!a->newest || need > a->newest->size - a->newest->used) {
        if (a->is_fixed || !grow(a, need))
            return NULL;
    }
    block *b = a->newest;
    uint8_t *p = b->bytes + b->used;
    b->used += need;
    a->total += need;
    UNPOISON(p, bytes);
    return p;
}

void *ts_arena_alloc_zero(ts_arena *a, size_t n, size_t size)
{
    uint64_t bytes;

    if (!ts_mul_u64(&bytes, n, size))
        return NULL;
    void *p = ts_arena_alloc(a, (size_t)bytes);
    if (p)
        memset(p, 0, (size_t)bytes);
    return p;
}

char *ts_arena_strdup(ts_arena *a, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? ts_arena_alloc(a, n + 1) : NULL;

    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

size_t ts_arena_used(const ts_arena *a)
{
    return a->total;
}

size_t ts_arena_mark(const ts_arena *a)
{
    assert(a->is_fixed);
    return a->newest->used;
}

void ts_arena_release(ts_arena *a, size_t mark)
{
    block *b = a->newest;

    assert(a->is_fixed && mark <= b->used);
#ifdef TS_DEBUG_FILL
    memset(b->bytes + mark, 0xff, b->used - mark); /* every float reads as NaN */
#endif
    POISON(b->bytes + mark, b->used - mark);
    a->total -= b->used - mark;
    b->used = mark;
}
