/* beyond_topics.h - what questions out of a small model's depth are made of, for training. */
#ifndef TS_TRAIN_BEYOND_TOPICS_H
#define TS_TRAIN_BEYOND_TOPICS_H

/* Texts apart by '|'.  Every frame takes every filler, {1} another one. */
typedef struct ts_topic {
    const char *fillers; /* "#": a year */
    const char *frames;  /* the first is never trained on */
} ts_topic;

/* Each ends with frames of NULL. */
extern const ts_topic ts_beyond_en[], ts_beyond_de[], ts_beyond_zh[];

#endif
