/* read_lines.c - see read_lines.h. */
#include "train/read_lines.h"

#include <string.h>

#include "core/file.h"
#include "core/utf8.h"

enum { MAX_LINE = 1 << 20 };

static tiefsee_status read_file(ts_text_files *files, const char *path, ts_on_line *on_line,
                                void *user, tiefsee_error *err)
{
    ts_map map;
    uint64_t number = 0;
    tiefsee_status st = ts_map_open(&map, path, err);

    if (st != TIEFSEE_OK)
        return st;
    for (size_t at = 0; at < map.size && st == TIEFSEE_OK;) {
        const char *line = (const char *)map.ptr + at;
        const char *end = memchr(line, '\n', map.size - at);
        size_t n = end ? (size_t)(end - line) : map.size - at;

        at += n + 1;
        number++;
        if (n > 0 && line[n - 1] == '\r')
            n--;
        if (n == 0)
            continue;
        if (n > MAX_LINE || !ts_utf8_is_valid(line, n))
            st = ts_fail(err, TIEFSEE_E_FORMAT, "%s",
                         n > MAX_LINE ? "longer than 1 MiB" : "not UTF-8");
        else
            st = on_line(user, line, n, err);
        if (st == TIEFSEE_OK) {
            files->n_lines++;
        } else if (st == TIEFSEE_E_FORMAT && files->skips_bad) {
            files->n_bad++;
            st = TIEFSEE_OK;
        } else {
            st = ts_while(err, st, "%s: line %llu", path, (unsigned long long)number);
        }
    }
    ts_map_close(&map);
    return st;
}

tiefsee_status ts_read_lines(ts_text_files *files, ts_on_line *on_line, void *user,
                             tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    files->n_lines = files->n_bad = 0;
    for (size_t i = 0; i < files->n && st == TIEFSEE_OK; i++)
        st = read_file(files, files->paths[i], on_line, user, err);
    return st;
}
