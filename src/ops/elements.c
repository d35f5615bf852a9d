/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdatomic.h>

#include "base/half.h"
#include "ops/elements.h"

enum phi_wide phi_wide_of(enum ph_dtype dtype)
{
    if (phi_types_have(PHI_TYPES_SIGNED, dtype)) return PHI_I64;
    if (phi_types_have(PHI_TYPES_UNSIGNED | PHI_TYPES_BOOL, dtype)) return PHI_U64;
    return dtype == PH_FLOAT64 ? PHI_F64 : PHI_F32;
}

bool phi_is_wide(enum ph_dtype dtype)
{
    return dtype == PH_FLOAT32 || dtype == PH_FLOAT64 || dtype == PH_INT64 || dtype == PH_UINT64;
}

enum ph_status phi_need_types(const phi_infer *c, size_t i, uint32_t types)
{
    if (i >= c->n_in || !c->in[i]) return phi_op_fail(c, PH_ERR_ARG, "input %zu is left out", i);
    if (phi_types_have(types, c->in[i]->dtype)) return PH_OK;
    return phi_op_fail(c, PH_ERR_TYPE, "input %zu is %s, which the operator does not take", i,
                       ph_dtype_name(c->in[i]->dtype));
}

/* --- From one kind of number to another ------------------------------------------------------- */

static int64_t cut_i64(double v)
{
    if (v >= 0x1p63) return INT64_MAX;
    return v >= -0x1p63 ? (int64_t)v : isnan(v) ? 0 : INT64_MIN;
}

static uint64_t cut_u64(double v)
{
    if (v >= 0x1p64) return UINT64_MAX;
    return v >= 0x1p63 ? (uint64_t)v : (uint64_t)cut_i64(v);
}

/* Every type: X(number, type in memory, its value as a number of C). */
#define PLAIN(v) (v)
#define TRUTH(v) ((v) != 0)
#define EACH_TYPE(X)                                                                               \
    X(PH_FLOAT32, float, PLAIN)                                                                    \
    X(PH_FLOAT64, double, PLAIN)                                                                   \
    X(PH_FLOAT16, uint16_t, phi_f16_widen)                                                         \
    X(PH_BFLOAT16, uint16_t, phi_bf16_widen)                                                       \
    X(PH_INT8, int8_t, PLAIN)                                                                      \
    X(PH_INT16, int16_t, PLAIN)                                                                    \
    X(PH_INT32, int32_t, PLAIN)                                                                    \
    X(PH_INT64, int64_t, PLAIN)                                                                    \
    X(PH_UINT8, uint8_t, PLAIN)                                                                    \
    X(PH_UINT16, uint16_t, PLAIN)                                                                  \
    X(PH_UINT32, uint32_t, PLAIN)                                                                  \
    X(PH_UINT64, uint64_t, PLAIN)                                                                  \
    X(PH_BOOL, uint8_t, TRUTH)

#define WIDEN_CASE(number, type, value)                                                            \
    case number:                                                                                   \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = (WIDE)value(((const type *)x)[i * step]);                                      \
        return;

#define WIDE float
static void widen_f32(enum ph_dtype dtype, int64_t n, const void *x, int64_t step, float *to)
{
    switch (dtype) {
        EACH_TYPE(WIDEN_CASE)
    default:
        assert(!"a type without numbers");
    }
}
#undef WIDE

#define WIDE double
static void widen_f64(enum ph_dtype dtype, int64_t n, const void *x, int64_t step, double *to)
{
    switch (dtype) {
        EACH_TYPE(WIDEN_CASE)
    default:
        assert(!"a type without numbers");
    }
}
#undef WIDE

/* The bits of int64_t and uint64_t from any integer are the same. */
#define WIDE uint64_t
static void widen_integer(enum ph_dtype dtype, int64_t n, const void *x, int64_t step, uint64_t *to)
{
#define WIDEN_INTEGER(number, type, value)                                                         \
    case number:                                                                                   \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = (uint64_t)value(((const type *)x)[i * step]);                                  \
        return;
    switch (dtype) {
        WIDEN_INTEGER(PH_INT8, int8_t, PLAIN)
        WIDEN_INTEGER(PH_INT16, int16_t, PLAIN)
        WIDEN_INTEGER(PH_INT32, int32_t, PLAIN)
        WIDEN_INTEGER(PH_INT64, int64_t, PLAIN)
        WIDEN_INTEGER(PH_UINT8, uint8_t, PLAIN)
        WIDEN_INTEGER(PH_UINT16, uint16_t, PLAIN)
        WIDEN_INTEGER(PH_UINT32, uint32_t, PLAIN)
        WIDEN_INTEGER(PH_UINT64, uint64_t, PLAIN)
        WIDEN_INTEGER(PH_BOOL, uint8_t, TRUTH)
    default:
        assert(!"no integer");
    }
}
#undef WIDE

