/* SPDX-License-Identifier: MIT */
/*
 * Pad: negative pads crop first; then each dimension grows by a constant, or by elements found by
 * mirroring (reflect), repeating the ends (edge) or going round (wrap) within what is left, as
 * numpy.pad does. Every output element is thus one input element, or the constant.
 */
#include <inttypes.h>

#include "ops/axes.h"
#include "graph/loop.h"
#include "ops/move.h"

enum mode { CONSTANT, REFLECT, EDGE, WRAP };

typedef struct params {
    enum mode mode;
    int64_t begin[PH_MAX_RANK], end[PH_MAX_RANK];
    float value; /* of opsets before 11 */
} params;

static const phi_attr_rule attrs[] = {
    {.name = "paddings", .kind = PH_ATTR_INTS, .first = 1, .last = 1, .required = true},
    {.name = "pads", .kind = PH_ATTR_INTS, .first = 2, .last = 10, .required = true},
    {.name = "value", .kind = PH_ATTR_FLOAT, .first = 1, .last = 10},
    {.name = "mode", .kind = PH_ATTR_STRING, .first = 1},
    {.name = NULL},
};

enum { DATA, PADS, VALUE, AXES }; /* inputs */

/* --- Shapes ---------------------------------------------------------------------------------- */

static enum ph_status read_mode(const phi_infer *c, enum mode *mode)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    const char *name = phi_attr_string(c->node, "mode", "constant");
    int known = c->opset >= 19 ? 4 : 3;
    for (int i = 0; i < known; i++) {
        *mode = (enum mode)i;
        if (strcmp(name, names[i]) == 0) return PH_OK;
    }
    return phi_op_fail(c, PH_ERR_ARG, "mode is '%s', wanted is constant, reflect%s", name,
                       known == 4 ? ", edge or wrap" : " or edge (wrap came with opset 19)");
}

/* The axes that the pads are for, in their order. */
static enum ph_status read_axes(const phi_infer *c, int rank, size_t *n, int *axes)
{
    phi_ints list = {.n = 0};
    uint32_t mask;
    enum ph_status st = PH_OK;
    if (c->opset >= 18) st = phi_ints_read(c, "axes", AXES, 18, &list);
    if (st) return st;
    *n = list.given ? list.n : (size_t)rank;
    for (int i = 0; i < rank && !list.given; i++)
        list.at[i] = i;
    st = phi_axes_mask(c, *n, list.at, rank, &mask); /* no axis twice, so n <= rank */
    for (size_t i = 0; i < *n && !st; i++)
        st = phi_axis(c, list.at[i], rank, &axes[i]);
    return st;
}

static enum ph_status read_pads(const phi_infer *c, params *p)
{
    const char *name = c->opset < 2 ? "paddings" : "pads";
    int rank = c->in[DATA]->rank, axes[PH_MAX_RANK] = {0};
    phi_ints pads;
    size_t n;
    enum ph_status st = phi_ints_read(c, name, PADS, 11, &pads);
    if (st) return st;
    st = read_axes(c, rank, &n, axes);
    if (st) return st;
    if (!pads.given || pads.n != 2 * n)
        return phi_op_fail(c, PH_ERR_ARG,
                           "%s has %zu numbers, wanted is a begin and an end for each of %zu axes",
                           name, pads.n, n);
    for (size_t i = 0; i < n; i++) {
        p->begin[axes[i]] = pads.at[i];
        p->end[axes[i]] = pads.at[n + i];
    }
    return PH_OK;
}

/* What cropping leaves of a dimension of size n: elements lo .. hi - 1. */
static void crop(const params *p, int i, int64_t n, int64_t *lo, int64_t *hi)
{
    *lo = p->begin[i] < 0 ? -p->begin[i] : 0;
    *hi = p->end[i] < 0 ? n + p->end[i] : n;
}

