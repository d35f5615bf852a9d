/* SPDX-License-Identifier: MIT */
/*
 * TopK: the k largest (or smallest) elements along an axis, and where they are; of those that are
 * alike, the first ones. What is not a number counts as larger than everything. Always sorted,
 * asked for or not. The k is an attribute before opset 10, then an input.
 */
#include <inttypes.h>

#include "base/half.h"
#include "graph/graph.h"
#include "ops/axes.h"
#include "ops/elements.h"
#include "ops/groups.h"

typedef struct params {
    int axis;
    bool largest;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1},
    {.name = "k", .kind = PH_ATTR_INT, .first = 1, .last = 9, .required = true},
    {.name = "largest", .kind = PH_ATTR_INT, .first = 11},
    {.name = "sorted", .kind = PH_ATTR_INT, .first = 11},
    {.name = NULL},
};

static enum ph_status read_k(const phi_infer *c, int64_t *k)
{
    phi_ints list;
    *k = phi_attr_int(c->node, "k", 0);
    if (c->opset < 10) return PH_OK;
    enum ph_status st = phi_ints_read(c, "k", 1, 10, &list);
    if (st) return st;
    if (list.n != 1) return phi_op_fail(c, PH_ERR_ARG, "k has %zu numbers, wanted is one", list.n);
    *k = list.at[0];
    return PH_OK;
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    int64_t k;
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_NUMBER);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", -1), c->in[0]->rank, &p->axis);
    if (!st) st = read_k(c, &k);
    if (st) return st;
    if (k < 0 || k > c->in[0]->dims[p->axis])
        return phi_op_fail(c, PH_ERR_ARG, "k is %" PRId64 ", axis %d has %" PRId64 " elements", k,
                           p->axis, c->in[0]->dims[p->axis]);
    p->largest = phi_attr_int(c->node, "largest", 1) != 0;
    c->out[0] = *c->in[0];
    c->out[0].dims[p->axis] = k;
    c->out[1] = c->out[0];
    c->out[1].dtype = PH_INT64;
    return PH_OK;
}

/* --- Which of two comes first ----------------------------------------------------------------- */

typedef int compare_fn(const void *x, int64_t i, int64_t j); /* -1, 0, 1: x[i] <, =, > x[j] */

#define DEFINE_COMPARE(name, type, value)                                                          \
    static int name(const void *x, int64_t i, int64_t j)                                           \
    {                                                                                              \
        const type *a = x;                                                                         \
        return (value(a[i]) > value(a[j])) - (value(a[i]) < value(a[j]));                          \
    }
#define DEFINE_COMPARE_FLOAT(name, type, value)                                                    \
    static int name(const void *x, int64_t i, int64_t j)                                           \
    {                                                                                              \
        const type *a = x;                                                                         \
        const bool ni = value(a[i]) != value(a[i]), nj = value(a[j]) != value(a[j]);               \
        if (ni || nj) return ni - nj;                                                              \
        return (value(a[i]) > value(a[j])) - (value(a[i]) < value(a[j]));                          \
    }
#define ITSELF(v) (v)
DEFINE_COMPARE_FLOAT(compare_f32, float, ITSELF)
DEFINE_COMPARE_FLOAT(compare_f64, double, ITSELF)
DEFINE_COMPARE_FLOAT(compare_f16, uint16_t, phi_f16_widen)
DEFINE_COMPARE_FLOAT(compare_bf16, uint16_t, phi_bf16_widen)
DEFINE_COMPARE(compare_i8, int8_t, ITSELF)
DEFINE_COMPARE(compare_i16, int16_t, ITSELF)
DEFINE_COMPARE(compare_i32, int32_t, ITSELF)
DEFINE_COMPARE(compare_i64, int64_t, ITSELF)
DEFINE_COMPARE(compare_u8, uint8_t, ITSELF)
DEFINE_COMPARE(compare_u16, uint16_t, ITSELF)
DEFINE_COMPARE(compare_u32, uint32_t, ITSELF)
DEFINE_COMPARE(compare_u64, uint64_t, ITSELF)

