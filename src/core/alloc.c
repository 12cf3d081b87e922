/* alloc.c - see alloc.h. */
#include "core/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/checked.h"

/* From this size on an allocation asks for pages of 2 MiB: a session's cache of a long
 * context is walked for every token, and with pages of 4 KiB half of the time
 * goes into finding them (measured in a virtual machine).  The pages of the server's
 * cache are smaller and do not get them. */
enum { HUGE_PAGE = 2 << 20, FROM_BYTES = 4 * HUGE_PAGE };

static _Atomic uint64_t n_calls, failing_call;

static void ask_for_huge_pages(void *p, size_t bytes)
{
    const uintptr_t first = ((uintptr_t)p + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    const uintptr_t end = ((uintptr_t)p + bytes) / HUGE_PAGE * HUGE_PAGE;

    (void)madvise((void *)first, end - first, MADV_HUGEPAGE); /* advice: may be refused */
}

void *ts_alloc(size_t bytes)
{
    const uint64_t call = atomic_fetch_add_explicit(&n_calls, 1, memory_order_relaxed) + 1;
    void *p = NULL;

    if (call == atomic_load_explicit(&failing_call, memory_order_relaxed))
        return NULL;
    if (bytes > SIZE_MAX - 64)
        return NULL;
    if (posix_memalign(&p, 64, bytes ? bytes : 1) != 0)
        return NULL;
    if (bytes >= FROM_BYTES)
        ask_for_huge_pages(p, bytes);
    return p;
}

void *ts_alloc_zero(size_t n, size_t size)
{
    uint64_t bytes;

    if (!ts_mul_u64(&bytes, n, size))
        return NULL;
    void *p = ts_alloc((size_t)bytes);
    if (p)
        memset(p, 0, (size_t)bytes);
    return p;
}

void *ts_realloc(void *old, size_t old_bytes, size_t bytes)
{
    void *p = ts_alloc(bytes);

    if (!p)
        return NULL;
    if (old)
        memcpy(p, old, old_bytes < bytes ? old_bytes : bytes);
    ts_free(old);
    return p;
}

void ts_free(void *p)
{
    free(p);
}

char *ts_strdup_n(const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? ts_alloc(n + 1) : NULL;

    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

uint64_t ts_alloc_count(void)
{
    return atomic_load_explicit(&n_calls, memory_order_relaxed);
}

void ts_alloc_reset(uint64_t fail_at)
{
    atomic_store_explicit(&n_calls, 0, memory_order_relaxed);
    atomic_store_explicit(&failing_call, fail_at, memory_order_relaxed);
}
