/* presets.c - recommended models and rates (docs/training.md says where from).
 *
 * d-5m is r-5m without experts: as many weights meet a token, in six dense layers alike. */
#include <math.h>
#include <string.h>

#include "formats/hf_config.h"
#include "formats/json.h"
#include "train/run.h"
#include "train/shard.h"

typedef struct preset {
    const char *name;
    uint32_t d_model, n_layers, n_heads, q_lora, kv_lora, d_ff, n_experts, n_active, n_ctx;
    uint32_t d_expert;
} preset;

static const preset presets[] = {
    {"r-0m", 64, 3, 2, 0, 32, 160, 4, 2, 512, 32},
    {"r-1m", 128, 4, 4, 0, 32, 320, 8, 2, 512, 48},
    {"r-5m", 192, 6, 6, 0, 48, 512, 16, 2, 512, 64},
    {"d-5m", 192, 6, 6, 0, 48, 256, 0, 0, 512, 0},
    {"r-10m", 224, 8, 7, 96, 64, 640, 24, 3, 512, 64},
    {"r-16m", 256, 8, 8, 96, 64, 768, 32, 4, 512, 64},
};

const char *const *ts_run_preset_names(void)
{
    static const char *const names[] = {"r-1m", "r-5m", "d-5m", "r-10m", "r-16m", NULL};

    return names;
}

bool ts_run_preset(ts_config *out, const char *name, uint32_t n_vocab)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        const preset *p = &presets[i];
        const bool is_dense = p->n_experts == 0;

        if (strcmp(p->name, name) != 0)
            continue;
        *out = (ts_config){
            .arch = TS_ARCH_DEEPSEEK_V3,
            .n_layers = p->n_layers,
            .d_model = p->d_model,
            .n_vocab = n_vocab,
            .n_ctx = p->n_ctx,
            .d_ff = p->d_ff,
            .rms_eps = 1e-6,
            .rope = {.kind = TS_ROPE_PLAIN,
                     .is_interleaved = true,
                     .n_dims = 16,
                     .theta = 10000,
                     .factor = 1},
            .n_heads = p->n_heads,
            .n_kv_heads = 1,
            .d_head = 48,
            .q_lora_rank = p->q_lora,
            .kv_lora_rank = p->kv_lora,
            .d_nope = 32,
            .d_rope = 16,
            .d_value = 32,
            /* Files of the architecture must name experts; here no layer has them. */
            .n_experts = is_dense ? 1 : p->n_experts,
            .n_active = is_dense ? 1 : p->n_active,
            .n_shared = !is_dense,
            .d_expert = is_dense ? 32 : p->d_expert,
            .n_dense_layers = is_dense ? p->n_layers : 1,
            .moe_layer_freq = 1,
            .n_groups = 1,
            .n_top_groups = 1,
            .norm_topk = true,
            .route_scale = 1.5,
            .bos = -1,
            .eos = -1,
        };
        return true;
    }
    return false;
}

