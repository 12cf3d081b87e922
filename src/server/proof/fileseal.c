/* fileseal.c - see fileseal.h.  Landlock as in include/uapi/linux/landlock.h of Linux; by
 * numbers, for no headers of its age are on Debian 12. */
#include "server/proof/fileseal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/compiler.h"
#include "server/proof/sanitized.h"

enum {
    LANDLOCK_CREATE = 444, /* the same numbers on every architecture */
    LANDLOCK_ADD_RULE = 445,
    LANDLOCK_RESTRICT = 446,
    LANDLOCK_VERSION_FLAG = 1,
    LANDLOCK_PATH_BENEATH = 1,

    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_FILE = 1 << 5,
    MAKE_REG = 1 << 8,
    MAKE_SOCK = 1 << 9,
    ALL_OF_ABI_1 = (1 << 13) - 1,
    REFER = 1 << 13,     /* ABI 2 */
    TRUNCATE = 1 << 14,  /* ABI 3 */
    IOCTL_DEV = 1 << 15, /* ABI 5 */

    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
};

typedef struct rules {
    uint64_t fs, net, scoped;
} rules;

typedef struct beneath {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed)) beneath;

static uint64_t handled(int abi)
{
    return ALL_OF_ABI_1 | (abi >= 2 ? REFER : 0) | (abi >= 3 ? TRUNCATE : 0) |
           (abi >= 5 ? IOCTL_DEV : 0);
}

void ts_fileseal_begin(ts_fileseal *s)
{
    const long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG);

    *s = (ts_fileseal){.abi = abi > 0 ? (int)abi : 0, .ruleset = -1};
    const rules all = {.fs = handled(s->abi)};
    if (TS_IS_SANITIZED)
        (void)snprintf(s->why, sizeof s->why, "built with sanitizers, which open what they like");
    else if (s->abi == 0)
        (void)snprintf(s->why, sizeof s->why, "this kernel has no Landlock (%s)", strerror(errno));
    else {
        /* Older kernels take a longer structure whose end is zero. */
        s->ruleset = (int)syscall(LANDLOCK_CREATE, &all, sizeof all, 0);
        if (s->ruleset < 0)
            (void)snprintf(s->why, sizeof s->why, "Landlock: %s", strerror(errno));
    }
}

static uint64_t rights_of(ts_file_right right)
{
    switch (right) {
    case TS_FILE_WRITE:
        return READ_FILE | READ_DIR | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE;
    case TS_FILE_SOCKETS: return READ_DIR | REMOVE_FILE | MAKE_SOCK;
    case TS_FILE_READ:
    default: return READ_FILE | READ_DIR;
    }
}

/* -1: there is nothing; else whether it is a folder. */
static int add_rule(const ts_fileseal *s, int at, const char *name, ts_file_right right)
{
    const int fd = openat(at, name, O_PATH | O_CLOEXEC);
    struct stat info;
    int result = -1;

    if (fd < 0)
        return -1;
    if (fstat(fd, &info) == 0) {
        const bool is_folder = S_ISDIR(info.st_mode);
        const uint64_t rights =
            rights_of(right) & handled(s->abi) & (is_folder ? UINT64_MAX : (uint64_t)OF_FILES);
        const beneath rule = {rights, fd};

        if (syscall(LANDLOCK_ADD_RULE, s->ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) == 0)
            result = is_folder;
    }
    (void)close(fd);
    return result;
}

/* A rule is about where a file really lies, and folders of models are made of links. */
static void follow_links(const ts_fileseal *s, const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    struct stat info;

    while (folder && (entry = readdir(folder)))
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISLNK(info.st_mode))
            (void)add_rule(s, dirfd(folder), entry->d_name, TS_FILE_READ);
    if (folder)
        (void)closedir(folder);
}

static bool keep(ts_fileseal *s, const char *path, ts_file_right right)
{
    if (s->n_paths == TS_FILESEAL_PATHS || strlen(path) >= TS_FILESEAL_PATH_MAX)
        return false;
    (void)snprintf(s->paths[s->n_paths].path, TS_FILESEAL_PATH_MAX, "%s", path);
    s->paths[s->n_paths++].right = right;
    return true;
}

bool ts_fileseal_allow(ts_fileseal *s, const char *path, ts_file_right right)
{
    char real[PATH_MAX];

    const int is_folder = s->ruleset >= 0 ? add_rule(s, AT_FDCWD, path, right) : -1;
    if (is_folder < 0)
        return true;
    return !realpath(path, real) || keep(s, real, right);
}

