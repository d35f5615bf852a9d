/* SPDX-License-Identifier: MIT */
/*
 * The ways to compute a convolution, a line of the table each, and the choice among them.
 */
#include "ops/conv.h"

#include <math.h>

#include "kernels/depthwise.h"
#include "kernels/line_winograd.h"
#include "kernels/strassen.h"

bool phi_conv_is_volume(const phi_conv_params *p)
{
    return p->volume.k > 0;
}

bool phi_conv_is_plain_gemm(const phi_conv_shape *d)
{
    return d->r == 1 && d->s == 1 && d->stride_h == 1 && d->stride_w == 1 && d->pad_top == 0 &&
           d->pad_bottom == 0 && d->pad_left == 0 && d->pad_right == 0;
}

bool phi_conv_is_depthwise(const phi_conv_shape *d)
{
    return d->groups > 1 && d->groups == d->c;
}

/* --- A product of matrices ------------------------------------------------------------------- */

phi_rows phi_conv_pixel_rows(const float *x, int64_t pitch, int64_t group_channels)
{
    return (phi_rows){.data = x, .row = pitch, .step = 1, .group_stride = group_channels};
}

phi_rows phi_conv_operand(const phi_conv_shape *d, const float *x, int64_t pitch,
                          phi_im2col *windows)
{
    if (phi_conv_is_plain_gemm(d)) return phi_conv_pixel_rows(x, pitch, phi_conv_group_in(d));
    *windows = phi_im2col_of(d, x, pitch);
    return phi_im2col_rows(windows);
}

/* ONNX's [k, c/g, r, s] as [(r, s, c/g), k/g] for each group. */
static phi_weights weights_of(const phi_conv_shape *d, const phi_filters *filters)
{
    const int64_t taps = d->r * d->s, cg = phi_conv_group_in(d);
    return (phi_weights){.data = filters->data,
                         .count = {(size_t)d->r, (size_t)d->s, (size_t)cg},
                         .stride = {d->s, 1, taps},
                         .n_stride = cg * taps,
                         .group_stride = phi_conv_group_out(d) * cg * taps,
                         .filters = filters->make ? filters : NULL,
                         .scale = 1};
}

static phi_gemm gemm_of(const phi_conv_shape *d, const phi_conv_data *data, phi_im2col *windows)
{
    return (phi_gemm){.m = phi_conv_pixels_out(d),
                      .n = (size_t)phi_conv_group_out(d),
                      .k = phi_conv_window_size(d),
                      .groups = (size_t)d->groups,
                      .a = phi_conv_operand(d, data->x, data->x_pitch, windows),
                      .c = data->y,
                      .c_row = data->y_pitch,
                      .c_group_stride = phi_conv_group_out(d),
                      .bias = data->bias,
                      .add = data->add,
                      .add_row = data->add_pitch,
                      .lo = data->lo,
                      .hi = data->hi};
}

static bool is_product(const phi_conv_params *p)
{
    return !phi_conv_is_volume(p) && !phi_conv_is_depthwise(&p->image);
}

static bool pixels_apply(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return is_product(p) && p->image.groups == 1 && phi_conv_is_plain_gemm(&p->image);
}

static bool windows_apply(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return is_product(p) && p->image.groups == 1 && !phi_conv_is_plain_gemm(&p->image);
}

static bool groups_apply(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return is_product(p) && p->image.groups > 1;
}

/* In the units of phi_wino_cost, fitted together. */
static double gemm_cost(const phi_conv_method *m, const phi_conv_params *p)
{
    const phi_conv_shape *d = &p->image;
    const double weights = (double)phi_conv_window_size(d) * (double)phi_conv_group_out(d);
    (void)m;
    return 0.8 * weights * ((double)(d->oh * d->ow) + 8);
}

static size_t gemm_pack_bytes(const phi_conv_method *m, const phi_conv_params *p)
{
    const phi_conv_shape *d = &p->image;
    (void)m;
    return phi_gemm_pack_bytes(phi_conv_window_size(d), (size_t)phi_conv_group_out(d),
                               (size_t)d->groups);
}

static void gemm_pack(const phi_conv_method *m, const phi_conv_params *p,
                      const phi_filters *weights, phi_pool *pool, void *packed)
{
    const phi_conv_shape *d = &p->image;
    const phi_weights b = weights_of(d, weights);
    (void)m;
    phi_gemm_pack(&b, (size_t)phi_conv_group_out(d), (size_t)d->groups, pool, packed);
}

static size_t gemm_work_bytes(const phi_conv_method *m, const phi_conv_params *p, size_t n_threads)
{
    const phi_conv_data data = {.x_pitch = p->image.c};
    phi_im2col windows;
    const phi_gemm g = gemm_of(&p->image, &data, &windows);
    (void)m;
    return phi_gemm_work_bytes(&g, n_threads);
}

