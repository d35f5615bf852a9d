/* SPDX-License-Identifier: MIT */
/*
 * Comparing tensors of any type, element by element.
 */
#include "run.h"

#include <math.h>
#include <string.h>

/* --- Elements ------------------------------------------------------------------------------- */

/* IEEE 754 binary16. */
static double half_to_double(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double magnitude;
    if (exponent == 31) {
        magnitude = mantissa ? (double)NAN : (double)INFINITY;
    } else if (exponent == 0) {
        magnitude = ldexp(mantissa, -24);
    } else {
        magnitude = ldexp(mantissa + 1024, exponent - 25);
    }
    return bits & 0x8000 ? -magnitude : magnitude;
}

static double bfloat_to_double(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

double run_element(const ph_tensor *t, int64_t i)
{
    const void *data = ph_tensor_const_data(t);
    switch (ph_tensor_dtype(t)) {
    case PH_FLOAT32:
        return (double)((const float *)data)[i];
    case PH_FLOAT64:
        return ((const double *)data)[i];
    case PH_FLOAT16:
        return half_to_double(((const uint16_t *)data)[i]);
    case PH_BFLOAT16:
        return bfloat_to_double(((const uint16_t *)data)[i]);
    case PH_BOOL:
    case PH_UINT8:
        return ((const uint8_t *)data)[i];
    case PH_INT8:
        return ((const int8_t *)data)[i];
    case PH_UINT16:
        return ((const uint16_t *)data)[i];
    case PH_INT16:
        return ((const int16_t *)data)[i];
    case PH_INT32:
        return ((const int32_t *)data)[i];
    case PH_UINT32:
        return ((const uint32_t *)data)[i];
    case PH_INT64:
        return (double)((const int64_t *)data)[i];
    case PH_UINT64:
        return (double)((const uint64_t *)data)[i];
    case PH_UNDEFINED:
    case PH_STRING:
    case PH_COMPLEX64:
    case PH_COMPLEX128:
        break;
    }
    return (double)NAN;
}

static bool is_real(enum ph_dtype dtype)
{
    return dtype == PH_FLOAT32 || dtype == PH_FLOAT64 || dtype == PH_FLOAT16 ||
           dtype == PH_BFLOAT16;
}

/* --- Comparing ------------------------------------------------------------------------------ */

typedef struct difference {
    int64_t n, first; /* elements out of tolerance; the first of them */
    double max_abs, max_rel;
} difference;

static void compare_reals(const ph_tensor *got, const ph_tensor *wanted, double rtol, double atol,
                          difference *d)
{
    for (int64_t i = 0; i < ph_tensor_count(wanted); i++) {
        double a = run_element(got, i), b = run_element(wanted, i);
        if (a == b || (isnan(a) && isnan(b))) continue; /* equal infinities too */
        double off = fabs(a - b);
        bool fits = isfinite(a) && isfinite(b) && off <= atol + rtol * fabs(b);
        if (!fits && d->n++ == 0) d->first = i;
        if (!isfinite(off)) off = (double)INFINITY;
        if (off > d->max_abs) d->max_abs = off;
        double rel = b == 0.0 ? 0.0 : off / fabs(b); /* to zero, only the absolute counts */
        if (isnan(rel)) rel = (double)INFINITY;
        if (rel > d->max_rel) d->max_rel = rel;
    }
}

static void compare_bytes(const ph_tensor *got, const ph_tensor *wanted, difference *d)
{
    size_t size = ph_dtype_size(ph_tensor_dtype(wanted));
    const char *a = ph_tensor_const_data(got), *b = ph_tensor_const_data(wanted);
    for (int64_t i = 0; i < ph_tensor_count(wanted); i++) {
        if (memcmp(a + (size_t)i * size, b + (size_t)i * size, size) == 0) continue;
        if (d->n++ == 0) d->first = i;
        double off = fabs(run_element(got, i) - run_element(wanted, i));
        if (off > d->max_abs) d->max_abs = off;
    }
}

/* The index of element i, as dims; last dimension fastest. */
static void unravel(const ph_tensor *t, int64_t i, int64_t *index)
{
    for (size_t k = ph_tensor_rank(t); k-- > 0;) {
        index[k] = i % ph_tensor_dims(t)[k];
        i /= ph_tensor_dims(t)[k];
    }
}

static bool same_shape(const ph_tensor *a, const ph_tensor *b)
{
    size_t rank = ph_tensor_rank(a);
    return rank == ph_tensor_rank(b) &&
           (rank == 0 || memcmp(ph_tensor_dims(a), ph_tensor_dims(b), rank * sizeof(int64_t)) == 0);
}

bool run_compare(const char *name, const ph_tensor *got, const ph_tensor *wanted, double rtol,
                 double atol)
{
    char shape[200], other[200];
    enum ph_dtype dtype = ph_tensor_dtype(wanted);
    difference d = {0};

    cli_dims(ph_tensor_rank(got), ph_tensor_dims(got), shape, sizeof shape);
    if (ph_tensor_dtype(got) != dtype) {
        printf("FAIL  %s: got %s, wanted %s\n", name, ph_dtype_name(ph_tensor_dtype(got)),
               ph_dtype_name(dtype));
        return false;
    }
    if (!same_shape(got, wanted)) {
        cli_dims(ph_tensor_rank(wanted), ph_tensor_dims(wanted), other, sizeof other);
        printf("FAIL  %s: got shape %s, wanted %s\n", name, shape, other);
        return false;
    }
    if (is_real(dtype)) {
        compare_reals(got, wanted, rtol, atol, &d);
    } else {
        compare_bytes(got, wanted, &d);
    }
    printf("%s  %s %s %s: max abs difference %.3g, max relative %.3g", d.n ? "FAIL" : "ok  ", name,
           ph_dtype_name(dtype), shape, d.max_abs, d.max_rel);
    if (d.n) {
        int64_t index[PH_MAX_RANK];
        unravel(wanted, d.first, index);
        printf("; %lld of %lld differ, first %s: got %.9g, wanted %.9g", (long long)d.n,
               (long long)ph_tensor_count(wanted),
               cli_dims(ph_tensor_rank(wanted), index, other, sizeof other),
               run_element(got, d.first), run_element(wanted, d.first));
    }
    putchar('\n');
    return d.n == 0;
}
