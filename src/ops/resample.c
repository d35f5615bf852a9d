/* SPDX-License-Identifier: MIT */
/*
 * A table for each axis that changes says for each output position from which input positions it is
 * made, and with which weights. Nearest copies elements, in one pass over the output. The others go
 * axis by axis, those that shrink most first, through buffers that are dense in the order in which
 * the input lies in memory: along an axis, the elements behind it in that order are one contiguous
 * run, so channels-last images are resampled in vectors of channels or whole lines.
 *
 * Forward a task is some positions of the pass's output. Backward it is a piece of such a run for
 * all positions of the axis, whose table it goes through in order.
 */
#include "ops/resample.h"

#include <math.h>

#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/op_check.h"

#define MOST_TABLE (INT64_C(1) << 30) /* entries */
#define MOST_TAPS (INT64_C(1) << 24)

/* --- Shape ----------------------------------------------------------------------------------- */

enum ph_status phi_resample_floats(const phi_infer *c, size_t input, const char *what, size_t *n,
                                   double out[2 * PH_MAX_RANK])
{
    const ph_tensor *t;
    char text[PHI_TYPE_TEXT];
    *n = 0;
    if (input >= c->n_in || !c->in[input] || phi_type_count(c->in[input]) == 0) return PH_OK;
    enum ph_status st = phi_known_input(c, input, what, &t);
    if (st) return st;
    bool is_float = t->type.dtype == PH_FLOAT32 || t->type.dtype == PH_FLOAT64;
    if (t->type.rank != 1 || (!is_float && t->type.dtype != PH_INT64))
        return phi_op_fail(c, PH_ERR_TYPE, "%s is %s, wanted is one dimension of numbers", what,
                           phi_type_text(&t->type, text, sizeof text));
    if (t->count > 2 * PH_MAX_RANK)
        return phi_op_fail(c, PH_ERR_SHAPE, "%s has %lld numbers, at most %d are possible", what,
                           (long long)t->count, 2 * PH_MAX_RANK);
    *n = (size_t)t->count;
    for (size_t i = 0; i < *n; i++)
        out[i] = t->type.dtype == PH_FLOAT32   ? (double)((const float *)t->data)[i]
                 : t->type.dtype == PH_FLOAT64 ? ((const double *)t->data)[i]
                                               : (double)((const int64_t *)t->data)[i];
    return PH_OK;
}

static enum ph_status size_axis(const phi_infer *c, phi_resample_axis *a, int i, bool sized)
{
    if (!sized) {
        if (!(a->scale > 0) || !isfinite(a->scale))
            return phi_op_fail(c, PH_ERR_ARG, "the scale of dimension %d is %g, wanted above 0", i,
                               a->scale);
        float out = floorf((float)a->in * (float)a->scale);
        if (!(out < 9e18f))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "dimension %d times %g does not fit", i,
                               a->scale);
        a->out = (int64_t)out;
    }
    if (a->out < 0)
        return phi_op_fail(c, PH_ERR_ARG, "the size of dimension %d is %lld", i, (long long)a->out);
    if (a->in == 0 && a->out > 0)
        return phi_op_fail(c, PH_ERR_SHAPE, "dimension %d has no elements to resize to %lld", i,
                           (long long)a->out);
    return PH_OK;
}

/* Input positions that make an output position, at most. */
static int64_t n_taps(const phi_resample *r, const phi_resample_axis *a)
{
    if (r->mode == PHI_NEAREST) return 1;
    double reach = r->mode == PHI_LINEAR ? 1 : 2;
    if (r->antialias && a->scale < 1) reach = -(floor(-reach / a->scale) + 1) + 1;
    return reach < (double)MOST_TAPS ? 2 * (int64_t)reach : MOST_TAPS + 1;
}

static enum ph_status check_axis(const phi_infer *c, const phi_resample *r, phi_resample_axis *a,
                                 int i)
{
    bool whole = r->coordinates != PHI_TF_CROP_AND_RESIZE || (a->roi_start == 0 && a->roi_end == 1);
    int64_t entries = 0, taps = n_taps(r, a);
    a->skip = a->in == a->out && fabs(a->scale - 1) < 1e-9 && whole;
    if (a->skip || a->out == 0) return PH_OK;
    if (taps <= MOST_TAPS && phi_mul_i64(taps, a->out, &entries) && entries <= MOST_TABLE)
        return PH_OK;
    return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                       "dimension %d from %lld to %lld takes too large a table", i,
                       (long long)a->in, (long long)a->out);
}

