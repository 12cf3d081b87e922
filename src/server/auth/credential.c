/* credential.c - keys from headers, refusals as HTTP says them; see auth.h. */
#include <strings.h>

#include "server/auth/auth.h"

int ts_refusal_http(ts_refusal refusal)
{
    switch (refusal) {
    case TS_REFUSAL_NONE: return 200;
    case TS_REFUSAL_NO_KEY:
    case TS_REFUSAL_BAD_KEY:
    case TS_REFUSAL_EXPIRED: return 401;
    case TS_REFUSAL_SCOPE: return 403;
    case TS_REFUSAL_CONCURRENCY:
    case TS_REFUSAL_RATE:
    case TS_REFUSAL_QUOTA: return 429;
    case TS_REFUSAL_CONTEXT: return 400;
    case TS_REFUSAL_SERVER: return 503;
    }
    return 500;
}

ts_refusal ts_auth_credential(const char *authorization, const char *x_api_key, ts_str *token,
                              tiefsee_error *err)
{
    static const char bearer[] = "Bearer ";
    const ts_str other = ts_str_of(x_api_key);

    *token = other;
    if (!authorization || !*authorization)
        return TS_REFUSAL_NONE;
    if (strncasecmp(authorization, bearer, sizeof bearer - 1) != 0) {
        (void)ts_fail(err, TIEFSEE_E_INVALID, "the authorization header is not 'Bearer KEY'");
        *token = (ts_str){0};
        return TS_REFUSAL_BAD_KEY;
    }
    ts_str mine = ts_str_of(authorization + sizeof bearer - 1);
    while (mine.len > 0 && mine.ptr[0] == ' ')
        mine = (ts_str){mine.ptr + 1, mine.len - 1};
    *token = mine;
    if (other.len > 0 && !ts_str_eq(mine, other)) {
        (void)ts_fail(err, TIEFSEE_E_INVALID,
                      "the headers authorization and x-api-key hold different keys");
        *token = (ts_str){0};
        return TS_REFUSAL_BAD_KEY;
    }
    return TS_REFUSAL_NONE;
}