static void gemm_run(const phi_conv_method *m, const phi_conv_params *p, const phi_conv_data *data,
                     const void *packed, phi_pool *pool, void *work)
{
    phi_im2col windows;
    const phi_gemm g = gemm_of(&p->image, data, &windows);
    (void)m;
    phi_gemm_run(&g, packed, pool, work);
}

/* --- Winograd -------------------------------------------------------------------------------- */

static bool wino_applies(const phi_conv_method *m, const phi_conv_params *p)
{
    return !phi_conv_is_volume(p) && phi_wino_applies(m->wino, &p->image);
}

static double wino_cost(const phi_conv_method *m, const phi_conv_params *p)
{
    return phi_wino_cost(m->wino, &p->image);
}

static size_t wino_pack_bytes(const phi_conv_method *m, const phi_conv_params *p)
{
    return phi_wino_pack_bytes(m->wino, &p->image);
}

static void wino_pack(const phi_conv_method *m, const phi_conv_params *p,
                      const phi_filters *weights, phi_pool *pool, void *packed)
{
    phi_wino_pack(m->wino, &p->image, weights, pool, packed);
}

static size_t wino_work_bytes(const phi_conv_method *m, const phi_conv_params *p, size_t n_threads)
{
    return phi_wino_work_bytes(m->wino, &p->image, n_threads);
}

static void wino_run(const phi_conv_method *m, const phi_conv_params *p, const phi_conv_data *data,
                     const void *packed, phi_pool *pool, void *work)
{
    phi_wino_run(m->wino, &p->image, data, packed, pool, work);
}

/* --- Winograd down the lines ----------------------------------------------------------------- */

static bool lines_apply(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return !phi_conv_is_volume(p) && phi_line_wino_applies(&p->image);
}

static double lines_cost(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return phi_line_wino_cost(&p->image);
}

static size_t lines_pack_bytes(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return phi_line_wino_pack_bytes(&p->image);
}

static void lines_pack(const phi_conv_method *m, const phi_conv_params *p,
                       const phi_filters *weights, phi_pool *pool, void *packed)
{
    (void)m;
    phi_line_wino_pack(&p->image, weights, pool, packed);
}

static size_t lines_work_bytes(const phi_conv_method *m, const phi_conv_params *p, size_t n_threads)
{
    (void)m;
    return phi_line_wino_work_bytes(&p->image, n_threads);
}

static void lines_run(const phi_conv_method *m, const phi_conv_params *p, const phi_conv_data *data,
                      const void *packed, phi_pool *pool, void *work)
{
    (void)m;
    phi_line_wino_run(&p->image, data, packed, pool, work);
}

static int64_t lines_unit(const phi_conv_params *p)
{
    return phi_line_wino_lines(&p->image);
}

/* --- Strassen -------------------------------------------------------------------------------- */

static bool strassen_applies(const phi_conv_method *m, const phi_conv_params *p)
{
    return pixels_apply(m, p) && phi_strassen_applies(&p->image);
}

static double strassen_cost(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return phi_strassen_cost(&p->image);
}

static size_t strassen_pack_bytes(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return phi_strassen_pack_bytes(&p->image);
}

static void strassen_pack(const phi_conv_method *m, const phi_conv_params *p,
                          const phi_filters *weights, phi_pool *pool, void *packed)
{
    (void)m;
    phi_strassen_pack(&p->image, weights, pool, packed);
}

static size_t strassen_work_bytes(const phi_conv_method *m, const phi_conv_params *p,
                                  size_t n_threads)
{
    (void)m;
    return phi_strassen_work_bytes(&p->image, n_threads);
}

static void strassen_run(const phi_conv_method *m, const phi_conv_params *p,
                         const phi_conv_data *data, const void *packed, phi_pool *pool, void *work)
{
    (void)m;
    phi_strassen_run(&p->image, data, packed, pool, work);
}

/* --- Depthwise ------------------------------------------------------------------------------- */

static bool depthwise_applies(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return !phi_conv_is_volume(p) && phi_conv_is_depthwise(&p->image);
}

static size_t depthwise_pack_bytes(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return phi_depthwise_pack_bytes(&p->image);
}

static void depthwise_pack(const phi_conv_method *m, const phi_conv_params *p,
                           const phi_filters *weights, phi_pool *pool, void *packed)
{
    (void)m;
    (void)pool;
    phi_depthwise_pack(&p->image, weights->data, packed);
}

static size_t depthwise_work_bytes(const phi_conv_method *m, const phi_conv_params *p,
                                   size_t n_threads)
{
    (void)m;
    return phi_depthwise_work_bytes(&p->image, n_threads);
}

static void depthwise_run(const phi_conv_method *m, const phi_conv_params *p,
                          const phi_conv_data *data, const void *packed, phi_pool *pool, void *work)
{
    (void)m;
    phi_depthwise(&p->image, data, packed, pool, work);
}

/* --- Three dimensions ------------------------------------------------------------------------ */

static bool volume_applies(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return phi_conv_is_volume(p);
}

