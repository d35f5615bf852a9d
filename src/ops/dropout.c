/* SPDX-License-Identifier: MIT */
/*
 * Dropout (Srivastava 2014, JMLR 15): y = x / (1 - ratio) for elements that stay, 0 for those that
 * are dropped, each dropped with probability `ratio`.
 *
 * It drops in our own trainer, and where input 2 (training_mode, from opset 12 on) says so. In all
 * other cases y = x and the mask is true everywhere; that includes opsets before 7 without is_test,
 * whose only way to say "inference" most models never used.
 *
 * Whether an element stays is word (i % 4) of phi_philox(seed, stream, i / 4), where i is its place
 * in the memory of the output, counted in elements from the first: the same four numbers serve four
 * neighbours. Backward draws them again, so no mask is kept.
 *
 * Where the node itself asks for training and states a seed, outside our trainer, the mask is that
 * of ONNX's reference implementation, so that files which were made with it give what they promise
 * (numpy_random.h): element i in logical order stays if the i-th number is not below the ratio.
 * That stream is drawn one number after the other.
 */
#include "base/rng.h"
#include "graph/graph.h"
#include "graph/loop.h"
#include "graph/widen.h"
#include "ops/numpy_random.h"
#include "ops/op_check.h"

typedef struct dropout_params {
    float ratio;  /* opsets before 12 */
    bool is_test; /* the node never drops */
    int64_t seed;
    bool has_seed;
} dropout_params;

/* What a run does to an element. */
typedef struct dropout {
    uint64_t seed, stream;
    uint32_t least; /* it stays if its word is not below */
    float scale;
    double ratio;
    bool numpy;       /* the mask of ONNX's reference */
    const char *base; /* of the output's memory; NULL: everything stays */
} dropout;

static enum ph_status infer_inputs(const phi_infer *c)
{
    static const char *const names[] = {"data", "ratio", "training_mode"};
    char text[PHI_TYPE_TEXT];
    if (c->opset < 12 && c->n_in > 1)
        return phi_op_fail(c, PH_ERR_ARG, "%zu inputs, only one before opset 12", c->n_in);
    for (size_t i = 1; i < c->n_in; i++) {
        const phi_type *t = c->in[i];
        if (!t) continue;
        if (phi_type_count(t) != 1)
            return phi_op_fail(c, PH_ERR_SHAPE, "%s has shape %s, wanted a scalar", names[i],
                               phi_dims_text(t->rank, t->dims, text, sizeof text));
        bool fits = i == 2
                        ? t->dtype == PH_BOOL
                        : t->dtype == PH_FLOAT32 || t->dtype == PH_FLOAT64 || phi_is_half(t->dtype);
        if (!fits)
            return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%s is %s, wanted %s", names[i],
                               ph_dtype_name(t->dtype), i == 2 ? "bool" : "float32 or float64");
    }
    return PH_OK;
}

static bool is_ratio(double ratio)
{
    return ratio >= 0 && ratio < 1;
}

static enum ph_status dropout_infer(phi_infer *c)
{
    dropout_params *p = c->params;
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    st = infer_inputs(c);
    if (st) return st;
    p->ratio = c->opset < 12 ? phi_attr_float(c->node, "ratio", 0.5f) : 0.5f;
    p->is_test = c->opset < 7 && phi_attr_int(c->node, "is_test", 0) != 0;
    p->has_seed = c->opset >= 12 && phi_attr_has(c->node, "seed");
    p->seed = p->has_seed ? phi_attr_int(c->node, "seed", 0) : 0;
    if (!is_ratio((double)p->ratio))
        return phi_op_fail(c, PH_ERR_ARG, "ratio is %g, wanted 0 <= ratio < 1", (double)p->ratio);
    c->out[0] = *c->in[0];
    if (c->n_out > 1) {
        c->out[1] = *c->in[0];
        c->out[1].dtype = c->opset < 10 ? PH_FLOAT32 : PH_BOOL;
    }
    return PH_OK;
}

static const phi_view *optional_input(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->in[i]) ? &e->in[i] : NULL;
}

