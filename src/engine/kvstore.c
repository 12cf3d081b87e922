/* kvstore.c - see kvstore.h.
 *
 * Segments are files NUMBER.kv that only grow; a record (kvseal.h) is written at
 * the end of the last one by the store's thread.  Opening reads the headers of
 * all records and rebuilds the index; a segment ends where a header is not ours
 * or a record is cut off, and what is behind that is dropped.  Nothing is synced:
 * kill -9 leaves a prefix, and a power cut at worst pages that fail their tag.
 *
 * Forgetting overwrites pages where they are, and removes segments that have none left.
 *
 * Making room: the oldest segment goes.  Its pages that were read since they were
 * written there are copied to the end first, those read last before the others,
 * up to half of the segment, so that every round frees something.
 */
#include "engine/kvstore.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/thread.h"
#include "core/worker.h"
#include "engine/kvfile.h"
#include "engine/kvindex.h"
#include "engine/kvseal.h"
#include "engine/kvusers.h"

enum { DEFAULT_QUEUE = 32, MIN_CAP = 1 << 20, MAX_SEGMENT = 64 << 20, PATH_LEN = 4096 };

typedef struct ts_kvsegment {
    uint64_t number, size;
    int fd;
    int n_readers;
    bool is_dead;  /* unlinked; the last reader closes it */
    bool is_wiped; /* pages were overwritten, which is not synced yet */
} segment;

/* For the worker. */
typedef struct job {
    uint8_t *record; /* header, page, tag */
    size_t n_bytes;  /* of the page */
    uint8_t key[TS_KVSTORE_KEY_LEN], model[TS_KVSTORE_KEY_LEN];
    char user[TS_KVSTORE_MAX_USER];
    size_t user_len;
    char topic[TS_KVSTORE_MAX_TOPIC];
    size_t topic_len;
} job;

struct ts_kvstore {
    char folder[PATH_LEN - 64];
    uint64_t cap_bytes, segment_bytes;
    void (*on_warning)(void *ctx, const char *line);
    void *ctx;
    ts_kvseal seal;
    int lock_fd;
    ts_worker *worker;

    ts_lock *writing;   /* of files, for a page or to forget; taken before `lock` */
    segment **segments; /* oldest first, the last is written */
    size_t n_segments, cap_segments;

    ts_lock *lock; /* for the block below and n_readers, is_dead of segments */
    ts_kvindex index;
    ts_kvusers users;
    ts_kvstore_stats stats;
    uint64_t clock, last_ticket;
};

static void path_of(const ts_kvstore *s, uint64_t number, char out[PATH_LEN])
{
    (void)snprintf(out, PATH_LEN, "%s/%016llx.kv", s->folder, (unsigned long long)number);
}

/* ---------------------------------------------------------------- segments */

/* Room for one more pointer. */
static bool reserve_segment(ts_kvstore *s)
{
    if (s->n_segments < s->cap_segments)
        return true;
    const size_t cap = s->cap_segments ? 2 * s->cap_segments : 16;
    segment **more = ts_realloc(s->segments, s->n_segments * sizeof *more, cap * sizeof *more);
    if (!more)
        return false;
    s->segments = more;
    s->cap_segments = cap;
    return true;
}

static segment *add_segment(ts_kvstore *s, uint64_t number, int fd, uint64_t size)
{
    segment *g = reserve_segment(s) ? ts_alloc_zero(1, sizeof *g) : NULL;

    if (!g)
        return NULL;
    *g = (segment){.number = number, .size = size, .fd = fd};
    s->segments[s->n_segments++] = g;
    ts_lock_take(s->lock);
    s->stats.n_segments++;
    s->stats.n_bytes += size;
    ts_lock_give(s->lock);
    return g;
}

static void close_segment(segment *g)
{
    (void)close(g->fd);
    ts_free(g);
}

