/* checkpoint.c - see checkpoint.h. */
#include "train/checkpoint.h"

#include <stddef.h>
#include <string.h>

#include "core/hash.h"
#include "formats/config_check.h"

static const char MAGIC[8] = "tstrain1";
enum { VERSION = 1 };

void ts_checkpoint_carve(ts_checkpoint **header, ts_trunk *t, ts_trunk_sizes sizes, ts_optimizer *o,
                         ts_carve *state, ts_carve *work)
{
    *header = ts_carve_take(state, 1, sizeof **header);
    ts_trunk_carve(t, sizes, state, work);
    ts_optimizer_carve(o, &t->net, sizes.n_threads, state, work);
}

static uint64_t hash_of(const void *state, uint64_t bytes)
{
    const size_t skip = offsetof(ts_checkpoint, step);

    return ts_hash((const uint8_t *)state + skip, bytes - skip);
}

tiefsee_status ts_checkpoint_save(void *state, uint64_t bytes, const char *path, tiefsee_error *err)
{
    ts_checkpoint *h = state;

    memcpy(h->magic, MAGIC, sizeof MAGIC);
    h->version = VERSION;
    h->header_bytes = sizeof *h;
    h->bytes = bytes;
    h->hash = hash_of(state, bytes);
    return ts_file_write(path, state, bytes, err);
}

static tiefsee_status check(const ts_map *map, tiefsee_error *err)
{
    const ts_checkpoint *h = (const void *)map->ptr;
    ts_run_plan plan;

    if (map->size < sizeof *h || memcmp(h->magic, MAGIC, sizeof MAGIC) != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "not a checkpoint of a training run");
    if (h->version != VERSION || h->header_bytes != sizeof *h)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "a checkpoint of another version (%u, %u)",
                       h->version, h->header_bytes);
    if (h->bytes != map->size || h->hash != hash_of(map->ptr, map->size))
        return ts_fail(err, TIEFSEE_E_FORMAT, "the checkpoint is damaged");
    tiefsee_status st = ts_config_check(&h->options.config, err);
    if (st == TIEFSEE_OK)
        st = ts_run_make_plan(&plan, &h->options, 1, err);
    if (st == TIEFSEE_OK && plan.state_bytes != map->size)
        st = ts_fail(err, TIEFSEE_E_FORMAT, "%zu bytes (%llu belong to its config)", map->size,
                     (unsigned long long)plan.state_bytes);
    return st;
}

tiefsee_status ts_checkpoint_map(ts_map *map, const ts_checkpoint **header, const char *path,
                                 tiefsee_error *err)
{
    tiefsee_status st = ts_map_open(map, path, err);

    if (st != TIEFSEE_OK)
        return st;
    st = check(map, err);
    if (st != TIEFSEE_OK) {
        ts_map_close(map);
        return ts_while(err, st, "%s", path);
    }
    *header = (const void *)map->ptr;
    return TIEFSEE_OK;
}
