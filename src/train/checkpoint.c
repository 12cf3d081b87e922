/* checkpoint.c - see checkpoint.h. */
#include "train/checkpoint.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/hash.h"
#include "formats/config_check.h"
#include "models/quantize_row.h"
#include "train/tasks/task.h"

static const char MAGIC[8] = "tstrain1";
/* Headers that were: the first, and the second, behind which fields are only appended. */
enum { VERSION = 1, FIRST_HEADER_BYTES = 552, SECOND_HEADER_BYTES = 624 };

/* What files of the first header have, where they have it. */
_Static_assert(offsetof(ts_checkpoint, options) == 88 &&
                   offsetof(ts_run_options, grpo.anchor) == 456 &&
                   offsetof(ts_run_options, has_mtp) == 232 &&
                   offsetof(ts_run_options, average) == 528,
               "a field of older checkpoints has moved");

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

/* What the command line and config.json are held to; a file may hold any bytes. */
static bool is_possible(const ts_run_options *o)
{
#define FIELD(field) offsetof(ts_run_options, field)
    static const struct {
        size_t at;
        uint32_t low, high;
    } numbers[] = {
        {FIELD(config.n_layers), 1, TS_MAX_LAYERS},
        {FIELD(config.d_model), 1, TS_MAX_WIDTH},
        {FIELD(config.n_vocab), 1, TS_MAX_VOCAB},
        {FIELD(config.n_ctx), 1, TS_MAX_CONTEXT},
        {FIELD(config.d_ff), 1, TS_MAX_WIDTH},
        {FIELD(config.n_heads), 1, TS_MAX_HEADS},
        {FIELD(config.q_lora_rank), 0, TS_MAX_WIDTH},
        {FIELD(config.kv_lora_rank), 1, TS_MAX_WIDTH},
        {FIELD(config.d_nope), 1, TS_MAX_HEAD_DIM},
        {FIELD(config.d_rope), 2, TS_MAX_HEAD_DIM},
        {FIELD(config.d_value), 1, TS_MAX_HEAD_DIM},
        {FIELD(config.n_experts), 0, TS_MAX_EXPERTS},
        {FIELD(config.n_active), 0, TS_MAX_ACTIVE},
        {FIELD(config.n_shared), 0, TS_MAX_EXPERTS},
        {FIELD(config.d_expert), 0, TS_MAX_WIDTH},
        {FIELD(config.n_groups), 1, TS_MAX_EXPERTS},
        {FIELD(config.n_top_groups), 1, TS_MAX_EXPERTS},
        {FIELD(grpo.n_prompts), 0, 4096},
        {FIELD(grpo.group), 0, 1024},
        {FIELD(grpo.valid_n), 0, 4096},
        {FIELD(valid_answers), 0, 64},
        {FIELD(level), 0, TS_MAX_LEVELS},
        {FIELD(grpo.has_curriculum), 0, 1},
        {FIELD(grpo.keeps_routing), 0, 1},
    };
    static const size_t flags[] = {FIELD(has_mtp), FIELD(config.has_tied_head),
                                   FIELD(config.rope.is_interleaved), FIELD(config.norm_topk),
                                   FIELD(optimizer.has_muon)};
#undef FIELD
    const uint8_t *bytes = (const uint8_t *)o;

    for (size_t i = 0; i < TS_COUNT(numbers); i++) {
        uint32_t n;

        memcpy(&n, bytes + numbers[i].at, sizeof n);
        if (n < numbers[i].low || n > numbers[i].high)
            return false;
    }
    for (size_t i = 0; i < TS_COUNT(flags); i++)
        if (bytes[flags[i]] > 1)
            return false;
    if (o->grpo.n_prompts &&
        (!o->grpo.group || !o->grpo.max_answer || o->grpo.families >> ts_n_families))
        return false;
    const uint32_t types[] = {o->round_type, o->round_experts, o->grpo.rollout_type,
                              o->grpo.rollout_experts};
    for (size_t i = 0; i < TS_COUNT(types); i++)
        if (!ts_can_quantize((ts_dtype)types[i]))
            return false;
    if (o->average < 0 || o->average >= 1 || isnan(o->average))
        return false;
    if ((o->teacher || o->updates.n > 1 || o->updates.refresh) && !o->grpo.n_prompts)
        return false;
    if (!(o->updates.low >= 0) || !(o->updates.high >= 0) || !(o->updates.kl >= 0))
        return false;
    return o->save_every > 0 && (!o->config.n_experts || o->config.n_active) &&
           o->config.rope.n_dims == o->config.d_rope;
}