/* A new last segment; NULL and errno. */
static segment *start_segment(ts_kvstore *s)
{
    const uint64_t number = s->n_segments ? s->segments[s->n_segments - 1]->number + 1 : 1;
    uint8_t header[TS_KVSEAL_FILE_HEADER];
    char path[PATH_LEN];

    path_of(s, number, path);
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return NULL;
    ts_kvseal_file_header(&s->seal, number, header);
    errno = ENOSPC; /* what a short write means */
    segment *g = ts_kvfile_write(fd, header, sizeof header, 0)
                     ? add_segment(s, number, fd, sizeof header)
                     : NULL;
    if (!g) {
        const int e = errno;
        (void)close(fd);
        (void)unlink(path);
        errno = e;
    }
    return g;
}

/* ----------------------------------------------------------------- opening */

/* Take the records of a segment into the index.  Returns where they end. */
static uint64_t scan(ts_kvstore *s, segment *g, uint64_t file_size)
{
    uint8_t header[TS_KVSEAL_HEADER];
    uint64_t at = TS_KVSEAL_FILE_HEADER;

    while (file_size - at >= TS_KVSEAL_EXTRA && ts_kvfile_read(g->fd, header, sizeof header, at)) {
        ts_kvslot slot = {.segment = g, .offset = at, .last_use = ++s->clock};
        if (!ts_kvseal_read_header(&s->seal, header, slot.address, &slot.tags, &slot.n_bytes) ||
            slot.n_bytes > file_size - at - TS_KVSEAL_EXTRA)
            break;
        if (!ts_kvseal_is_erased(slot.address) && !ts_kvindex_insert(&s->index, &slot))
            break;
        at += TS_KVSEAL_EXTRA + slot.n_bytes;
    }
    return at;
}

/* One file of the folder.  What is no segment of ours under our key is removed:
 * it is of no use to anybody. */
static tiefsee_status open_segment(ts_kvstore *s, uint64_t number, tiefsee_error *err)
{
    uint8_t found[TS_KVSEAL_FILE_HEADER], wanted[TS_KVSEAL_FILE_HEADER];
    char path[PATH_LEN];
    struct stat info;

    path_of(s, number, path);
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ts_kvseal_file_header(&s->seal, number, wanted);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size < TS_KVSEAL_FILE_HEADER || !ts_kvfile_read(fd, found, sizeof found, 0) ||
        memcmp(found, wanted, sizeof found) != 0) {
        if (fd >= 0)
            (void)close(fd);
        (void)unlink(path);
        return TIEFSEE_OK;
    }
    segment *g = add_segment(s, number, fd, 0);
    if (!g) {
        (void)close(fd);
        return ts_fail_nomem(err, sizeof *g, "the context cache");
    }
    const uint64_t end = scan(s, g, (uint64_t)info.st_size);
    /* Cut off what is torn, so that the next record follows the last good one. */
    g->size = end < (uint64_t)info.st_size && ftruncate(fd, (off_t)end) != 0
                  ? (uint64_t)info.st_size
                  : end;
    s->stats.n_bytes += g->size;
    return TIEFSEE_OK;
}

static tiefsee_status open_segments(ts_kvstore *s, tiefsee_error *err)
{
    ts_buf numbers;

    tiefsee_status st = ts_kvfile_list(s->folder, &numbers, err);
    for (size_t i = 0; st == TIEFSEE_OK && i < numbers.len / sizeof(uint64_t); i++) {
        uint64_t number;
        memcpy(&number, numbers.ptr + i * sizeof number, sizeof number);
        st = open_segment(s, number, err);
    }
    ts_buf_free(&numbers);
    return st;
}

/* One program at a time: two would write over each other. */
static tiefsee_status lock_folder(ts_kvstore *s, tiefsee_error *err)
{
    char path[PATH_LEN];

    if (mkdir(s->folder, 0700) != 0 && errno != EEXIST)
        return ts_fail_errno(err, errno, "%s", s->folder);
    (void)snprintf(path, sizeof path, "%s/lock", s->folder);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return ts_fail_errno(err, errno, "%s", path);
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? ts_fail(err, TIEFSEE_E_IO, "%s: in use by another program", s->folder)
                   : ts_fail_errno(err, errno, "%s", path);
    return TIEFSEE_OK;
}

