/* fileseal.h - which files this process may touch, and no others.
 *
 * Paths are collected, then Landlock denies the rest to this thread and all that it
 * starts: before there are any others.  What is open already stays open.  It cannot be
 * taken back; where the kernel has no Landlock the process goes on and `why` says so.
 *
 * A path is looked up once: a file that another one replaces later (a rename) is a
 * different file.  So files that change are allowed by their folder.
 */
#ifndef TS_SERVER_FILESEAL_H
#define TS_SERVER_FILESEAL_H

#include <stdbool.h>
#include <stddef.h>

enum { TS_FILESEAL_PATHS = 64, TS_FILESEAL_TRIES = 4, TS_FILESEAL_PATH_MAX = 1024 };

typedef enum ts_file_right {
    TS_FILE_READ,   /* a file, or a folder with all below it */
    TS_FILE_WRITE,  /* a folder: read, make, write and remove files in it; or one file */
    TS_FILE_SOCKETS /* a folder: make and remove sockets */
} ts_file_right;

typedef struct ts_fileseal {
    int abi; /* of Landlock; 0: none */
    bool is_sealed;
    char why[128]; /* is_sealed false: the reason */
    int ruleset;   /* its descriptor between begin and lock; -1: none */
    struct {
        char path[TS_FILESEAL_PATH_MAX]; /* where it really is */
        ts_file_right right;
    } paths[TS_FILESEAL_PATHS];
    size_t n_paths;
    struct {
        const char *what;
        int error; /* errno; 0: it was not refused */
    } tries[TS_FILESEAL_TRIES];
    size_t n_tries, n_open; /* of them not refused */
} ts_fileseal;

void ts_fileseal_begin(ts_fileseal *s);

/* A path that is not there is left out.  False: no room. */
bool ts_fileseal_allow(ts_fileseal *s, const char *path, ts_file_right right);
bool ts_fileseal_allow_folder_of(ts_fileseal *s, const char *path, ts_file_right right);

/* A model: a folder with what its links point to, or a file with its other shards. */
bool ts_fileseal_allow_model(ts_fileseal *s, const char *path);

/* What libraries, and this program about its machine, read by themselves. */
bool ts_fileseal_allow_system(ts_fileseal *s);

void ts_fileseal_lock(ts_fileseal *s);

/* Tries what nobody allowed. */
void ts_fileseal_try_all(ts_fileseal *s);

#endif
