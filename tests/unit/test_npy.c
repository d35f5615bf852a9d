/* SPDX-License-Identifier: MIT */
/* NumPy files: what NumPy writes is read, what is written NumPy's own bytes, all else is refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/base.h"
#include "sweep.h"

#define FILE_NAME "test_npy.tmp.npy"

static void put(const void *bytes, size_t n)
{
    FILE *f = fopen(FILE_NAME, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* A file of the given version with this header text and these elements. */
static size_t make(unsigned char *buf, int version, const char *header, const void *data, size_t n)
{
    const size_t length = strlen(header);
    size_t at = 10;
    memcpy(buf, "\x93NUMPY", 6);
    buf[6] = (unsigned char)version;
    buf[7] = 0;
    buf[8] = (unsigned char)(length & 0xff);
    buf[9] = (unsigned char)(length >> 8);
    if (version > 1) {
        buf[10] = buf[11] = 0;
        at = 12;
    }
    memcpy(buf + at, header, length);
    if (n) memcpy(buf + at + length, data, n);
    return at + length + n;
}

static enum ph_status read_made(int version, const char *header, const void *data, size_t n,
                                ph_tensor **t, ph_error *err)
{
    unsigned char buf[2048];
    *t = NULL;
    put(buf, make(buf, version, header, data, n));
    return ph_tensor_read_npy(NULL, FILE_NAME, t, err);
}

static void assert_shape(const ph_tensor *t, enum ph_dtype dtype, size_t rank, const int64_t *dims)
{
    assert_int_equal(ph_tensor_dtype(t), dtype);
    assert_int_equal(ph_tensor_rank(t), rank);
    for (size_t i = 0; i < rank; i++)
        assert_int_equal(ph_tensor_dims(t)[i], dims[i]);
}

/* --- What NumPy writes ------------------------------------------------------------------------ */

#define F4_2x3 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n"

static void test_versions(void **state)
{
    const float x[6] = {0, 1, -2, 3.5f, 1e30f, -0.0f};
    ph_tensor *t;
    ph_error err = {0};
    (void)state;
    for (int version = 1; version <= 3; version++) {
        assert_int_equal(read_made(version, F4_2x3, x, sizeof x, &t, &err), PH_OK);
        assert_shape(t, PH_FLOAT32, 2, (int64_t[]){2, 3});
        if (phi_host_is_little_endian()) assert_memory_equal(ph_tensor_data(t), x, sizeof x);
        ph_tensor_free(t);
    }
    assert_int_equal(read_made(4, F4_2x3, x, sizeof x, &t, &err), PH_ERR_UNSUPPORTED);
}

static void test_types(void **state)
{
    static const struct {
        const char *descr;
        enum ph_dtype dtype;
        size_t bytes;
    } types[] = {{"|b1", PH_BOOL, 1},      {"|i1", PH_INT8, 1},         {"|u1", PH_UINT8, 1},
                 {"<i2", PH_INT16, 2},     {"<u2", PH_UINT16, 2},       {"<i4", PH_INT32, 4},
                 {"<u4", PH_UINT32, 4},    {"<i8", PH_INT64, 8},        {"<u8", PH_UINT64, 8},
                 {"<f2", PH_FLOAT16, 2},   {"<f4", PH_FLOAT32, 4},      {"<f8", PH_FLOAT64, 8},
                 {"<c8", PH_COMPLEX64, 8}, {"<c16", PH_COMPLEX128, 16}, {">i2", PH_INT16, 2}};
    static const unsigned char zeros[3 * 16];
    char header[128];
    ph_tensor *t;
    ph_error err = {0};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(types); i++) {
        snprintf(header, sizeof header,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (3,), }\n", types[i].descr);
        assert_int_equal(read_made(1, header, zeros, 3 * types[i].bytes, &t, &err), PH_OK);
        assert_shape(t, types[i].dtype, 1, (int64_t[]){3});
        assert_int_equal(ph_tensor_bytes(t), 3 * types[i].bytes);
        ph_tensor_free(t);
    }
}

