/* deepseek.h - DeepSeek's own API at the bare root, where it differs from /v1: usage
 * on the last chunk, null members of deltas, blank lines while a whole answer is
 * waited for, the balance.
 */
#ifndef TS_SERVER_DEEPSEEK_H
#define TS_SERVER_DEEPSEEK_H

#include "server/http/http.h"

extern const ts_route ts_deepseek_routes[];
extern const size_t ts_n_deepseek_routes;

#endif
