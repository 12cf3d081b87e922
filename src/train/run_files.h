/* run_files.h - which files a run reads, so that it can be resumed without naming them:
 * FOLDER/files.json, {"data": [...], "tokenizer": "...", "teacher": "..."}. */
#ifndef TS_TRAIN_RUN_FILES_H
#define TS_TRAIN_RUN_FILES_H

#include <stddef.h>

#include "core/error.h"

enum { TS_RUN_MAX_SHARDS = 16 };

typedef struct ts_run_file_names {
    const char *data[TS_RUN_MAX_SHARDS];
    size_t n_data;
    const char *tokenizer, *teacher; /* NULL: none */
} ts_run_file_names;

/* With full names. */
tiefsee_status ts_run_files_save(const char *folder, const ts_run_file_names *f,
                                 tiefsee_error *err) TS_MUST_CHECK;

/* Fills in what *f lacks; the texts live as long as the program.  What is not there, or
 * cannot be read, is left as it is. */
void ts_run_files_load(const char *folder, ts_run_file_names *f);

#endif
