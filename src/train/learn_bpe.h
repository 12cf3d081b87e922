/* learn_bpe.h - a byte-level BPE vocabulary learned from text.
 *
 * Pieces are cut as DeepSeek-V3 cuts them, so this program and others read the
 * result alike.  Digits, ASCII punctuation and line breaks are tokens of their own
 * and never part of a longer one; what merges is letters, with at most one blank in
 * front, and the bytes of a character outside ASCII before characters with each
 * other.  The most frequent pair wins, of equals the one of the lower ids: the same
 * texts give the same vocabulary.
 *
 * Ids: the family's markers (bos, eos, turns, thinking, tools), the 256 bytes, the
 * merges in the order in which they were learned.
 */
#ifndef TS_TRAIN_LEARN_BPE_H
#define TS_TRAIN_LEARN_BPE_H

#include "core/error.h"
#include "formats/vocab.h"

typedef struct ts_bpe_learner ts_bpe_learner;

enum { TS_LEARN_MIN_VOCAB = 512, TS_LEARN_MAX_VOCAB = 1 << 17 };

ts_bpe_learner *ts_bpe_learner_new(void) TS_MUST_CHECK; /* NULL: out of memory */
void ts_bpe_learner_free(ts_bpe_learner *l);            /* NULL allowed */

/* Count the pieces of valid UTF-8. */
tiefsee_status ts_bpe_learner_add(ts_bpe_learner *l, const char *text, size_t n,
                                  tiefsee_error *err) TS_MUST_CHECK;

/* Once.  The vocabulary has n_vocab tokens, or fewer if no pair is left that occurs
 * twice; its strings live as long as the learner. */
tiefsee_status ts_bpe_learner_finish(ts_bpe_learner *l, uint32_t n_vocab, ts_vocab *out,
                                     tiefsee_error *err) TS_MUST_CHECK;

#endif
