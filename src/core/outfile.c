/* outfile.c - see outfile.h. */
#include "core/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"

enum { MAX_PATH = 4096, BUFFER = 1 << 18 };

struct ts_outfile {
    char path[MAX_PATH], beside[MAX_PATH];
    int fd;
    size_t n_held;
    char held[BUFFER];
};

tiefsee_status ts_outfile_open(ts_outfile **out, const char *path, bool is_private,
                               tiefsee_error *err)
{
    ts_outfile *f = ts_alloc(sizeof *f);

    *out = NULL;
    if (!f)
        return ts_fail_nomem(err, sizeof *f, path);
    f->n_held = 0;
    const int n = snprintf(f->path, sizeof f->path, "%s", path);
    const int n_beside = snprintf(f->beside, sizeof f->beside, "%s.%ld.tmp", path, (long)getpid());
    f->fd = -1;
    errno = ENAMETOOLONG;
    if (n >= 0 && n_beside >= 0 && (size_t)n_beside < sizeof f->beside) {
        /* What a crash left there goes; what somebody else puts there is not followed. */
        (void)unlink(f->beside);
        f->fd = open(f->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_private ? 0600 : 0666);
    }
    if (f->fd < 0) {
        const tiefsee_status st = ts_fail_errno(err, errno, "%s", path);
        ts_free(f);
        return st;
    }
    *out = f;
    return TIEFSEE_OK;
}

static tiefsee_status put(ts_outfile *f, const char *p, size_t n, tiefsee_error *err)
{
    while (n > 0) {
        const ssize_t done = write(f->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return ts_fail_errno(err, errno, "%s", f->path);
        p += done;
        n -= (size_t)done;
    }
    return TIEFSEE_OK;
}

static tiefsee_status put_held(ts_outfile *f, tiefsee_error *err)
{
    const size_t n = f->n_held;

    f->n_held = 0;
    return put(f, f->held, n, err);
}

tiefsee_status ts_outfile_write(ts_outfile *f, const void *bytes, size_t n, tiefsee_error *err)
{
    if (n > BUFFER - f->n_held) {
        const tiefsee_status st = put_held(f, err);
        if (st != TIEFSEE_OK || n >= BUFFER)
            return st != TIEFSEE_OK ? st : put(f, bytes, n, err);
    }
    if (n > 0)
        memcpy(f->held + f->n_held, bytes, n);
    f->n_held += n;
    return TIEFSEE_OK;
}

tiefsee_status ts_outfile_commit(ts_outfile *f, tiefsee_error *err)
{
    tiefsee_status st = put_held(f, err);

    /* What has no sync (a pipe, /dev/null) says EINVAL. */
    if (st == TIEFSEE_OK && fsync(f->fd) != 0 && errno != EINVAL)
        st = ts_fail_errno(err, errno, "%s", f->path);
    if (close(f->fd) != 0 && st == TIEFSEE_OK)
        st = ts_fail_errno(err, errno, "%s", f->path);
    f->fd = -1;
    if (st == TIEFSEE_OK && rename(f->beside, f->path) != 0)
        st = ts_fail_errno(err, errno, "%s", f->path);
    if (st == TIEFSEE_OK)
        f->beside[0] = '\0';
    ts_outfile_drop(f);
    return st;
}

void ts_outfile_drop(ts_outfile *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->beside[0])
        (void)unlink(f->beside);
    ts_free(f);
}