tiefsee_status ts_run_read_config(ts_config *out, const char *path, tiefsee_error *err)
{
    const ts_json_limits limits = {.bytes = 1 << 20, .values = 1 << 14};
    json_t *j;
    bool is_fp8;
    tiefsee_status st = ts_json_load(&j, path, limits, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_hf_config(out, &is_fp8, j, err);
    json_decref(j);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%s", path);
}

tiefsee_status ts_run_vocab(uint32_t *n_vocab, const char *shard, tiefsee_error *err)
{
    ts_shard s;
    const tiefsee_status st = ts_shard_open(&s, shard, err);

    if (st == TIEFSEE_OK)
        *n_vocab = s.n_vocab;
    ts_shard_close(&s);
    return st;
}

void ts_run_defaults(ts_run_options *o, const ts_config *config, uint64_t n_steps)
{
    /* 3e-3 at a width of 192, 2.5e-3 at 256. */
    const double lr = 3e-3 * sqrt(192.0 / config->d_model);

    *o = (ts_run_options){
        .config = *config,
        .batch_tokens = 8192,
        .micro_tokens = 2048,
        .mtp_weight = 0.3,
        .balance = 1e-4,
        .bias_rate = 1e-2,
        .bias_until = 0.8,
        .schedule = {TS_SCHEDULE_WSD, n_steps, n_steps / 10 < 150 ? n_steps / 10 + 1 : 150, 0.5,
                     0.05},
        .optimizer = ts_optimizer_defaults(lr),
        .seed = 1,
        .save_every = 100,
    };
}

void ts_run_grpo_defaults(ts_run_options *o)
{
    o->grpo = (ts_grpo_options){.n_prompts = 32,
                                .group = 16,
                                .max_answer = 192,
                                .temperature = 1,
                                .anchor = 0.1,
                                .valid_every = 25,
                                .valid_n = 24,
                                .valid_drop = 0.05,
                                .has_curriculum = 1,
                                .replay = 0.1,
                                .language = 0.05,
                                .overlong = 0.2};
    o->optimizer = ts_optimizer_defaults(1e-4);
    o->optimizer.has_muon = false;
    o->optimizer.lr_head = o->optimizer.lr_router = o->optimizer.lr;
    o->optimizer.decay = 0;
    o->schedule.kind = TS_SCHEDULE_COSINE;
    o->schedule.floor = 0;
    o->schedule.n_warmup = 5;
    o->bias_rate = o->balance = 0;
    o->has_mtp = false;
    o->save_every = 10;
}

void ts_run_distill_defaults(ts_run_options *o, uint64_t teacher)
{
    const double lr = o->optimizer.lr;

    ts_run_grpo_defaults(o);
    o->teacher = teacher;
    o->grpo = (ts_grpo_options){
        .n_prompts = 64, .group = 4, .max_answer = 192, .temperature = 1, .anchor = 0.1};
    o->optimizer = ts_optimizer_defaults(0.2 * lr);
}

/* Padding between fields is whatever the stack held; in a file it must be something. */
void ts_run_copy_options(ts_run_options *to, const ts_run_options *from)
{
#define COPY(field)   to->field = from->field
#define CONFIG(field) COPY(config.field)
#define ROPE(field)   COPY(config.rope.field)
    memset(to, 0, sizeof *to);
    CONFIG(arch), CONFIG(n_layers), CONFIG(d_model), CONFIG(n_vocab), CONFIG(n_ctx), CONFIG(d_ff);
    CONFIG(rms_eps), CONFIG(has_tied_head), CONFIG(n_heads), CONFIG(n_kv_heads), CONFIG(d_head);
    CONFIG(q_lora_rank), CONFIG(kv_lora_rank), CONFIG(d_nope), CONFIG(d_rope), CONFIG(d_value);
    CONFIG(n_experts), CONFIG(n_active), CONFIG(n_shared), CONFIG(d_expert);
    CONFIG(n_dense_layers), CONFIG(moe_layer_freq), CONFIG(n_groups), CONFIG(n_top_groups);
    CONFIG(norm_topk), CONFIG(route_scale), CONFIG(bos), CONFIG(eos);
    ROPE(kind), ROPE(is_interleaved), ROPE(n_dims), ROPE(theta), ROPE(factor);
    COPY(has_mtp), COPY(batch_tokens), COPY(micro_tokens), COPY(mtp_weight), COPY(balance);
    COPY(bias_rate), COPY(bias_until), COPY(schedule.kind), COPY(schedule.n_steps);
    COPY(schedule.n_warmup), COPY(schedule.decay), COPY(schedule.floor);
    COPY(optimizer.has_muon), COPY(optimizer.lr), COPY(optimizer.lr_embedding);
    COPY(optimizer.lr_head), COPY(optimizer.lr_router), COPY(optimizer.lr_gain);
    COPY(optimizer.momentum), COPY(optimizer.beta1), COPY(optimizer.beta2), COPY(optimizer.eps);
    COPY(optimizer.decay), COPY(optimizer.clip), COPY(seed), COPY(save_every);
    COPY(grpo.n_prompts), COPY(grpo.group), COPY(grpo.max_answer), COPY(grpo.families);
    COPY(grpo.temperature), COPY(grpo.anchor), COPY(grpo.valid_every), COPY(grpo.valid_n);
    COPY(grpo.valid_drop), COPY(grpo.has_curriculum), COPY(grpo.rollout_type);
    COPY(grpo.rollout_experts), COPY(grpo.keeps_routing), COPY(grpo.replay);
    COPY(grpo.language), COPY(grpo.overlong);
    COPY(round_type), COPY(round_experts), COPY(average), COPY(n_parts), COPY(teacher);
    COPY(updates.n), COPY(updates.refresh), COPY(updates.low), COPY(updates.high);
    COPY(updates.kl), COPY(valid_answers), COPY(level);
#undef ROPE
#undef CONFIG
#undef COPY
}