static void cut(enum ph_dtype dtype, enum phi_wide to, int64_t n, const void *x, int64_t step,
                phi_room *room)
{
    phi_room numbers;
    widen_f64(dtype, n, x, step, numbers.f64);
    for (int64_t i = 0; i < n; i++)
        if (to == PHI_I64)
            room->i64[i] = cut_i64(numbers.f64[i]);
        else
            room->u64[i] = cut_u64(numbers.f64[i]);
}

const void *phi_widen(enum ph_dtype dtype, enum phi_wide to, int64_t n, const void *x, int64_t step,
                      phi_room *room, int64_t *wide_step)
{
    assert(n <= PHI_RUN);
    *wide_step = step;
    if (phi_is_wide(dtype) && phi_wide_of(dtype) == to) return x;
    *wide_step = 1;
    if (to == PHI_F32)
        widen_f32(dtype, n, x, step, room->f32);
    else if (to == PHI_F64)
        widen_f64(dtype, n, x, step, room->f64);
    else if (phi_types_have(PHI_TYPES_FLOAT, dtype))
        cut(dtype, to, n, x, step, room);
    else
        widen_integer(dtype, n, x, step, room->u64);
    return room;
}

/* --- And back --------------------------------------------------------------------------------- */

#define NARROW(number, type, convert, from)                                                        \
    case number:                                                                                   \
        for (int64_t i = 0; i < n; i++)                                                            \
            ((type *)y)[i * step] = convert(from[i]);                                              \
        return;
#define AS_F32(v) ((float)(v))
#define AS_F64(v) ((double)(v))
#define AS_F16(v) phi_f16_narrow((double)(v))
#define AS_BF16(v) phi_bf16_narrow((double)(v))

/* Floats, whatever they come from. */
#define NARROW_FLOATS(from)                                                                        \
    NARROW(PH_FLOAT32, float, AS_F32, from)                                                        \
    NARROW(PH_FLOAT64, double, AS_F64, from)                                                       \
    NARROW(PH_FLOAT16, uint16_t, AS_F16, from)                                                     \
    NARROW(PH_BFLOAT16, uint16_t, AS_BF16, from)                                                   \
    NARROW(PH_BOOL, uint8_t, TRUTH, from)

static void narrow_f32(enum ph_dtype dtype, int64_t n, const float *from, void *y, int64_t step)
{
    switch (dtype) {
        NARROW_FLOATS(from)
    default:
        assert(!"no type of floats");
    }
}

static void narrow_f64(enum ph_dtype dtype, int64_t n, const double *from, void *y, int64_t step)
{
    switch (dtype) {
        NARROW_FLOATS(from)
    default:
        assert(!"no type of floats");
    }
}

static void narrow_i64(enum ph_dtype dtype, int64_t n, const int64_t *from, void *y, int64_t step)
{
    switch (dtype) {
        NARROW_FLOATS(from)
    default:
        assert(!"no type of floats");
    }
}

static void narrow_u64(enum ph_dtype dtype, int64_t n, const uint64_t *from, void *y, int64_t step)
{
    switch (dtype) {
        NARROW_FLOATS(from)
        NARROW(PH_INT8, int8_t, (int8_t), from)
        NARROW(PH_INT16, int16_t, (int16_t), from)
        NARROW(PH_INT32, int32_t, (int32_t), from)
        NARROW(PH_INT64, int64_t, (int64_t), from)
        NARROW(PH_UINT8, uint8_t, (uint8_t), from)
        NARROW(PH_UINT16, uint16_t, (uint16_t), from)
        NARROW(PH_UINT32, uint32_t, (uint32_t), from)
        NARROW(PH_UINT64, uint64_t, , from)
    default:
        assert(!"a type without numbers");
    }
}

