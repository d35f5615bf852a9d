/* SPDX-License-Identifier: MIT */
/* Models read to be run (ph_onnx_open): weights stay in the file until they are packed. What comes out is
 * the same to the bit; what happens to the file meanwhile is an error, or does no harm. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/rng.h"
#include "graph/left.h"
#include "plan/plan.h"
#include "sweep.h"

#define FILE_NAME "test_open.tmp.onnx"

enum { X = 24 * 8 * 8, OUT = 3, Y = 96 * 8 * 8 };

/* Weights over 64 KiB of every kind: packed by rows, Winograd's, grouped; depthwise, which is packed as
 * a whole; of a fully connected layer; with a batch norm folded in and without. */
static const char text[] = "network ways\n"
                           "input x 24x8x8\n"
                           "a: conv 3x3 96 pad 1\n"
                           "   bn\n"
                           "b: conv 1x1 512\n"
                           "   bn\n"
                           "   relu\n"
                           "d: depthwise 9x9 pad 4\n"
                           "   bn\n"
                           "c: conv 1x1 96\n"
                           "g: conv 3x3 96 / 2 pad 1 groups 2\n"
                           "w: conv 3x3 96 pad 1\n"
                           "f: fc 20\n"
                           "output f\n";

static ph_graph *ways(void)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_net_parse(NULL, text, sizeof text - 1, "ways", 1, &g, &err)) fail_msg("%s", err.message);
    return g;
}

/* Constants that are not packed by rows, or not only: they cannot stay in the file. `w` is a matrix that
 * MatMul packs, that Gemm packs as it lies, and that is an output. */
static ph_graph *matrices(void)
{
    enum { K = 24 * 8 * 8, N = 16 };
    static float at[K * N];
    const int64_t one_row[] = {1, K}, dims[] = {K, N};
    ph_graph *g = NULL;
    ph_tensor *t = NULL;
    ph_value x, w[2], y[3];
    phi_rng_fill_normal(3, 3, 0.1f, at, K * N);
    assert_int_equal(ph_graph_new(NULL, "matrices", &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 2, one_row, &x, NULL), PH_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 2, dims, &t, NULL), PH_OK);
        memcpy(ph_tensor_data(t), at, sizeof at);
        assert_int_equal(ph_graph_add_constant(g, i ? "v" : "w", t, &w[i], NULL), PH_OK);
        ph_tensor_free(t);
    }
    for (int i = 0; i < 3; i++) {
        const ph_value in[2] = {x, w[i == 2]};
        assert_int_equal(ph_graph_add_node(g, i ? "Gemm" : "MatMul", NULL, 2, in, 0, NULL, 1, NULL,
                                           &y[i], NULL),
                         PH_OK);
        assert_int_equal(ph_graph_add_output(g, y[i], NULL), PH_OK);
    }
    return g;
}

static void write_to(const ph_graph *g, const char *path)
{
    ph_error err = {0};
    if (ph_onnx_write(g, path, &err)) fail_msg("%s", err.message);
}

static ph_graph *opened(void)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_onnx_open(NULL, FILE_NAME, &g, &err)) fail_msg("%s", err.message);
    return g;
}

static void run_graph(const ph_graph *g, const ph_plan_desc *desc, float *y)
{
    static float x[X];
    ph_plan *p = NULL;
    ph_run *r = NULL;
    ph_error err = {0};
    void *out[OUT];
    const void *in[1] = {x};
    phi_rng_fill_normal(9, 9, 1, x, X);
    memset(y, 0, OUT * Y * sizeof *y);
    if (ph_plan_new(g, desc, &p, &err)) fail_msg("%s", err.message);
    assert_true(ph_plan_n_outputs(p) <= OUT && ph_plan_input(p, 0)->count == X);
    for (size_t i = 0; i < OUT; i++)
        out[i] = y + i * Y;
    if (ph_run_new(p, 1, &r, &err) || ph_run_once(r, in, out, &err)) fail_msg("%s", err.message);
    ph_run_free(r);
    ph_plan_free(p);
}

static int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d) return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Is the constant at input 1 of the node in memory? */
static bool in_memory(const ph_graph *g, const char *node)
{
    const size_t i = phi_graph_find_node(g, node);
    assert_true(i != SIZE_MAX);
    const ph_tensor *t = ph_value_constant(g, g->nodes[i].in[1]);
    assert_non_null(t);
    return ph_tensor_const_data(t) != NULL;
}

static void test_same_bits(void **state)
{
    static float want[OUT * Y], y[OUT * Y];
    static ph_graph *(*const made[])(void) = {ways, matrices};
    const int files = open_files();
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(made); i++) {
        ph_graph *g = made[i](), *copy = NULL;
        write_to(g, FILE_NAME);
        ph_graph *thin = opened();
        for (int way = 0; way < 8; way++) {
            ph_plan_desc desc = {.keep_all = way & 1, .exact = way & 2, .n_threads = 1};
            run_graph(g, &desc, want);
            desc.n_threads = way & 4 ? 3 : 1;
            run_graph(thin, &desc, y);
            assert_memory_equal(want, y, sizeof y);
        }
        assert_int_equal(phi_graph_copy(thin, &copy, NULL), PH_OK);
        ph_graph_free(thin);
        run_graph(copy, NULL, y); /* the file is open for as long as it has a user */
        run_graph(g, NULL, want);
        assert_memory_equal(want, y, sizeof y);
        ph_graph_free(copy);
        ph_graph_free(g);
    }
    unlink(FILE_NAME);
    assert_int_equal(open_files(), files);
}

