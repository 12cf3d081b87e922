/* pack.h - the assistant's files as web/pack.py leaves them: compressed, in the binary. */
#ifndef TS_SERVER_PACK_H
#define TS_SERVER_PACK_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ts_page_file {
    const char *path; /* "assets/index-B3x.js"; "" is the page itself */
    const char *type; /* Content-Type */
    const char *etag; /* with its quotes */
    bool is_gzip;     /* else as it is (fonts, images) */
    bool is_forever;  /* the name changes with the content */
    const unsigned char *bytes;
    size_t n;
} ts_page_file;

/* Sorted by path; none: the assistant is not in this build. */
extern const ts_page_file ts_page_files[];
extern const size_t ts_n_page_files;

#endif
