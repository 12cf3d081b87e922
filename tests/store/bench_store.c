/* bench_store.c - how long does a large store take?
 *
 *     bench_store [CONVERSATIONS [MESSAGES_EACH [FOLDER]]]     default: 10000 100
 *
 * Fills a store with one user's conversations of words drawn as in natural language, then
 * times the sidebar's first page and searches: frequent, rare and absent words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/rng.h"
#include "server/app/people.h"
#include "server/app/search.h"
#include "support/scratch.h"

enum { N_WORDS = 50000, WORDS_EACH = 120 };

static scratch place;
static tiefsee_error err;
static ts_rng rng;
static char words[N_WORDS][16];

static void check(bool is_good, const char *what)
{
    if (is_good)
        return;
    (void)fprintf(stderr, "bench_store: %s: %s\n", what, err.message);
    exit(1);
}

static void make_words(void)
{
    static const char consonants[] = "bcdfghklmnprstvwz", vowels[] = "aeiou";

    for (size_t i = 0; i < N_WORDS; i++) {
        const size_t n = 2 + ts_rng_below(&rng, 4);
        for (size_t k = 0; k < n; k++) {
            words[i][2 * k] = consonants[ts_rng_below(&rng, sizeof consonants - 1)];
            words[i][2 * k + 1] = vowels[ts_rng_below(&rng, sizeof vowels - 1)];
        }
    }
}

/* Zipf: word i about 1/i of the time. */
static const char *draw(void)
{
    return words[(size_t)(exp(ts_rng_unit(&rng) * log((double)N_WORDS)) - 1)];
}

static size_t print_message(char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "{\"role\": \"assistant\", \"content\": \"");

    for (int i = 0; i < WORDS_EACH; i++)
        n += (size_t)snprintf(out + n, size - n, "%s ", draw());
    return n + (size_t)snprintf(out + n, size - n, "\", \"finish\": \"stop\"}");
}

static void fill(ts_store *s, ts_search *x, const ts_owner *o, int n_chats, int n_messages)
{
    char text[4096];
    bool is_new;

    for (int i = 0; i < n_chats; i++) {
        ts_dialog c = {.created = i, .updated = i, .meta = ts_buf_make(1000)};
        ts_buf said = ts_buf_make(64 << 20);

        (void)snprintf(c.id, sizeof c.id, "chat-%06d", i);
        (void)snprintf(text, sizeof text, "{\"title\": \"%s %s %s\"}", draw(), draw(), draw());
        check(ts_buf_append_str(&c.meta, text), "memory");
        check(ts_store_begin(s, &err) == TIEFSEE_OK, "begin");
        check(ts_chats_create(s, o, &c, &is_new, &err) == TIEFSEE_OK, "create");
        for (int k = 0; k < n_messages; k++) {
            ts_chat_message m = {0};
            (void)snprintf(m.id, sizeof m.id, "message-%d", k);
            m.json = (ts_str){text, print_message(text, sizeof text)};
            check(ts_chats_put(s, o, &c, &m, &err) == TIEFSEE_OK, "put");
            check(ts_buf_append(&said, text, m.json.len), "memory");
        }
        check(ts_search_add(x, s, o, &c, (ts_str){said.ptr, said.len}, &err) == TIEFSEE_OK,
              "grams");
        check(ts_store_end(s, TIEFSEE_OK, &err) == TIEFSEE_OK, "commit");
        ts_buf_free(&said);
        ts_chat_free(&c);
    }
}

static bool count_chat(void *ctx, const ts_dialog *c)
{
    (void)c;
    return ++*(int *)ctx < 100;
}

static bool count_hit(void *ctx, const ts_hit *hit)
{
    (void)hit;
    return ++*(int *)ctx < 50;
}

static void time_search(ts_store *s, ts_search *x, const ts_owner *o, const char *name,
                        const char *query)
{
    const ts_search_query q = {.text = ts_str_of(query), .budget_s = 60};
    ts_dialog stopped;
    int n = 0;
    const double begin = ts_clock_seconds();

    check(ts_search_run(x, s, o, &q, count_hit, &n, &stopped, &err) == TIEFSEE_OK, "search");
    (void)printf("search %-28s %8.1f ms  %d hits\n", name, (ts_clock_seconds() - begin) * 1e3, n);
}

int main(int argc, char **argv)
{
    const int n_chats = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 10000;
    const int n_messages = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100;
    ts_store *s;
    ts_people *p;
    ts_search *x = ts_search_new();
    ts_person anna = {.name = "anna"};
    struct stat info;
    int n = 0;

    scratch_make(&place);
    ts_rng_seed(&rng, 1);
    make_words();
    const char *path = argc > 3 ? argv[3] : scratch_path(&place, "db");
    check(ts_store_open(&s, path, NULL, &err) == TIEFSEE_OK, "open");
    check(ts_people_open(&p, s, scratch_path(&place, "key"), (ts_str){0}, &err) == TIEFSEE_OK,
          "people");
    check(ts_people_add(p, s, &anna, NULL, &err) == TIEFSEE_OK, "add");
    const ts_owner o = ts_person_owner(&anna);

    double begin = ts_clock_seconds();
    fill(s, x, &o, n_chats, n_messages);
    check(ts_store_compact(s, &err) == TIEFSEE_OK && stat(path, &info) == 0, "compact");
    (void)printf("filled: %d conversations, %d messages, %.0f MB, %.1f s\n", n_chats,
                 n_chats * n_messages, (double)info.st_size / 1e6, ts_clock_seconds() - begin);
    begin = ts_clock_seconds();
    check(ts_chats_list(s, &o, NULL, count_chat, &n, &err) == TIEFSEE_OK, "list");
    (void)printf("sidebar, first page             %8.1f ms  %d rows\n",
                 (ts_clock_seconds() - begin) * 1e3, n);
    time_search(s, x, &o, "first (opens the filters)", words[40000]);
    time_search(s, x, &o, "frequent word", words[3]);
    time_search(s, x, &o, "word of medium frequency", words[2000]);
    time_search(s, x, &o, "rare word", words[49990]);
    time_search(s, x, &o, "absent word", "xylophonist");
    time_search(s, x, &o, "three letters", "xyl");
    time_search(s, x, &o, "two words", "gibt es nicht");
    time_search(s, x, &o, "two letters", "xq");
    ts_search_free(x);
    ts_people_close(p);
    ts_store_close(s);
    scratch_remove(&place);
    return 0;
}
