/* modelfile_parts.h - what modelfile.c shares with the loaders of the two
 * containers; nobody else includes it. */
#ifndef TS_FORMATS_MODELFILE_PARTS_H
#define TS_FORMATS_MODELFILE_PARTS_H

#include "core/arena.h"
#include "core/file.h"
#include "formats/config_check.h"
#include "formats/modelfile.h"
#include "formats/names.h"

enum {
    MODELFILE_MAX_SHARDS = 1024,
    MODELFILE_MAX_PATH = 4096,
    MODELFILE_META_TEXT = 200 /* bytes of a metadata value that are shown */
};

typedef struct ts_meta {
    ts_str key, value;
} ts_meta;

struct ts_modelfile {
    ts_arena *arena; /* tables, copied strings and small realigned tensors */
    ts_container container;
    const char *path, *name, *architecture;
    const char *no_vocab;
    ts_map *maps;
    size_t n_maps;
    uint64_t bytes;
    ts_config config;
    ts_vocab vocab;
    bool has_vocab;
    size_t n_tensors;
    ts_named_tensor *tensors;
    ts_names names;
    size_t n_meta, meta_cap;
    ts_meta *meta;
};

/* Fill f; on failure the caller closes it. */
tiefsee_status ts_modelfile_open_gguf(ts_modelfile *f, const char *path,
                                      tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_modelfile_open_gguf_bytes(ts_modelfile *f, const void *bytes, size_t size,
                                            tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_modelfile_open_hf(ts_modelfile *f, const char *folder,
                                    tiefsee_error *err) TS_MUST_CHECK;

/* Map a file into f->maps[i]. */
tiefsee_status ts_modelfile_map(ts_modelfile *f, size_t i, const char *path,
                                tiefsee_error *err) TS_MUST_CHECK;

/* Put f->tensors into the table of names; duplicates are an error. */
tiefsee_status ts_modelfile_index(ts_modelfile *f, tiefsee_error *err) TS_MUST_CHECK;

/* Room for n entries of metadata, then one by one; texts are copied, cut and
 * made printable. */
tiefsee_status ts_modelfile_meta_room(ts_modelfile *f, size_t n, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_modelfile_meta_add(ts_modelfile *f, ts_str key, ts_str value,
                                     tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_modelfile_meta_notes(ts_modelfile *f, const ts_config_notes *notes,
                                       tiefsee_error *err) TS_MUST_CHECK;

/* The part of a path that an error message has room for. */
const char *ts_modelfile_short_path(const char *path);

#endif