enum ph_status phi_resample_infer(phi_infer *c, phi_resample *r, bool sized)
{
    const phi_type *x = c->in[0];
    if (r->mode != PHI_NEAREST) {
        enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
        if (st) return st;
    }
    r->rank = x->rank;
    c->out[0] = *x;
    for (int i = 0; i < x->rank; i++) {
        phi_resample_axis *a = &r->axis[i];
        a->in = x->dims[i];
        enum ph_status st = size_axis(c, a, i, sized);
        if (!st) st = check_axis(c, r, a, i);
        if (st) return st;
        c->out[0].dims[i] = a->out;
    }
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

/* --- Coordinates and weights ------------------------------------------------------------------ */

/*
 * The length of the resized axis is in * scale, not rounded down, as in ONNX's reference: they
 * differ where scales are given that do not make a whole number.
 */
static double coordinate(const phi_resample *r, const phi_resample_axis *a, int64_t o)
{
    const double x = (double)o, in = (double)a->in, length = a->scale * in;
    const double span = (a->roi_end - a->roi_start) * (in - 1);
    switch (r->coordinates) {
    case PHI_HALF_PIXEL:
        break;
    case PHI_HALF_PIXEL_SYMMETRIC:
        return in / 2 * (1 - (double)a->out / length) + (x + 0.5) / a->scale - 0.5;
    case PHI_PYTORCH_HALF_PIXEL:
        if (a->out == 1) return 0;
        break;
    case PHI_ALIGN_CORNERS:
        return length == 1 ? 0 : x * (in - 1) / (length - 1);
    case PHI_ASYMMETRIC:
        return x / a->scale;
    case PHI_TF_HALF_PIXEL_FOR_NN:
        return (x + 0.5) / a->scale;
    case PHI_TF_CROP_AND_RESIZE:
        return a->roi_start * (in - 1) + (length == 1 ? span / 2 : x * span / (length - 1));
    }
    return (x + 0.5) / a->scale - 0.5;
}

/* Cubic convolution (Keys 1981): the weight at distance d. */
static double cubic(double d, double a)
{
    d = fabs(d);
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static double weight(const phi_resample *r, double d)
{
    if (r->mode == PHI_CUBIC) return cubic(d, (double)r->cubic_a);
    d = 1 - fabs(d);
    return d < 0 ? 0 : d;
}

/* 0 for the neighbour below, 1 for that above; x = below + ratio, 0 < ratio <= 1. */
static int64_t nearest_of(const phi_resample *r, const phi_resample_axis *a, double ratio)
{
    if (ratio == 1) return 1;
    switch (r->nearest) {
    case PHI_ROUND_PREFER_FLOOR:
        return ratio > 0.5;
    case PHI_ROUND_PREFER_CEIL:
        return ratio >= 0.5;
    case PHI_FLOOR:
        return 0;
    case PHI_CEIL:
        return 1;
    case PHI_NEAREST_SIMPLE:
        return a->scale < 1;
    }
    return 0;
}

static int64_t clamp_index(double i, int64_t n)
{
    return i < 0 ? 0 : i > (double)(n - 1) ? n - 1 : (int64_t)i;
}

/* The table of an axis: taps entries for each output position, positions below 0: extrapolated. */
typedef struct table {
    int64_t taps;
    int64_t *at;   /* [out,taps] */
    float *weight; /* [out,taps]; not for nearest */
} table;

/* The weights of one output position, whose lowest tap is number `low` (it may be outside). */
static void fill_weights(const phi_resample *r, const phi_resample_axis *a, double x, double low,
                         int64_t taps, int64_t *at, float *w)
{
    double squeeze = r->antialias && a->scale < 1 ? a->scale : 1, sum = 0;
    for (int pass = 0; pass < 2; pass++) /* the sum, then the weights */
        for (int64_t t = 0; t < taps; t++) {
            double i = low + (double)t, v = weight(r, (i - x) * squeeze);
            if (r->exclude_outside && (i < 0 || i > (double)(a->in - 1))) v = 0;
            if (pass == 0) sum += v;
            at[t] = clamp_index(i, a->in);
            w[t] = (float)(sum != 0 ? v / sum : v);
        }
}

static void fill_position(const phi_resample *r, const phi_resample_axis *a, int64_t o, table *t)
{
    double x = coordinate(r, a, o), below = ceil(x) - 1;
    int64_t *at = t->at + o * t->taps;
    bool outside = !(x >= 0 && x <= (double)(a->in - 1));
    if (r->coordinates == PHI_TF_CROP_AND_RESIZE && outside) {
        for (int64_t k = 0; k < t->taps; k++)
            at[k] = -1;
    } else if (r->mode == PHI_NEAREST) {
        at[0] = clamp_index(below + (double)nearest_of(r, a, x - below), a->in);
    } else {
        fill_weights(r, a, x, below - (double)(t->taps / 2 - 1), t->taps, at,
                     t->weight + o * t->taps);
    }
}

/* Bytes of an axis's table. Entries are bounded by MOST_TABLE. */
static size_t table_bytes(const phi_resample *r, const phi_resample_axis *a)
{
    size_t entries = a->skip ? 0 : (size_t)(n_taps(r, a) * a->out);
    return phi_round_up(entries * sizeof(int64_t), PHI_ALIGN) +
           phi_round_up(entries * sizeof(float), PHI_ALIGN);
}

/* The tables in `memory`, as they lie there. */
static void place_tables(const phi_resample *r, const void *memory, table tables[PH_MAX_RANK])
{
    union {
        const void *in;
        char *out;
    } at = {.in = memory};
    for (int i = 0; i < r->rank; i++) {
        const phi_resample_axis *a = &r->axis[i];
        tables[i] = (table){.taps = n_taps(r, a), .at = (int64_t *)(void *)at.out};
        size_t entries = a->skip ? 0 : (size_t)(tables[i].taps * a->out);
        tables[i].weight = phi_behind(at.out, entries * sizeof(int64_t));
        at.out += table_bytes(r, a);
    }
}

size_t phi_resample_pack_bytes(const phi_exec *e)
{
    const phi_resample *r = e->params;
    size_t bytes = 0;
    for (int i = 0; i < r->rank; i++)
        bytes += table_bytes(r, &r->axis[i]);
    return bytes;
}

void phi_resample_pack(const phi_exec *e, void *packed)
{
    const phi_resample *r = e->params;
    table tables[PH_MAX_RANK];
    place_tables(r, packed, tables);
    for (int i = 0; i < r->rank; i++)
        for (int64_t o = 0; o < r->axis[i].out && !r->axis[i].skip; o++)
            fill_position(r, &r->axis[i], o, &tables[i]);
}

/* --- Memory ---------------------------------------------------------------------------------- */

/* The axes in the order in which they lie in memory, the last one fastest. */
static void memory_order(const phi_view *x, int order[PH_MAX_RANK])
{
    int64_t pitch;
    bool channels_last = phi_view_is_pixels(x, &pitch) && !phi_view_is_plain(x);
    int rank = x->type.rank;
    for (int i = 0; i < rank; i++)
        order[i] = !channels_last || i == 0 ? i : i < rank - 1 ? i + 1 : 1;
}

/* Does `v` lie densely in this order? */
static bool is_dense(const phi_view *v, const int *order)
{
    int64_t step = 1;
    for (int i = v->type.rank - 1; i >= 0; i--) {
        if (v->type.dims[order[i]] != 1 && v->strides[order[i]] != step) return false;
        step *= v->type.dims[order[i]];
    }
    return true;
}

static phi_view dense_view(const phi_type *t, const int *order, void *data)
{
    phi_view v = {.type = *t, .data = data};
    int64_t step = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        v.strides[order[i]] = step;
        step *= t->dims[order[i]];
    }
    return v;
}

/* Elements of the largest tensor on the way: each axis at the larger of its sizes bounds them, but
 * axes are taken by rising growth, so it is what is largest on that path. */
typedef struct path {
    int n, axis[PH_MAX_RANK];
} path;

static double growth(const phi_resample_axis *a)
{
    return (double)a->out / (double)a->in;
}

static path path_of(const phi_resample *r)
{
    path p = {0};
    for (int i = 0; i < r->rank; i++) {
        if (r->axis[i].skip) continue;
        int at = p.n++;
        for (; at > 0 && growth(&r->axis[p.axis[at - 1]]) > growth(&r->axis[i]); at--)
            p.axis[at] = p.axis[at - 1];
        p.axis[at] = i;
    }
    return p;
}

/* Along the path sizes fall, then rise: nothing on it is larger than its two ends. */
static size_t buffer_bytes(const phi_exec *e)
{
    size_t in = phi_type_bytes(&e->in[0].type), out = phi_type_bytes(&e->out[0].type);
    return phi_round_up(phi_max_size(in, out), PHI_ALIGN);
}

size_t phi_resample_work_bytes(const phi_exec *e, bool backward)
{
    const phi_resample *r = e->params;
    size_t tables = e->packed ? 0 : phi_resample_pack_bytes(e);
    if (r->mode == PHI_NEAREST && !backward) return tables;
    return tables + 2 * buffer_bytes(e);
}

/* --- Nearest: copies -------------------------------------------------------------------------- */

typedef struct nearest {
    const phi_resample *r;
    const phi_view *x, *y;
    table tables[PH_MAX_RANK];
    int order[PH_MAX_RANK];
    size_t size; /* bytes of an element */
    int64_t rows, rows_a_task, inner;
    unsigned char fill[16];
} nearest;

/* Element number `from` elements off x's first. */
static const char *element(const nearest *j, int64_t from)
{
    return (const char *)j->x->data + from * (int64_t)j->size;
}

/* Position of the row's outer indices in x, or -1 where one of them is extrapolated. */
static int64_t source_of(const nearest *j, int64_t row, int64_t *to)
{
    int64_t from = 0;
    bool outside = false;
    *to = 0;
    for (int k = j->r->rank - 2; k >= 0; k--) {
        int i = j->order[k];
        const phi_resample_axis *a = &j->r->axis[i];
        int64_t o = row % a->out, at = a->skip ? o : j->tables[i].at[o];
        row /= a->out;
        outside |= at < 0;
        from += at * j->x->strides[i];
        *to += o * j->y->strides[i];
    }
    return outside ? -1 : from;
}

#define DEFINE_GATHER(name, type)                                                                  \
    static void name(const nearest *j, const char *from, char *to, int64_t sx, int64_t sy,         \
                     const int64_t *at)                                                            \
    {                                                                                              \
        for (int64_t o = 0; o < j->inner; o++) {                                                   \
            int64_t i = at ? at[o] : o;                                                            \
            const void *v = i < 0 ? (const void *)j->fill                                          \
                                  : (const void *)(from + i * sx * (int64_t)sizeof(type));         \
            memcpy(to + o * sy * (int64_t)sizeof(type), v, sizeof(type));                          \
        }                                                                                          \
    }
DEFINE_GATHER(gather_1, uint8_t)
DEFINE_GATHER(gather_2, uint16_t)
DEFINE_GATHER(gather_4, uint32_t)
DEFINE_GATHER(gather_8, uint64_t)

static void nearest_row(const nearest *j, int64_t row)
{
    int last = j->order[j->r->rank - 1];
    const phi_resample_axis *a = &j->r->axis[last];
    const int64_t *at = a->skip ? NULL : j->tables[last].at;
    int64_t to, from = source_of(j, row, &to);
    int64_t sx = j->x->strides[last], sy = j->y->strides[last];
    char *y = (char *)j->y->data + to * (int64_t)j->size;
    if (from >= 0 && !at && sx == 1 && sy == 1) {
        memcpy(y, element(j, from), (size_t)j->inner * j->size);
        return;
    }
    const char *x = from < 0 ? (const char *)j->fill : element(j, from);
    if (from < 0) sx = 0, at = NULL;
    (j->size == 1   ? gather_1
     : j->size == 2 ? gather_2
     : j->size == 4 ? gather_4
                    : gather_8)(j, x, y, sx, sy, at);
}

static void nearest_task(void *arg, size_t task, size_t thread)
{
    const nearest *j = arg;
    int64_t row = (int64_t)task * j->rows_a_task;
    int64_t end = row + j->rows_a_task < j->rows ? row + j->rows_a_task : j->rows;
    (void)thread;
    for (; row < end; row++)
        nearest_row(j, row);
}

/* The value of positions outside, as an element. */
static void set_fill(nearest *j, enum ph_dtype dtype, float value)
{
    const double wide = (double)value;
    const int64_t whole = value > -9e18f && value < 9e18f ? (int64_t)value : 0;
    const uint32_t low32 = (uint32_t)whole;
    const uint16_t low16 = (uint16_t)whole;
    const uint8_t low8 = (uint8_t)whole;
    if (dtype == PH_FLOAT32)
        memcpy(j->fill, &value, sizeof value);
    else if (dtype == PH_FLOAT64)
        memcpy(j->fill, &wide, sizeof wide);
    else if (j->size == 8)
        memcpy(j->fill, &whole, sizeof whole);
    else if (j->size == 4)
        memcpy(j->fill, &low32, sizeof low32);
    else if (j->size == 2)
        memcpy(j->fill, &low16, sizeof low16);
    else
        memcpy(j->fill, &low8, sizeof low8);
}

static void nearest_forward(const phi_exec *e, const void *tables)
{
    const phi_resample *r = e->params;
    nearest j = {.r = r, .x = &e->in[0], .y = &e->out[0]};
    place_tables(r, tables, j.tables);
    memory_order(j.x, j.order);
    j.size = ph_dtype_size(j.x->type.dtype);
    set_fill(&j, j.x->type.dtype, r->extrapolation);
    j.inner = r->axis[j.order[r->rank - 1]].out;
    j.rows = phi_type_count(&j.y->type) / j.inner;
    j.rows_a_task = phi_rows_a_task(j.inner);
    phi_pool_run(e->pool, (size_t)((j.rows + j.rows_a_task - 1) / j.rows_a_task), nearest_task, &j);
}

/* --- Weighted sums: a pass along one axis ----------------------------------------------------- */

/* x [outer, in, inner] -> y [outer, out, inner]; backward dy -> dx. */
typedef struct pass {
    const table *t;
    int64_t outer, in, out, inner;
    int64_t rows_a_task;     /* forward: rows of y */
    int64_t piece, n_pieces; /* backward: of a run */
    bool is_nearest;
    float extrapolation;
    const float *from;
    float *to;
} pass;

static void weigh2(float *restrict y, const float *restrict x0, const float *restrict x1, float w0,
                   float w1, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = w0 * x0[i] + w1 * x1[i];
}

static void add2(float *restrict y, const float *restrict x0, const float *restrict x1, float w0,
                 float w1, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += w0 * x0[i] + w1 * x1[i];
}

static void add1(float *restrict y, const float *restrict x, float w, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += w * x[i];
}

/* One output position: y [inner] from x [in, inner]; taps but for nearest come in pairs. */
static void forward_row(const pass *p, const float *x, int64_t o, float *y)
{
    const int64_t taps = p->t->taps, *at = p->t->at + o * taps, n = p->inner;
    const float *w = p->t->weight + o * taps;
    if (at[0] < 0) {
        for (int64_t i = 0; i < n; i++)
            y[i] = p->extrapolation;
        return;
    }
    weigh2(y, x + at[0] * n, x + at[1] * n, w[0], w[1], n);
    for (int64_t k = 2; k + 1 < taps; k += 2)
        add2(y, x + at[k] * n, x + at[k + 1] * n, w[k], w[k + 1], n);
}

/* The same where runs are single elements. */
static float forward_element(const pass *p, const float *x, int64_t o)
{
    const int64_t taps = p->t->taps, *at = p->t->at + o * taps;
    const float *w = p->t->weight + o * taps;
    if (at[0] < 0) return p->extrapolation;
    float sum = w[0] * x[at[0]] + w[1] * x[at[1]];
    for (int64_t k = 2; k + 1 < taps; k += 2)
        sum += w[k] * x[at[k]] + w[k + 1] * x[at[k + 1]];
    return sum;
}

static void forward_task(void *arg, size_t task, size_t thread)
{
    const pass *p = arg;
    int64_t row = (int64_t)task * p->rows_a_task, rows = p->outer * p->out;
    int64_t end = row + p->rows_a_task < rows ? row + p->rows_a_task : rows;
    (void)thread;
    for (; row < end; row++) {
        const float *x = p->from + row / p->out * p->in * p->inner;
        if (p->inner == 1)
            p->to[row] = forward_element(p, x, row % p->out);
        else
            forward_row(p, x, row % p->out, p->to + row * p->inner);
    }
}

static void backward_task(void *arg, size_t task, size_t thread)
{
    const pass *p = arg;
    int64_t outer = (int64_t)task / p->n_pieces, start = (int64_t)task % p->n_pieces * p->piece;
    int64_t n = start + p->piece < p->inner ? p->piece : p->inner - start, taps = p->t->taps;
    float *dx = p->to + outer * p->in * p->inner + start;
    const float *dy = p->from + outer * p->out * p->inner + start;
    (void)thread;
    for (int64_t i = 0; i < p->in; i++)
        memset(dx + i * p->inner, 0, (size_t)n * sizeof *dx);
    for (int64_t o = 0; o < p->out; o++)
        for (int64_t k = 0; k < taps; k++) {
            int64_t at = p->t->at[o * taps + k];
            float w = p->is_nearest ? 1.0f : p->t->weight[o * taps + k];
            if (at >= 0) add1(dx + at * p->inner, dy + o * p->inner, w, n);
        }
}

static void run_pass(const phi_exec *e, pass *p, bool backward)
{
    enum { PIECE = 4096 };
    if (backward) {
        p->piece = p->inner < PIECE ? p->inner : PIECE;
        p->n_pieces = (p->inner + p->piece - 1) / p->piece;
        phi_pool_run(e->pool, (size_t)(p->outer * p->n_pieces), backward_task, p);
        return;
    }
    int64_t rows = p->outer * p->out;
    p->rows_a_task = phi_rows_a_task(p->inner * p->t->taps);
    phi_pool_run(e->pool, (size_t)((rows + p->rows_a_task - 1) / p->rows_a_task), forward_task, p);
}

/* All passes from `from` to `to`, forward from x to y, backward from dy to dx. */
static void run_passes(const phi_exec *e, const phi_view *from, const phi_view *to,
                       const void *memory, char *buffers, bool backward)
{
    const phi_resample *r = e->params;
    const path todo = path_of(r);
    table tables[PH_MAX_RANK];
    int order[PH_MAX_RANK];
    phi_type t = from->type;
    char *room[2] = {buffers, buffers + buffer_bytes(e)};
    place_tables(r, memory, tables);
    memory_order(&e->in[0], order);
    const void *at = from->data;
    if (!is_dense(from, order)) {
        phi_view copy = dense_view(&t, order, room[1]);
        phi_copy(e->pool, &copy, from);
        at = room[1];
    }
    bool direct = is_dense(to, order);
    for (int k = 0; k < todo.n; k++) {
        int axis = todo.axis[backward ? todo.n - 1 - k : k], place = 0;
        const phi_resample_axis *a = &r->axis[axis];
        pass p = {.t = &tables[axis],
                  .outer = 1,
                  .inner = 1,
                  .in = a->in,
                  .out = a->out,
                  .is_nearest = r->mode == PHI_NEAREST,
                  .extrapolation = r->extrapolation,
                  .from = at};
        while (order[place] != axis)
            p.outer *= t.dims[order[place++]];
        while (++place < r->rank)
            p.inner *= t.dims[order[place]];
        p.to = k == todo.n - 1 && direct ? to->data : (float *)(void *)room[k % 2];
        run_pass(e, &p, backward);
        t.dims[axis] = backward ? a->in : a->out;
        at = p.to;
    }
    if (todo.n == 0 || !direct) {
        union {
            const void *in;
            void *out;
        } last = {.in = at};
        phi_view result = dense_view(&t, order, last.out);
        phi_copy(e->pool, to, &result);
    }
}

/* --- Running ---------------------------------------------------------------------------------- */

/* The tables, and in *rest the scratch behind them. */
static const void *tables_of(const phi_exec *e, char **rest)
{
    *rest = e->work;
    if (e->packed) return e->packed;
    phi_resample_pack(e, e->work);
    *rest += phi_resample_pack_bytes(e);
    return e->work;
}

enum ph_status phi_resample_forward(const phi_exec *e, ph_error *err)
{
    const phi_resample *r = e->params;
    char *rest;
    (void)err;
    if (phi_type_count(&e->out[0].type) == 0) return PH_OK;
    if (path_of(r).n == 0) {
        phi_copy(e->pool, &e->out[0], &e->in[0]);
        return PH_OK;
    }
    const void *tables = tables_of(e, &rest);
    if (r->mode == PHI_NEAREST)
        nearest_forward(e, tables);
    else
        run_passes(e, &e->in[0], &e->out[0], tables, rest, false);
    return PH_OK;
}

enum ph_status phi_resample_backward(const phi_exec *e, ph_error *err)
{
    char *rest;
    (void)err;
    for (size_t i = 1; i < e->n_in; i++)
        if (!phi_view_absent(&e->din[i])) phi_zero(e->pool, &e->din[i]);
    if (phi_view_absent(&e->din[0])) return PH_OK;
    if (phi_type_count(&e->out[0].type) == 0) {
        phi_zero(e->pool, &e->din[0]);
        return PH_OK;
    }
    const void *tables = tables_of(e, &rest);
    run_passes(e, &e->dout[0], &e->din[0], tables, rest, true);
    return PH_OK;
}