/* ----------------------------------------------------------------- writing */

/* Once: then the cache is only read. */
static void stop_writing(ts_kvstore *s, int e)
{
    char line[PATH_LEN + 160];

    ts_lock_take(s->lock);
    const bool is_first = !s->stats.is_stopped;
    s->stats.is_stopped = true;
    ts_lock_give(s->lock);
    (void)snprintf(line, sizeof line, "%s: %s; the context cache is no longer written", s->folder,
                   strerror(e));
    if (is_first && s->on_warning)
        s->on_warning(s->ctx, line);
}

/* Put a sealed record behind the last one and into the index. */
static bool append(ts_kvstore *s, const uint8_t *record, ts_kvslot *slot)
{
    const size_t n = TS_KVSEAL_EXTRA + slot->n_bytes;
    segment *g = s->n_segments ? s->segments[s->n_segments - 1] : NULL;

    if (!g || (g->size > TS_KVSEAL_FILE_HEADER && g->size + n > s->segment_bytes))
        g = start_segment(s);
    if (!g) {
        stop_writing(s, errno);
        return false;
    }
    errno = ENOSPC;
    if (!ts_kvfile_write(g->fd, record, n, g->size)) {
        const int e = errno;
        (void)(ftruncate(g->fd, (off_t)g->size) != 0); /* else the next open does it */
        stop_writing(s, e);
        return false;
    }
    slot->segment = g;
    slot->offset = g->size;
    ts_lock_take(s->lock);
    const bool is_indexed = ts_kvindex_insert(&s->index, slot);
    if (is_indexed) {
        g->size += n; /* else the next record takes its place */
        s->stats.n_bytes += n;
    }
    ts_lock_give(s->lock);
    return is_indexed;
}

static int by_last_use(const void *a, const void *b)
{
    const uint64_t x = ((const ts_kvslot *)a)->last_use, y = ((const ts_kvslot *)b)->last_use;

    return (x < y) - (x > y);
}

/* The pages of a segment that were read since they came there, as an array that
 * the caller frees.  Without memory: none. */
static ts_kvslot *used_pages(ts_kvstore *s, const segment *g, size_t *n)
{
    ts_kvslot *out = NULL;

    *n = 0;
    ts_lock_take(s->lock);
    size_t wanted = 0;
    for (size_t i = 0; i < s->index.n_slots; i++)
        wanted += s->index.slots[i].segment == g && s->index.slots[i].was_used;
    if (wanted > 0)
        out = ts_alloc(wanted * sizeof *out);
    for (size_t i = 0; out && i < s->index.n_slots; i++)
        if (s->index.slots[i].segment == g && s->index.slots[i].was_used)
            out[(*n)++] = s->index.slots[i];
    ts_lock_give(s->lock);
    if (out)
        qsort(out, *n, sizeof *out, by_last_use);
    return out;
}

static void copy_used(ts_kvstore *s, const segment *g)
{
    uint64_t room = g->size / 2;
    size_t n;
    ts_kvslot *pages = used_pages(s, g, &n);

    for (size_t i = 0; i < n && !s->stats.is_stopped; i++) {
        const size_t bytes = TS_KVSEAL_EXTRA + pages[i].n_bytes;
        uint8_t *record = bytes <= room ? ts_alloc(bytes) : NULL;
        pages[i].was_used = false;
        if (record && ts_kvfile_read(g->fd, record, bytes, pages[i].offset) &&
            append(s, record, &pages[i])) {
            room -= bytes;
            ts_lock_take(s->lock);
            s->stats.n_copied++;
            ts_lock_give(s->lock);
        }
        ts_free(record);
    }
    ts_free(pages);
}

