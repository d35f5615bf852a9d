/* SPDX-License-Identifier: MIT */
/* Errors, memory, checked sizes, random numbers, the pool. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graph/loop.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/half.h"
#include "base/pool.h"
#include "base/rng.h"
#include "graph/tensor.h"
#include "sweep.h"

/* --- Sizes --------------------------------------------------------------------------------- */

static void test_sizes(void **state)
{
    size_t s = 7;
    int64_t i = 7;
    (void)state;
    assert_true(phi_mul_size(SIZE_MAX / 3, 3, &s));
    assert_true(s == SIZE_MAX / 3 * 3);
    s = 7;
    assert_false(phi_mul_size(SIZE_MAX / 2, 3, &s));
    assert_false(phi_add_size(SIZE_MAX, 1, &s));
    assert_int_equal(s, 7); /* untouched */
    assert_true(phi_add_size(SIZE_MAX - 1, 1, &s));
    assert_true(phi_mul_size(0, SIZE_MAX, &s));
    assert_int_equal(s, 0);
    assert_false(phi_mul_i64(INT64_MAX, 2, &i));
    assert_false(phi_mul_i64(INT64_MIN, -1, &i));
    assert_false(phi_add_i64(INT64_MAX, 1, &i));
    assert_false(phi_add_i64(INT64_MIN, -1, &i));
    assert_int_equal(i, 7);
    assert_true(phi_mul_i64(INT64_C(1) << 31, (INT64_C(1) << 31) - 1, &i));
    assert_true(i == INT64_C(4611686016279904256));
}

/* --- Errors -------------------------------------------------------------------------------- */

static void test_error_is_one_clean_line(void **state)
{
    ph_error err = {0};
    (void)state;
    assert_int_equal(
        phi_fail(&err, PH_ERR_SHAPE, "a\nb", "conv '%s': %d", "x\x1b[31m\r\n\x7f\ty", 5),
        PH_ERR_SHAPE);
    assert_int_equal(err.status, PH_ERR_SHAPE);
    assert_string_equal(err.where, "a?b");
    assert_string_equal(err.message, "conv 'x?[31m????y': 5");
    /* letters beyond ASCII pass */
    phi_fail(&err, PH_ERR_IO, NULL, "%s", "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(err.message, "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(err.where, "");
}

static void test_error_is_cut_to_size(void **state)
{
    static char longest[3 * PH_ERROR_MESSAGE_BYTES];
    ph_error err;
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    memset(&err, 'y', sizeof err);
    phi_fail(&err, PH_ERR_FORMAT, longest, "%s", longest);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.where), sizeof err.where - 1);
}

static void test_error_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(phi_fail(NULL, PH_ERR_ARG, NULL, "%s", ""), PH_ERR_ARG);
    assert_int_equal(phi_fail_nomem(NULL), PH_ERR_NOMEM);
}

static void test_status_names(void **state)
{
    static const enum ph_status all[] = {
        PH_OK,          PH_ERR_ARG,   PH_ERR_SHAPE,    PH_ERR_TYPE,      PH_ERR_OVERFLOW,
        PH_ERR_GRAPH,   PH_ERR_IO,    PH_ERR_FORMAT,   PH_ERR_NOT_FOUND, PH_ERR_UNSUPPORTED,
        PH_ERR_STOPPED, PH_ERR_NOMEM, PH_ERR_INTERNAL,
    };
    static const int values[] = {0, 10, 11, 12, 13, 14, 20, 21, 22, 30, 31, 40, 90};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(all); i++) {
        assert_int_equal(all[i], values[i]); /* frozen */
        assert_memory_equal(ph_status_name(all[i]), "PH_", 3);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ph_status_name(all[i]), ph_status_name(all[j]));
    }
    assert_string_equal(ph_status_name((enum ph_status)77), "?");
    assert_string_equal(ph_version(), "0.1.0");
}

static void test_dtypes(void **state)
{
    (void)state;
    assert_int_equal(ph_dtype_size(PH_FLOAT32), 4);
    assert_int_equal(ph_dtype_size(PH_INT64), 8);
    assert_int_equal(ph_dtype_size(PH_BOOL), 1);
    assert_int_equal(ph_dtype_size(PH_BFLOAT16), 2);
    assert_int_equal(ph_dtype_size(PH_COMPLEX128), 16);
    assert_int_equal(ph_dtype_size(PH_STRING), 0);
    assert_int_equal(ph_dtype_size((enum ph_dtype)1000), 0);
    assert_string_equal(ph_dtype_name(PH_FLOAT32), "float32");
    assert_string_equal(ph_dtype_name((enum ph_dtype)1000), "?");
}

