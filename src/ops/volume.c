/* SPDX-License-Identifier: MIT */
/*
 * Forward: rows are windows of x, gathered while they are needed; columns are output channels; the
 * sum runs over (tap, input channel).
 *
 * Back: input position i is read by output o through tap r where o * stride = i + begin -
 * r * dilation. Along one side, positions i = first + u * stride all use the same taps, tap0, tap0
 * + tap_step, ..., and for them o = start + u - j * step for the j-th tap: a convolution of stride
 * 1 over y. There is one such class for each i below the stride; together they do no multiplication
 * in vain.
 */
#include "ops/volume.h"

#include <math.h>

#include "kernels/im2col.h"

static int64_t group_in(const phi_volume *v)
{
    return v->c / v->groups;
}
static int64_t group_out(const phi_volume *v)
{
    return v->k / v->groups;
}

static int64_t taps_of(const phi_volume *v)
{
    return v->side[0].kernel * v->side[1].kernel * v->side[2].kernel;
}

int64_t phi_volume_pixels_in(const phi_volume *v)
{
    return v->n * v->side[0].in * v->side[1].in * v->side[2].in;
}

int64_t phi_volume_pixels_out(const phi_volume *v)
{
    return v->n * v->side[0].out * v->side[1].out * v->side[2].out;
}

/* --- Windows as rows -------------------------------------------------------------------------- */

/* One side of a sliding window: position u reads u * stride + start + i * step for i < taps. */
typedef struct slide {
    int64_t size, grid, stride, start, taps, step;
} slide;

/*
 * Row ((image * grid0 + u0) * grid1 + u1) * grid2 + u2 of the matrix has, at column ((i0 * taps1 +
 * i1) * taps2 + i2) * c + ch, channel ch of what the window at u reads through tap i, or 0 outside.
 * `pitch` channels lie side by side, of which group g has those from g * c on.
 */
typedef struct windows {
    const float *x;
    int64_t pitch, c;
    slide side[PHI_SIDES];
    phi_im2col image; /* the same, where side 0 is not there */
} windows;

typedef struct place {
    int64_t image, u[PHI_SIDES];
} place;

static place locate(const windows *w, int64_t row)
{
    place p;
    for (int i = PHI_SIDES - 1; i >= 0; i--) {
        p.u[i] = row % w->side[i].grid;
        row /= w->side[i].grid;
    }
    p.image = row;
    return p;
}

/* Where tap number `tap` of the window reads, or NULL outside. */
static const float *source(const windows *w, const float *x, const place *p, int64_t tap)
{
    int64_t at = 0, step = 1;
    for (int i = PHI_SIDES - 1; i >= 0; i--) {
        const slide *s = &w->side[i];
        int64_t pos = p->u[i] * s->stride + s->start + tap % s->taps * s->step;
        if (pos < 0 || pos >= s->size) return NULL;
        tap /= s->taps;
        at += pos * step;
        step *= s->size;
    }
    return x + (p->image * step + at) * w->pitch;
}

static void gather_windows(const void *arg, size_t group, size_t row0, size_t n_rows, size_t k0,
                           size_t n_k, float *out, size_t ld)
{
    const windows *w = arg;
    const float *x = w->x + (int64_t)group * w->c;
    for (size_t r = 0; r < n_rows; r++, out += ld) {
        const place p = locate(w, (int64_t)(row0 + r));
        for (int64_t k = (int64_t)k0, end = k + (int64_t)n_k; k < end;) {
            int64_t tap = k / w->c, ch = k % w->c, n = w->c - ch < end - k ? w->c - ch : end - k;
            const float *from = source(w, x, &p, tap);
            float *to = out + (k - (int64_t)k0);
            if (from)
                memcpy(to, from + ch, (size_t)n * sizeof *to);
            else
                memset(to, 0, (size_t)n * sizeof *to);
            k += n;
        }
    }
}

/* Each position by itself: the image is the matrix. */
static bool is_plain(const slide *s)
{
    return s->taps == 1 && s->stride == 1 && s->start == 0 && s->grid == s->size;
}

