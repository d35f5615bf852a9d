/* SPDX-License-Identifier: MIT */
/*
 * Convolutions that follow each other, in one pass: expand -> depthwise -> project
 * (after Alwani 2016, "Fused-layer CNN accelerators", MICRO, but for caches).
 *
 * A task makes a band of lines of the last one's output, some lines at a time. What these need of
 * the convolution before is kept in a window of as many lines, in the thread's scratch, which moves
 * down the image: lines that it holds already are not made again. So wide maps between narrow ones
 * stay in the caches. Only where a band begins are lines made that the band above has made, too;
 * there are as few bands as keep all threads busy.
 *
 * Each convolution makes its lines as it would make all, as a convolution of the lines that they
 * see (band_of), with the same kernels: pixel for pixel the same bits.
 */
#include "ops/conv.h"

#define WINDOW_BYTES 393216 /* of a chain's windows together: a share of the second-level cache */
#define LEAST_PIXELS 56     /* of the last output, made at once: some tiles of the gemm kernels */
#define BAND_LINES 4        /* of the last output, at least, where an image is cut into bands */
#define MANY_BANDS 12       /* enough for any number of threads */

/* What a link reads, from the second on: lines `base` .. `end` - 1 of its input. */
typedef struct window {
    float *lines;
    int64_t base, end;
} window;

typedef struct link {
    const phi_conv_method *method;
    const phi_conv_shape *d;
    phi_conv_data data;
    const void *packed;
    size_t offset; /* of its window in scratch; the first link has none */
} link;

typedef struct chain {
    size_t n;
    link links[PHI_CHAIN_MOST];
    int64_t images;
    int64_t step; /* lines of the last output made at once */
    int64_t band, n_bands;
    char *work;
    size_t thread_bytes, work_offset; /* of a thread; of what the convolutions themselves need */
} chain;

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static int64_t div_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

/* --- Lines ----------------------------------------------------------------------------------- */

/* Lines of an image, first .. end - 1. */
typedef struct span {
    int64_t first, end;
} span;

/* Lines of the input that lines of the output see. */
static span seen_by(const phi_conv_shape *d, span out)
{
    const int64_t first = out.first * d->stride_h - d->pad_top;
    const int64_t end = (out.end - 1) * d->stride_h - d->pad_top + (d->r - 1) * d->dilation_h + 1;
    const span in = {min64(max64(first, 0), d->h), min64(max64(end, 0), d->h)};
    return in;
}

/* Lines of one image's output as all that a convolution makes of the lines `in`, which they see. */
static phi_conv_shape band_of(const phi_conv_shape *d, span out, span in)
{
    phi_conv_shape band = *d;
    band.n = 1;
    band.oh = out.end - out.first;
    band.h = in.end - in.first;
    band.pad_top = in.first - (out.first * d->stride_h - d->pad_top);
    return band;
}

/* --- A band ---------------------------------------------------------------------------------- */

/* Move a window down to begin with the lines `want`. Returns those still to be made. */
static span move_window(window *w, span want, size_t line)
{
    const int64_t kept = max64(w->end - want.first, 0);
    if (kept > 0 && want.first > w->base)
        memmove(w->lines, w->lines + (size_t)(want.first - w->base) * line,
                (size_t)kept * line * sizeof *w->lines);
    const span missing = {want.first + kept, max64(want.end, want.first + kept)};
    w->base = want.first;
    w->end = missing.end;
    return missing;
}

static size_t line_of(const link *l)
{
    return (size_t)(l->d->w * l->d->c);
}

/* Lines `out` of link i's output, to its window or, of the last link, to memory. */
static void make_lines(const chain *c, size_t i, int64_t image, span out, const window *windows,
                       void *work)
{
    const link *l = &c->links[i];
    const phi_conv_shape *d = l->d;
    phi_conv_data data = l->data;
    const span in = seen_by(d, out);
    const phi_conv_params band = {.image = band_of(d, out, in)};
    if (i == 0) {
        data.x += (image * d->h + in.first) * d->w * data.x_pitch;
    } else {
        data.x = windows[i].lines + (in.first - windows[i].base) * (int64_t)line_of(l);
        data.x_pitch = d->c;
    }
    if (i + 1 < c->n) {
        const window *to = &windows[i + 1];
        data.y = to->lines + (out.first - to->base) * (int64_t)line_of(l + 1);
        data.y_pitch = d->k;
    } else {
        data.y += (image * d->oh + out.first) * d->ow * data.y_pitch;
    }
    if (data.add) data.add += (image * d->oh + out.first) * d->ow * data.add_pitch;
    l->method->run(l->method, &band, &data, l->packed, NULL, work);
}

