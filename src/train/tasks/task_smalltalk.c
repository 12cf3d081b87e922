/* task_smalltalk.c - greetings, thanks, and what else people say that is no question. */
#include "train/tasks/maker.h"

static const char *const TRUTHS[TS_N_TALK] = {
    [TS_TALK_HELLO] = "Tiefsee",
    [TS_TALK_THANKS] = "welcome|gern|不客气",
    [TS_TALK_BYE] = "goodbye|wiedersehen|再见",
    [TS_TALK_MOOD] = "I am fine|geht es gut|我很好",
    [TS_TALK_SORRY] = "no problem|kein Problem|没关系",
    [TS_TALK_YES] = "good!|gut!|好的！",
    [TS_TALK_NO] = "here|ich bin da|我在这里",
    [TS_TALK_MEET] = "meet you|freut mich|高兴",
    [TS_TALK_PRAISE] = "program|Programm|程序",
    [TS_TALK_INSULT] = "sorry|leid|对不起",
    [TS_TALK_TEST] = "here|ich bin da|我在",
    [TS_TALK_MARKS] = "here|ich bin da|我在",
    [TS_TALK_NOISE] = "not understand|nicht verstanden|没看懂",
    [TS_TALK_EMOJI] = "good!|gut!|好的！",
    [TS_TALK_LAUGH] = "glad|das freut mich|真高兴",
    [TS_TALK_FEELING] = "calculate with you|mit dir rechnen|一起计算",
    [TS_TALK_WISH] = "the same|dir auch|也一样",
    [TS_TALK_WAIT] = "I am here|ich bin da|我在",
    [TS_TALK_PUZZLED] = "step by step|Schritt für Schritt|一步一步",
};

const ts_facts ts_smalltalk_facts = {
    .name = "smalltalk",
    .n = TS_N_TALK,
    .in = {ts_talk_en, ts_talk_de, ts_talk_zh},
    .truths = TRUTHS,
    .reason = {"The user is chatting.", "Der Nutzer plaudert.", "用户在闲聊。"},
    .has_marks = true};

bool ts_make_smalltalk(ts_maker *m)
{
    return ts_make_fact(m, &ts_smalltalk_facts);
}
