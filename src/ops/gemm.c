/* SPDX-License-Identifier: MIT */
/*
 * Gemm: Y = alpha op(A) op(B) + beta C, op being the matrix or its transpose, C broadcast to
 * [M, N]. Opsets 1 and 6 broadcast only where the attribute `broadcast` says so; C may be left out
 * from opset 11 on. Transposes are strides; alpha goes into B while it is packed; a C that is one
 * row is a bias, any other is put into Y first and added to.
 */
#include <math.h>

#include "graph/graph.h"
#include "kernels/gemm.h"
#include "ops/op_check.h"

typedef struct gemm_params {
    size_t m, n, k;
    bool trans_a, trans_b;
    float alpha, beta;
    size_t c_rows, c_columns; /* of C, each 1 or M, N */
} gemm_params;

static const phi_attr_rule attributes[] = {
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},   {"beta", PH_ATTR_FLOAT, 1, 0, false},
    {"broadcast", PH_ATTR_INT, 1, 6, false}, {"transA", PH_ATTR_INT, 1, 0, false},
    {"transB", PH_ATTR_INT, 1, 0, false},    {NULL, PH_ATTR_INT, 0, 0, false}};

/* --- Shape ----------------------------------------------------------------------------------- */

static enum ph_status check_matrix(const phi_infer *c, size_t i, const char *name)
{
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_dtype(c, i, PH_FLOAT32);
    if (st) return st;
    if (c->in[i]->rank == 2) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "%s has shape %s, wanted a matrix", name,
                       phi_dims_text(c->in[i]->rank, c->in[i]->dims, text, sizeof text));
}

/* C must be [M, N], or broadcast to it. */
static enum ph_status check_c(const phi_infer *c, gemm_params *p)
{
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_dtype(c, 2, PH_FLOAT32);
    if (st) return st;
    const phi_type *t = c->in[2];
    const size_t columns = t->rank > 0 ? (size_t)t->dims[t->rank - 1] : 1;
    const size_t rows = t->rank > 1 ? (size_t)t->dims[0] : 1;
    bool fits = t->rank <= 2 && (columns == 1 || columns == p->n) && (rows == 1 || rows == p->m);
    if (c->opset < 7 && !phi_attr_int(c->node, "broadcast", 0))
        fits = t->rank == 2 && rows == p->m && columns == p->n;
    if (!fits)
        return phi_op_fail(c, PH_ERR_SHAPE, "C has shape %s, the product is [%zu,%zu]",
                           phi_dims_text(t->rank, t->dims, text, sizeof text), p->m, p->n);
    p->c_rows = rows;
    p->c_columns = columns;
    return PH_OK;
}

