/* curriculum.c - see curriculum.h. */
#include "train/curriculum.h"

#include "core/hash.h"
#include "core/rng.h"

/* A level is mastered above MASTERED, once it was asked OFTEN times; what is as good as
 * never or always solved keeps the weight LITTLE (of at most 0.25 + LITTLE). */
static const double MASTERED = 0.85, LITTLE = 0.02, FAST = 0.15, UNKNOWN = 0.5;
enum { OFTEN = 3, ONE = 1 << 20 };

/* What a file says may be any number. */
static double rate_of(const ts_curriculum_cell *c)
{
    return c->n > 0 && c->rate >= 0 && c->rate <= 1 ? c->rate : UNKNOWN;
}

static bool is_mastered(const ts_curriculum_cell *c)
{
    return c->n >= OFTEN && rate_of(c) > MASTERED;
}

static bool is_asked(uint32_t families, size_t i)
{
    return families == 0 || (families >> i & 1);
}

/* Of problems that are there so that nothing is forgotten: levels that are mastered and, of
 * families that are not asked otherwise, those of which too little is known.  Else: all
 * levels of one family count as much as those of another. */
static uint64_t weight_of(const ts_curriculum *c, uint32_t families, bool replays, size_t family,
                          unsigned level)
{
    const ts_curriculum_cell *cell = &c->cell[family][level - 1];
    const double p = rate_of(cell);

    if (replays)
        return is_mastered(cell) || (!is_asked(families, family) && cell->n < OFTEN);
    if (!is_asked(families, family))
        return 0;
    return (uint64_t)((p * (1 - p) + LITTLE) * ONE) / ts_families[family].n_usual + 1;
}

static uint64_t total_of(const ts_curriculum *c, uint32_t families, bool replays)
{
    uint64_t total = 0;

    for (size_t f = 0; f < ts_n_families; f++)
        for (unsigned l = 1; l <= ts_families[f].n_usual; l++)
            total += weight_of(c, families, replays, f, l);
    return total;
}

const ts_family *ts_curriculum_choose(const ts_curriculum *c, const ts_curriculum_rule *rule,
                                      uint64_t index, unsigned *level)
{
    const uint64_t seed[] = {rule->seed, index, 0x6375};
    const uint64_t n_mastered = total_of(c, rule->families, true);
    ts_rng rng;

    ts_rng_seed(&rng, ts_hash(seed, sizeof seed));
    const bool replays = ts_rng_unit(&rng) < rule->replay && n_mastered > 0;
    uint64_t at = ts_rng_below(&rng, replays ? n_mastered : total_of(c, rule->families, false));
    for (size_t f = 0; f < ts_n_families; f++)
        for (unsigned l = 1; l <= ts_families[f].n_usual; l++) {
            const uint64_t w = weight_of(c, rule->families, replays, f, l);

            if (at < w) {
                *level = l;
                return &ts_families[f];
            }
            at -= w;
        }
    *level = 0;
    return &ts_families[0]; /* no mask has no families */
}

void ts_curriculum_tell(ts_curriculum *c, const ts_family *f, unsigned level, double right)
{
    ts_curriculum_cell *cell = &c->cell[f - ts_families][level - 1];

    cell->rate = rate_of(cell) + FAST * (right - rate_of(cell));
    cell->n++;
}