static compare_fn *const compares[] = {
    [PH_FLOAT32] = compare_f32,   [PH_FLOAT64] = compare_f64, [PH_FLOAT16] = compare_f16,
    [PH_BFLOAT16] = compare_bf16, [PH_INT8] = compare_i8,     [PH_INT16] = compare_i16,
    [PH_INT32] = compare_i32,     [PH_INT64] = compare_i64,   [PH_UINT8] = compare_u8,
    [PH_UINT16] = compare_u16,    [PH_UINT32] = compare_u32,  [PH_UINT64] = compare_u64,
};

/* --- A heap of indices, the one that comes last on top -------------------------------------------
 * The indices lie in the output itself, `step` apart. */

typedef struct heap {
    compare_fn *compare;
    const void *x;
    int64_t x_step, step, n;
    bool largest;
    int64_t *at;
} heap;

/* Does index i come before index j in the result? */
static bool before(const heap *h, int64_t i, int64_t j)
{
    const int order = h->compare(h->x, i * h->x_step, j * h->x_step);
    if (order == 0) return i < j;
    return h->largest ? order > 0 : order < 0;
}

/* Let what is at place i sink to where all below come before it. */
static void sink(heap *h, int64_t i)
{
    const int64_t moving = h->at[i * h->step];
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child >= h->n) break;
        if (child + 1 < h->n && before(h, h->at[child * h->step], h->at[(child + 1) * h->step]))
            child++;
        if (!before(h, moving, h->at[child * h->step])) break;
        h->at[i * h->step] = h->at[child * h->step];
        i = child;
    }
    h->at[i * h->step] = moving;
}

static void select_first(heap *h, int64_t count)
{
    const int64_t k = h->n;
    for (int64_t i = 0; i < k; i++)
        h->at[i * h->step] = i;
    for (int64_t i = k / 2; i-- > 0;)
        sink(h, i);
    for (int64_t i = k; i < count; i++) {
        if (!before(h, i, h->at[0])) continue;
        h->at[0] = i;
        sink(h, 0);
    }
    while (h->n > 1) { /* what comes last to the end */
        const int64_t last = h->at[0];
        h->at[0] = h->at[--h->n * h->step];
        h->at[h->n * h->step] = last;
        sink(h, 0);
    }
}

typedef struct job {
    enum ph_dtype dtype;
    bool largest;
    int64_t k;
} job;

/* views: x, values, indices; the last two are k long, whatever n says */
static void axis_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    const job *j = arg;
    const int64_t size = (int64_t)ph_dtype_size(j->dtype);
    heap h = {.compare = compares[j->dtype],
              .x = p[0],
              .x_step = s[0],
              .step = s[2],
              .n = j->k,
              .largest = j->largest,
              .at = p[2]};
    select_first(&h, n);
    for (int64_t i = 0; i < j->k; i++)
        memcpy((char *)p[1] + i * s[1] * size, (const char *)p[0] + h.at[i * s[2]] * s[0] * size,
               (size_t)size);
}

static void one_group(const phi_groups *groups, int64_t g, void *arg)
{
    phi_groups_each(groups, g, axis_run, arg);
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_view *x = &e->in[0];
    phi_view values = e->out[0], at = e->out[1];
    job j = {.dtype = x->type.dtype, .largest = p->largest, .k = values.type.dims[p->axis]};
    (void)err;
    if (j.k == 0) return PH_OK;
    values.type.dims[p->axis] = at.type.dims[p->axis] = x->type.dims[p->axis];
    const phi_groups groups =
        phi_groups_of(3, (const phi_view *const[]){x, &values, &at}, UINT32_C(1) << p->axis);
    phi_groups_run(e->pool, &groups, one_group, &j);
    return PH_OK;
}

const phi_op phi_op_top_k = {
    .name = "TopK",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 2,
    .min_out = 2,
    .max_out = 2,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
