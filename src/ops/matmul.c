/* SPDX-License-Identifier: MIT */
/*
 * MatMul with numpy's rules: stacks of matrices whose leading dimensions are broadcast against each
 * other; a one-dimensional operand is one row on the left, one column on the right, and its
 * dimension is missing from the result.
 *
 * One right matrix for all is one product whose rows are all rows of the left stack. Otherwise
 * there is one product for each matrix of the result, or, backward, one sum of products for each
 * matrix of an operand: many of them run side by side, few of them one after the other with all
 * threads.
 */
#include <math.h>

#include "graph/graph.h"
#include "kernels/gemm.h"
#include "ops/matmul_any.h"
#include "ops/matmul_shape.h"
#include "ops/op_check.h"

#define MANY 4 /* products from this number on run side by side */

static enum ph_status matmul_infer(phi_infer *c)
{
    enum ph_dtype t = c->in[0]->dtype;
    enum ph_status st = phi_matmul_any_has(t) ? PH_OK : phi_need_dtype(c, 0, PH_FLOAT32);
    if (st) return st;
    if (c->in[1]->dtype != t)
        return phi_op_fail(c, PH_ERR_TYPE, "inputs are %s and %s, wanted is one type for both",
                           ph_dtype_name(t), ph_dtype_name(c->in[1]->dtype));
    c->out[0].dtype = t;
    return phi_matmul_shape_infer(c, 0, 1, c->params);
}

static enum ph_status matmul_macs(const phi_infer *c, int64_t *macs)
{
    return phi_matmul_macs(c, 0, macs);
}

/* --- Products -------------------------------------------------------------------------------- */

static bool one_b(const phi_matmul_shape *p)
{
    return p->b.count == 1;
}

/* A product and its right operand; C is dense. */
typedef struct step {
    phi_gemm g;
    phi_weights b;
} step;

static step product(size_t m, size_t n, size_t k, phi_rows a, phi_weights b, float *c)
{
    return (step){.g = {.m = m,
                        .n = n,
                        .k = k,
                        .groups = 1,
                        .a = a,
                        .c = c,
                        .c_row = (ptrdiff_t)n,
                        .lo = -INFINITY,
                        .hi = INFINITY},
                  .b = b};
}

static size_t step_bytes(const step *s, size_t threads)
{
    return phi_add_aligned(phi_add_aligned(0, phi_gemm_pack_bytes(s->g.k, s->g.n, 1)),
                           phi_gemm_work_bytes(&s->g, threads));
}

static void step_run(const step *s, phi_pool *pool, void *work)
{
    phi_gemm_pack(&s->b, s->g.n, 1, pool, work);
    phi_gemm_run(&s->g, work, pool, phi_behind(work, phi_gemm_pack_bytes(s->g.k, s->g.n, 1)));
}

static phi_rows rows_of(const float *x, size_t columns)
{
    return (phi_rows){.data = x, .row = (ptrdiff_t)columns, .step = 1};
}

/* Matrices of the three stacks that one product works on; any may be NULL while sizes are counted.
 */
typedef struct triple {
    const float *a, *b;
    float *c;
} triple;

/* Y [M, N] = A B; `rows` is M, or that of the whole stack. */
static step y_step(const phi_matmul_shape *p, size_t rows, triple t)
{
    return product(rows, p->n, p->k, rows_of(t.a, p->k),
                   phi_weights_matrix(t.b, p->k, (ptrdiff_t)p->n, 1), t.c);
}

/* dA [M, K] = dY B'; a is dY. */
static step da_step(const phi_matmul_shape *p, size_t rows, triple t)
{
    return product(rows, p->k, p->n, rows_of(t.a, p->n),
                   phi_weights_matrix(t.b, p->n, 1, (ptrdiff_t)p->n), t.c);
}

/* dB [K, N] = A' dY; b is dY. */
static step db_step(const phi_matmul_shape *p, size_t rows, triple t)
{
    phi_rows transposed = {.data = t.a, .row = 1, .step = (ptrdiff_t)p->k};
    return product(p->k, p->n, rows, transposed, phi_weights_matrix(t.b, rows, (ptrdiff_t)p->n, 1),
                   t.c);
}

/* --- Stacks ---------------------------------------------------------------------------------- */

typedef step make_step(const phi_matmul_shape *p, size_t rows, triple t);

/*
 * For each matrix of `c`, the sum over those matrices of the result that belong to it of the
 * product of their `a` and `b`. NULL stacks are the result's own.
 */
