/* mini_models.c - see mini_models.h. */
#include "support/mini_models.h"

ts_models *mini_models_new(size_t n_ctx)
{
    const ts_engine_options options = {.n_ctx = n_ctx, .cache_bytes = 64 << 20};
    ts_models *models = ts_models_new();
    tiefsee_model *model;

    if (models && tiefsee_model_open(&model, NULL, NULL, NULL) == TIEFSEE_OK &&
        ts_models_add(models, "mini", model, &options, NULL) == TIEFSEE_OK)
        return models;
    ts_models_free(models);
    return NULL;
}