static enum ph_status gemm_infer(phi_infer *c)
{
    gemm_params *p = c->params;
    enum ph_status st = check_matrix(c, 0, "A");
    if (!st) st = check_matrix(c, 1, "B");
    if (st) return st;
    p->trans_a = phi_attr_int(c->node, "transA", 0) != 0;
    p->trans_b = phi_attr_int(c->node, "transB", 0) != 0;
    p->alpha = phi_attr_float(c->node, "alpha", 1);
    p->beta = phi_attr_float(c->node, "beta", 1);
    const int64_t *a = c->in[0]->dims, *b = c->in[1]->dims;
    const int64_t m = a[p->trans_a], k = a[!p->trans_a], kb = b[p->trans_b], n = b[!p->trans_b];
    if (k != kb)
        return phi_op_fail(c, PH_ERR_SHAPE, "A%s has %lld columns, B%s has %lld rows",
                           p->trans_a ? " transposed" : "", (long long)k,
                           p->trans_b ? " transposed" : "", (long long)kb);
    p->m = (size_t)m;
    p->n = (size_t)n;
    p->k = (size_t)k;
    if (c->n_in > 2 && c->in[2]) {
        st = check_c(c, p);
        if (st) return st;
    } else if (c->opset < 11) {
        return phi_op_fail(c, PH_ERR_ARG, "input C is missing; opset %d wants it", c->opset);
    }
    c->out[0] = (phi_type){.dtype = c->in[0]->dtype, .rank = 2, .dims = {m, n}};
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

static enum ph_status gemm_macs(const phi_infer *c, int64_t *macs)
{
    const int64_t k = c->in[0]->dims[!phi_attr_int(c->node, "transA", 0)];
    if (!phi_mul_i64(phi_type_count(&c->out[0]), k, macs))
        return phi_op_fail(c, PH_ERR_OVERFLOW, "MACs do not fit into 63 bits");
    return PH_OK;
}

/* --- Forward --------------------------------------------------------------------------------- */

/* op(A) [M, K] and op(B) [K, N] as strides into what lies there. */
static phi_rows rows_a(const gemm_params *p, const float *a)
{
    return (phi_rows){.data = a,
                      .row = p->trans_a ? 1 : (ptrdiff_t)p->k,
                      .step = p->trans_a ? (ptrdiff_t)p->m : 1};
}

static ptrdiff_t b_row(const gemm_params *p)
{
    return p->trans_b ? 1 : (ptrdiff_t)p->n;
}
static ptrdiff_t b_column(const gemm_params *p)
{
    return p->trans_b ? (ptrdiff_t)p->k : 1;
}

static phi_gemm product(size_t m, size_t n, size_t k, phi_rows a, float *c)
{
    return (phi_gemm){.m = m,
                      .n = n,
                      .k = k,
                      .groups = 1,
                      .a = a,
                      .c = c,
                      .c_row = (ptrdiff_t)n,
                      .lo = -INFINITY,
                      .hi = INFINITY};
}

static phi_gemm forward_product(const gemm_params *p, const float *a, float *y)
{
    return product(p->m, p->n, p->k, rows_a(p, a), y);
}

static size_t gemm_pack_bytes(const phi_exec *e)
{
    const gemm_params *p = e->params;
    return e->in[1].data || e->filters ? phi_gemm_pack_bytes(p->k, p->n, 1) : 0;
}

/* Rows of a transposed B are columns of the product. */
static bool gemm_packs_rows(const phi_exec *e)
{
    return ((const gemm_params *)e->params)->trans_b;
}

static void gemm_pack(const phi_exec *e, void *packed)
{
    const gemm_params *p = e->params;
    phi_weights b = phi_weights_matrix(e->in[1].data, p->k, b_row(p), b_column(p));
    b.scale = p->alpha;
    b.filters = e->filters;
    phi_gemm_pack(&b, p->n, 1, e->pool, packed);
}

static const phi_view *operand_c(const phi_exec *e)
{
    return e->n_in > 2 && !phi_view_absent(&e->in[2]) ? &e->in[2] : NULL;
}

/* Y = beta C */
static void put_c(const gemm_params *p, const float *c, float *y)
{
    for (size_t i = 0; i < p->m; i++, y += p->n) {
        const float *row = c + (p->c_rows > 1 ? i * p->c_columns : 0);
        for (size_t j = 0; j < p->n; j++)
            y[j] = p->beta * row[p->c_columns > 1 ? j : 0];
    }
}

static enum ph_status gemm_forward(const phi_exec *e, ph_error *err)
{
    const gemm_params *p = e->params;
    const void *packed = e->packed;
    const phi_view *c = operand_c(e);
    void *work = e->work;
    phi_gemm g = forward_product(p, e->in[0].data, e->out[0].data);
    (void)err;
    if (!packed) {
        gemm_pack(e, work);
        packed = work;
        work = phi_behind(work, phi_gemm_pack_bytes(p->k, p->n, 1));
    }
    if (c && p->beta == 1 && p->c_rows == 1 && p->c_columns == p->n) {
        g.bias = c->data;
    } else if (c && p->beta != 0) {
        put_c(p, c->data, e->out[0].data);
        g.accumulate = true;
    }
    phi_gemm_run(&g, packed, e->pool, work);
    return PH_OK;
}

/* --- Backward -------------------------------------------------------------------------------- */

/*
 * dA [M, K] = alpha dY op(B)', or for a transposed A [K, M] = alpha op(B) dY'. `weights` receives
 * the right operand.
 */
static phi_gemm a_gradient(const gemm_params *p, const float *b, const float *dy, float *da,
                           phi_weights *weights)
{
    phi_rows rows = {.data = dy, .row = (ptrdiff_t)p->n, .step = 1};
    if (p->trans_a) {
        rows = (phi_rows){.data = b, .row = b_row(p), .step = b_column(p)};
        *weights = phi_weights_matrix(dy, p->n, 1, (ptrdiff_t)p->n);
    } else {
        *weights = phi_weights_matrix(b, p->n, b_column(p), b_row(p));
    }
    weights->scale = p->alpha;
    return p->trans_a ? product(p->k, p->m, p->n, rows, da) : product(p->m, p->k, p->n, rows, da);
}

/* dB [K, N] = alpha op(A)' dY, stored transposed where B is. */
static phi_gemm_tn b_gradient(const gemm_params *p, const float *a, const float *dy, float *db)
{
    return (phi_gemm_tn){.m = p->k,
                         .n = p->n,
                         .p = p->m,
                         .groups = 1,
                         .a = rows_a(p, a),
                         .b = {.data = dy, .row = (ptrdiff_t)p->n, .step = 1},
                         .c = db,
                         .m_inner = p->k ? p->k : 1,
                         .c_inner = b_row(p),
                         .c_column = b_column(p),
                         .scale = p->alpha};
}

/* dC = beta times dY, summed over what was broadcast. */
static void c_gradient(const phi_exec *e, const float *dy, float *dc)
{
    const gemm_params *p = e->params;
    if (p->c_rows == 1 && p->c_columns == p->n) {
        phi_column_sums(dy, p->m, (ptrdiff_t)p->n, p->n, dc, e->pool, e->work);
        for (size_t j = 0; j < p->n; j++)
            dc[j] *= p->beta;
    } else if (p->c_columns == p->n) {
        for (size_t i = 0; i < p->m * p->n; i++)
            dc[i] = p->beta * dy[i];
    } else {
        double sum = 0;
        for (size_t i = 0; i < p->m; i++, dy += p->n) {
            for (size_t j = 0; j < p->n; j++)
                sum += (double)dy[j];
            if (p->c_rows == 1) continue;
            dc[i] = (float)((double)p->beta * sum);
            sum = 0;
        }
        if (p->c_rows == 1) dc[0] = (float)((double)p->beta * sum);
    }
}

static bool wanted(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->din[i]);
}

