/* forget.c - see forget.h. */
#include "engine/forget.h"

#include <stdio.h>
#include <string.h>

void ts_forgets_add(ts_forgets *f, const char *user, const char *topic)
{
    if (f->n < TS_MAX_FORGETS) {
        ts_forget *at = &f->at[f->n];

        (void)snprintf(at->user, sizeof at->user, "%s", user);
        (void)snprintf(at->topic, sizeof at->topic, "%s", topic ? topic : "");
        at->is_all = topic == NULL;
    }
    f->n += f->n <= TS_MAX_FORGETS;
}

bool ts_forgets_cover(const ts_forgets *f, const char *user, const char *topic)
{
    if (f->n > TS_MAX_FORGETS)
        return true;
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->at[i].user, user) == 0 &&
            (f->at[i].is_all || strcmp(f->at[i].topic, topic) == 0))
            return true;
    return false;
}

void ts_forgets_apply(ts_forgets *f, ts_kvcache *cache)
{
    if (f->n > TS_MAX_FORGETS)
        ts_kvcache_forget(cache, NULL, NULL);
    for (size_t i = 0; i < f->n && f->n <= TS_MAX_FORGETS; i++)
        ts_kvcache_forget(cache, f->at[i].user, f->at[i].is_all ? NULL : f->at[i].topic);
    f->n = 0;
}