static enum ph_status infer_dim(const phi_infer *c, const params *p, int i, int64_t *out)
{
    int64_t n = c->in[DATA]->dims[i], lo, hi, size;
    if (p->begin[i] < -n || p->end[i] < -n)
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "pads %" PRId64 " and %" PRId64
                           " of axis %d crop more than its %" PRId64,
                           p->begin[i], p->end[i], i, n);
    if (!phi_add_i64(n, p->begin[i], &size) || !phi_add_i64(size, p->end[i], &size))
        return phi_op_fail(c, PH_ERR_OVERFLOW,
                           "pads %" PRId64 " and %" PRId64 " of axis %d exceed 63 bits",
                           p->begin[i], p->end[i], i);
    crop(p, i, n, &lo, &hi);
    if (size < 0 || (p->mode != CONSTANT && size > 0 && lo >= hi))
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "pads %" PRId64 " and %" PRId64
                           " of axis %d leave nothing of its %" PRId64,
                           p->begin[i], p->end[i], i, n);
    *out = size;
    return PH_OK;
}

/* The constant input: a scalar (or, as exporters write it, one element) of the data's type. */
static enum ph_status check_value(const phi_infer *c)
{
    char text[PHI_TYPE_TEXT];
    const phi_type *v = c->n_in > VALUE ? c->in[VALUE] : NULL;
    if (!v) return PH_OK;
    if (c->opset < 11)
        return phi_op_fail(c, PH_ERR_ARG,
                           "the value is an attribute before opset 11, not an input");
    if (v->dtype == c->in[DATA]->dtype && v->rank <= 1 && phi_type_count(v) == 1) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "input 2 (constant_value) is %s, wanted is one %s",
                       phi_type_text(v, text, sizeof text), ph_dtype_name(c->in[DATA]->dtype));
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    phi_type out = *c->in[DATA];
    p->value = phi_attr_float(c->node, "value", 0.0f);
    if (p->value != 0.0f && out.dtype != PH_FLOAT32 && out.dtype != PH_FLOAT64)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "value %g for %s", (double)p->value,
                           ph_dtype_name(out.dtype));
    st = read_mode(c, &p->mode);
    if (st) return st;
    st = read_pads(c, p);
    if (st) return st;
    st = check_value(c);
    if (st) return st;
    for (int i = 0; i < out.rank; i++) {
        st = infer_dim(c, p, i, &out.dims[i]);
        if (st) return st;
    }
    c->out[0] = out;
    return PH_OK;
}

/* --- Where an element comes from ------------------------------------------------------------- */

/* One dimension: output size and strides, and what its indices mean. */
typedef struct dim {
    int64_t out, in; /* sizes */
    int64_t out_stride, in_stride;
    int64_t begin; /* output index `begin` is input index 0, before all modes */
    int64_t lo, hi;
} dim;

typedef struct pad {
    enum mode mode;
    int rank;                  /* at least 1 */
    dim dims[PH_MAX_RANK + 1]; /* by falling stride of the output */
    size_t size;               /* bytes of an element */
    char *out, *in;
    const void *value;
    int64_t rows, rows_a_task;
    int split; /* backward: a dimension without pads, a task for each of its elements; -1: none */
    bool accumulate; /* add out to in instead of copying in to out */
} pad;

/* The input index of output index `o`, or -1 for the constant. */
static int64_t source(const pad *p, const dim *d, int64_t o)
{
    int64_t n = d->hi - d->lo, i = o - d->begin - d->lo;
    if (i >= 0 && i < n) return i + d->lo;
    switch (p->mode) {
    case EDGE:
        return i < 0 ? d->lo : d->hi - 1;
    case WRAP:
        i %= n;
        return d->lo + (i < 0 ? i + n : i);
    case REFLECT:
        if (n == 1) return d->lo;
        i %= 2 * (n - 1);
        if (i < 0) i += 2 * (n - 1);
        return d->lo + (i < n ? i : 2 * (n - 1) - i);
    default:
        return -1;
    }
}

