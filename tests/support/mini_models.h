/* mini_models.h - a server's list with the one embedded model, called "mini". */
#ifndef TS_TESTS_MINI_MODELS_H
#define TS_TESTS_MINI_MODELS_H

#include "server/models.h"

/* NULL: it cannot be opened.  To be freed by ts_models_free. */
ts_models *mini_models_new(size_t n_ctx);

#endif
