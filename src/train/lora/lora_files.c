/* lora_files.c - what a run of fine-tuning keeps in its folder; see lora_run.h. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "train/lora/lora_parts.h"

static const char MAGIC[8] = "tslora_1";
enum { VERSION = 1, MAX_PATH = 4096 };

static tiefsee_status path_of(char out[MAX_PATH], const ts_lora_run *r, const char *name,
                              tiefsee_error *err)
{
    const int n = snprintf(out, MAX_PATH, "%s/%s", r->folder, name);

    return n > 0 && n < MAX_PATH
               ? TIEFSEE_OK
               : ts_fail(err, TIEFSEE_E_INVALID, "the name of the folder is too long");
}

/* ---------------------------------------------------------------- checkpoint */

static uint64_t hash_of(const void *state, uint64_t bytes)
{
    const size_t skip = offsetof(ts_lora_head, step);

    return ts_hash((const uint8_t *)state + skip, bytes - skip);
}

static bool is_between(double x, double low, double high)
{
    return x >= low && x <= high;
}

/* What the command line is held to; a file may hold any bytes. */
static bool is_possible(const ts_lora_options *o)
{
    return o->rank >= 1 && o->rank <= TS_MAX_RANK && o->targets >= 1 &&
           o->targets < 1u << TS_N_TARGETS && o->batch >= 1 && o->batch <= 1 << 16 &&
           o->pass_tokens >= 1 && o->pass_tokens <= 1 << 20 && o->max_tokens >= 2 &&
           o->max_tokens <= 1 << 17 && o->n_steps >= 1 && o->n_steps <= 1u << 30 &&
           o->n_warmup <= 1u << 30 && o->save_every >= 1 && is_between(o->alpha, 0, 1e6) &&
           is_between(o->lr, 0, 10) && is_between(o->beta1, 0, 1) && is_between(o->beta2, 0, 1) &&
           is_between(o->eps, 0, 1) && is_between(o->decay, 0, 10) && is_between(o->clip, 0, 1e9) &&
           is_between(o->held_out, 0, 0.9);
}

static tiefsee_status check(const ts_map *map, tiefsee_error *err)
{
    const ts_lora_head *h = (const void *)map->ptr;

    if (map->size < sizeof *h || memcmp(h->magic, MAGIC, sizeof MAGIC) != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "not a checkpoint of fine-tuning");
    if (h->version != VERSION)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "a checkpoint of version %llu (%d is known)",
                       (unsigned long long)h->version, VERSION);
    if (h->bytes != map->size || h->hash != hash_of(map->ptr, map->size))
        return ts_fail(err, TIEFSEE_E_FORMAT, "the checkpoint is damaged");
    if (!is_possible(&h->options) || h->step > h->options.n_steps)
        return ts_fail(err, TIEFSEE_E_FORMAT, "no run has the options of this checkpoint");
    return TIEFSEE_OK;
}

tiefsee_status ts_lora_checkpoint_open(ts_lora_run *r, tiefsee_error *err)
{
    char path[MAX_PATH];
    tiefsee_status st = path_of(path, r, "checkpoint.bin", err);

    if (st == TIEFSEE_OK)
        st = ts_map_open(&r->saved, path, err);
    if (st != TIEFSEE_OK)
        return st;
    st = check(&r->saved, err);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "%s", path);
    r->options = ((const ts_lora_head *)(const void *)r->saved.ptr)->options;
    return TIEFSEE_OK;
}

/* log.jsonl from byte `length` on: what was written behind a checkpoint is dropped. */
static tiefsee_status open_log(ts_lora_run *r, uint64_t length, tiefsee_error *err)
{
    char path[MAX_PATH];
    const tiefsee_status st = path_of(path, r, "log.jsonl", err);

    if (st != TIEFSEE_OK)
        return st;
    r->log_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (r->log_fd < 0 || ftruncate(r->log_fd, (off_t)length) != 0)
        return ts_fail_errno(err, errno, "%s", path);
    return TIEFSEE_OK;
}

tiefsee_status ts_lora_checkpoint_load(ts_lora_run *r, tiefsee_error *err)
{
    const ts_lora_head *h = (const void *)r->saved.ptr;

    if (strncmp(h->base, r->base, sizeof h->base) != 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "the run was started with another model");
    if (h->data != r->set.fingerprint)
        return ts_fail(err, TIEFSEE_E_INVALID, "the run was started with other conversations");
    if (r->saved.size != r->state_bytes)
        return ts_fail(err, TIEFSEE_E_FORMAT, "a checkpoint of %zu bytes (%llu belong to the run)",
                       r->saved.size, (unsigned long long)r->state_bytes);
    memcpy(r->state, r->saved.ptr, r->state_bytes);
    return open_log(r, r->head->log_bytes, err);
}

tiefsee_status ts_lora_folder_begin(ts_lora_run *r, tiefsee_error *err)
{
    static const char *const mine[] = {"checkpoint.bin", "adapter_model.safetensors"};
    char path[MAX_PATH];

    for (size_t i = 0; i < TS_COUNT(mine); i++) {
        const tiefsee_status st = path_of(path, r, mine[i], err);

        if (st != TIEFSEE_OK)
            return st;
        if (ts_file_exists(path))
            return ts_fail(err, TIEFSEE_E_INVALID,
                           "%s is there already (resume it, or take another folder)", path);
    }
    if (mkdir(r->folder, 0777) != 0 && errno != EEXIST)
        return ts_fail_errno(err, errno, "%s", r->folder);
    r->head->data = r->set.fingerprint;
    r->head->options = r->options;
    memcpy(r->head->base, r->base, sizeof r->base);
    return open_log(r, 0, err);
}

