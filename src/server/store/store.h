/* store.h - the server's one database file: keys, usage, settings.
 *
 * SQLite in WAL mode: readers and one writer at a time, from several processes
 * (`tiefsee keys` works while the server runs).  A committed transaction
 * survives kill -9; with is_synced also a power cut.
 *
 * A ts_store is one connection, used by one thread at a time.  Statements are
 * compiled once per connection.  Opening brings an older schema up to date, in
 * one transaction; a newer one is refused.
 *
 * Nothing else in a process that has a store open may open and close its file:
 * that would drop SQLite's locks on it.
 */
#ifndef TS_SERVER_STORE_H
#define TS_SERVER_STORE_H

#include "core/error.h"
#include "core/str.h"

typedef struct ts_store ts_store;

typedef struct ts_store_options {
    bool is_synced;   /* wait for the disk at each commit */
    bool must_exist;  /* do not make the file */
    unsigned busy_ms; /* how long to wait for another writer; 0: 5000 */
} ts_store_options;

/* The file is made readable for its owner only.  opt may be NULL. */
tiefsee_status ts_store_open(ts_store **out, const char *path, const ts_store_options *opt,
                             tiefsee_error *err) TS_MUST_CHECK;
void ts_store_close(ts_store *s); /* NULL allowed */

/* A transaction that may write, from its start (no upgrade that could fail
 * half-way).  Not nested.  ts_store_end commits when st is TIEFSEE_OK, else takes
 * everything back, and returns st or why the commit failed. */
tiefsee_status ts_store_begin(ts_store *s, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_store_end(ts_store *s, tiefsee_status st, tiefsee_error *err) TS_MUST_CHECK;

/* One statement at work: bound by position in the order of the calls, stepped,
 * and given back.  sql is a literal: its address is the name of the compiled
 * statement.  An error sticks: the calls after it do nothing, and
 * ts_query_end() returns it.
 *
 *     ts_query q = ts_query_begin(s, "SELECT name FROM api_key WHERE id = ?");
 *     ts_query_i64(&q, id);
 *     while (ts_query_step(&q))
 *         use(ts_query_get_str(&q, 0));
 *     return ts_query_end(&q, err);
 */
typedef struct ts_query {
    ts_store *store;
    struct sqlite3_stmt *stmt;
    int n_bound;
    int code; /* of SQLite; 0: fine so far */
} ts_query;

ts_query ts_query_begin(ts_store *s, const char *sql);
void ts_query_i64(ts_query *q, int64_t v);
void ts_query_u64(ts_query *q, uint64_t v); /* beyond INT64_MAX: INT64_MAX */
void ts_query_str(ts_query *q, ts_str v);   /* borrowed until ts_query_end */
void ts_query_blob(ts_query *q, const void *bytes, size_t n);
void ts_query_null(ts_query *q);
bool ts_query_step(ts_query *q); /* false: no more rows, or an error */
int64_t ts_query_get_i64(const ts_query *q, int column);
uint64_t ts_query_get_u64(const ts_query *q, int column); /* below 0: 0 */
ts_str ts_query_get_str(const ts_query *q, int column);   /* until the next step; terminated */
ts_str ts_query_get_blob(const ts_query *q, int column);
tiefsee_status ts_query_end(ts_query *q, tiefsee_error *err) TS_MUST_CHECK;

/* A statement without rows and parameters. */
tiefsee_status ts_store_exec(ts_store *s, const char *sql, tiefsee_error *err) TS_MUST_CHECK;

int64_t ts_store_last_id(const ts_store *s);
int64_t ts_store_n_changed(const ts_store *s); /* rows, by the last statement */

/* Write the log back into the file and empty it: what was deleted is in neither any more
 * (deleted rows are overwritten as they go).  TIEFSEE_E_IO while another program reads. */
tiefsee_status ts_store_compact(ts_store *s, tiefsee_error *err) TS_MUST_CHECK;

/* The last failure was a UNIQUE constraint (a name that is taken). */
bool ts_store_is_duplicate(const ts_store *s);

/* Changes when another connection has committed something. */
tiefsee_status ts_store_version(ts_store *s, int64_t *out, tiefsee_error *err) TS_MUST_CHECK;

/* The schema that this program writes, and the steps to it, see tables.c. */
typedef struct ts_schema_step {
    const char *sql; /* several statements; brings version i to i + 1 */
} ts_schema_step;

extern const ts_schema_step ts_schema[];
extern const int ts_schema_version;

/* Tests: open with another list of steps. */
tiefsee_status ts_store_open_schema(ts_store **out, const char *path, const ts_store_options *opt,
                                    const ts_schema_step *steps, int n_steps,
                                    tiefsee_error *err) TS_MUST_CHECK;

#endif
