/* hf_config.h - the config of a Hugging Face folder, from its config.json. */
#ifndef TS_FORMATS_HF_CONFIG_H
#define TS_FORMATS_HF_CONFIG_H

#include <jansson.h>

#include "formats/config_check.h"

/* j: the parsed config.json.  *fp8: the weights are FP8 with 128 x 128 scales. */
tiefsee_status ts_hf_config(ts_config *out, bool *fp8, const json_t *j,
                            tiefsee_error *err) TS_MUST_CHECK;

#endif
