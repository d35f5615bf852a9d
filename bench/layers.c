/* SPDX-License-Identifier: MIT */
/*
 * Time single convolutions. Shape files (bench/shapes/) hold one problem a line,
 *
 *     h w c k r stride groups [label]        padding keeps the size: (r - 1) / 2 at each side
 *
 * and each is computed by every way there is: the product of matrices ("direct"), Winograd's variants,
 * the depthwise kernels. Results are first compared with the direct one, then timed: the best and the
 * median of several rounds, GFLOP/s counted in nominal multiply-adds, and the share of the
 * multiply-add peak that was measured on the spot.
 *
 *     bench-layers [-t THREADS] [-r ROUNDS] [-w WAY] [--cold] FILE...
 *
 * -w times that way alone (and the direct one only for comparison). --cold walks through enough copies of the weights that they come from memory, as in a network.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "kernels/depthwise.h"
#include "kernels/im2col.h"
#include "kernels/winograd.h"

#define MOST_ROUNDS 101
#define COLD_BYTES (96u << 20)

typedef struct way {
    const char *name;
    const phi_wino *wino; /* NULL: direct or depthwise */
} way;

typedef struct problem {
    phi_conv_shape d;
    char label[64];
    float *x, *w, *bias, *y, *reference;
    void *work;
} problem;

static bool depthwise(const phi_conv_shape *d)
{
    return d->groups > 1 && d->groups == d->c;
}

static phi_gemm direct(const problem *p, phi_im2col *windows)
{
    const phi_conv_shape *d = &p->d;
    const bool plain = d->r == 1 && d->stride_h == 1;
    *windows = (phi_im2col){.x = p->x, .h = d->h, .w = d->w, .pitch = d->c, .c = d->c / d->groups,
                            .gh = d->oh, .gw = d->ow, .stride_h = d->stride_h,
                            .stride_w = d->stride_w, .y0 = -d->pad_top, .x0 = -d->pad_left,
                            .taps_h = d->r, .taps_w = d->s, .step_h = 1, .step_w = 1};
    return (phi_gemm){.m = (size_t)(d->n * d->oh * d->ow), .n = (size_t)(d->k / d->groups),
                      .k = (size_t)(d->r * d->s * d->c / d->groups), .groups = (size_t)d->groups,
                      .a = plain ? (phi_rows){.data = p->x, .row = d->c, .step = 1,
                                              .group_stride = d->c / d->groups}
                                 : phi_im2col_rows(windows),
                      .c = p->y, .c_row = d->k, .c_group_stride = d->k / d->groups,
                      .bias = p->bias, .lo = 0, .hi = INFINITY};
}

static phi_conv_data data_of(const problem *p)
{
    return (phi_conv_data){.x = p->x, .x_pitch = p->d.c, .y = p->y, .y_pitch = p->d.k,
                           .bias = p->bias, .lo = 0, .hi = INFINITY};
}

static size_t packed_bytes(const problem *p, const way *w)
{
    const phi_conv_shape *d = &p->d;
    phi_im2col windows;
    if (w->wino) return phi_wino_pack_bytes(w->wino, d);
    if (depthwise(d)) return phi_depthwise_pack_bytes(d);
    const phi_gemm g = direct(p, &windows);
    return phi_gemm_pack_bytes(g.k, g.n, g.groups);
}

static void pack(const problem *p, const way *w, void *packed)
{
    const phi_conv_shape *d = &p->d;
    const int64_t taps = d->r * d->s, cg = d->c / d->groups;
    if (w->wino) {
        phi_wino_pack(w->wino, d, p->w, NULL, packed);
    } else if (depthwise(d)) {
        phi_depthwise_pack(d, p->w, packed);
    } else {
        const phi_weights b = {.data = p->w,
                               .count = {(size_t)d->r, (size_t)d->s, (size_t)cg},
                               .stride = {d->s, 1, taps},
                               .n_stride = cg * taps,
                               .group_stride = d->k / d->groups * cg * taps,
                               .scale = 1};
        phi_gemm_pack(&b, (size_t)(d->k / d->groups), (size_t)d->groups, NULL, packed);
    }
}

static size_t work_bytes(const problem *p, const way *w, size_t threads)
{
    phi_im2col windows;
    if (w->wino) return phi_wino_work_bytes(w->wino, &p->d, threads);
    if (depthwise(&p->d)) return phi_depthwise_work_bytes(&p->d, threads);
    const phi_gemm g = direct(p, &windows);
    return phi_gemm_work_bytes(&g, threads);
}

