/* store.c - see store.h. */
#include "server/store/store.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"

/* "TSee" in the file's header: nobody else's database is taken for ours. */
enum { APPLICATION_ID = 0x54536565, MAX_STATEMENTS = 128, DEFAULT_BUSY_MS = 5000 };

typedef struct statement {
    const char *sql;
    sqlite3_stmt *stmt;
} statement;

struct ts_store {
    sqlite3 *db;
    statement statements[MAX_STATEMENTS];
    int n_statements;
    int last_code; /* extended, of the last failure */
    char path[512];
};

/* A quota or a limit on a file's size is to SQLite a write that failed; to us it is a full
 * disk, and so is the rare disk that refuses for another reason. */
static bool lacks_room(int code)
{
    return code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE ||
           code == SQLITE_IOERR_TRUNCATE;
}

static tiefsee_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK: return TIEFSEE_OK;
    case SQLITE_NOMEM: return TIEFSEE_E_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return TIEFSEE_E_FORMAT;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG: return TIEFSEE_E_INVALID;
    default: return TIEFSEE_E_IO;
    }
}

static tiefsee_status fail(ts_store *s, int code, tiefsee_error *err)
{
    s->last_code = code;
    /* The connection's message is of its last call, which may be a later one. */
    const bool is_last = s->db && sqlite3_extended_errcode(s->db) == code;
    const char *why = lacks_room(code) ? sqlite3_errstr(SQLITE_FULL)
                      : is_last        ? sqlite3_errmsg(s->db)
                                       : sqlite3_errstr(code);
    const int e = s->db ? sqlite3_system_errno(s->db) : 0;
    const tiefsee_status st = status_of(code);

    if (st == TIEFSEE_E_IO && e != 0)
        return ts_fail_errno(err, e, "%s: %s", s->path, why);
    return ts_fail(err, st, "%s: %s", s->path, why);
}

tiefsee_status ts_store_exec(ts_store *s, const char *sql, tiefsee_error *err)
{
    const int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? TIEFSEE_OK : fail(s, sqlite3_extended_errcode(s->db), err);
}

/* ------------------------------------------------------------- statements */

static sqlite3_stmt *find_statement(ts_store *s, const char *sql, int *code)
{
    for (int i = 0; i < s->n_statements; i++)
        if (s->statements[i].sql == sql)
            return s->statements[i].stmt;

    assert(s->n_statements < MAX_STATEMENTS); /* literals of this program: a known number */
    sqlite3_stmt *stmt = NULL;
    *code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (*code == SQLITE_OK)
        s->statements[s->n_statements++] = (statement){sql, stmt};
    else
        *code = sqlite3_extended_errcode(s->db);
    return stmt;
}

ts_query ts_query_begin(ts_store *s, const char *sql)
{
    ts_query q = {.store = s};

    q.stmt = find_statement(s, sql, &q.code);
    assert(!q.stmt || !sqlite3_stmt_busy(q.stmt)); /* one use at a time */
    return q;
}

/* code is of the bind call for parameter q->n_bound + 1. */
static void bound(ts_query *q, int code)
{
    q->n_bound++;
    if (q->code == SQLITE_OK)
        q->code = code;
}

void ts_query_i64(ts_query *q, int64_t v)
{
    if (q->code == SQLITE_OK)
        bound(q, sqlite3_bind_int64(q->stmt, q->n_bound + 1, v));
}

