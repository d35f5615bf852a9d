/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/groups.h"
#include "ops/reduce.h"

const phi_attr_rule phi_reduce_attrs[] = {
    {.name = "axes", .kind = PH_ATTR_INTS, .first = 1, .last = 17},
    {.name = "keepdims", .kind = PH_ATTR_INT, .first = 1},
    {.name = "noop_with_empty_axes", .kind = PH_ATTR_INT, .first = 18},
    {.name = NULL},
};

const phi_attr_rule phi_reduce_sum_attrs[] = {
    {.name = "axes", .kind = PH_ATTR_INTS, .first = 1, .last = 12},
    {.name = "keepdims", .kind = PH_ATTR_INT, .first = 1},
    {.name = "noop_with_empty_axes", .kind = PH_ATTR_INT, .first = 13},
    {.name = NULL},
};

/* ptrs {result, x} */
void phi_reduce_square(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *x = p[1];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        y[i * s[0]] = x[i * s[1]] * x[i * s[1]];
}

static const phi_reduce *family(const phi_node *node)
{
    return node->op->family;
}

/* --- Shapes ----------------------------------------------------------------------------------- */

void phi_reduced_type(const phi_type *in, uint32_t mask, bool keep, phi_type *out)
{
    *out = (phi_type){.dtype = in->dtype};
    for (int i = 0; i < in->rank; i++) {
        const bool goes = mask >> i & 1;
        if (!goes || keep) out->dims[out->rank++] = goes ? 1 : in->dims[i];
    }
}

phi_view phi_reduced_view(const phi_view *v, int rank, uint32_t mask, bool keep)
{
    phi_view r = {.type = {.dtype = v->type.dtype, .rank = rank}, .data = v->data};
    for (int i = 0, from = 0; i < rank; i++) {
        const bool goes = mask >> i & 1;
        r.type.dims[i] = goes ? 1 : v->type.dims[from];
        r.strides[i] = goes ? 0 : v->strides[from];
        if (!goes || keep) from++;
    }
    return r;
}

enum ph_status phi_reduce_infer(phi_infer *c)
{
    const phi_reduce *k = family(c->node);
    phi_reduce_params *p = c->params;
    phi_ints axes;
    enum ph_status st = phi_need_types(c, 0, k->types);
    if (!st) st = phi_ints_read(c, "axes", 1, k->axes_input_since, &axes);
    if (!st) st = phi_axes_mask(c, axes.n, axes.at, c->in[0]->rank, &p->axes);
    if (st) return st;
    if (axes.n == 0 && !phi_attr_int(c->node, "noop_with_empty_axes", 0))
        p->axes = (UINT32_C(1) << c->in[0]->rank) - 1;
    p->keep = phi_attr_int(c->node, "keepdims", 1) != 0;
    p->count = 1;
    for (int i = 0; i < c->in[0]->rank; i++)
        if (p->axes >> i & 1) p->count *= (double)c->in[0]->dims[i];
    phi_reduced_type(c->in[0], p->axes, p->keep, &c->out[0]);
    return PH_OK;
}

static phi_view with_all_dims(const phi_exec *e, const phi_view *v)
{
    const phi_reduce_params *p = e->params;
    return phi_reduced_view(v, e->in[0].type.rank, p->axes, p->keep);
}

/* --- Any type: group by group ----------------------------------------------------------------- */

typedef struct gather {
    const phi_reduce *k;
    enum ph_dtype dtype;
    enum phi_wide wide;
    phi_kernel_fn *fn;
    double count;
} gather;

typedef struct one {
    const gather *job;
    phi_room *sum; /* its first number */
    void *y;
} one;

/* The smallest and the largest number of a type of integers or truths. */
static int64_t lowest(enum ph_dtype t)
{
    if (!phi_types_have(PHI_TYPES_SIGNED, t)) return 0;
    return ph_dtype_size(t) == 8 ? INT64_MIN : -(INT64_C(1) << (8 * ph_dtype_size(t) - 1));
}

static uint64_t highest(enum ph_dtype t)
{
    if (t == PH_BOOL) return 1;
    if (phi_types_have(PHI_TYPES_SIGNED, t)) return ~(uint64_t)lowest(t);
    return UINT64_MAX >> (64 - 8 * ph_dtype_size(t));
}

static void begin(const gather *j, phi_room *sum)
{
    const int start = j->k->start;
    if (j->wide == PHI_F64)
        sum->f64[0] = start < 0 ? -(double)INFINITY : start > 1 ? (double)INFINITY : start;
    else
        sum->u64[0] = start < 0   ? (uint64_t)lowest(j->dtype)
                      : start > 1 ? highest(j->dtype)
                                  : (uint64_t)start;
}

