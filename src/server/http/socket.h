/* socket.h - a connection that became a WebSocket: each message is a request.
 *
 * A message is answered by the route that the connection was opened at, one after the
 * other, as if it had come by itself: its own id, admission, limits, log line, arena.
 * What its reply writes are lines; each is sent as a message, an empty one as a ping.
 * An answer that is sent whole is one message.
 *
 * While a message is answered the next one may arrive; behind it nothing is read.
 * I/O thread only.
 */
#ifndef TS_SERVER_SOCKET_H
#define TS_SERVER_SOCKET_H

#include "server/http/inside.h"

/* Does this request open one, and may it?  False: refused (r is answered). */
bool ts_socket_vet(ts_reply *r);

/* The headers of the 101 are set: hand it to libmicrohttpd. */
int ts_socket_upgrade(ts_reply *r);

void ts_socket_ready(ts_socket *s, unsigned events); /* of epoll */
void ts_socket_news(ts_socket *s);                   /* the answer at work has some */
void ts_socket_tick(ts_socket *s, double now);
void ts_socket_cut(ts_socket *s); /* at once: the server stops */

#endif