void phi_narrow(enum ph_dtype dtype, enum phi_wide from, int64_t n, const phi_room *room, void *y,
                int64_t step)
{
    const bool integer = phi_types_have(PHI_TYPES_INTEGER, dtype);
    if (integer && (from == PHI_F32 || from == PHI_F64)) {
        phi_room whole;
        cut(from == PHI_F32 ? PH_FLOAT32 : PH_FLOAT64, phi_wide_of(dtype), n, room, 1, &whole);
        narrow_u64(dtype, n, whole.u64, y, step);
    } else if (integer ||
               from == PHI_U64) { /* at any width, the low bits are those of the result */
        narrow_u64(dtype, n, room->u64, y, step);
    } else if (from == PHI_I64) {
        narrow_i64(dtype, n, room->i64, y, step);
    } else if (from == PHI_F64) {
        narrow_f64(dtype, n, room->f64, y, step);
    } else {
        narrow_f32(dtype, n, room->f32, y, step);
    }
}

/* --- Kernels ---------------------------------------------------------------------------------- */

typedef struct apply {
    phi_kernel_fn *fn;
    size_t n_in;
    enum ph_dtype in[PHI_KERNELS_MAX_IN], out;
    enum phi_wide wide;
    bool truth, direct; /* direct: nothing to widen or narrow */
    atomic_bool failed;
} apply;

/* n <= PHI_RUN elements, which need widening, narrowing, or both. */
static bool apply_wide(const apply *a, int64_t n, void *const *p, const int64_t *s)
{
    phi_room room[1 + PHI_KERNELS_MAX_IN];
    void *ptrs[1 + PHI_KERNELS_MAX_IN];
    int64_t steps[1 + PHI_KERNELS_MAX_IN];
    const bool narrow = !a->truth && !(phi_is_wide(a->out) && phi_wide_of(a->out) == a->wide);
    for (size_t v = 1; v <= a->n_in; v++) {
        const void *x = phi_widen(a->in[v - 1], a->wide, n, p[v], s[v], &room[v], &steps[v]);
        memcpy(&ptrs[v], &x, sizeof x); /* kernels only read there */
    }
    ptrs[0] = narrow ? &room[0] : p[0];
    steps[0] = narrow ? 1 : s[0];
    if (!a->fn(n, ptrs, steps)) return false;
    if (narrow) phi_narrow(a->out, a->wide, n, &room[0], p[0], s[0]);
    return true;
}

static void apply_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    apply *a = arg;
    bool fine = true;
    if (a->direct) fine = a->fn(n, p, s);
    for (int64_t i = 0; i < n && fine && !a->direct; i += PHI_RUN) {
        void *at[1 + PHI_KERNELS_MAX_IN];
        for (size_t v = 0; v <= a->n_in; v++)
            at[v] =
                (char *)p[v] + i * s[v] * (int64_t)ph_dtype_size(v == 0 ? a->out : a->in[v - 1]);
        fine = apply_wide(a, n - i < PHI_RUN ? n - i : PHI_RUN, at, s);
    }
    if (!fine) atomic_store_explicit(&a->failed, true, memory_order_relaxed);
}

bool phi_apply(phi_pool *pool, const phi_view *y, size_t n_in, const phi_view *const *in,
               enum phi_wide wide, const phi_kernels *k)
{
    phi_kernel_fn *const fn[] = {
        [PHI_F32] = k->f32, [PHI_F64] = k->f64, [PHI_I64] = k->i64, [PHI_U64] = k->u64};
    const phi_view *views[1 + PHI_KERNELS_MAX_IN] = {y};
    apply a = {.n_in = n_in, .out = y->type.dtype, .wide = wide, .truth = k->truth};
    assert(n_in <= PHI_KERNELS_MAX_IN && fn[wide]);
    a.fn = fn[wide];
    a.direct = k->truth || (phi_is_wide(a.out) && phi_wide_of(a.out) == wide);
    for (size_t v = 0; v < n_in; v++) {
        views[v + 1] = in[v];
        a.in[v] = in[v]->type.dtype;
        a.direct = a.direct && phi_is_wide(a.in[v]) && phi_wide_of(a.in[v]) == wide;
    }
    phi_loop(pool, 1 + n_in, views, apply_run, &a);
    return !atomic_load(&a.failed);
}