typedef struct stack_job {
    const phi_matmul_shape *p;
    make_step *make;
    const float *a, *b;
    float *c;
    const phi_stack *a_stack, *b_stack, *c_stack;
    size_t a_size, b_size, c_size; /* elements of a matrix */
    phi_pool *pool;                /* inside a product */
    char *work;
    size_t thread_bytes;
} stack_job;

static size_t stack_index(const stack_job *j, const phi_stack *s, size_t i)
{
    return s ? phi_matmul_matrix(j->p, s, i) : i;
}

static void stack_product(const stack_job *j, size_t i, size_t c, bool accumulate, void *work)
{
    triple t = {j->a + stack_index(j, j->a_stack, i) * j->a_size,
                j->b + stack_index(j, j->b_stack, i) * j->b_size, j->c + c * j->c_size};
    step s = j->make(j->p, j->p->m, t);
    s.g.accumulate = accumulate;
    step_run(&s, j->pool, work);
}

static void stack_task(void *arg, size_t task, size_t thread)
{
    const stack_job *j = arg;
    void *work = j->work + thread * j->thread_bytes;
    if (!j->c_stack) {
        stack_product(j, task, task, false, work);
        return;
    }
    bool accumulate = false;
    for (size_t i = 0; i < j->p->count; i++) {
        if (phi_matmul_matrix(j->p, j->c_stack, i) != task) continue;
        stack_product(j, i, task, accumulate, work);
        accumulate = true;
    }
}

static size_t stack_count(const stack_job *j)
{
    return j->c_stack ? j->c_stack->count : j->p->count;
}

/* Scratch of one thread if products run side by side, of all threads if not. */
static size_t stack_thread_bytes(const stack_job *j, size_t threads)
{
    step s = j->make(j->p, j->p->m, (triple){NULL, NULL, NULL});
    return step_bytes(&s, stack_count(j) >= MANY ? 1 : threads);
}

static size_t stack_bytes(const stack_job *j, size_t threads)
{
    size_t bytes = stack_thread_bytes(j, threads);
    if (stack_count(j) < MANY) return bytes;
    return phi_mul_size(bytes, threads, &bytes) ? bytes : SIZE_MAX;
}

static void stack_run(stack_job *j, phi_pool *pool, void *work)
{
    const size_t n = stack_count(j);
    const bool many = n >= MANY;
    /* an empty result has nothing to say to the matrices of an operand: their gradient is zero */
    if (j->p->count == 0) memset(j->c, 0, n * j->c_size * sizeof *j->c);
    j->work = work;
    j->thread_bytes = stack_thread_bytes(j, phi_pool_threads(pool));
    j->pool = many ? NULL : pool;
    phi_pool_run(many ? pool : NULL, n, stack_task, j);
}

static stack_job y_job(const phi_matmul_shape *p, const float *a, const float *b, float *y)
{
    return (stack_job){.p = p,
                       .make = y_step,
                       .a = a,
                       .b = b,
                       .c = y,
                       .a_stack = &p->a,
                       .b_stack = &p->b,
                       .a_size = p->m * p->k,
                       .b_size = p->k * p->n,
                       .c_size = p->m * p->n};
}

static stack_job da_job(const phi_matmul_shape *p, const float *dy, const float *b, float *da)
{
    return (stack_job){.p = p,
                       .make = da_step,
                       .a = dy,
                       .b = b,
                       .c = da,
                       .b_stack = &p->b,
                       .c_stack = &p->a,
                       .a_size = p->m * p->n,
                       .b_size = p->k * p->n,
                       .c_size = p->m * p->k};
}

static stack_job db_job(const phi_matmul_shape *p, const float *a, const float *dy, float *db)
{
    return (stack_job){.p = p,
                       .make = db_step,
                       .a = a,
                       .b = dy,
                       .c = db,
                       .a_stack = &p->a,
                       .c_stack = &p->b,
                       .a_size = p->m * p->k,
                       .b_size = p->m * p->n,
                       .c_size = p->k * p->n};
}

/* --- Forward --------------------------------------------------------------------------------- */

static size_t all_rows(const phi_matmul_shape *p)
{
    return p->count * p->m;
}

static size_t matmul_pack_bytes(const phi_exec *e)
{
    if (e->out[0].type.dtype != PH_FLOAT32) return 0;
    const phi_matmul_shape *p = e->params;
    return one_b(p) && e->in[1].data ? phi_gemm_pack_bytes(p->k, p->n, 1) : 0;
}

static void matmul_pack(const phi_exec *e, void *packed)
{
    const phi_matmul_shape *p = e->params;
    phi_weights b = phi_weights_matrix(e->in[1].data, p->k, (ptrdiff_t)p->n, 1);
    phi_gemm_pack(&b, p->n, 1, e->pool, packed);
}

