/* SPDX-License-Identifier: MIT */
/*
 * Time single convolutions. Shape files (bench/shapes/) hold one problem a line,
 *
 *     h w c k r stride groups [label]        padding keeps the size: (r - 1) / 2 at each side
 *
 * and each is computed by every way there is: the product of matrices ("direct"), Winograd's
 * variants, Strassen's product, Winograd down the lines ("lines"), the depthwise kernels. Printed
 * are the best and the median time of several rounds, GFLOP/s counted in nominal multiply-adds, the
 * share of the multiply-add peak that was measured on the spot, and how far results are off against
 * sums in double, at most and in the mean, in units of their root mean square.
 *
 *     bench-layers [-t THREADS] [-r ROUNDS] [-w WAY] [--cold] FILE...
 *
 * -w times that way alone. --cold walks through enough copies of the weights that they come from
 * memory, as in a network.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "kernels/depthwise.h"
#include "kernels/im2col.h"
#include "kernels/line_winograd.h"
#include "kernels/strassen.h"
#include "kernels/winograd.h"

#define MOST_ROUNDS 101
#define COLD_BYTES (96u << 20)

typedef struct settings {
    size_t threads;
    int rounds;
    bool cold;
    const char *only; /* the way to time, or NULL: all */
    double peak;      /* FLOP/s of so many threads */
} settings;

typedef struct way {
    const char *name;
    const phi_wino *wino; /* NULL: another */
    bool strassen, lines;
} way;

typedef struct problem {
    phi_conv_shape d;
    char label[64];
    float *x, *w, *bias, *y;
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
    *windows = phi_im2col_of(d, p->x, d->c);
    return (phi_gemm){
        .m = (size_t)(d->n * d->oh * d->ow),
        .n = (size_t)(d->k / d->groups),
        .k = (size_t)(d->r * d->s * d->c / d->groups),
        .groups = (size_t)d->groups,
        .a =
            plain
                ? (phi_rows){.data = p->x, .row = d->c, .step = 1, .group_stride = d->c / d->groups}
                : phi_im2col_rows(windows),
        .c = p->y,
        .c_row = d->k,
        .c_group_stride = d->k / d->groups,
        .bias = p->bias,
        .lo = -INFINITY,
        .hi = INFINITY};
}

static phi_conv_data data_of(const problem *p)
{
    return (phi_conv_data){.x = p->x,
                           .x_pitch = p->d.c,
                           .y = p->y,
                           .y_pitch = p->d.k,
                           .bias = p->bias,
                           .lo = -INFINITY,
                           .hi = INFINITY};
}

static size_t packed_bytes(const problem *p, const way *w)
{
    const phi_conv_shape *d = &p->d;
    phi_im2col windows;
    if (w->wino) return phi_wino_pack_bytes(w->wino, d);
    if (w->strassen) return phi_strassen_pack_bytes(d);
    if (w->lines) return phi_line_wino_pack_bytes(d);
    if (depthwise(d)) return phi_depthwise_pack_bytes(d);
    const phi_gemm g = direct(p, &windows);
    return phi_gemm_pack_bytes(g.k, g.n, g.groups);
}

