/* crash_store.c - kill -9 at random points under write load, and look what is there.
 *
 *     crash_store [ROUNDS]
 *
 * A child writes messages, changes them as a streamed answer does, deletes conversations
 * and erases users, and says through a pipe what was acknowledged.  After it was killed the
 * store must open, be sound, and have every acknowledged message word for word. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/rng.h"
#include "server/app/people.h"
#include "server/app/search.h"
#include "support/scratch.h"

enum { MAX_ACKS = 1 << 16, LONGEST_MS = 40 };

static scratch place;
static tiefsee_error err;

/* Message `number` of conversation "chat-R" of round R was committed as version v. */
typedef struct ack {
    uint32_t round, number, version;
} ack;

static void check(bool is_good, const char *what)
{
    if (is_good)
        return;
    (void)fprintf(stderr, "crash_store: %s: %s (%s)\n", what, err.message, place.folder);
    exit(1);
}

typedef struct all {
    ts_store *store;
    ts_people *people;
    ts_search *search;
    ts_person anna;
    ts_owner owner;
} all;

static void open_all(all *a)
{
    check(ts_store_open(&a->store, scratch_path(&place, "db"), NULL, &err) == TIEFSEE_OK, "open");
    check(ts_people_open(&a->people, a->store, scratch_path(&place, "key"), (ts_str){0}, &err) ==
              TIEFSEE_OK,
          "people");
    a->search = ts_search_new();
    if (!ts_people_by_name(a->people, "anna", &a->anna)) {
        a->anna = (ts_person){.name = "anna", .role = TS_ROLE_MEMBER};
        check(ts_people_add(a->people, a->store, &a->anna, NULL, &err) == TIEFSEE_OK, "anna");
    }
    a->owner = ts_person_owner(&a->anna);
}

static void close_all(all *a)
{
    ts_search_free(a->search);
    ts_people_close(a->people);
    ts_store_close(a->store);
}

static size_t print_message(char *out, size_t size, const ack *k)
{
    return (size_t)snprintf(out, size, "{\"content\": \"round %u message %u version %u %0*u\"}",
                            k->round, k->number, k->version, 40 + (int)(k->number % 3000), 7u);
}

static void put(all *a, ts_dialog *c, const ack *k, int64_t *seq)
{
    static char text[8192];
    ts_chat_message m = {.seq = *seq, .is_live = k->version == 0};

    (void)snprintf(m.id, sizeof m.id, "message-%u", k->number);
    m.json = (ts_str){text, print_message(text, sizeof text, k)};
    check(ts_store_begin(a->store, &err) == TIEFSEE_OK, "begin");
    tiefsee_status st = ts_chats_put(a->store, &a->owner, c, &m, &err);
    if (st == TIEFSEE_OK)
        st = ts_search_add_message(a->search, a->store, &a->owner, c, m.json, &err);
    check(ts_store_end(a->store, st, &err) == TIEFSEE_OK, "commit");
    *seq = m.seq;
}

static void annoy(all *a, uint32_t i)
{
    ts_person other = {.role = TS_ROLE_MEMBER};
    bool is_new;

    (void)snprintf(other.name, sizeof other.name, "other-%u-%ld", i, (long)getpid());
    check(ts_people_add(a->people, a->store, &other, NULL, &err) == TIEFSEE_OK, "other");
    const ts_owner o = ts_person_owner(&other);
    ts_dialog c = {.id = "doomed-1", .meta = ts_buf_make(100)};
    check(ts_buf_append_str(&c.meta, "{}"), "memory");
    check(ts_chats_create(a->store, &o, &c, &is_new, &err) == TIEFSEE_OK, "doomed");
    if (i % 2)
        check(ts_chats_delete(a->store, &o, &c, &err) == TIEFSEE_OK, "delete");
    check(ts_people_erase(a->people, a->store, other.n, &err) == TIEFSEE_OK, "erase");
    ts_chat_free(&c);
}