static void setup(pad *p, const phi_exec *e, const phi_view *out, const phi_view *in)
{
    const params *a = e->params;
    *p = (pad){.mode = a->mode, .out = out->data, .in = in->data, .rank = out->type.rank};
    p->size = ph_dtype_size(out->type.dtype);
    for (int i = 0; i < p->rank; i++) {
        dim d = {.out = out->type.dims[i], .in = in->type.dims[i], .begin = a->begin[i]};
        d.out_stride = out->strides[i];
        d.in_stride = in->strides[i];
        crop(a, i, d.in, &d.lo, &d.hi);
        int at = i;
        for (; at > 0 && p->dims[at - 1].out_stride < d.out_stride; at--)
            p->dims[at] = p->dims[at - 1];
        p->dims[at] = d;
    }
    if (p->rank == 0)
        p->dims[p->rank++] = (dim){.out = 1, .in = 1, .out_stride = 1, .in_stride = 1, .hi = 1};
    p->rows = 1;
    for (int i = 0; i < p->rank - 1; i++)
        p->rows *= p->dims[i].out;
}

/* --- Rows of the innermost dimension --------------------------------------------------------- */

/* n elements between out and in, steps apart: copied, or (float) added. */
static void transfer(const pad *p, int64_t n, char *out, int64_t out_step, char *in,
                     int64_t in_step)
{
    if (p->accumulate) {
        float *to = (float *)in;
        const float *from = (const float *)out;
        for (int64_t i = 0; i < n; i++)
            to[i * in_step] += from[i * out_step];
    } else if (out_step == 1 && in_step == 1) {
        memcpy(out, in, (size_t)n * p->size);
    } else {
        int64_t so = out_step * (int64_t)p->size, si = in_step * (int64_t)p->size;
        for (int64_t i = 0; i < n; i++)
            memcpy(out + i * so, in + i * si, p->size);
    }
}

static void fill(const pad *p, int64_t n, char *out, int64_t step)
{
    if (p->accumulate) return; /* the constant has no part in the input's gradient */
    for (int64_t i = 0; i < n; i++)
        memcpy(out + i * step * (int64_t)p->size, p->value, p->size);
}

/* One row; `in` is NULL where an outer dimension already says constant. */
static void row(const pad *p, char *out, char *in)
{
    const dim *d = &p->dims[p->rank - 1];
    int64_t size = (int64_t)p->size, so = d->out_stride * size, si = d->in_stride * size;
    /* output indices first .. last - 1 are lo .. hi - 1 of the input */
    int64_t first = d->begin + d->lo, last = d->begin + d->hi;
    if (!in || d->lo >= d->hi) {
        fill(p, d->out, out, d->out_stride);
        return;
    }
    for (int64_t o = 0; o < d->out; o++) {
        if (o == first) {
            transfer(p, last - first, out + o * so, d->out_stride, in + d->lo * si, d->in_stride);
            o = last - 1;
            continue;
        }
        int64_t i = source(p, d, o);
        if (i < 0)
            fill(p, 1, out + o * so, 1);
        else
            transfer(p, 1, out + o * so, 1, in + i * si, 1);
    }
}

/* The row of the outer indices `index`. */
static void row_at(const pad *p, const int64_t *index)
{
    int64_t out = 0, in = 0;
    bool inside = true;
    for (int i = 0; i < p->rank - 1; i++) {
        int64_t from = source(p, &p->dims[i], index[i]);
        inside = inside && from >= 0;
        out += index[i] * p->dims[i].out_stride;
        in += from * p->dims[i].in_stride;
    }
    row(p, p->out + out * (int64_t)p->size, inside ? p->in + in * (int64_t)p->size : NULL);
}

static void next(const pad *p, int64_t *index)
{
    for (int i = p->rank - 2; i >= 0; i--) {
        if (i == p->split) continue;
        if (++index[i] < p->dims[i].out) return;
        index[i] = 0;
    }
}