static size_t volume_pack_bytes(const phi_conv_method *m, const phi_conv_params *p)
{
    (void)m;
    return phi_volume_pack_bytes(&p->volume);
}

static void volume_pack(const phi_conv_method *m, const phi_conv_params *p,
                        const phi_filters *weights, phi_pool *pool, void *packed)
{
    (void)m;
    phi_volume_pack(&p->volume, weights->data, pool, packed);
}

static size_t volume_work_bytes(const phi_conv_method *m, const phi_conv_params *p,
                                size_t n_threads)
{
    (void)m;
    return phi_volume_work_bytes(&p->volume, n_threads);
}

static void volume_run(const phi_conv_method *m, const phi_conv_params *p,
                       const phi_conv_data *data, const void *packed, phi_pool *pool, void *work)
{
    (void)m;
    phi_volume_run(&p->volume, data, packed, pool, work);
}

/* --- The table ------------------------------------------------------------------------------- */

/* What products of matrices, whatever their rows, and Winograd's variants have in common. */
/* clang-format off */
#define GEMM                                                                                       \
    .cost = gemm_cost, .pack_bytes = gemm_pack_bytes, .pack = gemm_pack,                           \
    .work_bytes = gemm_work_bytes, .run = gemm_run, .packs_rows = true, .takes_add = true
#define WINOGRAD                                                                                   \
    .applies = wino_applies, .cost = wino_cost, .pack_bytes = wino_pack_bytes, .pack = wino_pack,  \
    .work_bytes = wino_work_bytes, .run = wino_run, .packs_rows = true, .takes_add = true,  \
    .inexact = true
/* clang-format on */

/* The plainest come first. The names stand in the public header and in pinhole(1). */
static const phi_conv_method methods[] = {
    {.method = {"1x1 gemm"}, .applies = pixels_apply, .by_lines = true, GEMM},
    {.method = {"window gemm"}, .applies = windows_apply, .by_lines = true, GEMM},
    {.method = {"grouped gemm"}, .applies = groups_apply, GEMM},
    {.method = {"depthwise"},
     .applies = depthwise_applies,
     .pack_bytes = depthwise_pack_bytes,
     .pack = depthwise_pack,
     .work_bytes = depthwise_work_bytes,
     .run = depthwise_run,
     .by_lines = true},
    {.method = {"3-D gemm"},
     .applies = volume_applies,
     .pack_bytes = volume_pack_bytes,
     .pack = volume_pack,
     .work_bytes = volume_work_bytes,
     .run = volume_run,
     .takes_add = true},
    {.method = {"Winograd F(2x2,3x3)"}, .wino = &phi_wino_f2x3, WINOGRAD},
    {.method = {"Winograd F(4x4,3x3)"}, .wino = &phi_wino_f4x3, WINOGRAD},
    {.method = {"Winograd F(6x6,3x3)"}, .wino = &phi_wino_f6x3, WINOGRAD},
    {.method = {"Winograd F(2x2,3x3/2)"}, .wino = &phi_wino_f2x3s2, WINOGRAD},
    {.method = {"Winograd F(2x2,5x5)"}, .wino = &phi_wino_f2x5, WINOGRAD},
    {.method = {"Winograd F(4x4,5x5)"}, .wino = &phi_wino_f4x5, WINOGRAD},
    {.method = {"1x1 Strassen"},
     .applies = strassen_applies,
     .cost = strassen_cost,
     .pack_bytes = strassen_pack_bytes,
     .pack = strassen_pack,
     .work_bytes = strassen_work_bytes,
     .run = strassen_run,
     .packs_rows = true,
     .takes_add = true,
     .inexact = true},
    {.method = {"line Winograd"},
     .applies = lines_apply,
     .cost = lines_cost,
     .pack_bytes = lines_pack_bytes,
     .pack = lines_pack,
     .work_bytes = lines_work_bytes,
     .run = lines_run,
     .packs_rows = true,
     .takes_add = true,
     .by_lines = true,
     .unit = lines_unit,
     .inexact = true},
};

size_t phi_conv_methods(const phi_conv_params *p, bool exact, phi_choice *out)
{
    size_t n = 0;
    for (size_t i = 0; i < PHI_COUNT(methods); i++) {
        const phi_conv_method *m = &methods[i];
        if ((exact && m->inexact) || !m->applies(m, p)) continue;
        assert(n < PHI_MOST_METHODS);
        const phi_choice now = {&m->method, m->cost ? m->cost(m, p) : 0};
        size_t at = n++;
        for (; at > 0 && out[at - 1].cost > now.cost; at--)
            out[at] = out[at - 1];
        out[at] = now;
    }
    return n;
}

const phi_conv_method *phi_conv_method_of(const phi_exec *e)
{
    phi_choice choices[PHI_MOST_METHODS];
    if (e->method) return (const phi_conv_method *)(const void *)e->method;
    phi_conv_methods(e->params, e->exact, choices);
    return (const phi_conv_method *)(const void *)choices[0].method;
}