static size_t gemm_work_bytes(const phi_exec *e, bool backward)
{
    const gemm_params *p = e->params;
    const size_t threads = phi_pool_threads(e->pool);
    if (!backward) {
        const size_t packed =
            e->packed ? 0 : phi_add_aligned(0, phi_gemm_pack_bytes(p->k, p->n, 1));
        phi_gemm g = forward_product(p, NULL, NULL);
        return phi_add_aligned(packed, phi_gemm_work_bytes(&g, threads));
    }
    phi_weights weights;
    phi_gemm a = a_gradient(p, NULL, NULL, NULL, &weights);
    phi_gemm_tn b = b_gradient(p, NULL, NULL, NULL);
    const size_t packed = phi_add_aligned(0, phi_gemm_pack_bytes(a.k, a.n, 1));
    size_t most = phi_add_aligned(packed, phi_gemm_work_bytes(&a, threads));
    most = phi_max_size(most, phi_gemm_tn_work_bytes(&b, threads));
    return phi_max_size(most, phi_column_sums_bytes(p->m, p->n));
}

static enum ph_status gemm_backward(const phi_exec *e, ph_error *err)
{
    const gemm_params *p = e->params;
    const float *dy = e->dout[0].data;
    (void)err;
    if (wanted(e, 0)) {
        phi_weights weights;
        phi_gemm g = a_gradient(p, e->in[1].data, dy, e->din[0].data, &weights);
        phi_gemm_pack(&weights, g.n, 1, e->pool, e->work);
        phi_gemm_run(&g, e->work, e->pool, phi_behind(e->work, phi_gemm_pack_bytes(g.k, g.n, 1)));
    }
    if (wanted(e, 1)) {
        phi_gemm_tn g = b_gradient(p, e->in[0].data, dy, e->din[1].data);
        phi_gemm_tn_run(&g, e->pool, e->work);
    }
    if (wanted(e, 2)) c_gradient(e, dy, e->din[2].data);
    return PH_OK;
}

const phi_op phi_op_gemm = {.name = "Gemm",
                            .widens = true,
                            .since = 1,
                            .attrs = attributes,
                            .min_in = 2,
                            .max_in = 3,
                            .min_out = 1,
                            .max_out = 1,
                            .layout = PHI_LAYOUT_PLAIN,
                            .trainable = 1u << 1 | 1u << 2,
                            .params_bytes = sizeof(gemm_params),
                            .infer = gemm_infer,
                            .macs = gemm_macs,
                            .work_bytes = gemm_work_bytes,
                            .pack_bytes = gemm_pack_bytes,
                            .pack = gemm_pack,
    .packs_rows = gemm_packs_rows,
                            .forward = gemm_forward,
                            .backward = gemm_backward};