/* `w` must outlive the result. */
static phi_rows rows_of(windows *w)
{
    const slide *d = &w->side[0], *h = &w->side[1], *x = &w->side[2];
    if (is_plain(d) && is_plain(h) && is_plain(x))
        return (phi_rows){.data = w->x, .row = w->pitch, .step = 1, .group_stride = w->c};
    if (d->size != 1 || d->grid != 1 || d->taps != 1 || d->start != 0)
        return (phi_rows){.gather = gather_windows, .arg = w};
    w->image = (phi_im2col){.x = w->x,
                            .h = h->size,
                            .w = x->size,
                            .pitch = w->pitch,
                            .c = w->c,
                            .gh = h->grid,
                            .gw = x->grid,
                            .stride_h = h->stride,
                            .stride_w = x->stride,
                            .y0 = h->start,
                            .x0 = x->start,
                            .taps_h = h->taps,
                            .taps_w = x->taps,
                            .step_h = h->step,
                            .step_w = x->step};
    return phi_im2col_rows(&w->image);
}

/* x's windows, [pixels of y, taps * c/g]. */
static phi_rows windows_of_x(const phi_volume *v, const float *x, int64_t pitch, windows *w)
{
    *w = (windows){.x = x, .pitch = pitch, .c = group_in(v)};
    for (int i = 0; i < PHI_SIDES; i++) {
        const phi_side *s = &v->side[i];
        w->side[i] = (slide){.size = s->in,
                             .grid = s->out,
                             .stride = s->stride,
                             .start = -s->begin,
                             .taps = s->kernel,
                             .step = s->dilation};
    }
    return rows_of(w);
}

/* --- Forward --------------------------------------------------------------------------------- */

static phi_gemm forward_gemm(const phi_volume *v, const float *x, int64_t pitch, windows *w)
{
    return (phi_gemm){.m = (size_t)phi_volume_pixels_out(v),
                      .n = (size_t)group_out(v),
                      .k = (size_t)(taps_of(v) * group_in(v)),
                      .groups = (size_t)v->groups,
                      .a = windows_of_x(v, x, pitch, w),
                      .c_row = v->k,
                      .c_group_stride = group_out(v),
                      .lo = -INFINITY,
                      .hi = INFINITY};
}

size_t phi_volume_pack_bytes(const phi_volume *v)
{
    return phi_gemm_pack_bytes((size_t)(taps_of(v) * group_in(v)), (size_t)group_out(v),
                               (size_t)v->groups);
}

/* ONNX's [k, c/g, d, r, s] as [(d r, s, c/g), k/g] for each group. */
void phi_volume_pack(const phi_volume *v, const float *weights, phi_pool *pool, void *packed)
{
    const int64_t taps = taps_of(v), cg = group_in(v), s = v->side[2].kernel;
    const phi_weights b = {.data = weights,
                           .count = {(size_t)(taps / s), (size_t)s, (size_t)cg},
                           .stride = {s, 1, taps},
                           .n_stride = cg * taps,
                           .group_stride = group_out(v) * cg * taps,
                           .scale = 1};
    phi_gemm_pack(&b, (size_t)group_out(v), (size_t)v->groups, pool, packed);
}

size_t phi_volume_work_bytes(const phi_volume *v, size_t n_threads)
{
    windows w;
    const phi_gemm g = forward_gemm(v, NULL, v->c, &w);
    return phi_gemm_work_bytes(&g, n_threads);
}

void phi_volume_run(const phi_volume *v, const phi_conv_data *data, const void *packed,
                    phi_pool *pool, void *work)
{
    windows w;
    phi_gemm g = forward_gemm(v, data->x, data->x_pitch, &w);
    g.c = data->y;
    g.c_row = data->y_pitch;
    g.bias = data->bias;
    g.add = data->add;
    g.add_row = data->add_pitch;
    g.lo = data->lo;
    g.hi = data->hi;
    phi_gemm_run(&g, packed, pool, work);
}

/* --- Back ------------------------------------------------------------------------------------- */

typedef struct side_class {
    int64_t first, count; /* positions first + u * stride, u < count */
    int64_t tap0, taps, tap_step;
    int64_t start, step; /* in y */
} side_class;

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static side_class class_of(const phi_side *s, int64_t first)
{
    const int64_t g = gcd(s->stride, s->dilation);
    side_class a = {.first = first,
                    .count = (s->in - first + s->stride - 1) / s->stride,
                    .tap_step = s->stride / g,
                    .step = s->dilation / g};
    while (a.tap0 < s->kernel && a.tap0 < a.tap_step &&
           (first + s->begin - a.tap0 * s->dilation) % s->stride)
        a.tap0++;
    if (a.tap0 >= s->kernel || a.tap0 >= a.tap_step) return a;
    a.taps = (s->kernel - 1 - a.tap0) / a.tap_step + 1;
    a.start = (first + s->begin - a.tap0 * s->dilation) / s->stride;
    return a;
}

/* The product for one class of pixels. */
typedef struct back_class {
    const phi_volume *v;
    side_class side[PHI_SIDES];
    windows windows; /* over y */
    phi_gemm gemm;
    size_t packed_bytes;
    float *x;
} back_class;

