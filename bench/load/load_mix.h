/* load_mix.h - what the clients ask: generated conversations or recorded bodies. */
#ifndef TS_BENCH_LOAD_MIX_H
#define TS_BENCH_LOAD_MIX_H

#include "core/error.h"
#include "core/str.h"

typedef struct load_mix {
    const char *model; /* "": the server's first */
    size_t n_words;    /* of the first question; 0: a mix of short and long ones */
    size_t max_tokens;
    bool thinks;
    char bias[512]; /* a JSON object for "logit_bias"; "": none */
    uint64_t seed;
    char **recorded; /* bodies with "stream": true; NULL: generated */
    size_t n_recorded;
} load_mix;

/* "1,2,3": tokens that never come.  False: no list of numbers. */
bool load_mix_never(load_mix *m, const char *ids);

/* One JSON object per line: bodies of /v1/chat/completions; "stream" is set. */
tiefsee_status load_mix_read(load_mix *m, const char *path, tiefsee_error *err) TS_MUST_CHECK;
void load_mix_free(load_mix *m);

/* The body of request `number` of a client.  history: what was said in earlier
 * turns as members of "messages", each behind a comma; the question is added to it
 * as well.  False: out of memory. */
bool load_mix_body(const load_mix *m, size_t client, size_t number, ts_buf *history, ts_buf *body);

#endif