/* --- Memory -------------------------------------------------------------------------------- */

static void test_alloc(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 200; bytes += 33) {
        char *p = phi_alloc(NULL, bytes);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % PHI_ALIGN, 0);
        memset(p, 1, bytes);
        phi_free(NULL, p);
    }
    assert_null(phi_calloc(NULL, SIZE_MAX / 2, 3)); /* would wrap round to something small */
    assert_null(phi_alloc(NULL, SIZE_MAX));
    assert_null(phi_alloc(NULL, SIZE_MAX - 32));
    assert_null(phi_strdup(NULL, NULL));
    phi_free(NULL, NULL);
    int *zeros = phi_calloc(NULL, 100, sizeof *zeros);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    phi_free(NULL, zeros);
}

static enum ph_status grow_and_print(const ph_allocator *mem, void *arg)
{
    int *list = NULL;
    size_t n = 0, capacity = 0;
    enum ph_status st = PH_OK;
    (void)arg;
    for (int i = 0; i < 100 && !st; i++) {
        if (!phi_grow(mem, (void **)&list, n, &capacity, sizeof *list))
            st = PH_ERR_NOMEM;
        else
            list[n++] = i;
        for (size_t k = 0; k < n; k++)
            assert_int_equal(list[k], k); /* valid after a failure, too */
    }
    char *text = st ? NULL : phi_asprintf(mem, "%d apples", 12);
    char *copy = phi_strndup(mem, "applesauce", 6);
    if (!st && (!text || !copy)) st = PH_ERR_NOMEM;
    if (text) assert_string_equal(text, "12 apples");
    if (copy) assert_string_equal(copy, "apples");
    phi_free(mem, text);
    phi_free(mem, copy);
    phi_free(mem, list);
    return st;
}

static void test_alloc_sweep(void **state)
{
    (void)state;
    assert_in_range(sweep(grow_and_print, NULL, 100), 3, 99);
}

static void test_swap_bytes(void **state)
{
    unsigned char bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const unsigned char by2[] = {2, 1, 4, 3, 6, 5, 8, 7}, by4[] = {3, 4, 1, 2, 7, 8, 5, 6};
    (void)state;
    phi_swap_bytes(bytes, 4, 2);
    assert_memory_equal(bytes, by2, 8);
    phi_swap_bytes(bytes, 2, 4);
    assert_memory_equal(bytes, by4, 8);
    phi_swap_bytes(bytes, 8, 1);
    assert_memory_equal(bytes, by4, 8);
}

/* --- Random numbers ------------------------------------------------------------------------ */

/*
 * Known answers of Philox4x32-10 (kat_vectors of Random123, Salmon 2011): counter words, key words,
 * result.
 */
static void test_philox(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(known); i++) {
        const uint32_t *c = known[i].counter, *k = known[i].key;
        uint32_t got[4];
        phi_philox((uint64_t)k[1] << 32 | k[0], (uint64_t)c[3] << 32 | c[2],
                   (uint64_t)c[1] << 32 | c[0], got);
        assert_memory_equal(got, known[i].want, sizeof got);
    }
}

static void test_rng(void **state)
{
    enum { N = 100000 };
    phi_rng a = phi_rng_start(1, 2), b = phi_rng_start(1, 2), c = phi_rng_start(1, 3);
    int counts[7] = {0}, same = 0;
    double sum = 0, squares = 0, uniform = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint32_t x = phi_rng_u32(&a);
        assert_int_equal(x, phi_rng_u32(&b)); /* the same seed and stream */
        same += x == phi_rng_u32(&c);
    }
    assert_in_range(same, 0, 2);
    for (int i = 0; i < N; i++) {
        float u = phi_rng_uniform(&a), z = phi_rng_normal(&a);
        uint32_t k = phi_rng_below(&a, 7);
        assert_true(u >= 0 && u < 1);
        assert_true(isfinite(z));
        assert_in_range(k, 0, 6);
        counts[k]++;
        uniform += (double)u;
        sum += (double)z;
        squares += (double)z * (double)z;
    }
    assert_true(fabs(uniform / N - 0.5) < 0.005); /* 5 sigma: 0.0046 */
    assert_true(fabs(sum / N) < 0.017);           /* 5 sigma: 0.0158 */
    assert_true(fabs(squares / N - 1) < 0.024);   /* 5 sigma: 0.0224 */
    for (int k = 0; k < 7; k++)
        assert_in_range(counts[k], N / 7 - 560, N / 7 + 560);
    assert_int_equal(phi_rng_below(&a, 1), 0);
    assert_true(phi_stream("conv1") != phi_stream("conv2"));
    assert_true(phi_stream("") == UINT64_C(0xcbf29ce484222325)); /* FNV-1a's basis */
}