static int64_t n_classes(const phi_side *s)
{
    return s->stride < s->in ? s->stride : s->in;
}

static int64_t all_classes(const phi_volume *v)
{
    return n_classes(&v->side[0]) * n_classes(&v->side[1]) * n_classes(&v->side[2]);
}

/* Rows of a class's product to their pixels of x. */
static void scatter_pixels(const void *arg, size_t group, size_t row0, size_t n_rows, size_t n0,
                           size_t n, const float *tile, size_t ld)
{
    const back_class *bc = arg;
    const phi_volume *v = bc->v;
    const int64_t channel = (int64_t)group * group_in(v) + (int64_t)n0;
    for (int64_t row = (int64_t)row0; row < (int64_t)(row0 + n_rows); row++, tile += ld) {
        int64_t rest = row, at = 0, step = 1;
        for (int i = PHI_SIDES - 1; i >= 0; i--) {
            const side_class *s = &bc->side[i];
            at += (s->first + rest % s->count * v->side[i].stride) * step;
            rest /= s->count;
            step *= v->side[i].in;
        }
        memcpy(bc->x + ((rest * step + at) * v->c + channel), tile, n * sizeof *tile);
    }
}

/* y's windows in increasing order of position, which is decreasing order of taps. */
static void class_windows(back_class *bc, const float *y)
{
    bc->windows = (windows){.x = y, .pitch = bc->v->k, .c = group_out(bc->v)};
    for (int i = 0; i < PHI_SIDES; i++) {
        const side_class *s = &bc->side[i];
        bc->windows.side[i] = (slide){.size = bc->v->side[i].out,
                                      .grid = s->count,
                                      .stride = 1,
                                      .start = s->start - (s->taps - 1) * s->step,
                                      .taps = s->taps,
                                      .step = s->step};
    }
}

/* Set up class number `number`; *bc must stay where it is. False if no output reads its pixels. */
static bool class_at(back_class *bc, const phi_volume *v, int64_t number, const float *y, float *x)
{
    size_t m = (size_t)v->n, taps = 1;
    bool scattered = false;
    *bc = (back_class){.v = v, .x = x};
    for (int i = PHI_SIDES - 1; i >= 0; i--) {
        const phi_side *s = &v->side[i];
        bc->side[i] = class_of(s, number % n_classes(s));
        number /= n_classes(s);
        m *= (size_t)bc->side[i].count;
        taps *= (size_t)bc->side[i].taps;
        scattered |= s->stride > 1;
    }
    if (taps == 0) return false;
    class_windows(bc, y);
    bc->gemm = (phi_gemm){.m = m,
                          .n = (size_t)group_in(v),
                          .k = taps * (size_t)group_out(v),
                          .groups = (size_t)v->groups,
                          .a = rows_of(&bc->windows),
                          .c = x,
                          .c_row = v->c,
                          .c_group_stride = group_in(v),
                          .lo = -INFINITY,
                          .hi = INFINITY};
    if (scattered) {
        bc->gemm.scatter = scatter_pixels;
        bc->gemm.scatter_arg = bc;
    }
    bc->packed_bytes = phi_gemm_pack_bytes(bc->gemm.k, bc->gemm.n, bc->gemm.groups);
    return true;
}

/* [(taps, k/g), c/g] of the class's taps, last tap first. */
static phi_weights class_weights(const back_class *bc, const float *w)
{
    const phi_volume *v = bc->v;
    const side_class *d = &bc->side[0], *h = &bc->side[1], *x = &bc->side[2];
    const int64_t taps = taps_of(v), cg = group_in(v), kg = group_out(v);
    const int64_t s = v->side[2].kernel, rs = v->side[1].kernel * s;
    const int64_t last = (d->tap0 + (d->taps - 1) * d->tap_step) * rs +
                         (h->tap0 + (h->taps - 1) * h->tap_step) * s + x->tap0 +
                         (x->taps - 1) * x->tap_step;
    return (phi_weights){.data = w + last,
                         .outer = (size_t)d->taps,
                         .outer_stride = -d->tap_step * rs,
                         .count = {(size_t)h->taps, (size_t)x->taps, (size_t)kg},
                         .stride = {-h->tap_step * s, -x->tap_step, cg * taps},
                         .n_stride = taps,
                         .group_stride = kg * cg * taps,
                         .scale = 1};
}

