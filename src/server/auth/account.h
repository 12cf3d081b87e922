/* account.h - the arithmetic of limits: what one key has running, set aside, used.
 *
 * Pure: no lock, no clock, no store.  The caller holds the accounts' lock.
 */
#ifndef TS_SERVER_ACCOUNT_H
#define TS_SERVER_ACCOUNT_H

#include "core/error.h"
#include "server/auth/auth.h"

enum { TS_DAY_MS = 86400000 };

/* What a key has going on.  Times in milliseconds. */
typedef struct ts_account {
    int64_t key_id;
    ts_key_limits limits;
    bool has_key; /* else its key is gone and the last job ends it */
    size_t n_running;
    uint64_t n_reserved, n_used;
    int64_t day;        /* that n_used counts */
    int64_t day_before; /* and the one before it, which a clock that is set right comes back to */
    uint64_t n_used_before;
    double next_due; /* requests per minute: the schedule of a generic cell rate */
} ts_account;

/* Put yesterday's tokens aside.  A clock that was set back, or ahead and back, does not
 * give the quota of the day again. */
void ts_account_roll_day(ts_account *c, int64_t now);

/* May a job run?  g->n_completion comes as asked and leaves as granted; on
 * success the slot is taken and g->n_reserved is set aside. */
ts_refusal ts_account_admit(ts_account *c, int64_t now, uint64_t n_prompt, ts_grant *g);

/* The message for the client; c as it was when it refused. */
void ts_account_explain(tiefsee_error *err, ts_refusal refusal, const ts_account *c,
                        uint64_t n_prompt, const ts_grant *g);

/* n_reserved comes back, n_used counts. */
void ts_account_settle(ts_account *c, int64_t now, uint64_t n_reserved, uint64_t n_used);

#endif
