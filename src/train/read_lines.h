/* read_lines.h - files of text, a document a line. */
#ifndef TS_TRAIN_READ_LINES_H
#define TS_TRAIN_READ_LINES_H

#include "core/error.h"

typedef struct ts_text_files {
    const char *const *paths;
    size_t n;
    bool skips_bad;   /* leave out bad lines instead of failing */
    uint64_t n_lines; /* out: read */
    uint64_t n_bad;   /* out: left out */
} ts_text_files;

/* One line of UTF-8 without its end, never empty.  TIEFSEE_E_FORMAT: the line is bad. */
typedef tiefsee_status ts_on_line(void *user, const char *text, size_t n, tiefsee_error *err);

/* All lines of all files; an error names the file and the line. */
tiefsee_status ts_read_lines(ts_text_files *files, ts_on_line *on_line, void *user,
                             tiefsee_error *err) TS_MUST_CHECK;

#endif