size_t phi_volume_back_pack_bytes(const phi_volume *v)
{
    size_t bytes = 0;
    back_class bc;
    for (int64_t i = 0; i < all_classes(v); i++)
        if (class_at(&bc, v, i, NULL, NULL)) bytes = phi_add_aligned(bytes, bc.packed_bytes);
    return bytes;
}

void phi_volume_back_pack(const phi_volume *v, const float *weights, phi_pool *pool, void *packed)
{
    back_class bc;
    char *to = packed;
    for (int64_t i = 0; i < all_classes(v); i++) {
        if (!class_at(&bc, v, i, NULL, NULL)) continue;
        const phi_weights b = class_weights(&bc, weights);
        phi_gemm_pack(&b, bc.gemm.n, bc.gemm.groups, pool, to);
        to += phi_add_aligned(0, bc.packed_bytes);
    }
}

size_t phi_volume_back_work_bytes(const phi_volume *v, size_t n_threads)
{
    size_t most = 0;
    back_class bc;
    for (int64_t i = 0; i < all_classes(v); i++) {
        if (!class_at(&bc, v, i, NULL, NULL)) continue;
        size_t bytes = phi_gemm_work_bytes(&bc.gemm, n_threads);
        if (bytes > most) most = bytes;
    }
    return most;
}

/* Pixels that nothing is read from: the bias alone. */
typedef struct fill_job {
    float *x;
    const float *bias;
    int64_t pixels, c, pixels_a_task;
} fill_job;

static void fill_task(void *arg, size_t task, size_t thread)
{
    const fill_job *f = arg;
    int64_t p = (int64_t)task * f->pixels_a_task;
    int64_t end = p + f->pixels_a_task < f->pixels ? p + f->pixels_a_task : f->pixels;
    (void)thread;
    for (; p < end; p++)
        if (f->bias)
            memcpy(f->x + p * f->c, f->bias, (size_t)f->c * sizeof *f->x);
        else
            memset(f->x + p * f->c, 0, (size_t)f->c * sizeof *f->x);
}

static void fill(const phi_volume *v, float *x, const float *bias, phi_pool *pool)
{
    enum { FLOATS = 65536 };
    fill_job f = {x, bias, phi_volume_pixels_in(v), v->c, FLOATS / v->c + 1};
    phi_pool_run(pool, (size_t)((f.pixels + f.pixels_a_task - 1) / f.pixels_a_task), fill_task, &f);
}

/* Is there a class without taps? */
static bool has_gaps(const phi_side *s)
{
    return s->kernel < s->stride || gcd(s->stride, s->dilation) > 1;
}

void phi_volume_back_run(const phi_volume *v, const float *y, const void *packed, const float *bias,
                         float *x, phi_pool *pool, void *work)
{
    back_class bc;
    const char *from = packed;
    if (has_gaps(&v->side[0]) || has_gaps(&v->side[1]) || has_gaps(&v->side[2]))
        fill(v, x, bias, pool);
    for (int64_t i = 0; i < all_classes(v); i++) {
        if (!class_at(&bc, v, i, y, x)) continue;
        bc.gemm.bias = bias;
        phi_gemm_run(&bc.gemm, from, pool, work);
        from += phi_add_aligned(0, bc.packed_bytes);
    }
}

/* --- Gradient of the weights ------------------------------------------------------------------ */

static phi_gemm_tn weights_gemm(const phi_volume *v, const float *x, const float *dy, windows *w)
{
    const int64_t taps = taps_of(v), cg = group_in(v), kg = group_out(v);
    return (phi_gemm_tn){.m = (size_t)(taps * cg),
                         .n = (size_t)kg,
                         .p = (size_t)phi_volume_pixels_out(v),
                         .groups = (size_t)v->groups,
                         .a = windows_of_x(v, x, v->c, w),
                         .b = {.data = dy, .row = v->k, .step = 1, .group_stride = kg},
                         .m_inner = (size_t)cg,
                         .c_outer = 1,
                         .c_inner = taps,
                         .c_column = cg * taps,
                         .c_group_stride = kg * cg * taps,
                         .scale = 1};
}

size_t phi_volume_weights_work_bytes(const phi_volume *v, size_t n_threads)
{
    windows w;
    const phi_gemm_tn g = weights_gemm(v, NULL, NULL, &w);
    return phi_gemm_tn_work_bytes(&g, n_threads);
}

void phi_volume_weights_run(const phi_volume *v, const float *x, const float *dy, float *dweights,
                            phi_pool *pool, void *work)
{
    windows w;
    phi_gemm_tn g = weights_gemm(v, x, dy, &w);
    g.c = dweights;
    phi_gemm_tn_run(&g, pool, work);
}
