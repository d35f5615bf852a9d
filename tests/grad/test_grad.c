/* SPDX-License-Identifier: MIT */
/* Every operator's backward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "grad_check.h"
#include "grad_run.h"

typedef struct count {
    const char *op;
    int n;
} count;

// clang-format off
static count counts[] = {
    {"Conv", 120},
    {"Gemm", 80},
    {"MatMul", 80},
    {"MaxPool", 80},
    {"AveragePool", 80},
    {"GlobalAveragePool", 40},
    {"GlobalMaxPool", 40},
    {"BatchNormalization", 80},
    {"LRN", 60},
    {"Softmax", 60},
    {"LogSoftmax", 60},
    {"ReduceMean", 60},
    {"Relu", 40},
    {"LeakyRelu", 40},
    {"Clip", 60},
    {"Sigmoid", 40},
    {"Tanh", 40},
    {"HardSigmoid", 40},
    {"HardSwish", 40},
    {"Identity", 20},
    {"Add", 80},
    {"Sub", 60},
    {"Mul", 60},
    {"Div", 60},
    {"Sum", 80},
    {"Concat", 60},
    {"Flatten", 30},
    {"Reshape", 40},
    {"Transpose", 60},
    {"Squeeze", 30},
    {"Unsqueeze", 30},
    {"Pad", 80},
    {"Elu", 40},
    {"Selu", 40},
    {"Celu", 40},
    {"Gelu", 40},
    {"Mish", 40},
    {"Swish", 40},
    {"Softplus", 40},
    {"Softsign", 40},
    {"Erf", 40},
    {"Shrink", 40},
    {"InstanceNormalization", 60},
    {"GroupNormalization", 60},
    {"Resize", 80},
    {"Upsample", 40},
    {"PRelu", 60},
    {"ThresholdedRelu", 40},
    {"Slice", 60},
    {"Expand", 60},
    {"ConvTranspose", 80},
    {"Sqrt", 20},
    {"Exp", 20},
    {"Log", 20},
    {"Sin", 20},
    {"Cos", 20},
    {"Tan", 20},
    {"Asin", 20},
    {"Acos", 20},
    {"Atan", 20},
    {"Sinh", 20},
    {"Cosh", 20},
    {"Asinh", 20},
    {"Acosh", 20},
    {"Atanh", 20},
    {"Reciprocal", 20},
    {"Abs", 20},
    {"Neg", 20},
    {"Pow", 60},
    {"Max", 60},
    {"Min", 60},
    {"Mean", 60},
    {"ReduceSum", 40},
    {"ReduceL1", 40},
    {"ReduceL2", 40},
    {"ReduceSumSquare", 40},
    {"ReduceLogSum", 40},
    {"ReduceLogSumExp", 40},
    {"Split", 40},
    {"Tile", 40},
    {"DepthToSpace", 40},
    {"SpaceToDepth", 40},
};
// clang-format on

static void check(void **state)
{
    const count *c = *state;
    grad_check_random(c->op, c->n);
}

/* Every operator that has a backward is in the list above, or is tested below, or makes constants.
 */
static void test_none_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; phi_op_at(i); i++) {
        const phi_op *op = phi_op_at(i);
        bool listed = !strcmp(op->name, "Dropout");
        for (size_t k = 0; k < PHI_COUNT(counts); k++)
            listed |= !strcmp(counts[k].op, op->name);
        if (strncmp(op->name, "Constant", 8) != 0 && listed != (op->backward != NULL))
            fail_msg("%s: %s", op->name, listed ? "has no backward" : "its backward is not tested");
    }
}

/* --- Dropout ------------------------------------------------------------------------------- */

enum { N = 4000 };

/* A dropout of ratio 1/4 over N ones, forward and backward with ones: y and dx. */
static void dropout(uint64_t seed, size_t n_threads, float *y, float *dx)
{
    ph_graph *g = NULL;
    ph_tensor *ratio = NULL;
    ph_value in[2], out;
    ph_error err = {0};
    phi_pool *pool = NULL;
    grad_run r;
    float *ones = malloc(N * sizeof *ones);
    const float *dout[1] = {ones};
    const void *inputs[1] = {ones};
    for (int i = 0; i < N; i++)
        ones[i] = 1;
    assert_int_equal(phi_pool_new(NULL, n_threads, &pool, &err), PH_OK);
    assert_int_equal(ph_graph_new(NULL, "dropout", &g, &err), PH_OK);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 0, NULL, &ratio, &err), PH_OK);
    *(float *)ph_tensor_data(ratio) = 0.25f;
    assert_int_equal(
        ph_graph_add_input(g, "x", PH_FLOAT32, 2, (int64_t[]){N / 10, 10}, &in[0], &err), PH_OK);
    assert_int_equal(ph_graph_add_constant(g, "ratio", ratio, &in[1], &err), PH_OK);
    assert_int_equal(ph_graph_add_node(g, "Dropout", "node", 2, in, 0, NULL, 1, NULL, &out, &err),
                     PH_OK);
    assert_int_equal(ph_graph_add_output(g, out, &err), PH_OK);
    assert_int_equal(grad_run_new(g, pool, true, &r, &err), PH_OK);
    r.seed = seed;
    assert_int_equal(grad_forward(&r, inputs, &err), PH_OK);
    assert_int_equal(grad_backward(&r, dout, &err), PH_OK);
    grad_output(&r, 0, y);
    grad_of_input(&r, 0, dx);
    grad_run_free(&r);
    phi_pool_free(pool);
    ph_tensor_free(ratio);
    ph_graph_free(g);
    free(ones);
}

/* Dropped or scaled by 1 / (1 - ratio), the gradient by the same mask, the mask by the seed. */
static void test_dropout(void **state)
{
    static float y[N], dx[N], again[N], other[N], scratch[N];
    int dropped = 0, same = 0;
    (void)state;
    dropout(1, 1, y, dx);
    dropout(1, 3, again, scratch);
    dropout(2, 1, other, scratch);
    assert_memory_equal(y, again, sizeof y);
    assert_memory_equal(y, dx, sizeof y);
    for (int i = 0; i < N; i++) {
        assert_true(y[i] == 0.0f || y[i] == 1.0f / 0.75f);
        dropped += y[i] == 0.0f;
        same += y[i] == other[i];
    }
    assert_in_range(dropped, N / 4 - 137, N / 4 + 137); /* 5 sigma */
    assert_in_range(same, N * 5 / 8 - 153, N * 5 / 8 + 153);
}

int main(void)
{
    enum { N_OPS = sizeof counts / sizeof *counts };
    struct CMUnitTest tests[N_OPS + 2] = {cmocka_unit_test(test_none_forgotten),
                                          cmocka_unit_test(test_dropout)};
    for (size_t i = 0; i < N_OPS; i++)
        tests[2 + i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    grad_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
