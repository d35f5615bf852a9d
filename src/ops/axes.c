/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "ops/axes.h"

enum ph_status phi_axis(const phi_infer *c, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return phi_op_fail(c, PH_ERR_ARG,
                           "axis %" PRId64 " does not exist: there are %d dimensions", axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return PH_OK;
}

enum ph_status phi_axes_mask(const phi_infer *c, size_t n, const int64_t *axes, int rank,
                             uint32_t *mask)
{
    uint32_t m = 0;
    for (size_t i = 0; i < n; i++) {
        int axis = 0;
        enum ph_status st = phi_axis(c, axes[i], rank, &axis);
        if (st) return st;
        if (m >> axis & 1)
            return phi_op_fail(c, PH_ERR_ARG, "axis %" PRId64 " is listed twice", axes[i]);
        m |= UINT32_C(1) << axis;
    }
    *mask = m;
    return PH_OK;
}

enum ph_status phi_known_input(const phi_infer *c, size_t input, const char *what,
                               const ph_tensor **out)
{
    const phi_type *t = input < c->n_in ? c->in[input] : NULL;
    if (!t) return phi_op_fail(c, PH_ERR_ARG, "input %zu (%s) is missing", input, what);
    *out = c->constant[input];
    if (!*out && c->unknown) *c->unknown = input;
    if (!*out)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "input %zu (%s) must be known before running, but is computed from an "
                           "input of the graph",
                           input, what);
    return PH_OK;
}

static enum ph_status check_list(const phi_infer *c, const char *name, size_t n)
{
    if (n <= PHI_MAX_INTS) return PH_OK;
    return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%s has %zu numbers, at most %d are possible", name,
                       n, PHI_MAX_INTS);
}

static enum ph_status read_input(const phi_infer *c, const char *name, size_t input, phi_ints *out)
{
    char text[PHI_TYPE_TEXT];
    const ph_tensor *t;
    enum ph_status st = phi_known_input(c, input, name, &t);
    if (st) return st;
    if (t->type.rank != 1 || (t->type.dtype != PH_INT64 && t->type.dtype != PH_INT32))
        return phi_op_fail(c, PH_ERR_TYPE, "input %zu (%s) is %s, wanted is int64 with 1 dimension",
                           input, name, phi_type_text(&t->type, text, sizeof text));
    st = check_list(c, name, (size_t)t->count);
    if (st) return st;
    out->n = (size_t)t->count;
    for (size_t i = 0; i < out->n; i++)
        out->at[i] = t->type.dtype == PH_INT64 ? ((const int64_t *)t->data)[i]
                                               : ((const int32_t *)t->data)[i];
    return PH_OK;
}

enum ph_status phi_ints_read(const phi_infer *c, const char *name, size_t input, int input_since,
                             phi_ints *out)
{
    *out = (phi_ints){.n = 0};
    if (c->opset >= input_since) {
        out->given = input < c->n_in && c->in[input];
        return out->given ? read_input(c, name, input, out) : PH_OK;
    }
    if (input < c->n_in && c->in[input])
        return phi_op_fail(c, PH_ERR_ARG, "%s is an attribute before opset %d, not input %zu", name,
                           input_since, input);
    const int64_t *list = phi_attr_ints(c->node, name, &out->n);
    out->given = phi_attr_has(c->node, name);
    enum ph_status st = check_list(c, name, out->n);
    if (st) return st;
    if (out->n) memcpy(out->at, list, out->n * sizeof *list);
    return PH_OK;
}

enum ph_status phi_shape_check(const phi_infer *c, const phi_ints *shape)
{
    if (!shape->given) return phi_op_fail(c, PH_ERR_ARG, "the shape is missing");
    if (shape->n > PH_MAX_RANK)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "shape has %zu dimensions, at most %d are possible", shape->n,
                           PH_MAX_RANK);
    for (size_t i = 0; i < shape->n; i++)
        if (shape->at[i] < 0)
            return phi_op_fail(c, PH_ERR_ARG, "shape has the dimension %" PRId64, shape->at[i]);
    return PH_OK;
}
