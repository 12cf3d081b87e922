/* routes.c - see routes.h.  A file with routes exports its table; its line is here. */
#include "server/routes.h"

#include "core/compiler.h"
#include "server/api/admin.h"
#include "server/api/anthropic.h"
#include "server/api/deepseek.h"
#include "server/api/ollama.h"
#include "server/api/openai.h"
#include "server/api/openapi.h"
#include "server/api/responses.h"
#include "server/api/tokenize_routes.h"
#include "server/app/app_routes.h"
#include "server/base_routes.h"
#include "server/page/page.h"

size_t ts_routes_list(ts_route out[TS_MAX_ROUTES])
{
    const struct {
        const ts_route *routes;
        size_t n;
    } tables[] = {
        /* clang-format off */
        {ts_admin_routes, ts_n_admin_routes},
        {ts_anthropic_routes, ts_n_anthropic_routes},
        {ts_app_routes, ts_n_app_routes},
        {ts_base_routes, ts_n_base_routes},
        {ts_deepseek_routes, ts_n_deepseek_routes},
        {ts_ollama_routes, ts_n_ollama_routes},
        {ts_openai_routes, ts_n_openai_routes},
        {ts_openapi_routes, ts_n_openapi_routes},
        {ts_page_routes, ts_n_page_routes},
        {ts_responses_routes, ts_n_responses_routes},
        {ts_tokenize_routes, ts_n_tokenize_routes},
        /* clang-format on */
    };
    size_t n = 0;

    for (size_t i = 0; i < TS_COUNT(tables); i++)
        for (size_t k = 0; k < tables[i].n && n < TS_MAX_ROUTES; k++)
            out[n++] = tables[i].routes[k];
    return n;
}
