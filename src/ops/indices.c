/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "graph/graph.h"
#include "ops/elements.h"
#include "ops/indices.h"

enum ph_status phi_need_indices(const phi_infer *c, size_t i)
{
    return phi_need_types(c, i, PHI_TYPE_BIT(PH_INT32) | PHI_TYPE_BIT(PH_INT64));
}

int64_t phi_index_at(const phi_view *v, int64_t at, int64_t n)
{
    int64_t i =
        v->type.dtype == PH_INT64 ? ((const int64_t *)v->data)[at] : ((const int32_t *)v->data)[at];
    if (i < 0) i += n;
    return i >= 0 && i < n ? i : -1;
}

enum ph_status phi_index_fail(const phi_exec *e, int64_t n, ph_error *err)
{
    return phi_fail(err, PH_ERR_ARG, e->node->name,
                    "%s '%s': an index is outside of -%" PRId64 " .. %" PRId64, e->node->op_type,
                    e->node->name, n, n - 1);
}

enum ph_status phi_check_beside(const phi_infer *c, const phi_type *at, int axis)
{
    char tx[PHI_TYPE_TEXT], ta[PHI_TYPE_TEXT];
    const phi_type *x = c->in[0];
    bool fits = at->rank == x->rank;
    for (int i = 0; i < x->rank && fits; i++)
        fits = i == axis || at->dims[i] <= x->dims[i];
    if (fits) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "indices %s do not fit to %s along axis %d",
                       phi_type_text(at, ta, sizeof ta), phi_type_text(x, tx, sizeof tx), axis);
}
