/* SPDX-License-Identifier: MIT */
/*
 * The table of kernels, and those that measure. test_kernel_*.c have the others: between them,
 * every line of kernels.def that this machine can run.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel_check.h"

/* --- Measuring -------------------------------------------------------------------------------- */

static void fma_case(const phk_kernel *k, size_t rounds, enum fill fill)
{
    phi_rng r = phi_rng_start(7, rounds);
    const size_t n = (size_t)k->mr * k->nr;
    fenced x = fenced_new(n);
    float *old = input_new(n);
    /* 0.5 and 1: integers stay multiples of 2^-rounds; 0.75, 0.3 round */
    const float a = fill == INTEGERS ? 0.5f : 0.75f, b = fill == INTEGERS ? 1 : 0.3f;
    for (size_t i = 0; i < n; i++)
        x.x[i] = old[i] = draw(&r, fill);
    const phk_fma_f32_args g = {.rounds = rounds, .a = a, .b = b, .x = x.x};
    PHK_CALL(fma_f32, k)(&g);
    for (size_t i = 0; i < n; i++) {
        double want = (double)old[i], size = fabs(want);
        for (size_t t = 0; t < rounds; t++) {
            want = want * (double)a + (double)b;
            size = size * (double)a + (double)b;
        }
        check_value(k->name, "fma", fill, x.x[i], want, size, 8);
    }
    fenced_free(&x);
    guarded_free(old);
}

static void read_case(const phk_kernel *k, size_t n, enum fill fill)
{
    phi_rng r = phi_rng_start(8, n);
    float *x = input_new(n), sum = 99;
    double want = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = draw(&r, fill);
        want += (double)x[i];
        size += fabs((double)x[i]);
    }
    const phk_read_f32_args g = {.x = x, .n = n, .sum = &sum};
    PHK_CALL(read_f32, k)(&g);
    check_value(k->name, "read", fill, sum, want, size, n);
    guarded_free(x);
}

/* What is measured is what is promised: so many multiply-adds, all of the memory. */
static void test_measuring(void **state)
{
    const size_t rounds[] = {0, 1, 2, 3, 4, 7, 12};
    const size_t counts[] = {0, 1, 31, 32, 33, 95, 96, 97, 191, 192, 1009};
    const phk_kernel *k;
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (!runs_here(k)) continue;
        for (size_t t = 0; k->slot == PHK_fma_f32 && t < PHI_COUNT(rounds); t++) {
            fma_case(k, rounds[t], INTEGERS);
            fma_case(k, rounds[t], RANDOM);
        }
        for (size_t t = 0; k->slot == PHK_read_f32 && t < PHI_COUNT(counts); t++) {
            read_case(k, counts[t], INTEGERS);
            read_case(k, counts[t], RANDOM);
        }
    }
}

/* --- The table -------------------------------------------------------------------------------- */

/* Each slot starts with a kernel for every machine, and the cap chooses. */
static void test_dispatch(void **state)
{
    const phk_kernel *k;
    const char *slot;
    bool plain[PHK_N_SLOTS] = {false};
    (void)state;
    for (size_t i = 0; (k = phk_kernel_at(i)); i++) {
        if (k->needs == 0) plain[k->slot] = true;
        if (!runs_here(k)) print_message("not on this machine: %s\n", k->name);
    }
    assert_int_equal(ph_cpu_limit("scalar"), PH_OK);
    assert_string_equal(ph_cpu_isa(), "scalar");
    for (size_t s = 0; s < PHK_N_SLOTS; s++) {
        assert_true(plain[s]);
        assert_non_null(strstr(ph_kernel_name(s, &slot), "_scalar"));
        assert_non_null(strstr(ph_kernel_name(s, NULL), slot));
    }
    assert_int_equal(ph_cpu_limit("sse9"), PH_ERR_ARG);
    assert_string_equal(ph_cpu_isa(), "scalar");
    assert_int_equal(ph_cpu_limit(NULL), PH_OK);
    assert_null(ph_kernel_name(PHK_N_SLOTS, NULL));
    assert_non_null(strstr(ph_kernel_name(PHK_gemm_f32, NULL), ph_cpu_isa()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measuring),
        cmocka_unit_test(test_dispatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
