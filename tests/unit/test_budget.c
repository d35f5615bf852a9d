/* SPDX-License-Identifier: MIT */
/* Limits on memory, and names that fit into a message. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/base.h"
#include "sweep.h"

/* --- Budgets -------------------------------------------------------------------------------- */

static void test_counts_what_is_in_use(void **state)
{
    ph_budget *b;
    (void)state;
    assert_int_equal(ph_budget_new(NULL, 1000, &b, NULL), PH_OK);
    const ph_allocator *mem = ph_budget_allocator(b);
    assert_int_equal(ph_budget_limit(b), 1000);
    assert_int_equal(ph_budget_used(b), 0);
    char *x = phi_alloc(mem, 400), *y = phi_alloc(mem, 100);
    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal((uintptr_t)x % 64, 0);
    memset(x, 1, 400);
    memset(y, 2, 100);
    assert_int_equal(ph_budget_used(b), 500 + 2 * 64);
    assert_null(phi_alloc(mem, 400)); /* 628 + 464 > 1000 */
    assert_int_equal(ph_budget_wanted(b), 628 + 464);
    assert_int_equal(ph_budget_used(b), 628);
    phi_free(mem, x);
    assert_int_equal(ph_budget_used(b), 164);
    x = phi_alloc(mem, 1000 - 164 - 64); /* to the last byte */
    assert_non_null(x);
    assert_null(phi_alloc(mem, 1));
    assert_int_equal(ph_budget_wanted(b), 1092); /* the most that was wanted stays */
    phi_free(mem, x);
    phi_free(mem, y);
    phi_free(mem, NULL);
    assert_int_equal(ph_budget_used(b), 0);
    assert_int_equal(ph_budget_peak(b), 1000);
    ph_budget_free(b);
    ph_budget_free(NULL);
}

static void test_sizes_that_do_not_fit(void **state)
{
    ph_budget *b;
    (void)state;
    assert_int_equal(ph_budget_new(NULL, SIZE_MAX - 1, &b, NULL), PH_OK);
    const ph_allocator *mem = ph_budget_allocator(b);
    assert_null(phi_alloc(mem, SIZE_MAX));
    assert_null(phi_alloc(mem, SIZE_MAX - 63));
    assert_int_equal(ph_budget_wanted(b), SIZE_MAX);
    assert_int_equal(ph_budget_used(b), 0);
    assert_null(phi_alloc(mem, (size_t)1 << 62)); /* the C library refuses: nothing is counted */
    assert_int_equal(ph_budget_used(b), 0);
    ph_budget_free(b);
}

static void *take_and_give(void *arg)
{
    const ph_allocator *mem = arg;
    uintptr_t got = 0;
    for (size_t i = 0; i < 20000; i++) {
        void *x = phi_alloc(mem, i % 300);
        got += x != NULL;
        phi_free(mem, x);
    }
    return (void *)got; /* NOLINT: a number */
}

static void test_threads_share_one(void **state)
{
    ph_budget *b;
    pthread_t thread[4];
    uintptr_t all = 0;
    (void)state;
    assert_int_equal(ph_budget_new(NULL, 800, &b, NULL), PH_OK);
    for (size_t i = 0; i < PHI_COUNT(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, take_and_give,
                                        (void *)(uintptr_t)ph_budget_allocator(b)), 0);
    for (size_t i = 0; i < PHI_COUNT(thread); i++) {
        void *got;
        assert_int_equal(pthread_join(thread[i], &got), 0);
        all += (uintptr_t)got;
    }
    assert_true(all > 0); /* one may find nothing, while others sleep on what they hold */
    assert_int_equal(ph_budget_used(b), 0);
    assert_true(ph_budget_peak(b) <= 800);
    ph_budget_free(b);
}

static enum ph_status budget_in(const ph_allocator *mem, void *arg)
{
    ph_budget *b;
    ph_tensor *t = NULL;
    const int64_t dims[1] = {10};
    (void)arg;
    enum ph_status st = ph_budget_new(mem, 1 << 20, &b, NULL);
    if (st) return st;
    st = ph_tensor_new(ph_budget_allocator(b), PH_FLOAT32, 1, dims, &t, NULL);
    ph_tensor_free(t);
    ph_budget_free(b);
    return st;
}

static void test_memory_of_its_own_runs_out(void **state)
{
    (void)state;
    assert_int_equal(sweep(budget_in, NULL, 10), 3);
}

/* A tensor that does not fit says how much it needs. */
static void test_message_of_a_tensor(void **state)
{
    ph_budget *b;
    ph_tensor *t;
    ph_error err = {0};
    const int64_t dims[2] = {1 << 20, 1 << 20};
    (void)state;
    assert_int_equal(ph_budget_new(NULL, 1 << 20, &b, NULL), PH_OK);
    assert_int_equal(ph_tensor_new(ph_budget_allocator(b), PH_FLOAT32, 2, dims, &t, &err),
                     PH_ERR_NOMEM);
    assert_string_equal(err.message,
                        "out of memory: float32[1048576,1048576] needs 4398046511104 bytes");
    assert_int_equal(ph_budget_used(b), 0);
    ph_budget_free(b);
}

/* --- Text ------------------------------------------------------------------------------------ */

static void assert_plain(const char *text, size_t bytes, const char *wanted)
{
    char buf[64];
    memset(buf, 'x', sizeof buf);
    assert_string_equal(ph_text_plain(text, buf, bytes), wanted);
    for (size_t i = bytes; i < sizeof buf; i++)
        assert_int_equal(buf[i], 'x');
}