static double ratio_now(const phi_exec *e)
{
    const phi_view *ratio = optional_input(e, 1);
    if (!ratio) return (double)((const dropout_params *)e->params)->ratio;
    if (ratio->type.dtype == PH_FLOAT64) return *(const double *)ratio->data;
    return (double)*(const float *)ratio->data;
}

static bool drops(const phi_exec *e)
{
    const dropout_params *p = e->params;
    const phi_view *mode = optional_input(e, 2);
    if (p->is_test) return false;
    return e->training || (mode && *(const uint8_t *)mode->data != 0);
}

static enum ph_status dropout_of(const phi_exec *e, dropout *d, ph_error *err)
{
    const dropout_params *p = e->params;
    double ratio = ratio_now(e);
    *d = (dropout){.seed = e->seed, .stream = e->stream, .scale = 1.0f};
    if (!drops(e)) return PH_OK;
    if (!is_ratio(ratio)) {
        const char *name = e->node ? e->node->name : "";
        return phi_fail(err, PH_ERR_ARG, name, "Dropout '%s': ratio is %g, wanted 0 <= ratio < 1",
                        name, ratio);
    }
    if (ratio == 0) return PH_OK;
    d->numpy = p->has_seed && !e->training && p->seed >= 0 && p->seed <= UINT32_MAX;
    if (p->has_seed && !e->training) d->seed = (uint64_t)p->seed;
    d->ratio = ratio;
    d->least = (uint32_t)(ratio * 4294967296.0);
    d->scale = (float)(1 / (1 - ratio));
    d->base = e->out[0].data;
    return PH_OK;
}

enum { RUN = 256 }; /* elements at a time */

/* The words of n <= RUN elements, `step` apart in memory, the first at place `at`; in `room`. */
static const uint32_t *draw(const dropout *d, int64_t at, int64_t step, int64_t n,
                            uint32_t room[RUN + 4])
{
    uint32_t word[4];
    int64_t have = -1;
    if (step == 1) {
        int64_t ahead = at % 4; /* a group of four is drawn as a whole */
        for (int64_t i = 0; i < ahead + n; i += 4)
            phi_philox(d->seed, d->stream, (uint64_t)((at - ahead + i) / 4), room + i);
        return room + ahead;
    }
    for (int64_t i = 0; i < n; i++, at += step) {
        if (at / 4 != have) phi_philox(d->seed, d->stream, (uint64_t)(at / 4), word);
        have = at / 4;
        room[i] = word[at % 4];
    }
    return room;
}

/* What elements are multiplied by: 0 or scale. A loop of its own, so that it has no branches, which
 * nobody could predict. */
static void draw_factors(const dropout *d, int64_t at, int64_t step, int64_t n, float *factor)
{
    uint32_t room[RUN + 4];
    const uint32_t *word = draw(d, at, step, n, room), least = d->least;
    const float scale = d->scale;
    for (int64_t i = 0; i < n; i++)
        factor[i] = word[i] >= least ? scale : 0.0f;
}

/* views: to, from, and the output, whose memory numbers the elements */
static void scale_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    const dropout *d = arg;
    float *to = ptrs[0], factor[RUN];
    const float *from = ptrs[1];
    int64_t at = ((const char *)ptrs[2] - d->base) / (int64_t)sizeof(float);
    for (int64_t i = 0; i < count; i += RUN) {
        int64_t n = count - i < RUN ? count - i : RUN;
        draw_factors(d, at + i * steps[2], steps[2], n, factor);
        if (steps[0] == 1 && steps[1] == 1)
            for (int64_t k = 0; k < n; k++)
                to[i + k] = from[i + k] * factor[k];
        else
            for (int64_t k = 0; k < n; k++)
                to[(i + k) * steps[0]] = from[(i + k) * steps[1]] * factor[k];
    }
}

/* views: mask (bool or float32), and the output */
static void mask_run(const dropout *d, int64_t count, void *const *ptrs, const int64_t *steps,
                     bool is_float)
{
    float factor[RUN];
    int64_t at = d->base ? ((const char *)ptrs[1] - d->base) / (int64_t)sizeof(float) : 0;
    for (int64_t i = 0; i < count; i += RUN) {
        int64_t n = count - i < RUN ? count - i : RUN;
        if (d->base) draw_factors(d, at + i * steps[1], steps[1], n, factor);
        for (int64_t k = 0; k < n; k++) {
            bool stays = !d->base || factor[k] != 0.0f;
            if (is_float)
                ((float *)ptrs[0])[(i + k) * steps[0]] = stays ? 1.0f : 0.0f;
            else
                ((uint8_t *)ptrs[0])[(i + k) * steps[0]] = stays;
        }
    }
}