static void forget_pages(ts_kvstore *s, const segment *g)
{
    for (size_t i = 0; i < s->index.n_slots;) {
        ts_kvslot *slot = &s->index.slots[i];
        if (slot->segment == g) {
            ts_kvindex_remove(&s->index, slot); /* another one may have moved here */
            s->stats.n_evicted++;
        } else {
            i++;
        }
    }
}

static void remove_segment(ts_kvstore *s, size_t i)
{
    char path[PATH_LEN];
    segment *g = s->segments[i];

    ts_lock_take(s->lock);
    forget_pages(s, g);
    s->n_segments--;
    memmove(s->segments + i, s->segments + i + 1, (s->n_segments - i) * sizeof *s->segments);
    s->stats.n_segments--;
    s->stats.n_bytes -= g->size;
    g->is_dead = true;
    const bool is_free = g->n_readers == 0;
    path_of(s, g->number, path);
    ts_lock_give(s->lock);
    (void)unlink(path);
    if (is_free)
        close_segment(g);
}

/* For n bytes more, and the copies that making room may take: the files stay
 * below the cap at every moment.  n_bytes is changed by this thread only. */
static void make_room(ts_kvstore *s, size_t n)
{
    while (s->n_segments > 1 && s->stats.n_bytes + n + s->segment_bytes > s->cap_bytes) {
        copy_used(s, s->segments[0]);
        remove_segment(s, 0);
    }
}

/* Under the lock: the user's key, if they have one. */
static bool copy_own(const ts_kvstore *s, uint64_t user, uint8_t own[TS_KVSTORE_KEY_LEN])
{
    const uint8_t *key = ts_kvusers_key(&s->users, user);

    if (key)
        memcpy(own, key, TS_KVSTORE_KEY_LEN);
    return key != NULL;
}

static void write_page(ts_kvstore *s, job *j)
{
    const ts_kvstore_id id = {j->key, j->model, {j->user, j->user_len}, {j->topic, j->topic_len}};
    ts_kvslot slot = {.n_bytes = (uint32_t)j->n_bytes,
                      .tags = ts_kvseal_tags(&s->seal, id.user, id.topic)};
    uint8_t own[TS_KVSTORE_KEY_LEN];
    bool is_written = false;

    ts_kvseal_address(&s->seal, &id, slot.address);
    ts_lock_take(s->writing);
    ts_lock_take(s->lock);
    slot.last_use = ++s->clock;
    const bool is_there = ts_kvindex_find(&s->index, slot.address) != NULL;
    const bool is_dropped = s->stats.is_stopped || ts_kvusers_is_gone(&s->users, slot.tags);
    const bool has_own = copy_own(s, slot.tags.user, own);
    ts_lock_give(s->lock);
    if (!is_there && !is_dropped) {
        ts_kvseal_seal(&s->seal, &id, has_own ? own : NULL, j->record, j->n_bytes);
        make_room(s, TS_KVSEAL_EXTRA + j->n_bytes);
        is_written = append(s, j->record, &slot);
    }
    ts_lock_give(s->writing);
    sodium_memzero(own, sizeof own);
    ts_lock_take(s->lock);
    s->stats.n_puts += is_written;
    s->stats.n_dropped += !is_written && !is_there;
    ts_lock_give(s->lock);
    ts_free(j->record);
}

static void on_jobs(void *ctx, void *items, size_t n)
{
    job *jobs = items;

    for (size_t i = 0; i < n; i++)
        write_page(ctx, &jobs[i]);
}

/* -------------------------------------------------------------- forgetting */

