/* SPDX-License-Identifier: MIT */
/*
 * MatMul of types that have no kernels: float64, and integers, whose sums wrap. Plain loops; a task
 * is some rows of the result.
 */
#include "ops/matmul_any.h"

#include "ops/op_check.h"

typedef struct any {
    const phi_matmul_shape *p;
    const char *a, *b;
    char *y;
    enum ph_dtype dtype;
    size_t rows_a_task;
} any;

#define DEFINE_ROW(name, type, sum_type)                                                           \
    static void name(const phi_matmul_shape *p, const void *a, const void *b, void *y)             \
    {                                                                                              \
        for (size_t j = 0; j < p->n; j++) {                                                        \
            sum_type sum = 0;                                                                      \
            for (size_t k = 0; k < p->k; k++)                                                      \
                sum += (sum_type)((const type *)a)[k] * (sum_type)((const type *)b)[k * p->n + j]; \
            ((type *)y)[j] = (type)sum;                                                            \
        }                                                                                          \
    }
DEFINE_ROW(row_f64, double, double)
DEFINE_ROW(row_i32, int32_t, uint64_t)
DEFINE_ROW(row_u32, uint32_t, uint64_t)
DEFINE_ROW(row_i64, int64_t, uint64_t)
DEFINE_ROW(row_u64, uint64_t, uint64_t)

typedef void row_fn(const phi_matmul_shape *p, const void *a, const void *b, void *y);

static row_fn *row_of(enum ph_dtype dtype)
{
    switch (dtype) {
    case PH_FLOAT64:
        return row_f64;
    case PH_INT32:
        return row_i32;
    case PH_UINT32:
        return row_u32;
    case PH_INT64:
        return row_i64;
    case PH_UINT64:
        return row_u64;
    default:
        return NULL;
    }
}

bool phi_matmul_any_has(enum ph_dtype dtype)
{
    return row_of(dtype) != NULL;
}

static void row_task(void *arg, size_t task, size_t thread)
{
    const any *m = arg;
    const phi_matmul_shape *p = m->p;
    const size_t size = ph_dtype_size(m->dtype), rows = p->count * p->m;
    row_fn *row = row_of(m->dtype);
    (void)thread;
    for (size_t r = task * m->rows_a_task; r < rows && r < (task + 1) * m->rows_a_task; r++) {
        size_t a = phi_matmul_matrix(p, &p->a, r / p->m) * p->m + r % p->m;
        size_t b = phi_matmul_matrix(p, &p->b, r / p->m);
        row(p, m->a + a * p->k * size, m->b + b * p->k * p->n * size, m->y + r * p->n * size);
    }
}

void phi_matmul_any(const phi_exec *e, const phi_matmul_shape *p)
{
    any m = {.p = p,
             .a = e->in[0].data,
             .b = e->in[1].data,
             .y = e->out[0].data,
             .dtype = e->out[0].type.dtype};
    const size_t rows = p->count * p->m;
    if (rows == 0 || p->n == 0) return;
    m.rows_a_task = (size_t)phi_rows_a_task((int64_t)(p->k * p->n));
    phi_pool_run(e->pool, (rows + m.rows_a_task - 1) / m.rows_a_task, row_task, &m);
}