static void test_byte_order(void **state)
{
    static const unsigned char be[8] = {0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0}; /* 1, -2.5 */
    static const unsigned char le[8] = {0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0};
    ph_tensor *t;
    (void)state;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(read_made(1,
                                   k ? "{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}"
                                     : "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
                                   k ? be : le, 8, &t, NULL),
                         PH_OK);
        assert_true(((const float *)ph_tensor_data(t))[0] == 1.0f);
        assert_true(((const float *)ph_tensor_data(t))[1] == -2.5f);
        ph_tensor_free(t);
        /* the two halves of a complex number are swapped one by one */
        assert_int_equal(read_made(1,
                                   k ? "{'descr': '>c8', 'fortran_order': False, 'shape': ()}"
                                     : "{'descr': '<c8', 'fortran_order': False, 'shape': ()}",
                                   k ? be : le, 8, &t, NULL),
                         PH_OK);
        assert_true(((const float *)ph_tensor_data(t))[1] == -2.5f);
        ph_tensor_free(t);
    }
}

/* [2,3,4] with the first dimension fastest: element (i,j,k) is number i + 2 j + 6 k. */
static void test_fortran_order(void **state)
{
    unsigned char x[24];
    ph_tensor *t;
    (void)state;
    for (int i = 0; i < 24; i++)
        x[i] = (unsigned char)i;
    assert_int_equal(read_made(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }",
                               x, 24, &t, NULL),
                     PH_OK);
    const unsigned char *y = ph_tensor_data(t);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++)
                assert_int_equal(y[(i * 3 + j) * 4 + k], i + 2 * j + 6 * k);
    ph_tensor_free(t);
}

static void test_shapes(void **state)
{
    static const unsigned char one[1] = {7};
    ph_tensor *t;
    (void)state;
    assert_int_equal(
        read_made(1, "{'descr':'|u1','fortran_order':False,'shape':()}", one, 1, &t, NULL), PH_OK);
    assert_shape(t, PH_UINT8, 0, NULL);
    assert_int_equal(*(unsigned char *)ph_tensor_data(t), 7);
    ph_tensor_free(t);
    assert_int_equal(read_made(1, "{'shape':(0, 5L), \"fortran_order\": True , 'descr':'|u1'}\n",
                               one, 0, &t, NULL),
                     PH_OK);
    assert_shape(t, PH_UINT8, 2, (int64_t[]){0, 5});
    ph_tensor_free(t);
    assert_int_equal(read_made(1, "{'descr':'|u1','fortran_order':False,'shape':(1,1,1,1,1,1,1,1)}",
                               one, 1, &t, NULL),
                     PH_OK);
    assert_int_equal(ph_tensor_rank(t), 8);
    ph_tensor_free(t);
}

