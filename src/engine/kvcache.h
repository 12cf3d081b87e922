/* kvcache.h - pages of latents: shared, counted, remembered.
 *
 * A page holds the cached rows of 64 consecutive tokens in every layer.  Pages of
 * finished prompts and answers stay until room is needed, hung into a tree: a
 * page knows its tokens and the page before it, so a new prompt finds its longest
 * known prefix by walking down, whole pages shared, the part of a last page
 * copied.  Roots are named by a user's name space, so one user never meets
 * another's pages; tokens are compared themselves, never only their hash.
 *
 * One thread at a time.
 */
#ifndef TS_ENGINE_KVCACHE_H
#define TS_ENGINE_KVCACHE_H

#include "backends/backend.h"

typedef struct ts_kvcache ts_kvcache;

enum { TS_NO_PAGE = -1, TS_MAX_NAME_SPACE = 63, TS_MAX_TOPIC = 63 /* bytes */ };

/* page_floats: of one page, all layers.  Memory is taken page by page. */
tiefsee_status ts_kvcache_open(ts_kvcache **out, size_t page_floats, size_t row_floats,
                               size_t n_layers, size_t max_pages, tiefsee_error *err) TS_MUST_CHECK;
void ts_kvcache_free(ts_kvcache *c);

size_t ts_kvcache_pages(const ts_kvcache *c); /* room */
size_t ts_kvcache_used(const ts_kvcache *c);  /* in use or remembered */

/* A page for new rows, counted once; the longest unused remembered page is given
 * up for it if need be.  TS_NO_PAGE: all pages are in use, or no memory. */
int32_t ts_kvcache_take(ts_kvcache *c);
void ts_kvcache_hold(ts_kvcache *c, int32_t page); /* count up */
void ts_kvcache_drop(ts_kvcache *c, int32_t page); /* count down */
float *ts_kvcache_data(ts_kvcache *c, int32_t page);

/* The longest known prefix of n tokens in a name space, at most n - 1 of them (the
 * last is always computed, for its logits): page[] gets the pages, each counted
 * up; the last may be a fresh copy if only part of a page agrees.  Returns the
 * number of tokens found; *n_pages of page[] are filled. */
size_t ts_kvcache_find(ts_kvcache *c, const char *name_space, const int32_t *tokens, size_t n,
                       int32_t *page, size_t *n_pages);

/* Remember n computed tokens in these pages (ceil(n / 64) of them, still counted
 * by the caller).  Where the tree has the same tokens already, its page stays.  topic: what
 * they are about, "" for nothing. */
void ts_kvcache_remember(ts_kvcache *c, const char *name_space, const char *topic,
                         const int32_t *tokens, size_t n, const int32_t *page);

/* Nobody finds what is remembered in a name space about a topic (NULL: all of the name
 * space, or of everybody if that is NULL, too) any more, but for pages that something about
 * another topic goes on from.  Its numbers are zeroed, those of pages in use as soon as they
 * are not. */
void ts_kvcache_forget(ts_kvcache *c, const char *name_space, const char *topic);

#endif