/* The page first: cut off before the header, it is a page that fails its tag. */
static void wipe_page(ts_kvstore *s, const ts_kvslot *slot)
{
    static const uint8_t zeros[1 << 16];
    uint8_t header[TS_KVSEAL_HEADER];
    size_t left = slot->n_bytes + TS_KVSEAL_TAG;
    uint64_t at = slot->offset + TS_KVSEAL_HEADER;
    bool is_good = true;

    for (; left > 0 && is_good; at += sizeof zeros) {
        const size_t n = left < sizeof zeros ? left : sizeof zeros;

        is_good = ts_kvfile_write(slot->segment->fd, zeros, n, at);
        left -= n;
    }
    ts_kvseal_erased(&s->seal, slot->n_bytes, header);
    (void)(is_good && ts_kvfile_write(slot->segment->fd, header, sizeof header, slot->offset));
    slot->segment->is_wiped = true;
}

static bool is_of(const ts_kvslot *slot, ts_kvtags tags)
{
    return slot->segment && slot->tags.user == tags.user &&
           (tags.topic == 0 || slot->tags.topic == tags.topic);
}

/* One pass over the index; readers may move slots meanwhile, so until one finds none. */
static bool wipe_some(ts_kvstore *s, ts_kvtags tags)
{
    bool has_found = false;

    ts_lock_take(s->lock);
    for (size_t i = 0; i < s->index.n_slots;) {
        const ts_kvslot slot = s->index.slots[i];

        if (!is_of(&slot, tags)) {
            i++;
            continue;
        }
        ts_kvindex_remove(&s->index, &s->index.slots[i]);
        s->stats.n_forgotten++;
        has_found = true;
        ts_lock_give(s->lock);
        wipe_page(s, &slot);
        ts_lock_take(s->lock);
    }
    ts_lock_give(s->lock);
    return has_found;
}

static bool has_pages(ts_kvstore *s, const segment *g)
{
    bool has_some = false;

    ts_lock_take(s->lock);
    for (size_t i = 0; i < s->index.n_slots && !has_some; i++)
        has_some = s->index.slots[i].segment == g;
    ts_lock_give(s->lock);
    return has_some;
}

static void sync_wiped(ts_kvstore *s)
{
    for (size_t i = 0; i < s->n_segments;) {
        segment *g = s->segments[i];

        if (g->is_wiped)
            (void)fdatasync(g->fd);
        const bool is_empty = g->is_wiped && i + 1 < s->n_segments && !has_pages(s, g);
        g->is_wiped = false;
        if (is_empty)
            remove_segment(s, i);
        else
            i++;
    }
}

void ts_kvstore_forget(ts_kvstore *s, ts_str user, ts_str topic)
{
    const ts_kvtags tags = ts_kvseal_tags(&s->seal, user, topic);

    ts_lock_take(s->writing);
    ts_lock_take(s->lock);
    ts_kvusers_forget(&s->users, tags);
    ts_lock_give(s->lock);
    while (wipe_some(s, tags))
        ;
    sync_wiped(s);
    ts_lock_give(s->writing);
}

bool ts_kvstore_know(ts_kvstore *s, ts_str user, const uint8_t *key)
{
    const ts_kvtags tags = ts_kvseal_tags(&s->seal, user, (ts_str){0});

    ts_lock_take(s->lock);
    const bool is_known = ts_kvusers_add(&s->users, tags.user, key);
    ts_lock_give(s->lock);
    return is_known;
}

/* -------------------------------------------------------------- the calls */

static tiefsee_status start(ts_kvstore *s, const ts_kvstore_options *opt, tiefsee_error *err)
{
    const ts_worker_options work = {.item_bytes = sizeof(job),
                                    .max_items = opt->max_queue ? opt->max_queue : DEFAULT_QUEUE,
                                    .run = on_jobs,
                                    .ctx = s};

    s->lock = ts_lock_new();
    s->writing = ts_lock_new();
    if (!s->lock || !s->writing)
        return ts_fail_nomem(err, sizeof *s, "the context cache");
    tiefsee_status st = ts_kvusers_open(&s->users, err);
    if (st == TIEFSEE_OK)
        st = lock_folder(s, err);
    if (st == TIEFSEE_OK)
        st = ts_kvseal_open(&s->seal, opt->key_file, err);
    if (st == TIEFSEE_OK)
        st = open_segments(s, err);
    if (st != TIEFSEE_OK)
        return st;
    make_room(s, 0); /* the cap may be smaller than last time */
    return ts_worker_new(&s->worker, &work, err);
}