/* Some lines of the last output, and what is missing for them. */
static void make_step(const chain *c, int64_t image, span out, window *windows, void *work)
{
    span todo[PHI_CHAIN_MOST];
    todo[c->n - 1] = out;
    for (size_t i = c->n - 1; i > 0; i--)
        todo[i - 1] =
            move_window(&windows[i], seen_by(c->links[i].d, todo[i]), line_of(&c->links[i]));
    for (size_t i = 0; i < c->n; i++)
        if (todo[i].first < todo[i].end) make_lines(c, i, image, todo[i], windows, work);
}

static void band_task(void *arg, size_t task, size_t thread)
{
    const chain *c = arg;
    char *scratch = c->work + thread * c->thread_bytes;
    const int64_t image = (int64_t)task / c->n_bands;
    const int64_t first = (int64_t)task % c->n_bands * c->band;
    const int64_t end = min64(first + c->band, c->links[c->n - 1].d->oh);
    window windows[PHI_CHAIN_MOST];
    for (size_t i = 1; i < c->n; i++)
        windows[i] = (window){.lines = (float *)(void *)(scratch + c->links[i].offset)};
    for (int64_t at = first; at < end; at += c->step) {
        const span out = {at, min64(at + c->step, end)};
        make_step(c, image, out, windows, scratch + c->work_offset);
    }
}

/* --- The whole ------------------------------------------------------------------------------- */

/* Bytes of lines of `line` floats, up to the next multiple of PHI_ALIGN; SIZE_MAX: too many. */
static size_t float_bytes(int64_t n_lines, size_t line)
{
    size_t n;
    if (!phi_mul_size((size_t)n_lines, line, &n) || !phi_mul_size(n, sizeof(float), &n) ||
        n > SIZE_MAX - PHI_ALIGN)
        return SIZE_MAX;
    return (n + PHI_ALIGN - 1) / PHI_ALIGN * PHI_ALIGN;
}

static size_t add_bytes(size_t a, size_t b)
{
    size_t sum;
    return a == SIZE_MAX || b == SIZE_MAX || !phi_add_size(a, b, &sum) ? SIZE_MAX : sum;
}

static size_t max_bytes(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Set the windows' room for `step` lines of the last output; their bytes. */
static size_t set_windows(chain *c, int64_t step)
{
    int64_t need = step;
    size_t bytes = 0;
    for (size_t i = c->n; i-- > 1;) {
        link *l = &c->links[i];
        const phi_conv_shape *d = l->d;
        need = min64((need - 1) * d->stride_h + (d->r - 1) * d->dilation_h + 1, d->h);
        l->offset = bytes;
        bytes = add_bytes(bytes, float_bytes(need, line_of(l)));
    }
    return bytes;
}

/* Bytes of all weights, which are read once for each step. */
static double weight_bytes(const chain *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->n; i++) {
        const phi_conv_shape *d = c->links[i].d;
        sum += (double)(d->c / d->groups) * (double)d->k * (double)(d->r * d->s);
    }
    return sum * sizeof(float);
}

/* As many lines at once as the cache has room for, or more, where weights are larger than windows;
 * the band in equal parts. */
static void set_step(chain *c)
{
    const double weights = weight_bytes(c), most = weights > WINDOW_BYTES ? weights : WINDOW_BYTES;
    const int64_t width = max64(c->links[c->n - 1].d->ow, 1);
    const int64_t least = min64(div_up(LEAST_PIXELS, width), c->band);
    int64_t parts = 0;
    do {
        c->step = max64(div_up(c->band, ++parts), least);
        c->work_offset = set_windows(c, c->step);
    } while (c->step > least && (double)c->work_offset > most);
}

static int64_t most_bands(const phi_conv_shape *last)
{
    return max64(last->oh / BAND_LINES, 1);
}

/* One band an image, if images keep the threads busy. */
static void set_bands(chain *c, int64_t threads)
{
    const phi_conv_shape *last = c->links[c->n - 1].d;
    const bool one = c->images >= 4 * threads || c->images % threads == 0;
    c->band = max64(div_up(last->oh, one ? 1 : min64(threads, most_bands(last))), 1);
    c->n_bands = div_up(last->oh, c->band);
}

static size_t one_by_one_bytes(const phi_exec *e, size_t n, size_t n_threads)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const phi_conv_method *m = phi_conv_method_of(&e[i]);
        bytes = max_bytes(bytes, m->work_bytes(m, e[i].params, n_threads));
    }
    return bytes;
}

