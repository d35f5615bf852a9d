/* SPDX-License-Identifier: MIT */
#include "ops/op_check.h"

#include "graph/graph.h"
#include "graph/widen.h"

enum { TASK_COST = 1 << 16 };

enum ph_status phi_need_dtype(const phi_infer *c, size_t i, enum ph_dtype dtype)
{
    if (i >= c->n_in || !c->in[i]) return phi_op_fail(c, PH_ERR_ARG, "input %zu is missing", i);
    if (c->in[i]->dtype == dtype) return PH_OK;
    const phi_op *op = c->node->op;
    if (dtype == PH_FLOAT32 && op && op->widens && phi_is_half(c->in[i]->dtype)) return PH_OK;
    return phi_op_fail(c, PH_ERR_UNSUPPORTED, "input %zu is %s, only %s is supported", i,
                       ph_dtype_name(c->in[i]->dtype), ph_dtype_name(dtype));
}

enum ph_status phi_need_vector(const phi_infer *c, size_t i, const char *what, int64_t count)
{
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_dtype(c, i, PH_FLOAT32);
    if (st) return st;
    const phi_type *t = c->in[i];
    if (t->rank == 1 && t->dims[0] == count) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "%s is %s, the input's channels want [%lld]", what,
                       phi_dims_text(t->rank, t->dims, text, sizeof text), (long long)count);
}

bool phi_output_wanted(const phi_node *node, size_t i)
{
    return i < node->n_out && node->out[i] != PH_NONE;
}

int64_t phi_rows_a_task(int64_t cost)
{
    return cost <= 0 ? TASK_COST : cost < TASK_COST ? TASK_COST / cost : 1;
}
