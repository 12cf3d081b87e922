/* wsframe.h - WebSocket's handshake and frames (RFC 6455): bytes in, messages out.
 *
 * The server's side: frames of the client are masked, ours are not.  No extension is
 * agreed on, so the reserved bits are zero.  Nothing here knows of sockets.
 */
#ifndef TS_SERVER_WSFRAME_H
#define TS_SERVER_WSFRAME_H

#include <stddef.h>
#include <stdint.h>

#include "core/str.h"

enum { TS_WS_MAX_CONTROL = 125, TS_WS_MAX_HEAD = 10, TS_WS_ACCEPT_SIZE = 29 };

typedef enum ts_ws_opcode {
    TS_WS_CONTINUATION = 0,
    TS_WS_TEXT = 1,
    TS_WS_BINARY = 2,
    TS_WS_CLOSE = 8,
    TS_WS_PING = 9,
    TS_WS_PONG = 10
} ts_ws_opcode;

/* Why a connection ends, as its close frame says. */
typedef enum ts_ws_code {
    TS_WS_NORMAL = 1000,
    TS_WS_GOING_AWAY = 1001,
    TS_WS_PROTOCOL = 1002,
    TS_WS_UNSUPPORTED = 1003,
    TS_WS_NO_CODE = 1005, /* never sent: the frame had none */
    TS_WS_BAD_TEXT = 1007,
    TS_WS_POLICY = 1008,
    TS_WS_TOO_BIG = 1009,
    TS_WS_OURS = 1011
} ts_ws_code;

typedef struct ts_ws_parser {
    uint8_t head[14];
    size_t n_head;
    uint64_t left; /* of this frame's payload */
    uint8_t mask[4];
    unsigned mask_at;
    ts_ws_opcode opcode; /* of this frame */
    bool is_in_payload, is_final, is_in_message;
    char control[TS_WS_MAX_CONTROL];
    size_t n_control;
    ts_ws_code error; /* 0: none; then nothing more is taken */
} ts_ws_parser;

/* What is found.  A false ends the feeding behind what was told. */
typedef struct ts_ws_events {
    /* A piece of a text message, not empty, not checked for UTF-8. */
    bool (*text)(void *user, const char *bytes, size_t n);
    bool (*end)(void *user); /* the message is whole; it may be empty */
    bool (*control)(void *user, ts_ws_opcode opcode, const char *bytes, size_t n);
} ts_ws_events;

/* How many of the bytes were taken; they are unmasked in place.  All, unless an event
 * said false or p->error is set.  Begin with a zeroed parser. */
size_t ts_ws_feed(ts_ws_parser *p, char *bytes, size_t n, const ts_ws_events *events, void *user);

/* What a close frame's payload says; TS_WS_PROTOCOL if it may not. */
ts_ws_code ts_ws_close_code(const char *bytes, size_t n);

/* The head of a whole unmasked frame with n bytes of payload; its length. */
size_t ts_ws_head(uint8_t out[TS_WS_MAX_HEAD], ts_ws_opcode opcode, uint64_t n);

/* "Upgrade: a, WebSocket" has the token "websocket". */
bool ts_ws_has_token(ts_str list, const char *token);

/* The Sec-WebSocket-Accept for a Sec-WebSocket-Key; false: that is no key. */
bool ts_ws_accept(ts_str key, char out[TS_WS_ACCEPT_SIZE]);

#endif