/* ----------------------------------------------------------------------- log */

/* Seconds have a fixed width, so that a checkpoint, which counts the log's bytes, does
 * not depend on them. */
void ts_lora_log(ts_lora_run *r, const ts_lora_stats *s)
{
    char line[320], held_out[48] = "";

    if (s->held_out >= 0)
        (void)snprintf(held_out, sizeof held_out, "\"held_out\":%.6f,", s->held_out);
    const int n = snprintf(
        line, sizeof line,
        "{\"step\":%llu,\"loss\":%.6f,%s\"norm\":%.5g,\"rate\":%.5g,\"tokens\":%llu,"
        "\"learned\":%llu,\"epoch\":%.3f,\"seconds\":%10.4f}\n",
        (unsigned long long)s->step, s->loss, held_out, s->norm, s->rate,
        (unsigned long long)s->n_tokens, (unsigned long long)s->n_learned, s->epoch, s->seconds);

    if (n > 0 && (size_t)n < sizeof line &&
        pwrite(r->log_fd, line, (size_t)n, (off_t)r->head->log_bytes) == n)
        r->head->log_bytes += (uint64_t)n;
}

/* -------------------------------------------------------------------- saving */

static ts_tensor tensor_of(const real *data, size_t n_in, size_t n_out)
{
    return (ts_tensor){.data = data,
                       .ne = {n_in, n_out, 1, 1},
                       .row_bytes = n_in * sizeof *data,
                       .bytes = n_in * n_out * sizeof *data,
                       .n_dims = 2,
                       .type = TS_F32};
}

/* B in the published order of rows, where the file has another one. */
static const real *published(const ts_lora_run *r, ts_target target, const ts_weight *B, real *room)
{
    const ts_config *c = &r->net->config;

    if (!c->rope.is_interleaved || (target != TS_TARGET_Q && target != TS_TARGET_K))
        return B->w;
    for (size_t i = 0; i < B->n_out; i++)
        memcpy(room + i * B->n_in, B->w + ts_dense_row(c, target, i) * B->n_in,
               B->n_in * sizeof *room);
    return room;
}

/* Reals of B matrices that may have to be turned. */
static size_t room_for(const ts_lora_run *r)
{
    const ts_config *c = &r->net->config;

    return (size_t)c->n_layers * (c->n_heads + c->n_kv_heads) * c->d_head * (size_t)r->options.rank;
}

static tiefsee_status save_adapter(const ts_lora_run *r, tiefsee_error *err)
{
    const size_t n_layers = r->net->config.n_layers;
    ts_adapter_pair *pair = ts_alloc_zero(n_layers * TS_N_TARGETS, sizeof *pair);
    real *room = ts_alloc(room_for(r) * sizeof *room);
    ts_adapter a = {.n_layers = n_layers,
                    .pair = pair,
                    .rank = (size_t)r->options.rank,
                    .alpha = r->options.alpha};
    size_t used = 0;
    tiefsee_status st = TIEFSEE_OK;

    memcpy(a.base, r->base, sizeof a.base);
    if (!pair || !room)
        st = ts_fail_nomem(err, room_for(r) * sizeof *room, "an adapter");
    for (size_t i = 0; st == TIEFSEE_OK && i < n_layers * TS_N_TARGETS; i++) {
        const ts_low_rank_weight *w = &r->dense.layer[i / TS_N_TARGETS].low[i % TS_N_TARGETS];
        if (!w->A.w)
            continue;
        const real *B = published(r, (ts_target)(i % TS_N_TARGETS), &w->B, room + used);
        used += B == w->B.w ? 0 : w->B.n_in * w->B.n_out;
        pair[i].A = tensor_of(w->A.w, w->A.n_in, w->A.n_out);
        pair[i].B = tensor_of(B, w->B.n_in, w->B.n_out);
    }
    if (st == TIEFSEE_OK)
        st = ts_adapter_write(&a, r->folder, ts_modelfile_name(r->file), err);
    ts_free(room);
    ts_free(pair);
    return st;
}

/* The adapter first: whatever a kill leaves between the two, the checkpoint goes on to
 * the same adapter. */
static tiefsee_status save(ts_lora_run *r, tiefsee_error *err)
{
    char path[MAX_PATH];
    tiefsee_status st = path_of(path, r, "checkpoint.bin", err);
    ts_lora_head *h = r->head;

    if (st == TIEFSEE_OK)
        st = save_adapter(r, err);
    if (st != TIEFSEE_OK)
        return st;
    memcpy(h->magic, MAGIC, sizeof MAGIC);
    h->version = VERSION;
    h->bytes = r->state_bytes;
    h->hash = hash_of(r->state, r->state_bytes);
    return ts_file_write(path, r->state, r->state_bytes, err);
}

void ts_lora_save(ts_lora_run *r, ts_lora_stats *s)
{
    s->has_saved = save(r, &r->save_error) == TIEFSEE_OK;
    s->save_error = s->has_saved ? NULL : r->save_error.message;
}
