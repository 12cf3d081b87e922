/* json_vocab.c - see json_vocab.h. */
#include "support/json_vocab.h"

#include <stdio.h>

#include "core/file.h"
#include "formats/hf_vocab.h"

bool json_vocab_open(json_vocab *v, const char *path)
{
    tiefsee_error err = {0};
    const char *why = "out of memory";
    bool has_vocab = false;
    ts_map map = {0};

    *v = (json_vocab){.arena = ts_arena_new((size_t)1 << 30)};
    tiefsee_status st = ts_map_open(&map, path, &err);
    if (st == TIEFSEE_OK && v->arena)
        st = ts_hf_vocab(&v->vocab, &has_vocab, &why, (ts_str){(const char *)map.ptr, map.size},
                         NULL, v->arena, &err);
    if (!has_vocab) {
        fprintf(stderr, "%s: %s\n", path, st == TIEFSEE_OK ? why : err.message);
        json_vocab_close(v);
    }
    ts_map_close(&map);
    return has_vocab;
}

void json_vocab_close(json_vocab *v)
{
    ts_arena_free(v->arena);
    *v = (json_vocab){0};
}