/* Weights and biases, two moments, averages: the order of ts_checkpoint_carve(). */
static void find_parts(ts_checkpoint_file *f)
{
    ts_network n = {.config = f->head.options.config, .has_mtp = f->head.options.has_mtp};
    ts_carve state = {0}, work = {0};

    ts_network_carve(&n, &state, &work);
    const uint64_t all = (n.n_reals * sizeof(float) + 63) / 64 * 64;
    f->weights = (const float *)(const void *)f->body;
    f->biases = (const float *)(const void *)(f->body + all);
    f->averages = f->head.options.average > 0
                      ? (const float *)(const void *)(f->body + state.used + 2 * all)
                      : NULL;
}

static tiefsee_status check(ts_checkpoint_file *f, tiefsee_error *err)
{
    const ts_checkpoint *h = (const void *)f->map.ptr;
    const size_t first = FIRST_HEADER_BYTES;
    ts_run_plan plan;

    if (f->map.size < first || memcmp(h->magic, MAGIC, sizeof MAGIC) != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "not a checkpoint of a training run");
    const size_t n = h->header_bytes, begin = (n + 63) / 64 * 64;
    if (h->version != VERSION || n > sizeof *h || (n != first && n < SECOND_HEADER_BYTES))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "a checkpoint of another version (%u, %zu)",
                       h->version, n);
    if (h->bytes != f->map.size || begin > f->map.size ||
        h->hash != hash_of(f->map.ptr, f->map.size))
        return ts_fail(err, TIEFSEE_E_FORMAT, "the checkpoint is damaged");
    f->head = (ts_checkpoint){0};
    memcpy(&f->head, h, n);
    f->body = f->map.ptr + begin;
    f->body_bytes = f->map.size - begin;
    const ts_run_options *o = &f->head.options;
    if (!is_possible(o))
        return ts_fail(err, TIEFSEE_E_FORMAT, "no run has the options of this checkpoint");
    tiefsee_status st = ts_network_check(&o->config, err);
    if (st == TIEFSEE_OK)
        st = ts_config_check(&o->config, err);
    if (st == TIEFSEE_OK)
        st = ts_run_make_plan(&plan, o, 1, err);
    if (st == TIEFSEE_OK && plan.state_bytes - ts_checkpoint_body() != f->body_bytes)
        st = ts_fail(err, TIEFSEE_E_FORMAT, "%zu bytes (%llu belong to its config)", f->map.size,
                     (unsigned long long)(plan.state_bytes - ts_checkpoint_body() + begin));
    if (st != TIEFSEE_OK)
        return st;
    find_parts(f);
    return TIEFSEE_OK;
}

tiefsee_status ts_checkpoint_open(ts_checkpoint_file *out, const char *path, tiefsee_error *err)
{
    tiefsee_status st = ts_map_open(&out->map, path, err);

    if (st != TIEFSEE_OK)
        return st;
    st = check(out, err);
    if (st != TIEFSEE_OK) {
        ts_map_close(&out->map);
        return ts_while(err, st, "%s", path);
    }
    return TIEFSEE_OK;
}

void ts_checkpoint_close(ts_checkpoint_file *f)
{
    ts_map_close(&f->map);
}

tiefsee_status ts_checkpoint_choose(const float **out, const ts_checkpoint_file *f, bool averaged,
                                    tiefsee_error *err)
{
    if (averaged && !f->averages)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "the checkpoint has no average of its weights (train with --average)");
    *out = averaged ? f->averages : f->weights;
    return TIEFSEE_OK;
}