static void forward_task(void *arg, size_t task, size_t thread)
{
    const pad *p = arg;
    int64_t dims[PH_MAX_RANK + 1], index[PH_MAX_RANK + 1];
    int64_t r = (int64_t)task * p->rows_a_task;
    int64_t end = r + p->rows_a_task < p->rows ? r + p->rows_a_task : p->rows;
    (void)thread;
    for (int i = 0; i < p->rank; i++)
        dims[i] = p->dims[i].out;
    phi_unravel(r, p->rank - 1, dims, index);
    for (; r < end; r++) {
        row_at(p, index);
        next(p, index);
    }
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    static const double zero[2] = {0, 0};
    const params *a = e->params;
    double wide = (double)a->value;
    pad p;
    (void)err;
    if (phi_type_count(&e->out[0].type) == 0) return PH_OK;
    setup(&p, e, &e->out[0], &e->in[DATA]);
    p.split = -1;
    p.value = zero;
    if (a->value != 0.0f) p.value = p.size == sizeof wide ? (const void *)&wide : &a->value;
    if (e->n_in > VALUE && !phi_view_absent(&e->in[VALUE])) p.value = e->in[VALUE].data;
    int64_t inner = p.dims[p.rank - 1].out;
    p.rows_a_task = inner < PHI_LOOP_GRAIN ? PHI_LOOP_GRAIN / inner : 1;
    phi_pool_run(e->pool, (size_t)((p.rows + p.rows_a_task - 1) / p.rows_a_task), forward_task, &p);
    return PH_OK;
}

/* --- Backward -------------------------------------------------------------------------------- */

static void backward_task(void *arg, size_t task, size_t thread)
{
    const pad *p = arg;
    int64_t index[PH_MAX_RANK + 1] = {0};
    int64_t rows = p->split < 0 ? p->rows : p->rows / p->dims[p->split].out;
    (void)thread;
    if (p->split >= 0) index[p->split] = (int64_t)task;
    for (int64_t r = 0; r < rows; r++) {
        row_at(p, index);
        next(p, index);
    }
}

/* dx = 0, then every dout is added where it came from; tasks differ in a dimension without pads. */
static void backward_data(const phi_exec *e)
{
    pad p;
    phi_zero(e->pool, &e->din[DATA]);
    if (phi_type_count(&e->dout[0].type) == 0) return;
    setup(&p, e, &e->dout[0], &e->din[DATA]);
    p.accumulate = true;
    p.split = -1;
    for (int i = 0; i < p.rank - 1; i++) {
        const dim *d = &p.dims[i];
        bool plain = d->begin == 0 && d->in == d->out && d->lo == 0 && d->hi == d->in;
        if (plain && (p.split < 0 || d->out > p.dims[p.split].out)) p.split = i;
    }
    phi_pool_run(e->pool, p.split < 0 ? 1 : (size_t)p.dims[p.split].out, backward_task, &p);
}

/* The constant's gradient: the sum of dout over all elements that took it. */
static float backward_value(const phi_exec *e)
{
    double sum = 0;
    int64_t index[PH_MAX_RANK + 1] = {0};
    pad p;
    if (phi_type_count(&e->dout[0].type) == 0) return 0;
    setup(&p, e, &e->dout[0], &e->in[DATA]);
    p.split = -1;
    for (int64_t r = 0; r < p.rows; r++, next(&p, index)) {
        const dim *d = &p.dims[p.rank - 1];
        bool inside = true;
        int64_t at = 0;
        for (int i = 0; i < p.rank - 1; i++) {
            inside = inside && source(&p, &p.dims[i], index[i]) >= 0;
            at += index[i] * p.dims[i].out_stride;
        }
        for (int64_t o = 0; o < d->out; o++)
            if (!inside || source(&p, d, o) < 0)
                sum += (double)((const float *)e->dout[0].data)[at + o * d->out_stride];
    }
    return (float)sum;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    if (!phi_view_absent(&e->din[DATA])) backward_data(e);
    if (e->n_in > VALUE && !phi_view_absent(&e->din[VALUE])) {
        float sum = backward_value(e);
        memcpy(e->din[VALUE].data, &sum, sizeof sum);
    }
    return PH_OK;
}

static bool as_identity(const phi_infer *c)
{
    const params *p = c->params;
    for (int i = 0; i < c->in[DATA]->rank; i++)
        if (p->begin[i] || p->end[i]) return false;
    return true;
}

const phi_op phi_op_pad = {
    .name = "Pad",
    .passes = PHI_PASSES_PADS,
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .as_identity = as_identity,
};