/* --- The pool ------------------------------------------------------------------------------ */

typedef struct tally {
    size_t n_threads;
    unsigned char done[1000];
    unsigned char bad_thread;
} tally;

static void do_task(void *arg, size_t task, size_t thread)
{
    tally *t = arg;
    t->done[task]++;
    if (thread >= t->n_threads) t->bad_thread = 1;
}

static void test_pool(void **state)
{
    (void)state;
    for (size_t threads = 1; threads <= 5; threads++) {
        phi_pool *pool = NULL;
        assert_int_equal(phi_pool_new(NULL, threads, &pool, NULL), PH_OK);
        assert_int_equal(phi_pool_threads(pool), threads);
        for (int round = 0; round < 200; round++) {
            tally t = {.n_threads = threads};
            size_t n = (size_t)round * 7 % 1000;
            phi_pool_run(pool, n, do_task, &t);
            assert_false(t.bad_thread);
            for (size_t i = 0; i < PHI_COUNT(t.done); i++)
                assert_int_equal(t.done[i], i < n);
        }
        phi_pool_free(pool);
    }
    tally t = {.n_threads = 1};
    assert_int_equal(phi_pool_threads(NULL), 1);
    phi_pool_run(NULL, 10, do_task, &t);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(t.done[i], 1);
    phi_pool_free(NULL);
}

static enum ph_status make_pool(const ph_allocator *mem, void *arg)
{
    phi_pool *pool = NULL;
    (void)arg;
    enum ph_status st = phi_pool_new(mem, 3, &pool, NULL);
    if (!st) phi_pool_free(pool);
    return st;
}

static void test_pool_sweep(void **state)
{
    (void)state;
    assert_in_range(sweep(make_pool, NULL, 100), 1, 99);
}

static void test_cpu(void **state)
{
    const char *slot = NULL;
    (void)state;
    assert_true(ph_cpu_count() >= 1);
    assert_int_equal(ph_cpu_limit("no such thing"), PH_ERR_ARG);
    assert_int_equal(ph_cpu_limit("scalar"), PH_OK);
    assert_string_equal(ph_cpu_isa(), "scalar");
    for (size_t i = 0; ph_kernel_name(i, &slot); i++) {
        assert_non_null(slot);
        assert_non_null(strstr(ph_kernel_name(i, NULL), "scalar"));
    }
    assert_non_null(ph_kernel_name(0, NULL));
    assert_int_equal(ph_cpu_limit(NULL), PH_OK);
    double before = phi_clock();
    assert_true(phi_clock() >= before);
}

/* --- Tensors ------------------------------------------------------------------------------- */

static void test_tensor_limits(void **state)
{
    ph_tensor *t = NULL;
    ph_error err = {0};
    static const int64_t huge[4] = {INT64_C(1) << 31, INT64_C(1) << 31, 2, 1};
    (void)state;
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 4, huge, &t, &err), PH_ERR_OVERFLOW);
    assert_non_null(strchr(err.message, '2'));
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 1, (int64_t[]){INT64_MAX}, &t, &err),
                     PH_ERR_OVERFLOW);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 2, (int64_t[]){3, -1}, &t, &err), PH_ERR_ARG);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 9, (int64_t[9]){0}, &t, &err), PH_ERR_ARG);
    assert_int_equal(ph_tensor_new(NULL, PH_STRING, 1, (int64_t[]){1}, &t, &err), PH_ERR_TYPE);
    assert_null(t);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 2, (int64_t[]){0, 5}, &t, &err), PH_OK);
    assert_int_equal(ph_tensor_count(t), 0);
    ph_tensor_free(t);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 0, NULL, &t, &err), PH_OK);
    assert_int_equal(ph_tensor_count(t), 1);
    assert_int_equal(ph_tensor_bytes(t), 4);
    assert_true(*(float *)ph_tensor_data(t) == 0.0f);
    ph_tensor_free(t);
    ph_tensor_free(NULL);
}

