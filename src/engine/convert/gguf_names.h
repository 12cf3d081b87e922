/* gguf_names.h - what a tensor of a Hugging Face folder is called in a GGUF file. */
#ifndef TS_ENGINE_GGUF_NAMES_H
#define TS_ENGINE_GGUF_NAMES_H

#include "core/str.h"

enum { TS_GGUF_NAME = 96, TS_NO_EXPERT = -1 };

/* False: no name is known.  *expert: which matrix of a stack it is, or TS_NO_EXPERT;
 * *layer: its layer, or -1. */
bool ts_gguf_name_of(ts_str hf, char out[TS_GGUF_NAME], int *layer, int *expert);

#endif