tiefsee_status ts_kvstore_open(ts_kvstore **out, const ts_kvstore_options *opt, tiefsee_error *err)
{
    *out = NULL;
    if (opt->cap_bytes < MIN_CAP)
        return ts_fail(err, TIEFSEE_E_INVALID, "a context cache of %llu bytes (at least %d)",
                       (unsigned long long)opt->cap_bytes, MIN_CAP);
    ts_kvstore *s = ts_alloc_zero(1, sizeof *s);
    if (!s)
        return ts_fail_nomem(err, sizeof *s, "the context cache");
    s->lock_fd = -1;
    s->cap_bytes = opt->cap_bytes;
    s->segment_bytes = opt->cap_bytes / 8 < MAX_SEGMENT ? opt->cap_bytes / 8 : MAX_SEGMENT;
    s->on_warning = opt->on_warning;
    s->ctx = opt->ctx;
    const int n = snprintf(s->folder, sizeof s->folder, "%s", opt->folder);
    const tiefsee_status st = n < 0 || (size_t)n >= sizeof s->folder
                                  ? ts_fail_errno(err, ENAMETOOLONG, "%.200s", opt->folder)
                                  : start(s, opt, err);
    if (st != TIEFSEE_OK) {
        ts_kvstore_close(s);
        return st;
    }
    *out = s;
    return TIEFSEE_OK;
}

void ts_kvstore_close(ts_kvstore *s)
{
    if (!s)
        return;
    ts_worker_free(s->worker);
    for (size_t i = 0; i < s->n_segments; i++)
        close_segment(s->segments[i]);
    ts_free(s->segments);
    ts_kvindex_free(&s->index);
    ts_kvusers_close(&s->users);
    ts_kvseal_wipe(&s->seal);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    ts_lock_free(s->lock);
    ts_lock_free(s->writing);
    ts_free(s);
}

static void count_drop(ts_kvstore *s)
{
    ts_lock_take(s->lock);
    s->stats.n_dropped++;
    ts_lock_give(s->lock);
}

bool ts_kvstore_put(ts_kvstore *s, const ts_kvstore_id *id, const void *bytes, size_t n)
{
    job j = {.n_bytes = n, .user_len = id->user.len, .topic_len = id->topic.len};
    uint64_t ticket;

    assert(id->user.len <= TS_KVSTORE_MAX_USER && id->topic.len <= TS_KVSTORE_MAX_TOPIC);
    if (ts_kvstore_has(s, id))
        return true;
    ts_lock_take(s->lock);
    const bool is_stopped = s->stats.is_stopped;
    ts_lock_give(s->lock);
    if (!is_stopped && n <= TS_KVSTORE_MAX_PAGE && n + TS_KVSEAL_EXTRA <= s->segment_bytes)
        j.record = ts_alloc(TS_KVSEAL_EXTRA + n);
    if (!j.record) {
        count_drop(s);
        return false;
    }
    memcpy(j.key, id->key, sizeof j.key);
    memcpy(j.model, id->model, sizeof j.model);
    if (id->user.len > 0)
        memcpy(j.user, id->user.ptr, id->user.len);
    if (id->topic.len > 0)
        memcpy(j.topic, id->topic.ptr, id->topic.len);
    if (n > 0)
        memcpy(j.record + TS_KVSEAL_HEADER, bytes, n);
    if (!ts_worker_push(s->worker, &j, &ticket)) {
        ts_free(j.record);
        count_drop(s);
        return false;
    }
    ts_lock_take(s->lock);
    if (ticket > s->last_ticket)
        s->last_ticket = ticket;
    ts_lock_give(s->lock);
    return true;
}

