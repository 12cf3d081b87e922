/* file.c - see file.h. */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/outfile.h"

static tiefsee_status open_regular(int *fd, struct stat *info, const char *path, tiefsee_error *err)
{
    /* O_NONBLOCK: a named pipe must be refused, not waited for. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return ts_fail_errno(err, errno, "%s", path);
    if (fstat(*fd, info) != 0) {
        const int e = errno;
        (void)close(*fd);
        return ts_fail_errno(err, e, "%s", path);
    }
    if (!S_ISREG(info->st_mode)) {
        (void)close(*fd);
        return ts_fail_errno(err, S_ISDIR(info->st_mode) ? EISDIR : EINVAL, "%s", path);
    }
    return TIEFSEE_OK;
}

tiefsee_status ts_map_open(ts_map *out, const char *path, tiefsee_error *err)
{
    struct stat info = {0};
    int fd;

    *out = (ts_map){0};
    const tiefsee_status st = open_regular(&fd, &info, path, err);
    if (st != TIEFSEE_OK)
        return st;
    if (info.st_size == 0) {
        (void)close(fd);
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s: the file is empty", path);
    }
    void *p = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    const int e = errno;
    (void)close(fd);
    if (p == MAP_FAILED)
        return ts_fail_errno(err, e, "%s", path);
    /* Weights are walked from end to end: read them in pages of 2 MiB where the
     * kernel can (a cold file, file systems with large folios), else no harm. */
    (void)madvise(p, (size_t)info.st_size, MADV_HUGEPAGE);
    *out = (ts_map){p, (size_t)info.st_size,
                    (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec};
    return TIEFSEE_OK;
}

void ts_map_close(ts_map *m)
{
    if (m->ptr)
        (void)munmap((void *)(uintptr_t)m->ptr, m->size);
    *m = (ts_map){0};
}

void ts_map_will_need(const void *p, size_t n)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)p / page * page;

    (void)madvise((void *)begin, (uintptr_t)p + n - begin, MADV_WILLNEED);
}

tiefsee_status ts_file_read(ts_buf *out, const char *path, size_t max_bytes, tiefsee_error *err)
{
    char chunk[16384];
    struct stat info;
    int fd;

    *out = ts_buf_make(max_bytes);
    const tiefsee_status st = open_regular(&fd, &info, path, err);
    if (st != TIEFSEE_OK)
        return st;
    for (;;) {
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            const int e = errno;
            (void)close(fd);
            ts_buf_free(out);
            return ts_fail_errno(err, e, "%s", path);
        }
        if (n == 0)
            break;
        if (!ts_buf_append(out, chunk, (size_t)n)) {
            const bool is_full = (size_t)n > max_bytes - out->len;
            (void)close(fd);
            ts_buf_free(out);
            if (!is_full)
                return ts_fail_nomem(err, (uint64_t)n, path);
            return ts_fail(err, TIEFSEE_E_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
        }
    }
    (void)close(fd);
    /* An empty file still gives a terminated string. */
    if (!ts_buf_append(out, "", 0))
        return ts_fail_nomem(err, 1, path);
    return TIEFSEE_OK;
}

tiefsee_status ts_file_write(const char *path, const void *bytes, size_t n, tiefsee_error *err)
{
    ts_outfile *f;
    tiefsee_status st = ts_outfile_open(&f, path, true, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_outfile_write(f, bytes, n, err);
    if (st == TIEFSEE_OK)
        return ts_outfile_commit(f, err);
    ts_outfile_drop(f);
    return st;
}

bool ts_file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool ts_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}