static void test_views(void **state)
{
    const phi_type image = {PH_FLOAT32, 4, {2, 3, 4, 5}}, pixel = {PH_FLOAT32, 4, {2, 7, 1, 1}};
    float a[120], b[120], c[120];
    phi_view plain = phi_view_plain(&image, a), last = {.type = image, .data = b};
    phi_view back = phi_view_plain(&image, c);
    (void)state;
    phi_strides_channels_last(&image, last.strides);
    assert_true(phi_view_is_plain(&plain) && !phi_view_is_channels_last(&plain));
    assert_true(phi_view_is_channels_last(&last) && !phi_view_is_plain(&last));
    phi_view both = phi_view_plain(&pixel, a);
    assert_true(phi_view_is_plain(&both) && phi_view_is_channels_last(&both));
    for (int i = 0; i < 120; i++)
        a[i] = (float)i;
    phi_copy(NULL, &last, &plain);
    for (int n = 0; n < 2; n++)
        for (int ch = 0; ch < 3; ch++)
            for (int p = 0; p < 20; p++)
                assert_true(b[(n * 20 + p) * 3 + ch] == a[(n * 3 + ch) * 20 + p]);
    phi_copy(NULL, &back, &last);
    assert_memory_equal(a, c, sizeof a);
}

static void test_broadcast_types(void **state)
{
    const phi_type a = {PH_FLOAT32, 4, {2, 3, 4, 5}}, b = {PH_FLOAT32, 2, {4, 1}};
    const phi_type c = {PH_FLOAT32, 1, {4}}, none = {PH_FLOAT32, 4, {2, 3, 0, 5}};
    phi_type out;
    char text[PHI_TYPE_TEXT];
    (void)state;
    assert_true(phi_broadcast_types(&b, &a, &out));
    assert_string_equal(phi_type_text(&out, text, sizeof text), "float32[2,3,4,5]");
    assert_false(phi_broadcast_types(&a, &c, &out));
    assert_false(phi_broadcast_types(&a, &none, &out));
    assert_true(phi_broadcast_types(&none, &(phi_type){PH_FLOAT32, 1, {1}}, &out));
    assert_string_equal(phi_type_text(&out, text, sizeof text), "float32[2,3,0,5]");
}

/* --- 16-bit floats --------------------------------------------------------------------------- */

/* The value of bits with `mantissa` bits behind 15 - mantissa of exponent, from the definition. */
static double half_value(uint16_t bits, int mantissa)
{
    const int exponents = 1 << (15 - mantissa), bias = exponents / 2 - 1;
    const int e = (bits & 0x7fff) >> mantissa, m = bits & ((1 << mantissa) - 1);
    const double sign = bits & 0x8000 ? -1 : 1;
    if (e == exponents - 1) return m ? (double)NAN : sign * (double)INFINITY;
    if (e == 0) return sign * ldexp(m, 1 - bias - mantissa);
    return sign * ldexp((1 << mantissa) + m, e - bias - mantissa);
}

/* Every number is itself; halfway to the next goes to the even one, a little off to the nearer one. */
static void check_half(int mantissa, float (*widen)(uint16_t), uint16_t (*narrow)(double))
{
    const uint16_t infinity = (uint16_t)(((1 << (15 - mantissa)) - 1) << mantissa);
    for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
        const uint16_t h = (uint16_t)bits, size = h & 0x7fff;
        const double value = half_value(h, mantissa);
        if (size > infinity) {
            assert_true(isnan(widen(h)));
            assert_true((narrow(value) & 0x7fff) > infinity);
            continue;
        }
        assert_true((double)widen(h) == value && !signbit(widen(h)) == !(h & 0x8000));
        assert_int_equal(narrow(value), h);
        if (size >= infinity) continue;
        /* the number that would follow the largest decides where infinity begins */
        const double after = size + 1 == infinity ? 2 * value - half_value(h - 1, mantissa)
                                                  : half_value(h + 1, mantissa);
        const double middle = value + (after - value) / 2;
        assert_int_equal(narrow(middle), h & 1 ? h + 1 : h);
        assert_int_equal(narrow(nextafter(middle, value)), h);
        assert_int_equal(narrow(nextafter(middle, after)), h + 1);
    }
    assert_int_equal(narrow(1e300), infinity);
    assert_int_equal(narrow(-1e300), infinity | 0x8000);
    assert_int_equal(narrow(-5e-324), 0x8000);
}

static void test_halves(void **state)
{
    (void)state;
    check_half(10, phi_f16_widen, phi_f16_narrow);
    check_half(7, phi_bf16_widen, phi_bf16_narrow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_error_is_one_clean_line),
        cmocka_unit_test(test_error_is_cut_to_size),
        cmocka_unit_test(test_error_may_be_null),
        cmocka_unit_test(test_status_names),
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_alloc_sweep),
        cmocka_unit_test(test_swap_bytes),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_philox),
        cmocka_unit_test(test_rng),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_pool_sweep),
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_tensor_limits),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_broadcast_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