static void chain_of(const phi_exec *e, size_t n, chain *c)
{
    *c = (chain){.n = n, .images = e[0].in[0].type.dims[0], .work = e->work};
    for (size_t i = 0; i < n; i++) {
        const phi_conv_params *p = e[i].params;
        c->links[i] =
            (link){.method = phi_conv_method_of(&e[i]), .d = &p->image, .packed = e[i].packed};
    }
    set_bands(c, (int64_t)phi_pool_threads(e->pool));
    set_step(c);
    c->thread_bytes = add_bytes(c->work_offset, one_by_one_bytes(e, n, 1));
}

/* Is there something to do for all threads nearly all the time? */
static bool is_shared_well(const chain *c, int64_t threads)
{
    const int64_t tasks = c->images * c->n_bands;
    return 8 * tasks >= 7 * threads * div_up(tasks, threads);
}

/* In one pass, or one by one where that may be? */
static bool in_one_pass(const phi_exec *e, const chain *c)
{
    return !e->out[0].data || is_shared_well(c, (int64_t)phi_pool_threads(e->pool));
}

size_t phi_conv_chain_work_bytes(const phi_exec *e, size_t n)
{
    const size_t threads = phi_pool_threads(e->pool);
    chain c;
    size_t bytes = 0;
    chain_of(e, n, &c);
    if (in_one_pass(e, &c)) return phi_mul_size(c.thread_bytes, threads, &bytes) ? bytes : SIZE_MAX;
    return one_by_one_bytes(e, n, threads);
}

void phi_conv_chain_forward(const phi_exec *e, size_t n)
{
    chain c;
    chain_of(e, n, &c);
    const bool together = in_one_pass(e, &c);
    for (size_t i = 0; i < n; i++) {
        link *l = &c.links[i];
        l->data = phi_conv_data_of(&e[i]);
        const phi_conv_params now = phi_conv_now(&e[i]);
        if (!together) l->method->run(l->method, &now, &l->data, l->packed, e->pool, e->work);
    }
    if (together) phi_pool_run(e->pool, (size_t)(c.images * c.n_bands), band_task, &c);
}

/* --- Which ----------------------------------------------------------------------------------- */

enum kind { GROUPED, WINDOWS, POINTWISE, DEPTHWISE };

static enum kind kind_of(const phi_conv_shape *d)
{
    if (phi_conv_is_depthwise(d)) return DEPTHWISE;
    if (d->groups > 1) return GROUPED;
    return phi_conv_is_plain_gemm(d) ? POINTWISE : WINDOWS;
}

static bool can_join(const phi_exec *e)
{
    return !phi_conv_method_of(e)->inexact && !phi_conv_is_volume(e->params) &&
           e->in[0].type.dtype == PH_FLOAT32;
}

/* Is more handed on within the chain than it reads and leaves? If not, nothing is gained: apart,
 * the last map may be put where the first lay, which is in the cache. */
static bool is_wide(const phi_exec *e, size_t n)
{
    double around = (double)phi_type_bytes(&e[0].in[0].type), between = 0;
    around += (double)phi_type_bytes(&e[n - 1].out[0].type);
    for (size_t i = 1; i < n; i++)
        between += (double)phi_type_bytes(&e[i].in[0].type);
    return between > around;
}

/* What makes the input of a depthwise convolution, it, and a 1x1 that reads what it leaves, if
 * there is one. One image of few lines is left alone: weights, not maps, are what there is to read,
 * and threads would have nothing to share. Where bands are few, the run decides, which knows how
 * many threads there are. */
size_t phi_conv_chain(const phi_exec *e, size_t n, bool *keep)
{
    size_t m = 0;
    while (m < n && m < 3 && can_join(&e[m]))
        m++;
    if (m < 2 || kind_of(e[1].params) != DEPTHWISE) return 0;
    if (kind_of(e[0].params) == DEPTHWISE || kind_of(e[0].params) == GROUPED) return 0;
    if (m > 2 && kind_of(e[2].params) != POINTWISE) m = 2;
    const phi_conv_shape *last = e[m - 1].params;
    int64_t bands;
    if (!is_wide(e, m) || !phi_mul_i64(last->n, most_bands(last), &bands)) return 0;
    *keep = bands < MANY_BANDS;
    return bands > 1 ? m : 0;
}

/* The words stand in the public header and in pinhole(1). */
const char *phi_conv_chain_method(const phi_exec *e, size_t n)
{
    const bool pointwise = kind_of(e[0].params) == POINTWISE;
    if (n == 2) return pointwise ? "1x1+depthwise" : "window+depthwise";
    return pointwise ? "1x1+depthwise+1x1" : "window+depthwise+1x1";
}
