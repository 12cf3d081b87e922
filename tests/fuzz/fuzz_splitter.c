/* fuzz_splitter.c - a text split in any pieces gives what it gives in one, loses
 * only markers and line breaks, and changes channel at most once each way.  Calls are
 * the last channel. */
#include "fuzz.h"

#include <string.h>

#include "formats/encoding.h"

typedef struct collected {
    char *text; /* channel letter before each change of channel */
    size_t n;
    int last, changes;
    bool in_calls;
} collected;

static void on_text(void *user, tiefsee_channel channel, const char *text, size_t n)
{
    collected *c = user;

    MUST(n > 0);
    if (c->last != (int)channel) {
        c->changes++;
        c->last = (int)channel;
        MUST(c->n == 0 || !c->in_calls);
        c->in_calls = channel == TIEFSEE_CALLS;
        c->text[c->n++] = "CRT"[channel];
    }
    memcpy(c->text + c->n, text, n);
    c->n += n;
}

static collected run(const uint8_t *data, size_t size, uint8_t flags, size_t step)
{
    collected c = {.text = malloc(size + 8), .last = -1};
    ts_splitter s;

    MUST(c.text);
    ts_splitter_start(&s, flags & 1);
    s.splits_calls = flags & 2;
    for (size_t at = 0; at < size; at += step)
        ts_splitter_feed(&s, (const char *)data + at, size - at < step ? size - at : step, on_text,
                         &c);
    ts_splitter_end(&s, on_text, &c);
    MUST(c.n <= size + (size_t)c.changes);
    MUST(c.changes <= 4); /* white space, reasoning, answer, calls */
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    const size_t step = 1 + data[1] % 17;
    const collected whole = run(data + 2, size - 2, data[0], size);
    const collected parts = run(data + 2, size - 2, data[0], step);

    MUST(whole.n == parts.n && memcmp(whole.text, parts.text, whole.n) == 0);
    free(whole.text);
    free(parts.text);
    return 0;
}
