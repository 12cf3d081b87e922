/* config_check.h - what holds for every config, whichever file it came from. */
#ifndef TS_FORMATS_CONFIG_CHECK_H
#define TS_FORMATS_CONFIG_CHECK_H

#include "core/error.h"
#include "formats/config.h"

/* What a loader took from the published description of a format because the
 * file does not say it; shown by `inspect`. */
typedef struct ts_config_notes {
    size_t n;
    struct {
        const char *key, *value;
    } item[8];
} ts_config_notes;

void ts_config_note(ts_config_notes *notes, const char *key, const char *value);

/* Fields against each other: heads, groups, rotated dimensions, layers. */
tiefsee_status ts_config_check(const ts_config *c, tiefsee_error *err) TS_MUST_CHECK;

/* YaRN's growth of cos and sin: 1 + 0.1 ln factor above 1. */
double ts_yarn_growth(double factor);

static inline bool ts_arch_is_mla(ts_arch arch)
{
    return arch == TS_ARCH_DEEPSEEK_V2 || arch == TS_ARCH_DEEPSEEK_V3;
}

#endif
