/* scratch.c - see scratch.h. */
#include "support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void scratch_make(scratch *s)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(s->folder, sizeof s->folder, "%s/tiefsee-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(s->folder)) {
        perror(s->folder);
        exit(1);
    }
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void scratch_remove(scratch *s)
{
    (void)nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const scratch *s, const char *name)
{
    static char paths[4][384];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", s->folder, name);
    return path;
}