static void test_bools_are_zero_or_one(void **state)
{
    static const unsigned char x[3] = {0, 1, 255};
    ph_tensor *t;
    (void)state;
    assert_int_equal(
        read_made(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", x, 3, &t, NULL),
        PH_OK);
    assert_memory_equal(ph_tensor_data(t), ((unsigned char[]){0, 1, 1}), 3);
    ph_tensor_free(t);
}

/* --- What is refused -------------------------------------------------------------------------- */

#define H(descr, order, shape)                                                                     \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"

static void test_refuses_headers(void **state)
{
    static const struct {
        const char *header;
        enum ph_status status;
    } bad[] = {
        {"", PH_ERR_FORMAT},
        {"{}", PH_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False}", PH_ERR_FORMAT},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", PH_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", PH_ERR_FORMAT},
        {H("'<f4'", "False", "(1,)") " x", PH_ERR_FORMAT},
        {H("'<f4'", "False", "(1,)") "}", PH_ERR_FORMAT},
        {H("'<f4'", "0", "(1,)"), PH_ERR_FORMAT},
        {H("'<f4'", "False", "(1)"), PH_ERR_FORMAT},
        {H("'<f4'", "False", "(1,"), PH_ERR_FORMAT},
        {H("'<f4'", "False", "(,)"), PH_ERR_FORMAT},
        {H("'<f4'", "False", "(-1,)"), PH_ERR_FORMAT},
        {H("'<f4'", "False", "(1.0,)"), PH_ERR_FORMAT},
        {H("'<f4'", "False", "(__import__('os').abort(),)"), PH_ERR_FORMAT},
        {H("'<f4'", "False", "[1]"), PH_ERR_FORMAT},
        {H("'<f4", "False", "(1,)"), PH_ERR_UNSUPPORTED}, /* the string goes on to the next ' */
        {"{'descr': '<f4", PH_ERR_FORMAT},
        {"{'", PH_ERR_FORMAT},
        {H("'<f4'", "False", "(2,)"), PH_ERR_FORMAT},    /* too few bytes */
        {H("'<f4'", "False", "()") "    ", PH_OK},       /* the control: right */
        {H("'<f2'", "False", "()"), PH_ERR_FORMAT},      /* too many bytes */
        {H("'|f4'", "False", "()"), PH_ERR_UNSUPPORTED}, /* no byte order */
        {H("'f4'", "False", "()"), PH_ERR_UNSUPPORTED},
        {H("'<f3'", "False", "()"), PH_ERR_UNSUPPORTED},
        {H("'<f44444444444444444444'", "False", "()"), PH_ERR_UNSUPPORTED},
        {H("'<U4'", "False", "()"), PH_ERR_UNSUPPORTED},
        {H("'|O'", "False", "()"), PH_ERR_UNSUPPORTED},
        {H("'<M8[ns]'", "False", "()"), PH_ERR_UNSUPPORTED},
        {H("[('x', '<f4')]", "False", "()"), PH_ERR_UNSUPPORTED},
        {H("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), PH_ERR_UNSUPPORTED},
        {H("'<f4'", "False", "(9223372036854775808,)"), PH_ERR_OVERFLOW},
        {H("'<f4'", "False", "(9223372036854775807,)"), PH_ERR_OVERFLOW},
        {H("'<f4'", "False", "(4294967296,4294967296)"), PH_ERR_OVERFLOW},
        {H("'<f4'", "False", "(0,9223372036854775807,9223372036854775807)"), PH_ERR_OVERFLOW},
        {H("'<f4'", "False", "(1099511627776,)"), PH_ERR_FORMAT}, /* 4 TiB: not even tried */
    };
    static const float x[1] = {1};
    ph_tensor *t;
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(bad); i++) {
        ph_error err = {0};
        enum ph_status st = read_made(1, bad[i].header, x, sizeof x, &t, &err);
        if (st != bad[i].status)
            fail_msg("%s: %s (%s), not %s", bad[i].header, ph_status_name(st), err.message,
                     ph_status_name(bad[i].status));
        if (st && !strstr(err.message, FILE_NAME)) fail_msg("no file in '%s'", err.message);
        ph_tensor_free(t);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    static const float x[6] = {1, 2, 3, 4, 5, 6};
    unsigned char buf[256];
    ph_tensor *t;
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const size_t n = make(buf, version, F4_2x3, x, sizeof x);
        for (size_t k = 0; k < n; k++) {
            put(buf, k);
            assert_int_equal(ph_tensor_read_npy(NULL, FILE_NAME, &t, NULL), PH_ERR_FORMAT);
        }
    }
}

/* Any single bit may flip: the result is an error or an array that fits the file. */
static void test_every_flipped_bit_is_survived(void **state)
{
    static const float x[6] = {1, 2, 3, 4, 5, 6};
    unsigned char buf[256];
    size_t n_read = 0;
    (void)state;
    const size_t n = make(buf, 1, F4_2x3, x, sizeof x);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        ph_tensor *t;
        buf[bit / 8] ^= (unsigned char)(1u << bit % 8);
        put(buf, n);
        if (ph_tensor_read_npy(NULL, FILE_NAME, &t, NULL) == PH_OK) {
            assert_true(ph_tensor_bytes(t) == sizeof x);
            n_read++;
            ph_tensor_free(t);
        }
        buf[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(n_read >= 8 * sizeof x); /* at least flips in the elements */
}

/* --- Writing -------------------------------------------------------------------------------- */

static size_t slurp(unsigned char *buf, size_t n)
{
    FILE *f = fopen(FILE_NAME, "rb");
    assert_non_null(f);
    n = fread(buf, 1, n, f);
    fclose(f);
    return n;
}

/* The bytes of numpy.save(f, numpy.array([1, 2], dtype='<i2')). */
static void test_writes_what_numpy_writes(void **state)
{
    unsigned char expected[132], got[256];
    const int16_t x[2] = {1, 2};
    ph_tensor *t;
    (void)state;
    memset(expected, ' ', sizeof expected);
    memcpy(expected, "\x93NUMPY\x01\x00\x76\x00", 10);
    static const char dict[] = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }";
    memcpy(expected + 10, dict, sizeof dict - 1);
    memcpy(expected + 127, "\n\x01\x00\x02\x00", 5);
    assert_int_equal(ph_tensor_new(NULL, PH_INT16, 1, (int64_t[]){2}, &t, NULL), PH_OK);
    memcpy(ph_tensor_data(t), x, sizeof x);
    assert_int_equal(ph_tensor_write_npy(t, FILE_NAME, NULL), PH_OK);
    assert_int_equal(slurp(got, sizeof got), sizeof expected);
    assert_memory_equal(got, expected, sizeof expected);
    ph_tensor_free(t);
}

static void test_round_trip(void **state)
{
    static const enum ph_dtype dtypes[] = {
        PH_BOOL,  PH_INT8,   PH_UINT8,   PH_INT16,   PH_UINT16,  PH_INT32,     PH_UINT32,
        PH_INT64, PH_UINT64, PH_FLOAT16, PH_FLOAT32, PH_FLOAT64, PH_COMPLEX64, PH_COMPLEX128};
    static const int64_t dims[][4] = {{2, 3, 1, 2}, {0, 7, 1, 1}, {123456789, 0, 1, 1}};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(dtypes); i++)
        for (size_t rank = 0; rank <= 4; rank++)
            for (size_t k = 0; k < (rank < 2 ? 1 : PHI_COUNT(dims)); k++) {
                ph_tensor *t, *u;
                assert_int_equal(ph_tensor_new(NULL, dtypes[i], rank, dims[k], &t, NULL), PH_OK);
                unsigned char *p = ph_tensor_data(t);
                for (size_t b = 0; b < ph_tensor_bytes(t); b++)
                    p[b] = (unsigned char)(dtypes[i] == PH_BOOL ? b % 2 : b * 37 + 11);
                assert_int_equal(ph_tensor_write_npy(t, FILE_NAME, NULL), PH_OK);
                assert_int_equal(ph_tensor_read_npy(NULL, FILE_NAME, &u, NULL), PH_OK);
                assert_shape(u, dtypes[i], rank, dims[k]);
                assert_memory_equal(ph_tensor_data(u), p, ph_tensor_bytes(t));
                ph_tensor_free(t);
                ph_tensor_free(u);
            }
}

static void test_write_refuses(void **state)
{
    ph_tensor *t;
    ph_error err = {0};
    (void)state;
    assert_int_equal(ph_tensor_new(NULL, PH_BFLOAT16, 0, NULL, &t, NULL), PH_OK);
    assert_int_equal(ph_tensor_write_npy(t, FILE_NAME, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "bfloat16"));
    ph_tensor_free(t);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 0, NULL, &t, NULL), PH_OK);
    assert_int_equal(ph_tensor_write_npy(t, "none/x.npy", &err), PH_ERR_NOT_FOUND);
    ph_tensor_free(t);
}

static enum ph_status write_and_read(const ph_allocator *mem, void *arg)
{
    ph_tensor *t = NULL, *u = NULL;
    enum ph_status st = ph_tensor_new(mem, PH_FLOAT32, 2, (int64_t[]){5, 3}, &t, arg);
    if (!st) st = ph_tensor_write_npy(t, FILE_NAME, arg);
    if (!st) st = ph_tensor_read_npy(mem, FILE_NAME, &u, arg);
    ph_tensor_free(t);
    ph_tensor_free(u);
    return st;
}

static void test_out_of_memory(void **state)
{
    ph_error err = {0};
    (void)state;
    assert_true(sweep(write_and_read, &err, 100) >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_byte_order),
        cmocka_unit_test(test_fortran_order),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_bools_are_zero_or_one),
        cmocka_unit_test(test_refuses_headers),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_survived),
        cmocka_unit_test(test_writes_what_numpy_writes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_out_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(FILE_NAME);
    return failed;
}