static void test_plain_text(void **state)
{
    char one = 'y';
    (void)state;
    assert_plain("conv1", 64, "conv1");
    assert_plain("", 1, "");
    assert_plain("conv1", 1, "");
    assert_ptr_equal(ph_text_plain("conv1", &one, 0), &one);
    assert_int_equal(one, 'y');
    assert_plain("a\nb\tc\x1b[31m\x7f", 64, "a?b?c?[31m?");
    assert_plain("\xc2\x9b" "31m\xc2\xa0", 64, "??31m\xc2\xa0");         /* C1: CSI */
    assert_plain("a\xe2\x80\xae" "b\xe2\x81\xa9", 64, "a???b???");       /* RLO, PDI */
    assert_plain("\xe2\x80\xa8\xe2\x80\x8f\xe2\x80\x90", 64, "??????\xe2\x80\x90");
    assert_plain("\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80z", 64, "??????????z");
    assert_plain("\xe2\x82", 64, "??"); /* ends within a character */
    assert_plain("\xe5\xb1\x82/1", 64, "\xe5\xb1\x82/1");
    assert_plain("0123456789abcdefghij", 17, "01234567...fghij");
    assert_plain("0123456789abcdefghij", 21, "0123456789abcdefghij");
    assert_plain("\xe5\xb1\x82\xe5\xb1\x82\xe5\xb1\x82\xe5\xb1\x82\xe5\xb1\x82\xe5\xb1\x82", 17,
                 "\xe5\xb1\x82\xe5\xb1\x82...\xe5\xb1\x82");
}

static void test_messages_keep_their_point(void **state)
{
    ph_error err = {0};
    char *name = malloc(100001);
    (void)state;
    assert_non_null(name);
    memset(name, 'n', 100000);
    name[100000] = 0;
    name[0] = '<';
    name[99999] = '>';
    phi_fail(&err, PH_ERR_SHAPE, name, "conv '%s': weights expect %lld channels, not %zu (%s, '%.*s')",
             name, 192LL, (size_t)256, "x", 3, "abcdef");
    assert_non_null(strstr(err.message, "n>': weights expect 192 channels, not 256 (x, 'abc')"));
    assert_memory_equal(err.message, "conv '<nnn", 10);
    assert_non_null(strstr(err.message, "nnn...nnn"));
    assert_true(strlen(err.message) < 160 + 60);
    phi_fail(&err, PH_ERR_SHAPE, name, "%s '%s': wrong", name, name); /* operator and node */
    assert_non_null(strstr(err.message, "n>': wrong"));
    assert_true(strlen(err.message) < 2 * 160 + 20);
    assert_non_null(strstr(err.where, "..."));
    assert_int_equal(strlen(err.where), sizeof err.where - 1);
    free(name);
}

static const char *formatted(char *buf, size_t n, bool *whole, const char *format, ...)
    PHI_PRINTF(4, 5);
static const char *formatted(char *buf, size_t n, bool *whole, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    *whole = phi_vformat(buf, n, format, list);
    va_end(list);
    return buf;
}

/* Every conversion that a message may have, as printf does it. */
static void test_conversions(void **state)
{
    char buf[400], wanted[400];
    bool whole;
    (void)state;
#define CHECK(...)                                                                                 \
    do {                                                                                           \
        snprintf(wanted, sizeof wanted, __VA_ARGS__);                                              \
        assert_string_equal(formatted(buf, sizeof buf, &whole, __VA_ARGS__), wanted);              \
        assert_true(whole);                                                                        \
    } while (0)
    CHECK("plain, 100%%, %%%d%%", 5);
    CHECK("%d %i %u %x %X %08x %#o %c", -1, INT32_MIN, 4000000000u, 255u, 255u, 0xbeefu, 8u, 'c');
    CHECK("%ld %lu %lld %llu %zu %zx", -1L, 2UL, (long long)INT64_MIN, (unsigned long long)UINT64_MAX,
          SIZE_MAX, (size_t)1);
    CHECK("%hhu %hd %jd %td %+d % d %-5d|%5d|%*d", (unsigned char)200, (short)-3, (intmax_t)-7,
          (ptrdiff_t)-9, 3, 3, 3, 3, 7, 3);
    CHECK("%g %f %.3f %10.2e %.*f %a", 0.1, -2.5, 1e6, 12345.678, 2, 3.14159, 1.0);
    CHECK("'%s' %s '%.3s' \"%s\" %.*s '%.*s'", "a", "b", "cdef", "g", 2, "hijk", 0, "l");
    CHECK("%s", "");
    CHECK("%d'%s'%d", 1, "two", 3);
    assert_string_equal(formatted(buf, 6, &whole, "%s", "abcdef"), "abcde");
    assert_false(whole);
    assert_string_equal(formatted(buf, 7, &whole, "%s", "abcdef"), "abcdef");
    assert_true(whole);
    assert_string_equal(formatted(buf, 1, &whole, "%d", 1), "");
    assert_false(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_what_is_in_use),
        cmocka_unit_test(test_sizes_that_do_not_fit),
        cmocka_unit_test(test_threads_share_one),
        cmocka_unit_test(test_memory_of_its_own_runs_out),
        cmocka_unit_test(test_message_of_a_tensor),
        cmocka_unit_test(test_plain_text),
        cmocka_unit_test(test_messages_keep_their_point),
        cmocka_unit_test(test_conversions),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
