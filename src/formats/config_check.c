/* config_check.c - see config_check.h. */
#include "formats/config_check.h"

#include <assert.h>
#include <math.h>

void ts_config_note(ts_config_notes *notes, const char *key, const char *value)
{
    assert(notes->n < sizeof notes->item / sizeof *notes->item);
    notes->item[notes->n].key = key;
    notes->item[notes->n].value = value;
    notes->n++;
}

double ts_yarn_growth(double factor)
{
    return factor > 1 ? 1 + 0.1 * log(factor) : 1;
}

static tiefsee_status check_rope(const ts_rope_config *r, uint32_t d_head, tiefsee_error *err)
{
    if (r->n_dims == 0 || r->n_dims % 2 != 0 || r->n_dims > d_head)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "%u rotated dimensions in heads of %u (an even number expected)", r->n_dims,
                       d_head);
    if (r->kind == TS_ROPE_LLAMA3 && !(r->high_freq_factor > r->low_freq_factor))
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "rope: high_freq_factor %g is not above low_freq_factor %g",
                       r->high_freq_factor, r->low_freq_factor);
    if (r->kind == TS_ROPE_YARN && !(r->beta_fast > r->beta_slow))
        return ts_fail(err, TIEFSEE_E_FORMAT, "rope: beta_fast %g is not above beta_slow %g",
                       r->beta_fast, r->beta_slow);
    return TIEFSEE_OK;
}

static tiefsee_status check_experts(const ts_config *c, tiefsee_error *err)
{
    if (c->n_active > c->n_experts)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u experts per token of %u experts", c->n_active,
                       c->n_experts);
    if (c->n_top_groups > c->n_groups)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u expert groups chosen of %u", c->n_top_groups,
                       c->n_groups);
    if (c->n_experts % c->n_groups != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u experts do not divide into %u groups",
                       c->n_experts, c->n_groups);
    if (c->n_active > c->n_experts / c->n_groups * c->n_top_groups)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u experts per token of %u in the chosen groups",
                       c->n_active, c->n_experts / c->n_groups * c->n_top_groups);
    /* The score of a group is the sum of its two best experts. */
    if (c->arch == TS_ARCH_DEEPSEEK_V3 && c->n_groups > 1 && c->n_experts / c->n_groups < 2)
        return ts_fail(err, TIEFSEE_E_FORMAT, "expert groups of one expert");
    if (c->n_dense_layers > c->n_layers)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u dense layers of %u layers", c->n_dense_layers,
                       c->n_layers);
    if ((uint64_t)c->n_shared * c->d_expert > TS_MAX_WIDTH)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u shared experts of width %u (%d in all allowed)",
                       c->n_shared, c->d_expert, TS_MAX_WIDTH);
    return TIEFSEE_OK;
}

tiefsee_status ts_config_check(const ts_config *c, tiefsee_error *err)
{
    const bool is_mla = ts_arch_is_mla(c->arch);

    if (!is_mla && c->n_heads % c->n_kv_heads != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u heads do not divide among %u key-value heads",
                       c->n_heads, c->n_kv_heads);
    const tiefsee_status st = check_rope(&c->rope, is_mla ? c->d_rope : c->d_head, err);
    if (st != TIEFSEE_OK)
        return st;
    return is_mla ? check_experts(c, err) : TIEFSEE_OK;
}
