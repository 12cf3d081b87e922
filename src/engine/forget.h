/* forget.h - users and topics that wait to be forgotten by an engine.  Not locked. */
#ifndef TS_ENGINE_FORGET_H
#define TS_ENGINE_FORGET_H

#include "engine/kvcache.h"

enum { TS_MAX_FORGETS = 64 };

typedef struct ts_forget {
    char user[TS_MAX_NAME_SPACE + 1], topic[TS_MAX_TOPIC + 1];
    bool is_all; /* topics */
} ts_forget;

typedef struct ts_forgets {
    ts_forget at[TS_MAX_FORGETS];
    size_t n; /* one more than there is room for: everybody */
} ts_forgets;

void ts_forgets_add(ts_forgets *f, const char *user, const char *topic); /* NULL: all */
bool ts_forgets_cover(const ts_forgets *f, const char *user, const char *topic);

/* Does it, and is empty. */
void ts_forgets_apply(ts_forgets *f, ts_kvcache *cache);

#endif
