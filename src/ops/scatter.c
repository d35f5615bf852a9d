/* SPDX-License-Identifier: MIT */
#include "ops/scatter.h"

#include "graph/graph.h"
#include "ops/indices.h"
#include "ops/move.h"

#define REDUCTION(name, floats, integers)                                                          \
    PHI_BINARY_LOOP(name##_f32, float, float, floats)                                              \
    PHI_BINARY_LOOP(name##_f64, double, double, floats)                                            \
    PHI_BINARY_LOOP(name##_i64, int64_t, int64_t, integers)                                        \
    PHI_BINARY_LOOP(name##_u64, uint64_t, uint64_t, integers)
REDUCTION(add, u + v, (uint64_t)u + (uint64_t)v)
REDUCTION(mul, u *v, (uint64_t)u *(uint64_t)v)
REDUCTION(max, u > v || u != u ? u : v, u > v ? u : v)
REDUCTION(min, u < v || u != u ? u : v, u < v ? u : v)

static const struct {
    const char *name;
    int since;
    phi_kernel_fn *fn[4]; /* by enum phi_wide */
} reductions[] = {
    {"none", 0, {NULL}},
    {"add", 16, {add_f32, add_f64, add_i64, add_u64}},
    {"mul", 16, {mul_f32, mul_f64, mul_i64, mul_u64}},
    {"max", 18, {max_f32, max_f64, max_i64, max_u64}},
    {"min", 18, {min_f32, min_f64, min_i64, min_u64}},
};

enum ph_status phi_scatter_infer(phi_infer *c, phi_scatter_params *p)
{
    const char *name = phi_attr_string(c->node, "reduction", "none");
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_ALL);
    if (!st) st = phi_need_indices(c, 1);
    if (!st) st = phi_need_types(c, 2, PHI_TYPES_ALL);
    if (st) return st;
    if (c->in[2]->dtype != c->in[0]->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "updates are %s, data is %s",
                           ph_dtype_name(c->in[2]->dtype), ph_dtype_name(c->in[0]->dtype));
    c->out[0] = *c->in[0];
    for (size_t i = 0; i < PHI_COUNT(reductions); i++) {
        p->reduction = (int)i;
        if (strcmp(reductions[i].name, name) == 0 && c->opset >= reductions[i].since) return PH_OK;
    }
    return phi_op_fail(c, PH_ERR_ARG, "reduction '%s' does not exist in opset %d", name, c->opset);
}

void phi_scatter_one(const phi_exec *e, int64_t to, int64_t from)
{
    const phi_scatter_params *p = e->params;
    const enum ph_dtype dtype = e->out[0].type.dtype;
    const enum phi_wide wide = phi_wide_of(dtype);
    const int64_t size = (int64_t)ph_dtype_size(dtype);
    char *y = (char *)e->out[0].data + to * size;
    const char *update = (const char *)e->in[2].data + from * size;
    phi_room a, b, sum;
    int64_t steps[3] = {1};
    if (p->reduction == 0) {
        memcpy(y, update, (size_t)size);
        return;
    }
    const void *x[2] = {phi_widen(dtype, wide, 1, y, 1, &a, &steps[1]),
                        phi_widen(dtype, wide, 1, update, 1, &b, &steps[2])};
    void *ptrs[3] = {&sum};
    memcpy(&ptrs[1], x, sizeof x);
    reductions[p->reduction].fn[wide](1, ptrs, steps);
    phi_narrow(dtype, wide, 1, &sum, y, 1);
}
