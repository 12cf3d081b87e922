/* people_inside.h - the table of people, for people.c and sessions.c. */
#ifndef TS_SERVER_PEOPLE_INSIDE_H
#define TS_SERVER_PEOPLE_INSIDE_H

#include "core/thread.h"
#include "server/app/people.h"

struct ts_people {
    ts_vault vault;   /* of whoever owns the store */
    bool is_turn_due; /* also in the store: somebody was erased and the master not turned */
    ts_lock *lock;    /* for the rest */
    ts_person *at;
    size_t n, cap;
    ts_session *sessions;
    size_t n_sessions, cap_sessions;
};

/* Under the lock. */
ts_person *ts_people_find(ts_people *p, int64_t n);

tiefsee_status ts_sessions_load(ts_people *p, ts_store *s, tiefsee_error *err) TS_MUST_CHECK;

#endif