static enum ph_status matmul_forward(const phi_exec *e, ph_error *err)
{
    const phi_matmul_shape *p = e->params;
    (void)err;
    if (e->out[0].type.dtype != PH_FLOAT32) {
        phi_matmul_any(e, e->params);
        return PH_OK;
    }
    if (one_b(p)) {
        step s = y_step(p, all_rows(p), (triple){e->in[0].data, e->in[1].data, e->out[0].data});
        if (e->packed)
            phi_gemm_run(&s.g, e->packed, e->pool, e->work);
        else
            step_run(&s, e->pool, e->work);
    } else {
        stack_job j = y_job(p, e->in[0].data, e->in[1].data, e->out[0].data);
        stack_run(&j, e->pool, e->work);
    }
    return PH_OK;
}

/* --- Backward -------------------------------------------------------------------------------- */

/* dB where there is one B: a sum over the rows of the whole stack. */
static phi_gemm_tn one_db(const phi_matmul_shape *p, const float *a, const float *dy, float *db)
{
    return (phi_gemm_tn){.m = p->k,
                         .n = p->n,
                         .p = all_rows(p),
                         .groups = 1,
                         .a = rows_of(a, p->k),
                         .b = rows_of(dy, p->n),
                         .c = db,
                         .m_inner = p->k ? p->k : 1,
                         .c_inner = (ptrdiff_t)p->n,
                         .c_column = 1,
                         .scale = 1};
}

static size_t matmul_work_bytes(const phi_exec *e, bool backward)
{
    if (e->out[0].type.dtype != PH_FLOAT32) return 0;
    const phi_matmul_shape *p = e->params;
    const size_t threads = phi_pool_threads(e->pool);
    const triple none = {NULL, NULL, NULL};
    if (one_b(p)) {
        step s = backward ? da_step(p, all_rows(p), none) : y_step(p, all_rows(p), none);
        phi_gemm_tn tn = one_db(p, NULL, NULL, NULL);
        if (!backward && e->packed) return phi_gemm_work_bytes(&s.g, threads);
        size_t bytes = step_bytes(&s, threads);
        return backward ? phi_max_size(bytes, phi_gemm_tn_work_bytes(&tn, threads)) : bytes;
    }
    stack_job y = y_job(p, NULL, NULL, NULL), a = da_job(p, NULL, NULL, NULL),
              b = db_job(p, NULL, NULL, NULL);
    if (!backward) return stack_bytes(&y, threads);
    return phi_max_size(stack_bytes(&a, threads), stack_bytes(&b, threads));
}

static bool wanted(const phi_exec *e, size_t i)
{
    return !phi_view_absent(&e->din[i]);
}

static void one_b_backward(const phi_exec *e, const float *dy)
{
    const phi_matmul_shape *p = e->params;
    if (wanted(e, 0)) {
        step s = da_step(p, all_rows(p), (triple){dy, e->in[1].data, e->din[0].data});
        step_run(&s, e->pool, e->work);
    }
    if (wanted(e, 1)) {
        phi_gemm_tn g = one_db(p, e->in[0].data, dy, e->din[1].data);
        phi_gemm_tn_run(&g, e->pool, e->work);
    }
}

static enum ph_status matmul_backward(const phi_exec *e, ph_error *err)
{
    const phi_matmul_shape *p = e->params;
    const float *dy = e->dout[0].data;
    (void)err;
    if (one_b(p)) {
        one_b_backward(e, dy);
        return PH_OK;
    }
    if (wanted(e, 0)) {
        stack_job j = da_job(p, dy, e->in[1].data, e->din[0].data);
        stack_run(&j, e->pool, e->work);
    }
    if (wanted(e, 1)) {
        stack_job j = db_job(p, e->in[0].data, dy, e->din[1].data);
        stack_run(&j, e->pool, e->work);
    }
    return PH_OK;
}

static const phi_attr_rule attributes[] = {{NULL, PH_ATTR_INT, 0, 0, false}};

const phi_op phi_op_matmul = {.name = "MatMul",
                              .widens = true,
                              .since = 1,
                              .attrs = attributes,
                              .min_in = 2,
                              .max_in = 2,
                              .min_out = 1,
                              .max_out = 1,
                              .layout = PHI_LAYOUT_PLAIN,
                              .trainable = 1u << 1,
                              .params_bytes = sizeof(phi_matmul_shape),
                              .infer = matmul_infer,
                              .macs = matmul_macs,
                              .work_bytes = matmul_work_bytes,
                              .pack_bytes = matmul_pack_bytes,
                              .pack = matmul_pack,
                              .forward = matmul_forward,
                              .backward = matmul_backward};