static void run(const problem *p, const way *w, const void *packed, phi_pool *pool)
{
    const phi_conv_data data = data_of(p);
    phi_im2col windows;
    if (w->wino) {
        phi_wino_run(w->wino, &p->d, &data, packed, pool, p->work);
    } else if (depthwise(&p->d)) {
        phi_depthwise(&p->d, &data, packed, pool, p->work);
    } else {
        const phi_gemm g = direct(p, &windows);
        phi_gemm_run(&g, packed, pool, p->work);
    }
}

static void *need(size_t bytes)
{
    void *x = phi_alloc(NULL, bytes ? bytes : 1);
    if (x) return x;
    fprintf(stderr, "bench-layers: out of memory\n");
    exit(5);
}

static float *random_floats(int64_t n, float scale, phi_rng *r)
{
    float *x = need((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = scale * phi_rng_normal(r);
    return x;
}

static bool read_problem(const char *line, problem *p)
{
    long long h, w, c, k, r, stride, groups;
    p->label[0] = '\0';
    if (sscanf(line, "%lld %lld %lld %lld %lld %lld %lld %63[^\n]", &h, &w, &c, &k, &r, &stride,
               &groups, p->label) < 7)
        return false;
    p->d = (phi_conv_shape){.n = 1, .c = c, .h = h, .w = w, .k = k, .r = r, .s = r,
                            .groups = groups, .stride_h = stride, .stride_w = stride,
                            .dilation_h = 1, .dilation_w = 1, .pad_top = (r - 1) / 2,
                            .pad_left = (r - 1) / 2, .pad_bottom = (r - 1) / 2,
                            .pad_right = (r - 1) / 2};
    p->d.oh = (h + 2 * p->d.pad_top - r) / stride + 1;
    p->d.ow = (w + 2 * p->d.pad_left - r) / stride + 1;
    return true;
}

static double macs(const phi_conv_shape *d)
{
    return (double)d->oh * (double)d->ow * (double)d->k * (double)d->r * (double)d->s *
           (double)(d->c / d->groups);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The multiply-add peak: a product that stays in the first-level cache. GFLOP/s of one thread. */
static double peak_gflops(void)
{
    const phk_kernel *k = phk_choose(PHK_gemm_f32);
    const size_t kc = 192;
    float *a = need(kc * k->mr * sizeof *a), *b = need(kc * k->nr * sizeof *b);
    float *c = need(k->mr * k->nr * sizeof *c);
    double best = 0;
    memset(a, 0, kc * k->mr * sizeof *a);
    memset(b, 0, kc * k->nr * sizeof *b);
    const phk_gemm_f32_args g = {.kc = kc, .a = a, .a_row = (ptrdiff_t)kc, .a_step = 1, .b = b,
                                 .c = c, .c_row = (ptrdiff_t)k->nr, .m = k->mr, .n = k->nr,
                                 .lo = -INFINITY, .hi = INFINITY};
    for (int round = 0; round < 50; round++) {
        const double start = phi_clock();
        for (int i = 0; i < 2000; i++)
            PHK_CALL(gemm_f32, k)(&g);
        const double rate =
            2e-9 * 2000 * (double)(kc * k->mr * k->nr) / (phi_clock() - start);
        if (rate > best) best = rate;
    }
    phi_free(NULL, a);
    phi_free(NULL, b);
    phi_free(NULL, c);
    return best;
}

static void report(const problem *p, const way *w, double *time, int rounds, double error,
                   double peak)
{
    qsort(time, (size_t)rounds, sizeof *time, by_value);
    const double rate = 2e-9 * macs(&p->d) / time[0];
    printf("  %-12s %9.1f %9.1f us  %7.1f GFLOP/s  %5.1f %%  diff %.1e\n", w->name, time[0] * 1e6,
           time[rounds / 2] * 1e6, rate, 100 * rate / peak, error);
    fflush(stdout);
}

/* Time one way; prints its line. */
static void measure(problem *p, const way *w, size_t threads, int rounds, bool cold, double peak,
                    const char *only)
{
    const size_t bytes = packed_bytes(p, w);
    const size_t copies = cold ? COLD_BYTES / bytes + 2 : 1;
    phi_pool *pool = NULL;
    if (threads > 1 && phi_pool_new(NULL, threads, &pool, NULL) != PH_OK) exit(5);
    void **packed = need(copies * sizeof *packed);
    for (size_t i = 0; i < copies; i++) {
        packed[i] = need(bytes);
        pack(p, w, packed[i]);
    }
    p->work = need(work_bytes(p, w, threads));
    run(p, w, packed[0], pool);
    const int64_t n_y = p->d.oh * p->d.ow * p->d.k;
    double error = 0, largest = 0, time[MOST_ROUNDS];
    if (!w->wino) memcpy(p->reference, p->y, (size_t)n_y * sizeof *p->y);
    for (int64_t i = 0; i < n_y; i++) {
        error = fmax(error, fabs((double)p->y[i] - (double)p->reference[i]));
        largest = fmax(largest, fabs((double)p->reference[i]));
    }
    if (only && strcmp(only, w->name) != 0) rounds = 0;
    const int inner = (int)fmax(1, 2e-3 / (2 * macs(&p->d) / (peak * 1e9 * (double)threads)));
    size_t next = 0;
    for (int r = 0; r < rounds; r++) {
        const double start = phi_clock();
        for (int i = 0; i < inner; i++, next = (next + 1) % copies)
            run(p, w, packed[next], pool);
        time[r] = (phi_clock() - start) / inner;
    }
    if (rounds > 0) report(p, w, time, rounds, error / largest, peak * (double)threads);
    for (size_t i = 0; i < copies; i++)
        phi_free(NULL, packed[i]);
    phi_free(NULL, packed);
    phi_free(NULL, p->work);
    phi_pool_free(pool);
}

static void measure_all(problem *p, size_t threads, int rounds, bool cold, double peak,
                        const char *only)
{
    static const way winograd[] = {{"F(2x2,3x3)", &phi_wino_f2x3},
                                   {"F(4x4,3x3)", &phi_wino_f4x3},
                                   {"F(2x2,5x5)", &phi_wino_f2x5}};
    const phi_conv_shape *d = &p->d;
    const way direct_way = {depthwise(d) ? "depthwise" : "direct", NULL};
    const float fan_in = (float)(d->r * d->s * (d->c / d->groups));
    phi_rng r = phi_rng_start(1, 0);
    p->x = random_floats(d->h * d->w * d->c, 1, &r);
    p->w = random_floats(d->k * d->c / d->groups * d->r * d->s, sqrtf(2 / fan_in), &r);
    p->bias = random_floats(d->k, 1, &r);
    p->y = need((size_t)(d->oh * d->ow * d->k) * sizeof *p->y);
    p->reference = need((size_t)(d->oh * d->ow * d->k) * sizeof *p->y);
    printf("%lldx%lld %lld->%lld %lldx%lld/%lld g%lld  %.1f MMAC  %s\n", (long long)d->h,
           (long long)d->w, (long long)d->c, (long long)d->k, (long long)d->r, (long long)d->s,
           (long long)d->stride_h, (long long)d->groups, macs(d) * 1e-6, p->label);
    measure(p, &direct_way, threads, rounds, cold, peak, only);
    for (size_t i = 0; i < PHI_COUNT(winograd); i++)
        if ((int64_t)winograd[i].wino->r == d->r && d->stride_h == 1 && d->groups == 1)
            measure(p, &winograd[i], threads, rounds, cold, peak, only);
    phi_free(NULL, p->x);
    phi_free(NULL, p->w);
    phi_free(NULL, p->bias);
    phi_free(NULL, p->y);
    phi_free(NULL, p->reference);
}

int main(int argc, char **argv)
{
    size_t threads = 1;
    int rounds = 15;
    bool cold = false;
    const char *only = NULL;
    double peak = peak_gflops();
    printf("peak %.1f GFLOP/s a thread (%s)\n", peak, ph_cpu_isa());
    for (int i = 1; i < argc; i++) {
        char line[256];
        if (!strcmp(argv[i], "-t") && i + 1 < argc) {
            threads = (size_t)strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            rounds = (int)strtol(argv[++i], NULL, 10);
            rounds = rounds < 1 ? 1 : rounds > MOST_ROUNDS ? MOST_ROUNDS : rounds;
        } else if (!strcmp(argv[i], "-w") && i + 1 < argc) {
            only = argv[++i];
        } else if (!strcmp(argv[i], "--cold")) {
            cold = true;
        } else {
            FILE *f = fopen(argv[i], "r");
            if (!f) {
                fprintf(stderr, "bench-layers: cannot open %s\n", argv[i]);
                return 3;
            }
            problem p;
            while (fgets(line, sizeof line, f))
                if (line[0] != '#' && read_problem(line, &p))
                    measure_all(&p, threads, rounds, cold, peak, only);
            fclose(f);
        }
    }
    return 0;
}