static void pack(const problem *p, const way *w, void *packed)
{
    const phi_conv_shape *d = &p->d;
    const int64_t taps = d->r * d->s, cg = d->c / d->groups;
    const phi_filters filters = {.row = (size_t)(cg * taps), .data = p->w};
    if (w->wino) {
        phi_wino_pack(w->wino, d, &filters, NULL, packed);
    } else if (w->strassen) {
        phi_strassen_pack(d, &filters, NULL, packed);
    } else if (w->lines) {
        phi_line_wino_pack(d, &filters, NULL, packed);
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
    if (w->strassen) return phi_strassen_work_bytes(&p->d, threads);
    if (w->lines) return phi_line_wino_work_bytes(&p->d, threads);
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
    } else if (w->strassen) {
        phi_strassen_run(&p->d, &data, packed, pool, p->work);
    } else if (w->lines) {
        phi_line_wino_run(&p->d, &data, packed, pool, p->work);
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
    p->d = (phi_conv_shape){.n = 1,
                            .c = c,
                            .h = h,
                            .w = w,
                            .k = k,
                            .r = r,
                            .s = r,
                            .groups = groups,
                            .stride_h = stride,
                            .stride_w = stride,
                            .dilation_h = 1,
                            .dilation_w = 1,
                            .pad_top = (r - 1) / 2,
                            .pad_left = (r - 1) / 2,
                            .pad_bottom = (r - 1) / 2,
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

/* How far results are off, against sums in double, in units of the outputs' root mean square. */
typedef struct errors {
    double most, mean;
} errors;

#define SAMPLES 64 /* pixels that are computed again */

static double exact_output(const problem *p, int64_t pixel, int64_t k)
{
    const phi_conv_shape *d = &p->d;
    const int64_t oy = pixel / d->ow, ox = pixel % d->ow, cg = d->c / d->groups;
    const int64_t c0 = k / (d->k / d->groups) * cg;
    double sum = (double)p->bias[k];
    for (int64_t i = 0; i < d->r; i++)
        for (int64_t j = 0; j < d->s; j++) {
            const int64_t y = oy * d->stride_h - d->pad_top + i;
            const int64_t x = ox * d->stride_w - d->pad_left + j;
            if (y < 0 || y >= d->h || x < 0 || x >= d->w) continue;
            for (int64_t c = 0; c < cg; c++)
                sum += (double)p->x[(y * d->w + x) * d->c + c0 + c] *
                       (double)p->w[((k * cg + c) * d->r + i) * d->s + j];
        }
    return sum;
}

static errors errors_of(const problem *p)
{
    const int64_t pixels = p->d.oh * p->d.ow, step = pixels / SAMPLES + 1;
    errors e = {0, 0};
    double squares = 0, n = 0;
    for (int64_t i = 0; i < pixels; i += step)
        for (int64_t k = 0; k < p->d.k; k++, n++) {
            const double want = exact_output(p, i, k);
            const double off = fabs((double)p->y[i * p->d.k + k] - want);
            e.most = fmax(e.most, off);
            e.mean += off;
            squares += want * want;
        }
    const double rms = sqrt(squares / n);
    return (errors){e.most / rms, e.mean / n / rms};
}

static void report(const problem *p, const way *w, double *time, const settings *o,
                   const errors *err)
{
    const int rounds = o->rounds;
    qsort(time, (size_t)rounds, sizeof *time, by_value);
    const double rate = 2 * macs(&p->d) / time[0];
    printf("  %-12s %9.1f %9.1f us  %7.1f GFLOP/s  %5.1f %%  error %.1e, mean %.1e\n", w->name,
           time[0] * 1e6, time[rounds / 2] * 1e6, rate * 1e-9, 100 * rate / o->peak, err->most,
           err->mean);
    fflush(stdout);
}

/* Time one way; prints its line. */
static void measure(problem *p, const way *w, const settings *o)
{
    const bool timed = !o->only || strcmp(o->only, w->name) == 0;
    const size_t bytes = packed_bytes(p, w);
    const size_t copies = o->cold ? COLD_BYTES / bytes + 2 : 1;
    phi_pool *pool = NULL;
    if (o->threads > 1 && phi_pool_new(NULL, o->threads, &pool, NULL) != PH_OK) exit(5);
    void **packed = need(copies * sizeof *packed);
    for (size_t i = 0; i < copies; i++) {
        packed[i] = need(bytes);
        pack(p, w, packed[i]);
    }
    p->work = need(work_bytes(p, w, o->threads));
    run(p, w, packed[0], pool);
    double time[MOST_ROUNDS];
    const errors err = errors_of(p);
    const int inner = (int)fmax(1, 2e-3 / (2 * macs(&p->d) / o->peak));
    size_t next = 0;
    for (int r = 0; timed && r < o->rounds; r++) {
        const double start = phi_clock();
        for (int i = 0; i < inner; i++, next = (next + 1) % copies)
            run(p, w, packed[next], pool);
        time[r] = (phi_clock() - start) / inner;
    }
    if (timed) report(p, w, time, o, &err);
    for (size_t i = 0; i < copies; i++)
        phi_free(NULL, packed[i]);
    phi_free(NULL, packed);
    phi_free(NULL, p->work);
    phi_pool_free(pool);
}

static void measure_all(problem *p, const settings *o)
{
    static const way winograd[] = {{"F(2x2,3x3)", &phi_wino_f2x3, false, false},
                                   {"F(4x4,3x3)", &phi_wino_f4x3, false, false},
                                   {"F(6x6,3x3)", &phi_wino_f6x3, false, false},
                                   {"F(2x2,3x3/2)", &phi_wino_f2x3s2, false, false},
                                   {"F(2x2,5x5)", &phi_wino_f2x5, false, false},
                                   {"F(4x4,5x5)", &phi_wino_f4x5, false, false}};
    static const way strassen = {.name = "Strassen", .strassen = true};
    static const way lines = {.name = "lines", .lines = true};
    const phi_conv_shape *d = &p->d;
    const way direct_way = {depthwise(d) ? "depthwise" : "direct", NULL, false, false};
    const float fan_in = (float)(d->r * d->s * (d->c / d->groups));
    phi_rng r = phi_rng_start(1, 0);
    p->x = random_floats(d->h * d->w * d->c, 1, &r);
    p->w = random_floats(d->k * d->c / d->groups * d->r * d->s, sqrtf(2 / fan_in), &r);
    p->bias = random_floats(d->k, 1, &r);
    p->y = need((size_t)(d->oh * d->ow * d->k) * sizeof *p->y);
    printf("%lldx%lld %lld->%lld %lldx%lld/%lld g%lld  %.1f MMAC  %s\n", (long long)d->h,
           (long long)d->w, (long long)d->c, (long long)d->k, (long long)d->r, (long long)d->s,
           (long long)d->stride_h, (long long)d->groups, macs(d) * 1e-6, p->label);
    measure(p, &direct_way, o);
    for (size_t i = 0; i < PHI_COUNT(winograd); i++)
        if (d->groups == 1 && phi_wino_applies(winograd[i].wino, d))
            measure(p, &winograd[i], o);
    if (d->r == 1 && d->stride_h == 1 && phi_strassen_applies(d)) measure(p, &strassen, o);
    if (phi_line_wino_applies(d)) measure(p, &lines, o);
    phi_free(NULL, p->x);
    phi_free(NULL, p->w);
    phi_free(NULL, p->bias);
    phi_free(NULL, p->y);
}

static int measure_file(const char *path, const settings *o)
{
    char line[256];
    problem p;
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "bench-layers: cannot open %s\n", path);
        return 3;
    }
    for (int n = 1; fgets(line, sizeof line, f); n++) {
        if (line[0] == '#' || line[0] == '\n') continue;
        if (!read_problem(line, &p)) {
            fprintf(stderr, "bench-layers: %s, line %d: wanted h w c k r stride groups\n", path, n);
            fclose(f);
            return 3;
        }
        measure_all(&p, o);
    }
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    settings o = {.threads = 1, .rounds = 15};
    ph_cpu_peak peak;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "-t") && i + 1 < argc)
            o.threads = (size_t)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "-r") && i + 1 < argc)
            o.rounds = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "-w") && i + 1 < argc)
            o.only = argv[++i];
        else if (!strcmp(argv[i], "--cold"))
            o.cold = true;
        else
            break;
    }
    if (i == argc || argv[i][0] == '-' || o.threads < 1 || o.rounds < 1 || o.rounds > MOST_ROUNDS) {
        fprintf(stderr,
                "usage: bench-layers [-t THREADS] [-r ROUNDS, at most %d] [-w WAY] [--cold] "
                "FILE...\n",
                MOST_ROUNDS);
        return 2;
    }
    if (ph_cpu_measure_peak(NULL, o.threads, &peak, NULL) != PH_OK) return 5;
    o.peak = peak.flop_per_second;
    printf("%s, threads: %zu, peak %.1f GFLOP/s\n", peak.isa, o.threads, o.peak * 1e-9);
    int status = 0;
    for (; i < argc && !status; i++)
        status = measure_file(argv[i], &o);
    return status;
}
