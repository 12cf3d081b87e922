/* responses_socket.h - GET /v1/responses as a WebSocket: responses one after the other.
 *
 * A message is {"type": "response.create", ...} with the members of POST; the events of a
 * stream come back, one in each message.  The last response and what led to it are kept
 * in memory for its connection only, so that the next request may name it by
 * previous_response_id and send only what is new.  Whoever names another, or one whose
 * continuation has failed, is told previous_response_not_found.
 */
#ifndef TS_SERVER_RESPONSES_SOCKET_H
#define TS_SERVER_RESPONSES_SOCKET_H

#include "server/http/http.h"

/* The handler of a message. */
void ts_responses_message(ts_http_request *req, ts_reply *reply);

extern const ts_protocol ts_responses_socket_protocol;

/* items: the conversation so far, an array in JSON; output: what the
 * response id added to it, without brackets.  A later message may go on from there.  What
 * is too much for the server is not kept. */
void ts_responses_remember(ts_reply *reply, const char *id, ts_str items, ts_str output);

#endif