static void end(const gather *j, phi_room *sum, void *y)
{
    double *f = &sum->f64[0];
    if (j->k->mean && j->wide == PHI_F64) *f /= j->count;
    if (j->k->mean && j->wide == PHI_I64 && j->count > 0) sum->i64[0] /= (int64_t)j->count;
    if (j->k->mean && j->wide == PHI_U64 && j->count > 0) sum->u64[0] /= (uint64_t)j->count;
    if (j->k->end == PHI_END_ROOT) *f = sqrt(*f);
    if (j->k->end == PHI_END_LOG) *f = log(*f);
    phi_narrow(j->dtype, j->wide, 1, sum, y, 1);
}

/* views: x, y */
static void add_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    one *o = arg;
    const gather *j = o->job;
    const int64_t size = (int64_t)ph_dtype_size(j->dtype);
    phi_room room;
    o->y = p[1];
    for (int64_t i = 0; i < n; i += PHI_RUN) {
        const int64_t now = n - i < PHI_RUN ? n - i : PHI_RUN;
        int64_t steps[3] = {0};
        const void *x = phi_widen(j->dtype, j->wide, now, (const char *)p[0] + i * s[0] * size,
                                  s[0], &room, &steps[2]);
        void *ptrs[3] = {o->sum, o->sum};
        memcpy(&ptrs[2], &x, sizeof x);
        j->fn(now, ptrs, steps);
    }
}

static void one_group(const phi_groups *groups, int64_t g, void *arg)
{
    phi_room sum;
    one o = {.job = arg, .sum = &sum};
    begin(o.job, &sum);
    phi_groups_each(groups, g, add_run, &o);
    end(o.job, &sum, o.y);
}

/* Nothing to gather: what it begins with. views: y */
static void empty_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    const gather *j = arg;
    for (int64_t i = 0; i < n; i++) {
        phi_room sum;
        begin(j, &sum);
        end(j, &sum, (char *)p[0] + i * s[0] * (int64_t)ph_dtype_size(j->dtype));
    }
}

static void forward_any(const phi_exec *e)
{
    const phi_reduce *k = family(e->node);
    const phi_reduce_params *p = e->params;
    const phi_view *x = &e->in[0];
    gather j = {
        .k = k, .dtype = x->type.dtype, .wide = phi_wide_of(x->type.dtype), .count = p->count};
    if (j.wide == PHI_F32 || k->floating) j.wide = PHI_F64;
    j.fn = j.wide == PHI_F64 ? k->kernels.f64 : j.wide == PHI_I64 ? k->kernels.i64 : k->kernels.u64;
    phi_view y = with_all_dims(e, &e->out[0]);
    y = phi_view_broadcast(&y, &x->type);
    const phi_groups groups = phi_groups_of(2, (const phi_view *const[]){x, &y}, p->axes);
    const phi_view *out = &e->out[0];
    if (phi_type_count(&x->type) > 0)
        phi_groups_run(e->pool, &groups, one_group, &j);
    else
        phi_loop(e->pool, 1, &out, empty_run, &j);
}

/* --- float32 sums ----------------------------------------------------------------------------- */

PHI_UNARY_LOOP(root, float, float, sqrtf(u))
PHI_UNARY_LOOP(logarithm, float, float, logf(u))

enum ph_status phi_reduce_forward(const phi_exec *e, ph_error *err)
{
    const phi_reduce *k = family(e->node);
    const phi_reduce_params *p = e->params;
    const phi_view *out = &e->out[0];
    const phi_kernels ends[] = {[PHI_END_ROOT] = {.f32 = root}, [PHI_END_LOG] = {.f32 = logarithm}};
    (void)err;
    if (!k->sum || e->in[0].type.dtype != PH_FLOAT32) {
        forward_any(e);
        return PH_OK;
    }
    const phi_view y = with_all_dims(e, out);
    phi_sum_to(e->pool, &y, 1, &e->in[0], k->term, k->mean ? p->count : 1.0);
    if (k->end != PHI_END_NOTHING) phi_apply(e->pool, out, 1, &out, PHI_F32, &ends[k->end]);
    return PH_OK;
}

enum ph_status phi_reduce_backward(const phi_exec *e, ph_error *err)
{
    const phi_reduce_params *p = e->params;
    float count = (float)p->count;
    (void)err;
    phi_view g = with_all_dims(e, &e->dout[0]), y = with_all_dims(e, &e->out[0]);
    g = phi_view_broadcast(&g, &e->in[0].type);
    y = phi_view_broadcast(&y, &e->in[0].type);
    phi_loop(e->pool, 4, (const phi_view *const[]){&e->din[0], &g, &e->in[0], &y},
             family(e->node)->grad, &count);
    return PH_OK;
}
