/* title_prompt.h - how a model is asked to name a conversation.
 *
 * The assistant asks so (server/app/title.c) and the recipe teaches it (train/tasks).
 */
#ifndef TS_FORMATS_TITLE_PROMPT_H
#define TS_FORMATS_TITLE_PROMPT_H

/* With the first question and the first answer, each one line. */
#define TS_TITLE_PROMPT                                                                \
    "Write a title of two to six words for this conversation, in the language of the " \
    "conversation. Answer with the title only.\n\nUser: %s\n\nAssistant: %s"

#endif
