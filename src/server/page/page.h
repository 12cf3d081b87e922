/* page.h - the assistant: static files below "/", served from the binary. */
#ifndef TS_SERVER_PAGE_H
#define TS_SERVER_PAGE_H

#include "server/http/http.h"

extern const ts_route ts_page_routes[];
extern const size_t ts_n_page_routes;

#endif
