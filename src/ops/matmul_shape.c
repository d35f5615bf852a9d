/* SPDX-License-Identifier: MIT */
#include "ops/matmul_shape.h"

#include "graph/graph.h"

/* Leading dimension `i` of the result's `lead` in an operand whose own are aligned at the end. */
static int64_t lead_dim(const phi_type *t, int lead, int i)
{
    const int own = t->rank > 2 ? t->rank - 2 : 0, j = i - (lead - own);
    return j < 0 ? 1 : t->dims[j];
}

static void set_stack(const phi_type *t, const phi_matmul_shape *p, phi_stack *s)
{
    s->count = 1;
    for (int i = p->lead - 1; i >= 0; i--) {
        const size_t d = (size_t)lead_dim(t, p->lead, i);
        s->step[i] = d == 1 ? 0 : s->count;
        s->count *= d;
    }
}

enum ph_status phi_matmul_shape_infer(phi_infer *c, size_t ia, size_t ib, phi_matmul_shape *p)
{
    char text_a[PHI_TYPE_TEXT], text_b[PHI_TYPE_TEXT];
    phi_type *y = &c->out[0];
    const phi_type *a = c->in[ia], *b = c->in[ib];
    phi_dims_text(a->rank, a->dims, text_a, sizeof text_a);
    phi_dims_text(b->rank, b->dims, text_b, sizeof text_b);
    if (a->rank == 0 || b->rank == 0)
        return phi_op_fail(c, PH_ERR_SHAPE, "shapes %s and %s, wanted at least one dimension each",
                           text_a, text_b);
    const int64_t k = a->dims[a->rank - 1], kb = b->dims[b->rank > 1 ? b->rank - 2 : 0];
    if (k != kb)
        return phi_op_fail(c, PH_ERR_SHAPE, "shapes %s and %s: %lld columns meet %lld rows", text_a,
                           text_b, (long long)k, (long long)kb);
    p->k = (size_t)k;
    p->m = a->rank > 1 ? (size_t)a->dims[a->rank - 2] : 1;
    p->n = b->rank > 1 ? (size_t)b->dims[b->rank - 1] : 1;
    p->lead = a->rank > b->rank ? a->rank : b->rank;
    p->lead = p->lead > 2 ? p->lead - 2 : 0;
    p->count = 1;
    *y = (phi_type){.dtype = y->dtype, .rank = p->lead};
    for (int i = 0; i < p->lead; i++) {
        const int64_t da = lead_dim(a, p->lead, i), db = lead_dim(b, p->lead, i);
        if (da != db && da != 1 && db != 1)
            return phi_op_fail(c, PH_ERR_SHAPE, "shapes %s and %s do not broadcast", text_a,
                               text_b);
        y->dims[i] = da == 1 ? db : da;
        p->dims[i] = (size_t)y->dims[i];
    }
    if (a->rank > 1) y->dims[y->rank++] = (int64_t)p->m;
    if (b->rank > 1) y->dims[y->rank++] = (int64_t)p->n;
    enum ph_status st = phi_type_check(y, c->node->name, c->err);
    if (st) return st;
    for (int i = 0; i < p->lead; i++)
        if (!phi_mul_size(p->count, p->dims[i], &p->count))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "shapes %s and %s: too many matrices", text_a,
                               text_b);
    set_stack(a, p, &p->a);
    set_stack(b, p, &p->b);
    return PH_OK;
}

enum ph_status phi_matmul_macs(const phi_infer *c, size_t ia, int64_t *macs)
{
    const phi_type *a = c->in[ia];
    if (!phi_mul_i64(phi_type_count(&c->out[0]), a->dims[a->rank - 1], macs))
        return phi_op_fail(c, PH_ERR_OVERFLOW, "MACs do not fit into 63 bits");
    return PH_OK;
}

size_t phi_matmul_matrix(const phi_matmul_shape *p, const phi_stack *s, size_t i)
{
    size_t matrix = 0;
    for (int d = p->lead - 1; d >= 0; d--) {
        matrix += i % p->dims[d] * s->step[d];
        i /= p->dims[d];
    }
    return matrix;
}
