/* SPDX-License-Identifier: MIT */
#include "ops/int_product.h"

#include "ops/quantised.h"

enum {
    BLOCK = 64,   /* columns at a time */
    TERMS = 32768 /* of a sum in 32 bits: |a b| <= 255 * 255, and 32768 * 65025 < 2^31 */
};

static void add_terms(int64_t k, const int16_t *a, const int16_t *b, int64_t ld, int64_t n,
                      int32_t *restrict sum)
{
    for (int64_t i = 0; i < k; i++) {
        const int32_t v = a[i];
        const int16_t *restrict row = b + i * ld;
        if (v == 0) continue;
        for (int64_t j = 0; j < n; j++)
            sum[j] += v * row[j];
    }
}

static void finish(const phi_int_result *r, int64_t first, int64_t n, const int64_t *sum, void *y)
{
    for (int64_t j = 0; j < n; j++) {
        int64_t s = sum[j] + (r->bias ? r->bias[first + j] : 0);
        if (r->dtype == PH_INT32) {
            uint32_t low = (uint32_t)(uint64_t)s;
            memcpy((int32_t *)y + j, &low, sizeof low);
            continue;
        }
        int64_t q = phi_quantise((float)s * r->multiplier[first + j], r->zero, phi_lowest(r->dtype),
                                 phi_highest(r->dtype));
        if (r->dtype == PH_UINT8)
            ((uint8_t *)y)[j] = (uint8_t)q;
        else
            ((int8_t *)y)[j] = (int8_t)q;
    }
}

void phi_int_row(const phi_int_result *r, int64_t k, const int16_t *a, const int16_t *b, int64_t ld,
                 int64_t first, int64_t n, void *y)
{
    const size_t size = ph_dtype_size(r->dtype);
    for (int64_t j = 0; j < n; j += BLOCK) {
        int64_t wide = n - j < BLOCK ? n - j : BLOCK, sum[BLOCK] = {0};
        for (int64_t i = 0; i < k; i += TERMS) {
            int32_t part[BLOCK] = {0};
            add_terms(k - i < TERMS ? k - i : TERMS, a + i, b + i * ld + first + j, ld, wide, part);
            for (int64_t c = 0; c < wide; c++)
                sum[c] += part[c];
        }
        finish(r, first + j, wide, sum, (char *)y + (size_t)j * size);
    }
}

void phi_int_widen(enum ph_dtype dtype, const void *x, int64_t n, int64_t step, int64_t zero,
                   int16_t *out)
{
    const int16_t z = (int16_t)zero;
    if (dtype == PH_UINT8)
        for (int64_t i = 0; i < n; i++)
            out[i] = (int16_t)(((const uint8_t *)x)[i * step] - z);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = (int16_t)(((const int8_t *)x)[i * step] - z);
}