static bool split(const char *path, char folder[TS_FILESEAL_PATH_MAX], const char **name)
{
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) : 0;

    *name = slash ? slash + 1 : path;
    if (n >= TS_FILESEAL_PATH_MAX)
        return false;
    (void)snprintf(folder, TS_FILESEAL_PATH_MAX, "%.*s", n ? (int)n : 1,
                   n       ? path
                   : slash ? "/"
                           : ".");
    return true;
}

bool ts_fileseal_allow_folder_of(ts_fileseal *s, const char *path, ts_file_right right)
{
    char folder[TS_FILESEAL_PATH_MAX], real[PATH_MAX];
    const char *name;

    /* SQLite's other files lie where a link points to. */
    return split(realpath(path, real) ? real : path, folder, &name) &&
           ts_fileseal_allow(s, folder, right);
}

/* "name-00001-of-00012.gguf": the others have the same beginning. */
static bool allow_shards(ts_fileseal *s, const char *path)
{
    char folder[TS_FILESEAL_PATH_MAX];
    const char *name, *end = NULL;
    struct dirent *entry;

    if (!split(path, folder, &name))
        return false;
    for (const char *at = name; (at = strstr(at, "-of-")); at++)
        end = at;
    if (!end || end - name < 6)
        return true;
    DIR *all = opendir(folder);
    while (all && (entry = readdir(all)))
        if (strncmp(entry->d_name, name, (size_t)(end - name) - 5) == 0)
            (void)add_rule(s, dirfd(all), entry->d_name, TS_FILE_READ);
    if (all)
        (void)closedir(all);
    return true;
}

bool ts_fileseal_allow_model(ts_fileseal *s, const char *path)
{
    if (s->ruleset >= 0)
        follow_links(s, path);
    return ts_fileseal_allow(s, path, TS_FILE_READ) && (s->ruleset < 0 || allow_shards(s, path));
}

bool ts_fileseal_allow_system(ts_fileseal *s)
{
    /* Itself, processor and memory; random numbers; names of this machine, time zones,
     * locales; libraries that are loaded late. */
    static const char *const read[] = {"/proc/self",
                                       "/proc/meminfo",
                                       "/proc/cpuinfo",
                                       "/sys/devices/system",
                                       "/sys/fs/cgroup",
                                       "/dev/urandom",
                                       "/dev/random",
                                       "/etc/hosts",
                                       "/etc/host.conf",
                                       "/etc/resolv.conf",
                                       "/etc/services",
                                       "/etc/nsswitch.conf",
                                       "/etc/gai.conf",
                                       "/etc/localtime",
                                       "/etc/ld.so.cache",
                                       "/usr/share/zoneinfo",
                                       "/usr/share/locale",
                                       "/usr/lib",
                                       "/lib",
                                       "/lib64"};
    bool is_good = ts_fileseal_allow(s, "/dev/null", TS_FILE_WRITE);

    for (size_t i = 0; i < TS_COUNT(read); i++)
        is_good = is_good && ts_fileseal_allow(s, read[i], TS_FILE_READ);
    return is_good;
}

void ts_fileseal_lock(ts_fileseal *s)
{
    if (s->ruleset < 0)
        return;
    s->is_sealed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   syscall(LANDLOCK_RESTRICT, s->ruleset, 0) == 0;
    if (!s->is_sealed)
        (void)snprintf(s->why, sizeof s->why, "Landlock: %s", strerror(errno));
    (void)close(s->ruleset);
    s->ruleset = -1;
}

/* ---- trying */

static bool is_allowed(const ts_fileseal *s, const char *path)
{
    for (size_t i = 0; i < s->n_paths; i++) {
        const char *allowed = s->paths[i].path;
        const size_t n = strlen(allowed);

        if (strncmp(path, allowed, n) == 0 &&
            (path[n] == '\0' || path[n] == '/' || (n > 0 && allowed[n - 1] == '/')))
            return true;
    }
    return false;
}

static void note(ts_fileseal *s, const char *what, int fd)
{
    const int error = fd < 0 ? errno : 0;

    s->tries[s->n_tries].what = what;
    s->tries[s->n_tries++].error = error;
    s->n_open += error != EACCES && error != EPERM;
    if (fd >= 0)
        (void)close(fd);
}

void ts_fileseal_try_all(ts_fileseal *s)
{
    static const char made[] = "/var/tmp/tiefsee-was-here";

    s->n_tries = s->n_open = 0;
    if (!is_allowed(s, "/"))
        note(s, "list the root folder", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!is_allowed(s, "/etc/passwd"))
        note(s, "read /etc/passwd", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    if (!is_allowed(s, made)) {
        const int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd >= 0)
            (void)unlink(made);
        note(s, "write a file in /var/tmp", fd);
    }
    if (getpid() != 1)
        note(s, "look at another process", open("/proc/1/cmdline", O_RDONLY | O_CLOEXEC));
}