void ts_query_u64(ts_query *q, uint64_t v)
{
    ts_query_i64(q, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void ts_query_str(ts_query *q, ts_str v)
{
    if (q->code == SQLITE_OK)
        bound(q, sqlite3_bind_text64(q->stmt, q->n_bound + 1, v.ptr ? v.ptr : "", v.len,
                                     SQLITE_STATIC, SQLITE_UTF8));
}

void ts_query_blob(ts_query *q, const void *bytes, size_t n)
{
    if (q->code == SQLITE_OK)
        bound(q, sqlite3_bind_blob64(q->stmt, q->n_bound + 1, bytes, n, SQLITE_STATIC));
}

void ts_query_null(ts_query *q)
{
    if (q->code == SQLITE_OK)
        bound(q, sqlite3_bind_null(q->stmt, q->n_bound + 1));
}

bool ts_query_step(ts_query *q)
{
    if (q->code != SQLITE_OK)
        return false;
    assert(q->n_bound == sqlite3_bind_parameter_count(q->stmt));
    const int code = sqlite3_step(q->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        q->code = sqlite3_extended_errcode(q->store->db);
    return code == SQLITE_ROW;
}

int64_t ts_query_get_i64(const ts_query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

uint64_t ts_query_get_u64(const ts_query *q, int column)
{
    const int64_t v = sqlite3_column_int64(q->stmt, column);

    return v < 0 ? 0 : (uint64_t)v;
}

ts_str ts_query_get_str(const ts_query *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q->stmt, column);

    return (ts_str){text ? text : "", text ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0};
}

ts_str ts_query_get_blob(const ts_query *q, int column)
{
    const char *bytes = sqlite3_column_blob(q->stmt, column);

    return (ts_str){bytes, bytes ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0};
}

tiefsee_status ts_query_end(ts_query *q, tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    /* First the message, which resetting may replace. */
    if (q->code != SQLITE_OK)
        st = fail(q->store, q->code, err);
    if (q->stmt) {
        (void)sqlite3_reset(q->stmt);
        (void)sqlite3_clear_bindings(q->stmt);
    }
    q->stmt = NULL;
    return st;
}

/* ----------------------------------------------------------- transactions */

tiefsee_status ts_store_begin(ts_store *s, tiefsee_error *err)
{
    return ts_store_exec(s, "BEGIN IMMEDIATE", err);
}

tiefsee_status ts_store_end(ts_store *s, tiefsee_status st, tiefsee_error *err)
{
    if (st == TIEFSEE_OK)
        st = ts_store_exec(s, "COMMIT", err);
    /* SQLite itself rolls back after some errors (a full disk). */
    if (st != TIEFSEE_OK && !sqlite3_get_autocommit(s->db))
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

int64_t ts_store_last_id(const ts_store *s)
{
    return sqlite3_last_insert_rowid(s->db);
}

int64_t ts_store_n_changed(const ts_store *s)
{
    return sqlite3_changes64(s->db);
}

static tiefsee_status read_number(ts_store *s, const char *sql, int64_t *out, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, sql);

    if (ts_query_step(&q))
        *out = ts_query_get_i64(&q, 0);
    return ts_query_end(&q, err);
}

tiefsee_status ts_store_compact(ts_store *s, tiefsee_error *err)
{
    int64_t is_busy = 0;
    tiefsee_status st = read_number(s, "PRAGMA wal_checkpoint(TRUNCATE)", &is_busy, err);

    return st == TIEFSEE_OK && is_busy ? ts_fail(err, TIEFSEE_E_IO, "%s: in use", s->path) : st;
}

bool ts_store_is_duplicate(const ts_store *s)
{
    return s->last_code == SQLITE_CONSTRAINT_UNIQUE || s->last_code == SQLITE_CONSTRAINT_PRIMARYKEY;
}

tiefsee_status ts_store_version(ts_store *s, int64_t *out, tiefsee_error *err)
{
    return read_number(s, "PRAGMA data_version", out, err);
}

/* ---------------------------------------------------------------- opening */

/* The file's versions; refuses what is not ours or not for us. */
static tiefsee_status read_versions(ts_store *s, int n_steps, int64_t *version, tiefsee_error *err)
{
    int64_t application = 0, n_tables = 0;

    tiefsee_status st = read_number(s, "PRAGMA user_version", version, err);
    if (st == TIEFSEE_OK)
        st = read_number(s, "PRAGMA application_id", &application, err);
    if (st == TIEFSEE_OK)
        st = read_number(s, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
    if (st != TIEFSEE_OK)
        return st;
    if (application != APPLICATION_ID && (application != 0 || *version != 0 || n_tables != 0))
        return ts_fail(err, TIEFSEE_E_FORMAT, "%s: a database of another program", s->path);
    if (*version < 0 || *version > n_steps)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "%s: schema version %lld, this program knows versions up to %d", s->path,
                       (long long)*version, n_steps);
    return TIEFSEE_OK;
}

static tiefsee_status run_steps(ts_store *s, const ts_schema_step *steps, int n_steps,
                                tiefsee_error *err)
{
    char sql[96];
    int64_t version = 0;

    /* Again, now that nobody else can write: another process may have been first. */
    tiefsee_status st = read_versions(s, n_steps, &version, err);
    for (int64_t i = version; st == TIEFSEE_OK && i < n_steps; i++) {
        st = ts_store_exec(s, steps[i].sql, err);
        if (st != TIEFSEE_OK)
            st = ts_while(err, st, "schema version %lld", (long long)i + 1);
    }
    if (st != TIEFSEE_OK)
        return st;
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d; PRAGMA application_id = %d", n_steps,
                   APPLICATION_ID);
    return ts_store_exec(s, sql, err);
}

static tiefsee_status bring_up(ts_store *s, const ts_schema_step *steps, int n_steps,
                               tiefsee_error *err)
{
    int64_t version = 0;

    /* One snapshot: another process may be making the file this very moment, and
     * its tables must not be seen without its versions. */
    tiefsee_status st = ts_store_exec(s, "BEGIN", err);
    if (st == TIEFSEE_OK)
        st = ts_store_end(s, read_versions(s, n_steps, &version, err), err);
    if (st != TIEFSEE_OK || version == n_steps)
        return st;
    st = ts_store_begin(s, err);
    return st == TIEFSEE_OK ? ts_store_end(s, run_steps(s, steps, n_steps, err), err) : st;
}

/* SQLite does not wait for others when the journal mode changes: two programs
 * that open a new file together meet here. */
static tiefsee_status set_wal(ts_store *s, unsigned busy_ms, tiefsee_error *err)
{
    int code;

    for (unsigned waited = 0;; waited += 10) {
        code = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if ((code & 0xff) != SQLITE_BUSY || waited >= busy_ms)
            break;
        (void)usleep(10000);
    }
    return code == SQLITE_OK ? TIEFSEE_OK : fail(s, sqlite3_extended_errcode(s->db), err);
}

static tiefsee_status configure(ts_store *s, const ts_store_options *opt, tiefsee_error *err)
{
    const unsigned busy_ms = opt->busy_ms ? opt->busy_ms : DEFAULT_BUSY_MS;

    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, (int)busy_ms);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    const tiefsee_status st = set_wal(s, busy_ms, err);
    if (st != TIEFSEE_OK)
        return st;
    return ts_store_exec(s,
                         opt->is_synced ? "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                                          "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;"
                                          "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY"
                                        : "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
                                          "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;"
                                          "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY",
                         err);
}

/* SQLite would make the file readable for everybody; its -wal and -shm follow
 * the mode of the file.  The file is not opened here: closing it again would drop
 * the locks of this process's other connections to it (POSIX says so), and the
 * next program to leave would take the write-ahead log away from under them. */
static tiefsee_status make_file(const char *path, bool must_exist, tiefsee_error *err)
{
    struct stat info;

    if (!must_exist && mknod(path, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        return ts_fail_errno(err, errno, "%s", path);
    if (stat(path, &info) != 0)
        return ts_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(info.st_mode))
        return ts_fail_errno(err, S_ISDIR(info.st_mode) ? EISDIR : EINVAL, "%s", path);
    return TIEFSEE_OK;
}

tiefsee_status ts_store_open_schema(ts_store **out, const char *path, const ts_store_options *opt,
                                    const ts_schema_step *steps, int n_steps, tiefsee_error *err)
{
    static const ts_store_options defaults = {0};

    *out = NULL;
    if (!opt)
        opt = &defaults;
    tiefsee_status st = make_file(path, opt->must_exist, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_store *s = ts_alloc_zero(1, sizeof *s);
    if (!s)
        return ts_fail_nomem(err, sizeof *s, "a store");
    (void)snprintf(s->path, sizeof s->path, "%s", path);

    /* One thread at a time is our own contract, so SQLite need not lock. */
    const int code =
        sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    st = code == SQLITE_OK ? configure(s, opt, err) : fail(s, code, err);
    if (st == TIEFSEE_OK)
        st = bring_up(s, steps, n_steps, err);
    if (st != TIEFSEE_OK) {
        ts_store_close(s);
        return st;
    }
    *out = s;
    return TIEFSEE_OK;
}

tiefsee_status ts_store_open(ts_store **out, const char *path, const ts_store_options *opt,
                             tiefsee_error *err)
{
    return ts_store_open_schema(out, path, opt, ts_schema, ts_schema_version, err);
}

void ts_store_close(ts_store *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_statements; i++)
        (void)sqlite3_finalize(s->statements[i].stmt);
    (void)sqlite3_close(s->db);
    ts_free(s);
}
