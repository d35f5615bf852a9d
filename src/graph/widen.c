/* SPDX-License-Identifier: MIT */
#include "graph/widen.h"

#include "base/half.h"
#include "graph/loop.h"

enum { MOST_IN = 16 }; /* inputs of an operator that widens */

bool phi_is_half(enum ph_dtype dtype)
{
    return dtype == PH_FLOAT16 || dtype == PH_BFLOAT16;
}

static bool any_half(size_t n, const phi_view *views)
{
    for (size_t i = 0; i < n; i++)
        if (!phi_view_absent(&views[i]) && phi_is_half(views[i].type.dtype)) return true;
    return false;
}

bool phi_widens(const phi_op *op, const phi_exec *e)
{
    return op->widens && (any_half(e->n_in, e->in) || any_half(e->n_out, e->out));
}

/* views: y, x */
static void widen_f16(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        ((float *)ptrs[0])[i * steps[0]] = phi_f16_widen(((const uint16_t *)ptrs[1])[i * steps[1]]);
}

static void widen_bf16(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        ((float *)ptrs[0])[i * steps[0]] =
            phi_bf16_widen(((const uint16_t *)ptrs[1])[i * steps[1]]);
}

static void narrow_f16(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        ((uint16_t *)ptrs[0])[i * steps[0]] =
            phi_f16_narrow((double)((const float *)ptrs[1])[i * steps[1]]);
}

static void narrow_bf16(void *arg, int64_t n, void *const *ptrs, const int64_t *steps)
{
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        ((uint16_t *)ptrs[0])[i * steps[0]] =
            phi_bf16_narrow((double)((const float *)ptrs[1])[i * steps[1]]);
}

static void convert(phi_pool *pool, const phi_view *to, const phi_view *from, bool widen)
{
    bool f16 = (widen ? from : to)->type.dtype == PH_FLOAT16;
    phi_loop(pool, 2, (const phi_view *const[]){to, from},
             widen ? f16 ? widen_f16 : widen_bf16
             : f16 ? narrow_f16
                   : narrow_bf16,
             NULL);
}

/* --- Scratch ---------------------------------------------------------------------------------- */

/* An execution in float32: the same, but for the views of 16-bit floats. */
typedef struct wide {
    phi_exec e;
    phi_view in[MOST_IN], out[PHI_MAX_OUT];
    size_t bytes; /* of scratch that the copies take, in front of the operator's own */
} wide;

/* A dense float32 view, laid out like `v`, at `at` of the scratch. */
static phi_view float_view(const phi_view *v, char *work, size_t *at)
{
    phi_view f = {.type = v->type, .data = work ? work + *at : NULL};
    f.type.dtype = PH_FLOAT32;
    int64_t pitch;
    bool last = phi_view_is_pixels(v, &pitch) && !phi_view_is_plain(v);
    (last ? phi_strides_channels_last : phi_strides_plain)(&f.type, f.strides);
    *at += (phi_type_bytes(&f.type) + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN;
    return f;
}

/* *w must stay where it is. */
static void make_wide(const phi_exec *e, wide *w)
{
    assert(e->n_in <= MOST_IN && e->n_out <= PHI_MAX_OUT);
    w->e = *e;
    w->bytes = 0;
    for (size_t i = 0; i < e->n_in; i++) {
        w->in[i] = e->in[i];
        if (any_half(1, &e->in[i])) w->in[i] = float_view(&e->in[i], e->work, &w->bytes);
    }
    for (size_t i = 0; i < e->n_out; i++) {
        w->out[i] = e->out[i];
        if (any_half(1, &e->out[i])) w->out[i] = float_view(&e->out[i], e->work, &w->bytes);
    }
    w->e.in = w->in;
    w->e.out = w->out;
    w->e.packed = NULL;
    w->e.work = e->work ? (char *)e->work + w->bytes : NULL;
}

size_t phi_forward_work_bytes(const phi_op *op, const phi_exec *e)
{
    wide w;
    size_t bytes;
    if (!phi_widens(op, e)) return op->work_bytes ? op->work_bytes(e, false) : 0;
    make_wide(e, &w);
    size_t own = op->work_bytes ? op->work_bytes(&w.e, false) : 0;
    return own != SIZE_MAX && phi_add_size(w.bytes, own, &bytes) ? bytes : SIZE_MAX;
}

enum ph_status phi_forward(const phi_op *op, const phi_exec *e, ph_error *err)
{
    wide w;
    if (!phi_widens(op, e)) return op->forward(e, err);
    make_wide(e, &w);
    for (size_t i = 0; i < e->n_in; i++)
        if (any_half(1, &e->in[i])) convert(e->pool, &w.in[i], &e->in[i], true);
    enum ph_status st = op->forward(&w.e, err);
    for (size_t i = 0; i < e->n_out && !st; i++)
        if (any_half(1, &e->out[i])) convert(e->pool, &e->out[i], &w.out[i], false);
    return st;
}
