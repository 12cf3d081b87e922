/* gguf_config.h - the config of a GGUF file, from its metadata. */
#ifndef TS_FORMATS_GGUF_CONFIG_H
#define TS_FORMATS_GGUF_CONFIG_H

#include "formats/config_check.h"
#include "formats/gguf.h"

/* g: the metadata.  file: only to look tensors up by name (they may be spread
 * over several shards). */
tiefsee_status ts_gguf_config(ts_config *out, const ts_gguf *g, const ts_modelfile *file,
                              ts_config_notes *notes, tiefsee_error *err) TS_MUST_CHECK;

#endif