bool ts_kvstore_has(ts_kvstore *s, const ts_kvstore_id *id)
{
    uint8_t address[TS_KVSEAL_ADDRESS];

    ts_kvseal_address(&s->seal, id, address);
    ts_lock_take(s->lock);
    const bool is_there = ts_kvindex_find(&s->index, address) != NULL;
    ts_lock_give(s->lock);
    return is_there;
}

/* Read and verify what slot says; the page lies in out then. */
static bool read_page(ts_kvstore *s, const ts_kvstore_id *id, const uint8_t *own,
                      const ts_kvslot *slot, uint8_t *out)
{
    uint8_t header[TS_KVSEAL_HEADER], tag[TS_KVSEAL_TAG], address[TS_KVSEAL_ADDRESS];
    const int fd = slot->segment->fd;
    ts_kvtags tags;
    uint32_t n;

    return ts_kvfile_read(fd, header, sizeof header, slot->offset) &&
           ts_kvseal_read_header(&s->seal, header, address, &tags, &n) && n == slot->n_bytes &&
           memcmp(address, slot->address, sizeof address) == 0 &&
           ts_kvfile_read(fd, out, n, slot->offset + TS_KVSEAL_HEADER) &&
           ts_kvfile_read(fd, tag, sizeof tag, slot->offset + TS_KVSEAL_HEADER + n) &&
           ts_kvseal_open_page(&s->seal, id, own, header, out, n, tag);
}

/* The reader is done with the slot's segment; a damaged page is forgotten. */
static void end_reading(ts_kvstore *s, const ts_kvslot *read, bool is_good)
{
    segment *g = read->segment;

    ts_lock_take(s->lock);
    if (is_good) {
        s->stats.n_hits++;
    } else {
        ts_kvslot *slot = ts_kvindex_find(&s->index, read->address);
        if (slot && slot->segment == g && slot->offset == read->offset)
            ts_kvindex_remove(&s->index, slot);
        s->stats.n_damaged++;
        s->stats.n_misses++;
    }
    g->n_readers--;
    const bool is_last = g->is_dead && g->n_readers == 0;
    ts_lock_give(s->lock);
    if (is_last)
        close_segment(g);
}

bool ts_kvstore_get(ts_kvstore *s, const ts_kvstore_id *id, void *out, size_t cap, size_t *n)
{
    const ts_kvtags tags = ts_kvseal_tags(&s->seal, id->user, (ts_str){0});
    uint8_t address[TS_KVSEAL_ADDRESS], own[TS_KVSTORE_KEY_LEN];
    bool has_own = false;
    ts_kvslot read = {0};

    ts_kvseal_address(&s->seal, id, address);
    ts_lock_take(s->lock);
    ts_kvslot *slot = ts_kvindex_find(&s->index, address);
    if (slot && slot->n_bytes <= cap) {
        slot->was_used = true;
        slot->last_use = ++s->clock;
        slot->segment->n_readers++;
        read = *slot;
        has_own = copy_own(s, tags.user, own);
    } else {
        s->stats.n_misses++;
    }
    ts_lock_give(s->lock);
    if (!read.segment)
        return false;
    const bool is_good = read_page(s, id, has_own ? own : NULL, &read, out);
    sodium_memzero(own, sizeof own);
    end_reading(s, &read, is_good);
    *n = is_good ? read.n_bytes : 0;
    return is_good;
}

void ts_kvstore_flush(ts_kvstore *s)
{
    ts_lock_take(s->lock);
    const uint64_t ticket = s->last_ticket;
    ts_lock_give(s->lock);
    ts_worker_wait(s->worker, ticket);
}

void ts_kvstore_read_stats(ts_kvstore *s, ts_kvstore_stats *out)
{
    ts_lock_take(s->lock);
    *out = s->stats;
    out->n_pages = s->index.n_used;
    ts_lock_give(s->lock);
}