static void mask_float_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    mask_run(arg, count, ptrs, steps, true);
}

static void mask_bool_run(void *arg, int64_t count, void *const *ptrs, const int64_t *steps)
{
    mask_run(arg, count, ptrs, steps, false);
}

static void scale(const phi_exec *e, dropout *d, const phi_view *to, const phi_view *from)
{
    if (d->base)
        phi_loop(e->pool, 3, (const phi_view *const[]){to, from, &e->out[0]}, scale_run, d);
    else
        phi_copy(e->pool, to, from);
}

/* Distance in elements from the first element of `v` to the one at `index`. */
static int64_t place(const phi_view *v, const int64_t *index)
{
    int64_t at = 0;
    for (int i = 0; i < v->type.rank; i++)
        at += index[i] * v->strides[i];
    return at;
}

static void forward_numpy(const phi_exec *e, const dropout *d)
{
    const phi_type *t = &e->out[0].type;
    const phi_view *mask = e->n_out > 1 && !phi_view_absent(&e->out[1]) ? &e->out[1] : NULL;
    phi_numpy_random random;
    phi_numpy_seed(&random, (uint32_t)d->seed);
    for (int64_t i = 0; i < phi_type_count(t); i++) {
        int64_t index[PH_MAX_RANK];
        phi_unravel(i, t->rank, t->dims, index);
        bool stays = phi_numpy_double(&random) >= d->ratio;
        float x = ((const float *)e->in[0].data)[place(&e->in[0], index)];
        ((float *)e->out[0].data)[place(&e->out[0], index)] = x * (stays ? d->scale : 0.0f);
        if (mask) ((uint8_t *)mask->data)[place(mask, index)] = stays;
    }
}

static enum ph_status dropout_forward(const phi_exec *e, ph_error *err)
{
    dropout d;
    enum ph_status st = dropout_of(e, &d, err);
    if (st) return st;
    if (d.numpy) {
        forward_numpy(e, &d);
        return PH_OK;
    }
    scale(e, &d, &e->out[0], &e->in[0]);
    if (e->n_out > 1 && !phi_view_absent(&e->out[1]))
        phi_loop(e->pool, 2, (const phi_view *const[]){&e->out[1], &e->out[0]},
                 e->out[1].type.dtype == PH_BOOL ? mask_bool_run : mask_float_run, &d);
    return PH_OK;
}

/* The ratio is a setting, not a parameter: its gradient counts as 0. */
static enum ph_status dropout_backward(const phi_exec *e, ph_error *err)
{
    dropout d;
    enum ph_status st = dropout_of(e, &d, err);
    if (st) return st;
    for (size_t i = 1; i < e->n_in; i++)
        if (!phi_view_absent(&e->din[i])) phi_zero(e->pool, &e->din[i]);
    if (phi_view_absent(&e->din[0])) return PH_OK;
    if (phi_view_absent(&e->dout[0]))
        phi_zero(e->pool, &e->din[0]);
    else
        scale(e, &d, &e->din[0], &e->dout[0]);
    return PH_OK;
}

static const phi_attr_rule dropout_attrs[] = {
    {"ratio", PH_ATTR_FLOAT, 1, 11, false},
    {"is_test", PH_ATTR_INT, 1, 6, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {"seed", PH_ATTR_INT, 12, 0, false},
    {0},
};

static bool dropout_as_identity(const phi_infer *c)
{
    if (c->n_in < 3 || !c->in[2]) return true;
    return c->constant[2] && *(const uint8_t *)c->constant[2]->data == 0;
}

const phi_op phi_op_dropout = {
    .name = "Dropout",
    .widens = true,
    .since = 1,
    .attrs = dropout_attrs,
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 2,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(dropout_params),
    .infer = dropout_infer,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .as_identity = dropout_as_identity,
};