static void test_what_stays(void **state)
{
    static const char *const there[] = {"a", "b", "c", "w", "f"};
    ph_graph *g = ways();
    (void)state;
    write_to(g, FILE_NAME);
    ph_graph_free(g);
    g = opened();
    for (size_t i = 0; i < PHI_COUNT(there); i++)
        assert_false(in_memory(g, there[i]));
    ph_graph_free(g);
    g = matrices();
    write_to(g, FILE_NAME);
    ph_graph_free(g);
    g = opened();
    const ph_value w = ph_graph_find(g, "w"), v = ph_graph_find(g, "v");
    assert_non_null(ph_tensor_const_data(ph_value_constant(g, w))); /* MatMul's, too */
    assert_null(ph_tensor_const_data(ph_value_constant(g, v)));
    ph_graph_free(g);
    unlink(FILE_NAME);
}

static void test_only_to_run(void **state)
{
    ph_graph *g = ways();
    ph_plan *p = NULL;
    ph_error err = {0};
    (void)state;
    write_to(g, FILE_NAME);
    ph_graph_free(g);
    g = opened();
    assert_int_equal(ph_onnx_write(g, "never.onnx", &err), PH_ERR_ARG);
    assert_non_null(strstr(err.message, "weights of 'ways' are left in its file"));
    assert_int_not_equal(access("never.onnx", F_OK), 0);
    assert_int_equal(phi_plan_build(g, NULL, true, &p, &err), PH_ERR_ARG);
    ph_graph_free(g);
    unlink(FILE_NAME);
}

/* The opened graph cannot be planned any more, and the message says why. */
static void assert_refused(const ph_graph *g, const char *why)
{
    for (size_t threads = 1; threads <= 3; threads += 2) {
        ph_plan *p = NULL;
        ph_error err = {0};
        assert_int_equal(ph_plan_new(g, &(ph_plan_desc){.n_threads = threads}, &p, &err), PH_ERR_IO);
        assert_null(p);
        if (!strstr(err.message, why)) fail_msg("%s", err.message);
        assert_non_null(strstr(err.message, FILE_NAME));
        assert_null(strchr(err.message, '\n'));
    }
}

static void test_file_that_changes(void **state)
{
    static float want[OUT * Y], y[OUT * Y];
    ph_graph *source = ways(), *g;
    (void)state;
    run_graph(source, NULL, want);
    write_to(source, FILE_NAME);
    g = opened();
    assert_int_equal(truncate(FILE_NAME, 100000), 0);
    assert_refused(g, "became shorter while it was read");
    ph_graph_free(g);

    write_to(source, FILE_NAME);
    g = opened();
    const int fd = open(FILE_NAME, O_WRONLY);
    assert_true(fd >= 0);
    usleep(20000); /* the clock of files may tick slowly */
    assert_int_equal(pwrite(fd, "change", 6, 50000), 6);
    close(fd);
    assert_refused(g, "was changed");
    ph_graph_free(g);

    write_to(source, FILE_NAME);
    g = opened();
    ph_graph *other = matrices();
    write_to(other, FILE_NAME); /* replaces it: the graph has the old file */
    ph_graph_free(other);
    run_graph(g, NULL, y);
    assert_memory_equal(want, y, sizeof y);
    unlink(FILE_NAME);
    run_graph(g, NULL, y);
    assert_memory_equal(want, y, sizeof y);
    ph_graph_free(g);
    ph_graph_free(source);
}

static enum ph_status open_and_plan(const ph_allocator *mem, void *arg)
{
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    enum ph_status st = ph_onnx_open(mem, arg, &g, NULL);
    if (!st) st = ph_plan_new(g, NULL, &p, NULL);
    ph_plan_free(p);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    const int files = open_files();
    ph_graph *g = ways();
    (void)state;
    write_to(g, FILE_NAME);
    ph_graph_free(g);
    assert_true(sweep(open_and_plan, (char[]){FILE_NAME}, 5000) > 50);
    unlink(FILE_NAME);
    assert_int_equal(open_files(), files);
}

static void test_no_file(void **state)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    (void)state;
    assert_int_equal(ph_onnx_open(NULL, "no-such.onnx", &g, &err), PH_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "no-such.onnx"));
    const int fd = open(FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "no model", 8), 8);
    close(fd);
    const int files = open_files();
    assert_int_equal(ph_onnx_open(NULL, FILE_NAME, &g, &err), PH_ERR_FORMAT);
    assert_non_null(strstr(err.message, FILE_NAME));
    assert_int_equal(ph_model_open(NULL, FILE_NAME, 0, &g, &err), PH_ERR_FORMAT);
    assert_int_equal(open_files(), files);
    unlink(FILE_NAME);
    assert_int_equal(ph_model_open(NULL, "lenet5", 1, &g, &err), PH_OK); /* has no file */
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_what_stays),
        cmocka_unit_test(test_only_to_run),
        cmocka_unit_test(test_file_that_changes),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
