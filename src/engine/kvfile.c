/* kvfile.c - see kvfile.h. */
#include "engine/kvfile.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ts_kvfile_write(int fd, const uint8_t *p, size_t n, uint64_t offset)
{
    while (n > 0) {
        const ssize_t done = pwrite(fd, p, n, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
        offset += (uint64_t)done;
    }
    return true;
}

bool ts_kvfile_read(int fd, uint8_t *p, size_t n, uint64_t offset)
{
    while (n > 0) {
        const ssize_t done = pread(fd, p, n, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
        offset += (uint64_t)done;
    }
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static bool is_segment_name(const char *name, uint64_t *number)
{
    uint64_t v = 0;

    if (strlen(name) != 19 || strcmp(name + 16, ".kv") != 0)
        return false;
    for (int i = 0; i < 16; i++) {
        const char c = name[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *number = v;
    return v > 0 && v < UINT64_MAX;
}

tiefsee_status ts_kvfile_list(const char *folder, ts_buf *numbers, tiefsee_error *err)
{
    const struct dirent *entry;
    tiefsee_status st = TIEFSEE_OK;
    uint64_t number;

    *numbers = ts_buf_make((size_t)1 << 24);
    DIR *dir = opendir(folder);
    if (!dir)
        return ts_fail_errno(err, errno, "%s", folder);
    while (st == TIEFSEE_OK && (entry = readdir(dir)))
        if (is_segment_name(entry->d_name, &number) &&
            !ts_buf_append(numbers, &number, sizeof number))
            st = ts_fail_nomem(err, numbers->len, "the list of segments");
    (void)closedir(dir);
    if (st == TIEFSEE_OK && numbers->len > 0)
        qsort(numbers->ptr, numbers->len / sizeof number, sizeof number, compare_numbers);
    return st;
}
