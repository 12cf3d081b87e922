/* tables.c - the tables, as the steps that made them.
 *
 * A step that was released is never changed, a change is a new step; the number
 * of steps is the version in the file (PRAGMA user_version).  test_store.c keeps
 * a copy of every earlier schema and brings it up from there.
 */
#include "server/store/store.h"

const ts_schema_step ts_schema[] = {
    /* 1: keys and what they used.  A deleted key keeps its row, without hash. */
    {"CREATE TABLE api_key ("
     " id INTEGER PRIMARY KEY AUTOINCREMENT,"
     " public_id TEXT NOT NULL UNIQUE,"
     " name TEXT NOT NULL,"
     " hash BLOB,"
     " scopes INTEGER NOT NULL,"
     " is_enabled INTEGER NOT NULL DEFAULT 1,"
     " created_at INTEGER NOT NULL,"
     " expires_at INTEGER NOT NULL DEFAULT 0,"
     " deleted_at INTEGER NOT NULL DEFAULT 0,"
     " n_concurrent INTEGER NOT NULL DEFAULT 0,"
     " tokens_per_day INTEGER NOT NULL DEFAULT 0,"
     " requests_per_minute INTEGER NOT NULL DEFAULT 0,"
     " n_ctx INTEGER NOT NULL DEFAULT 0"
     ") STRICT;"
     "CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE deleted_at = 0;"
     "CREATE TABLE token_usage ("
     " key_id INTEGER NOT NULL,"
     " day INTEGER NOT NULL,"
     " model TEXT NOT NULL,"
     " n_requests INTEGER NOT NULL,"
     " n_prompt INTEGER NOT NULL,"
     " n_cached INTEGER NOT NULL,"
     " n_completion INTEGER NOT NULL,"
     " n_reasoning INTEGER NOT NULL,"
     " PRIMARY KEY (key_id, day, model)"
     ") STRICT, WITHOUT ROWID;"
     "CREATE INDEX token_usage_day ON token_usage (day);"},
};

const int ts_schema_version = (int)(sizeof ts_schema / sizeof *ts_schema);
