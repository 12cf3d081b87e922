/* ollama_answer.h - an answer in lines of JSON, or as one object. */
#ifndef TS_SERVER_OLLAMA_ANSWER_H
#define TS_SERVER_OLLAMA_ANSWER_H

#include "server/api/ollama_request.h"
#include "server/api/turn_answer.h"

/* Answers in any case. */
void ts_ollama_answer_run(ts_reply *reply, ts_ollama_request *r);

/* To a request that asks nothing: the model is there. */
void ts_ollama_answer_load(ts_reply *reply, const ts_ollama_request *r);

/* "2026-11-24T09:00:00.000000Z" */
void ts_ollama_write_time(ts_out *o, int64_t seconds, long nanoseconds);

#endif
