/* gguf_names.h - what a tensor of a Hugging Face folder is called in a GGUF file. */
#ifndef TS_ENGINE_GGUF_NAMES_H
#define TS_ENGINE_GGUF_NAMES_H

#include "core/str.h"

enum { TS_GGUF_NAME = 96, TS_NO_EXPERT = -1 };

/* Gate and up projections of all experts in one tensor: two in a GGUF file. */
#define TS_GGUF_GATE_UP "ffn_%s_exps.weight"

/* False: no name is known; *layer is right all the same.  *expert: which matrix of a
 * stack it is, or TS_NO_EXPERT; *layer: its layer, or -1. */
bool ts_gguf_name_of(ts_str hf, char out[TS_GGUF_NAME], int *layer, int *expert);

#endif
