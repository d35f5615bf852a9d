/* SPDX-License-Identifier: MIT */
/*
 * The right operand's matrices are packed, less their zero points, before anything else. A task is
 * some rows of the result.
 */
#include "ops/int_matmul.h"

#include "ops/op_check.h"
#include "ops/quantised.h"
#include "ops/volume.h"

/*
 * A zero point that is not a single number: for rows of a it has a's shape with 1 for the last
 * dimension, for columns of b it has b's with 1 for the last but one; for a matrix, a vector will
 * do. `along`: the dimension that it follows, counted from the end.
 */
static enum ph_status check_zero(const phi_infer *c, size_t zero, size_t operand, int along)
{
    char text[PHI_TYPE_TEXT];
    if (zero >= c->n_in || !c->in[zero]) return PH_OK;
    const phi_type *z = c->in[zero], *x = c->in[operand];
    if (z->dtype != x->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "zero point is %s, the operand %s",
                           ph_dtype_name(z->dtype), ph_dtype_name(x->dtype));
    if (phi_type_count(z) == 1) return PH_OK;
    if (x->rank >= 2 && z->rank == 1 && z->dims[0] == x->dims[x->rank - along]) return PH_OK;
    bool fits = z->rank == x->rank && x->rank >= 2;
    for (int i = 0; fits && i < x->rank; i++)
        fits = z->dims[i] == (i == x->rank - 3 + along ? 1 : x->dims[i]);
    if (fits) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "zero point has shape %s, which does not fit its operand",
                       phi_dims_text(z->rank, z->dims, text, sizeof text));
}

enum ph_status phi_int_matmul_infer(phi_infer *c, const phi_int_operands *o, phi_matmul_shape *p)
{
    enum ph_status st = phi_need_int8(c, o->a);
    if (!st) st = phi_need_int8(c, o->b);
    if (!st) st = check_zero(c, o->a_zero, o->a, 2);
    if (!st) st = check_zero(c, o->b_zero, o->b, 1);
    return st ? st : phi_matmul_shape_infer(c, o->a, o->b, p);
}

typedef struct int_matmul {
    const phi_matmul_shape *p;
    const phi_int_result *result;
    const phi_view *a, *a_zero, *b_zero; /* zero points NULL: 0 */
    int64_t rows_a_task;
    int16_t *b;   /* [matrices of b, k, n] */
    int16_t *row; /* [threads, k] */
    char *y;
} int_matmul;

size_t phi_int_matmul_work_bytes(const phi_exec *e, const phi_matmul_shape *p)
{
    size_t rows, packed, floats;
    if (!phi_mul_size(p->k * sizeof(int16_t), phi_pool_threads(e->pool), &rows) ||
        !phi_mul_size(p->b.count, p->k, &packed) || !phi_mul_size(packed, p->n, &packed) ||
        !phi_mul_size(packed, sizeof(int16_t), &packed) ||
        !phi_mul_size(p->n, sizeof(float), &floats))
        return SIZE_MAX;
    return phi_add_aligned(phi_add_aligned(phi_add_aligned(0, floats), packed), rows);
}

/* Zero point of row or column `i` of matrix `matrix`, of which each has `each`. */
static int64_t zero_of(const phi_view *zero, size_t matrix, size_t i, size_t each)
{
    if (!zero) return 0;
    bool whole = phi_type_count(&zero->type) > (int64_t)each;
    return phi_zero_at(zero, (int64_t)(whole ? matrix * each + i : i));
}

static void pack_b(const int_matmul *j, const phi_view *b)
{
    const phi_matmul_shape *p = j->p;
    for (size_t m = 0; m < p->b.count; m++)
        for (size_t c = 0; c < p->n; c++) {
            int64_t zero = zero_of(j->b_zero, m, c, p->n);
            const char *from = (const char *)b->data + m * p->k * p->n + c;
            int16_t *to = j->b + m * p->k * p->n + c;
            for (size_t k = 0; k < p->k; k++)
                phi_int_widen(b->type.dtype, from + k * p->n, 1, 1, zero, to + k * p->n);
        }
}

static void row_task(void *arg, size_t task, size_t thread)
{
    const int_matmul *j = arg;
    const phi_matmul_shape *p = j->p;
    const size_t size = ph_dtype_size(j->result->dtype), rows = p->count * p->m;
    size_t r = task * (size_t)j->rows_a_task, end = r + (size_t)j->rows_a_task;
    int16_t *row = j->row + thread * p->k;
    for (; r < end && r < rows; r++) {
        size_t ma = phi_matmul_matrix(p, &p->a, r / p->m), i = r % p->m;
        size_t mb = phi_matmul_matrix(p, &p->b, r / p->m);
        phi_int_widen(j->a->type.dtype, (const char *)j->a->data + (ma * p->m + i) * p->k,
                      (int64_t)p->k, 1, zero_of(j->a_zero, ma, i, p->m), row);
        phi_int_row(j->result, (int64_t)p->k, row, j->b + mb * p->k * p->n, (int64_t)p->n, 0,
                    (int64_t)p->n, j->y + r * p->n * size);
    }
}

static const phi_view *optional(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->in[i]) ? &e->in[i] : NULL;
}

void phi_int_matmul(const phi_exec *e, const phi_int_operands *o, const phi_matmul_shape *p,
                    const phi_int_result *result)
{
    int_matmul j = {.p = p,
                    .result = result,
                    .a = &e->in[o->a],
                    .a_zero = optional(e, o->a_zero),
                    .b_zero = optional(e, o->b_zero),
                    .y = e->out[0].data};
    const size_t rows = p->count * p->m;
    char *work = (char *)e->work + phi_add_aligned(0, p->n * sizeof(float));
    if (rows == 0 || p->n == 0) return;
    j.b = (int16_t *)(void *)work;
    work += phi_add_aligned(0, p->b.count * p->k * p->n * sizeof(int16_t));
    j.row = (int16_t *)(void *)work;
    pack_b(&j, &e->in[o->b]);
    j.rows_a_task = phi_rows_a_task((int64_t)(p->k * p->n));
    phi_pool_run(e->pool, (rows + (size_t)j.rows_a_task - 1) / (size_t)j.rows_a_task, row_task, &j);
}
