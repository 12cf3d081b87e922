/* token_tree.h - the texts of a vocabulary as prefix trees.
 *
 * Two trees: tokens that are plain characters only (valid UTF-8 without ", \ and
 * controls, at most GR_MAX_PLAIN characters), and the rest.  Nodes lie in depth
 * first order, so a walk is one pass over an array that skips what is refused.
 */
#ifndef TS_ENGINE_TOKEN_TREE_H
#define TS_ENGINE_TOKEN_TREE_H

#include "engine/grammar.h"

enum { GR_MAX_PLAIN = 32, GR_MAX_TOKEN = 4096 /* bytes; longer ones are never allowed */ };

typedef struct ts_token_node {
    uint32_t after; /* the node behind this one's subtree */
    uint32_t first; /* its own tokens, then its subtree's, begin here in `tokens` */
    uint16_t n_own; /* tokens that end here: more than one if they have the same bytes */
    uint16_t depth; /* from 1 */
    uint8_t byte;
} ts_token_node;

typedef struct ts_token_tree {
    ts_token_node *nodes; /* (n + 1) the last one only ends the list */
    int32_t *tokens;      /* (n_tokens) in the order of their bytes */
    uint32_t n, cap, n_tokens, max_depth;
} ts_token_tree;

struct ts_grammar_vocab {
    const ts_bpe *bpe;
    size_t n_vocab, n_words; /* bits of a mask, and its words */
    uint64_t serial;         /* tells vocabularies apart after one is freed */
    ts_token_tree plain, rest;
    int32_t *twin;         /* (n_vocab) another token of the same bytes; -1: none */
    uint64_t *plain_masks; /* (GR_MAX_PLAIN + 1, n_words): of up to n characters */
};

#endif
