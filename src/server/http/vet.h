/* vet.h - what is decided when the headers are there, before any body. */
#ifndef TS_SERVER_VET_H
#define TS_SERVER_VET_H

#include "server/http/inside.h"

/* Where the request stands: facts of the connection that the copy does not have. */
typedef struct ts_vet_facts {
    const char *target; /* as sent; NULL: no memory was left for it */
    const char *method;
    size_t header_bytes;
    bool has_host_rule; /* HTTP/1.1: Host must be there */
    bool is_over, is_draining;
} ts_vet_facts;

/* Fill r->req from facts and r->req.headers, and decide.  True: read the body and run
 * the handler.  False: the reply is ended already. */
bool ts_vet(ts_http *h, ts_reply *r, const ts_vet_facts *facts);

/* The declared length of the body; false if there is none (or it is chunked). */
bool ts_vet_length(const ts_http_request *req, uint64_t *length);

#endif
