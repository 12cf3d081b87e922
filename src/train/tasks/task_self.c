/* task_self.c - what the program is, how it is used, what it cannot do. */
#include "train/tasks/maker.h"

static const char *const TRUTHS[TS_N_SELF] = {
    [TS_SELF_NAME] = "Tiefsee",
    [TS_SELF_PROGRAM] = "DeepSeek;machine|Rechner|电脑",
    [TS_SELF_SKILLS] = "units|Einheiten|单位;logic|Logik|逻辑",
    [TS_SELF_LIMITS] = "world|Welt|世界",
    [TS_SELF_PRIVACY] = "nothing leaves|nichts verlässt|不会离开",
    [TS_SELF_CHAT] = "tiefsee chat",
    [TS_SELF_SERVE] = "tiefsee serve;8642",
    [TS_SELF_RUN] = "tiefsee run",
    [TS_SELF_FORMATS] = "GGUF",
    [TS_SELF_THINKING] = "--no-think",
    [TS_SELF_LEAVE] = "Ctrl-D;Ctrl-C",
    [TS_SELF_LICENCE] = "MIT",
    [TS_SELF_ORIGIN] = "DeepSeek-V3;generated|erzeugten|生成",
    [TS_SELF_SIZE] = "8 MB|8MB",
    [TS_SELF_LANGUAGES] = "German|Deutsch|德语;Chinese|Chinesisch|中文",
    [TS_SELF_ARCHITECTURE] = "attention|注意力;expert|专家",
    [TS_SELF_INSPECT] = "tiefsee inspect",
    [TS_SELF_BENCH] = "tiefsee bench",
    [TS_SELF_DOCTOR] = "tiefsee doctor",
    [TS_SELF_HUMAN] = "program|Programm|程序",
    [TS_SELF_OTHER] = "Tiefsee",
    [TS_SELF_TRUST] = "check|prüfe|核对",
    [TS_SELF_CONTEXT] = "1,024|1.024|1024",
    [TS_SELF_QUANTIZE] = "tiefsee quantize",
    [TS_SELF_TRAIN] = "tiefsee train",
    [TS_SELF_TUNE] = "train lora",
    [TS_SELF_KEYS] = "tiefsee keys",
    [TS_SELF_PROOF] = "tiefsee prove-offline",
    [TS_SELF_HARDWARE] = "processor|Prozessor|处理器",
    [TS_SELF_EVAL] = "tiefsee eval",
    [TS_SELF_COMMANDS] = "--help",
    [TS_SELF_MEMORY] = "conversation|Gespräch|这次对话",
    [TS_SELF_SENSES] = "only|nur|只;text|文字",
    [TS_SELF_AGE] = "no age|kein Alter|没有年龄",
    [TS_SELF_HOME] = "your machine|deinem Rechner|你的电脑",
    [TS_SELF_WORD] = "deep sea|深海",
};

const ts_facts ts_self_facts = {.name = "self",
                                .n = TS_N_SELF,
                                .in = {ts_self_en, ts_self_de, ts_self_zh},
                                .truths = TRUTHS,
                                .reason = {"The user asks about me or the program.",
                                           "Der Nutzer fragt nach mir oder dem Programm.",
                                           "用户在问我或这个程序。"}};

bool ts_make_self(ts_maker *m)
{
    return ts_make_fact(m, &ts_self_facts);
}
