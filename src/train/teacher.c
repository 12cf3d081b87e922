/* teacher.c - see teacher.h. */
#include "train/teacher.h"

#include "core/alloc.h"
#include "core/cpu.h"
#include "train/run_parts.h"

/* Its weights are those of the mapped file; they are never written. */
struct ts_teacher {
    ts_checkpoint_file file;
    ts_trunk trunk;
    void *work;
};

static tiefsee_status check(const ts_teacher *t, const ts_run *r, tiefsee_error *err)
{
    const ts_checkpoint *h = &t->file.head;
    const ts_run_options *o = &r->head->options;

    if (ts_checkpoint_fingerprint(h) != o->teacher)
        return ts_fail(err, TIEFSEE_E_INVALID, "another teacher than the run began with");
    if (h->options.config.n_vocab != o->config.n_vocab ||
        (h->tokenizer && r->head->tokenizer && h->tokenizer != r->head->tokenizer))
        return ts_fail(err, TIEFSEE_E_INVALID, "the teacher has another vocabulary");
    if (h->options.config.n_ctx < o->config.n_ctx)
        return ts_fail(err, TIEFSEE_E_INVALID, "the teacher has a context of %u, the student %u",
                       h->options.config.n_ctx, o->config.n_ctx);
    return TIEFSEE_OK;
}

static tiefsee_status lay_out(ts_teacher *t, const ts_run *r, tiefsee_error *err)
{
    const ts_run_options *o = &t->file.head.options;
    const uint64_t available = ts_cpu_available_memory();
    ts_carve state = {0}, work = {0};

    /* With MTP, so that biases lie where the file has them; it is not run. */
    t->trunk.net = (ts_network){.config = o->config, .has_mtp = o->has_mtp};
    ts_trunk_carve(&t->trunk, r->trunk.sizes, &state, &work);
    if (available && work.used > available)
        return ts_fail(
            err, TIEFSEE_E_NOMEM, "the teacher needs %llu MiB; this machine can give %llu MiB",
            (unsigned long long)(work.used >> 20), (unsigned long long)(available >> 20));
    t->work = ts_alloc_zero(work.used, 1);
    if (!t->work)
        return ts_fail_nomem(err, work.used, "the teacher");
    state = (ts_carve){(uint8_t *)(uintptr_t)t->file.body, 0};
    work = (ts_carve){t->work, 0};
    t->trunk.team = (ts_team){.kernels = r->trunk.team.kernels, .pool = r->trunk.team.pool};
    ts_trunk_carve(&t->trunk, r->trunk.sizes, &state, &work);
    t->trunk.net.has_mtp = false;
    ts_trunk_prepare(&t->trunk);
    ts_trunk_pack_weights(&t->trunk);
    return TIEFSEE_OK;
}

tiefsee_status ts_teacher_open(ts_teacher **out, ts_run *r, const char *checkpoint,
                               tiefsee_error *err)
{
    ts_teacher *t;

    *out = NULL;
    if (!checkpoint)
        return ts_fail(err, TIEFSEE_E_INVALID, "distillation needs the teacher's checkpoint");
    t = ts_alloc_zero(1, sizeof *t);
    if (!t)
        return ts_fail_nomem(err, sizeof *t, "the teacher");
    tiefsee_status st = ts_checkpoint_open(&t->file, checkpoint, err);
    if (st != TIEFSEE_OK) {
        ts_free(t);
        return st;
    }
    st = check(t, r, err);
    if (st == TIEFSEE_OK)
        st = lay_out(t, r, err);
    if (st != TIEFSEE_OK) {
        ts_teacher_close(t);
        return ts_while(err, st, "%s", checkpoint);
    }
    r->trunk.teacher = &t->trunk;
    *out = t;
    return TIEFSEE_OK;
}

void ts_teacher_close(ts_teacher *t)
{
    if (!t)
        return;
    ts_checkpoint_close(&t->file);
    ts_free(t->work);
    ts_free(t);
}