static void write_until_killed(uint32_t round, int fd)
{
    all a;
    ts_dialog c = {.meta = ts_buf_make(100)};
    bool is_new;

    open_all(&a);
    (void)snprintf(c.id, sizeof c.id, "chat-%u-x", round);
    check(ts_buf_append_str(&c.meta, "{}"), "memory");
    check(ts_chats_create(a.store, &a.owner, &c, &is_new, &err) == TIEFSEE_OK, "create");
    for (uint32_t i = 0;; i++) {
        ack k = {.round = round, .number = i};
        int64_t seq = 0;

        for (; k.version < 3; k.version++) {
            put(&a, &c, &k, &seq);
            check(write(fd, &k, sizeof k) == sizeof k, "pipe");
        }
        if (i % 16 == 5)
            annoy(&a, i);
    }
}

/* What must be there: the last acknowledged version, or the one behind it, which may
 * have been committed without a word. */
static void verify(all *a, const ack *k)
{
    static char text[8192];
    char id[64], chat_id[64];
    ts_buf got = ts_buf_make(1 << 20);
    ts_dialog c;
    ts_chat_message m;
    bool is_there = false;

    (void)snprintf(chat_id, sizeof chat_id, "chat-%u-x", k->round);
    (void)snprintf(id, sizeof id, "message-%u", k->number);
    check(ts_chats_find(a->store, &a->owner, chat_id, &c, &err) == TIEFSEE_OK && c.n, "no chat");
    check(ts_chats_find_message(a->store, &a->owner, &c, id, &m, &got, &err) == TIEFSEE_OK &&
              m.seq != 0,
          "a message that was acknowledged is not there");
    for (uint32_t more = 0; more < 2 && !is_there; more++) {
        const ack wanted = {k->round, k->number, k->version + more};
        (void)print_message(text, sizeof text, &wanted);
        is_there = strcmp(text, got.ptr) == 0;
    }
    check(is_there, "a message is not what was acknowledged");
    ts_chat_free(&c);
    ts_buf_free(&got);
}

static bool is_sound(ts_store *s)
{
    ts_query q = ts_query_begin(s, "PRAGMA quick_check");
    const bool is_ok = ts_query_step(&q) && ts_str_is(ts_query_get_str(&q, 0), "ok");

    return ts_query_end(&q, &err) == TIEFSEE_OK && is_ok;
}

/* Acknowledgements of one round; returns their number. */
static size_t run_child(uint32_t round, uint32_t ms, ack *acks)
{
    int fds[2];
    size_t n = 0;

    check(pipe(fds) == 0, "pipe");
    const pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        (void)close(fds[0]);
        write_until_killed(round, fds[1]);
    }
    (void)close(fds[1]);
    /* The first word, so that every round has written something; then some time. */
    check(read(fds[0], &acks[n], sizeof *acks) == sizeof *acks, "the child said nothing");
    n++;
    const struct timespec pause = {.tv_nsec = (long)ms * 1000000};
    (void)nanosleep(&pause, NULL);
    (void)kill(child, SIGKILL);
    while (n < MAX_ACKS && read(fds[0], &acks[n], sizeof *acks) == sizeof *acks)
        n++;
    int status = 0;
    (void)waitpid(child, &status, 0);
    check(WIFSIGNALED(status), "the child ended by itself");
    (void)close(fds[0]);
    return n;
}

int main(int argc, char **argv)
{
    static ack acks[MAX_ACKS];
    const int n_rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20;
    size_t n_acks = 0;
    ts_rng rng;

    scratch_make(&place);
    ts_rng_seed(&rng, (uint64_t)time(NULL));
    for (uint32_t round = 0; round < (uint32_t)n_rounds; round++) {
        all a;
        const size_t n = run_child(round, (uint32_t)ts_rng_below(&rng, LONGEST_MS), acks);

        open_all(&a);
        check(is_sound(a.store), "the file is not sound");
        for (size_t i = 0; i < n; i++)
            if (i + 1 == n || acks[i + 1].number != acks[i].number)
                verify(&a, &acks[i]);
        n_acks += n;
        close_all(&a);
    }
    (void)printf("%d kills, %zu acknowledged writes, none lost\n", n_rounds, n_acks);
    scratch_remove(&place);
    return 0;
}
