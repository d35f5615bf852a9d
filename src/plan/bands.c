/* SPDX-License-Identifier: MIT */
/*
 * Steps that follow each other, in one pass: expand -> depthwise -> project, or a convolution and
 * the pooling behind it (after Alwani 2016, "Fused-layer CNN accelerators", MICRO, but for caches).
 *
 * A task makes a band of lines of the last one's output, some lines at a time. What these need of
 * the step before is kept in a window of as many lines, in the thread's scratch, which moves down
 * the image: lines that it holds already are not made again. So wide maps between narrow ones stay
 * in the caches. Only where a band begins are lines made that the band above has made, too; there
 * are as few bands as keep all threads busy.
 *
 * Each step makes its lines with the same kernels as it would make all (op.h, `band`): pixel for
 * pixel the same bits.
 */
#include "graph/widen.h"
#include "kernels/caches.h"
#include "plan/chain.h"

#define LEAST_PIXELS 56 /* of the last output, made at once: some tiles of the gemm kernels */

/* What a link reads, from the second on: lines `base` .. `end` - 1 of its input. */
typedef struct window {
    float *lines;
    int64_t base, end;
} window;

typedef struct link {
    const phi_op *op;
    const phi_exec *e;
    phi_lines l;
    size_t offset; /* of its window in scratch; the first link has none */
} link;

typedef struct chain {
    size_t n;
    link links[PHI_CHAIN_MOST];
    int64_t images;
    int64_t step; /* lines of the last output made at once */
    int64_t band, n_bands;
    char *work;
    size_t thread_bytes, work_offset; /* of a thread; of what the steps themselves need */
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

/* Lines of the input that lines of the output see. */
static phi_span seen_by(const phi_lines *l, phi_span out)
{
    const int64_t first = out.first * l->stride - l->pad;
    const int64_t end = (out.end - 1) * l->stride - l->pad + l->extent;
    return (phi_span){min64(max64(first, 0), l->h), min64(max64(end, 0), l->h)};
}

/* Lines of the output that are made where those of `out` are wanted. */
static phi_span made_for(const phi_lines *l, phi_span out)
{
    return (phi_span){out.first - out.first % l->unit,
                      min64(div_up(out.end, l->unit) * l->unit, l->oh)};
}

/* --- A band ---------------------------------------------------------------------------------- */

/* Move a window down to begin with the lines `want`. Returns those still to be made. */
static phi_span move_window(window *w, phi_span want, size_t line)
{
    const int64_t kept = max64(w->end - want.first, 0);
    if (kept > 0 && want.first > w->base)
        memmove(w->lines, w->lines + (size_t)(want.first - w->base) * line,
                (size_t)kept * line * sizeof *w->lines);
    const phi_span missing = {want.first + kept, max64(want.end, want.first + kept)};
    w->base = want.first;
    w->end = missing.end;
    return missing;
}

/* Floats of a line of its input, where these lie side by side. */
static size_t line_of(const link *l)
{
    return (size_t)(l->l.w * l->l.c);
}

/* Element of the first pixel of a line of an image. */
static int64_t line_at(const phi_view *v, int64_t image, int64_t line)
{
    const int64_t *dims = v->type.dims;
    return (image * dims[2] + line) * dims[3] * phi_view_pitch(v);
}

/* Lines `out` of link i's output, to its window or, of the last link, to memory. */
static void make_lines(const chain *c, size_t i, int64_t image, phi_span out, const window *windows,
                       void *work)
{
    const link *l = &c->links[i];
    const phi_exec *e = l->e;
    phi_band b = {.out = out, .in = seen_by(&l->l, out), .work = work};
    if (i == 0) {
        b.x = (const float *)e->in[0].data + line_at(&e->in[0], image, b.in.first);
        b.x_pitch = phi_view_pitch(&e->in[0]);
    } else {
        b.x = windows[i].lines + (b.in.first - windows[i].base) * (int64_t)line_of(l);
        b.x_pitch = l->l.c;
    }
    if (i + 1 < c->n) {
        const window *to = &windows[i + 1];
        b.y = to->lines + (out.first - to->base) * (int64_t)line_of(l + 1);
        b.y_pitch = l[1].l.c;
    } else {
        b.y = (float *)e->out[0].data + line_at(&e->out[0], image, out.first);
        b.y_pitch = phi_view_pitch(&e->out[0]);
    }
    if (e->add) {
        b.add = (const float *)e->add->data + line_at(e->add, image, out.first);
        b.add_pitch = phi_view_pitch(e->add);
    }
    l->op->band(e, &b);
}

/* Some lines of the last output, and what is missing for them. */
static void make_step(const chain *c, int64_t image, phi_span out, window *windows, void *work)
{
    phi_span todo[PHI_CHAIN_MOST];
    todo[c->n - 1] = out;
    for (size_t i = c->n - 1; i > 0; i--) {
        const phi_span want = made_for(&c->links[i - 1].l, seen_by(&c->links[i].l, todo[i]));
        todo[i - 1] = move_window(&windows[i], want, line_of(&c->links[i]));
    }
    for (size_t i = 0; i < c->n; i++)
        if (todo[i].first < todo[i].end) make_lines(c, i, image, todo[i], windows, work);
}

static void band_task(void *arg, size_t task, size_t thread)
{
    const chain *c = arg;
    char *scratch = c->work + thread * c->thread_bytes;
    const int64_t image = (int64_t)task / c->n_bands;
    const int64_t first = (int64_t)task % c->n_bands * c->band;
    const int64_t end = min64(first + c->band, c->links[c->n - 1].l.oh);
    window windows[PHI_CHAIN_MOST];
    for (size_t i = 1; i < c->n; i++)
        windows[i] = (window){.lines = (float *)(void *)(scratch + c->links[i].offset)};
    for (int64_t at = first; at < end; at += c->step) {
        const phi_span out = {at, min64(at + c->step, end)};
        make_step(c, image, out, windows, scratch + c->work_offset);
    }
}

/* --- The whole ------------------------------------------------------------------------------- */

/* Of lines of `line` floats; SIZE_MAX: too many. */
static size_t line_bytes(int64_t n_lines, size_t line)
{
    size_t n;
    const bool fits = phi_mul_size((size_t)n_lines, line, &n) && phi_mul_size(n, sizeof(float), &n);
    return fits ? n : SIZE_MAX;
}

/* Set the windows' room for `step` lines of the last output; their bytes. */
static size_t set_windows(chain *c, int64_t step)
{
    int64_t need = step;
    size_t bytes = 0;
    for (size_t i = c->n; i-- > 1;) {
        link *l = &c->links[i];
        const int64_t unit = l[-1].l.unit, seen = (need - 1) * l->l.stride + l->l.extent;
        need = min64(((seen + unit - 2) / unit + 1) * unit, l->l.h); /* they begin anywhere */
        l->offset = bytes;
        bytes = phi_add_aligned(bytes, line_bytes(need, line_of(l)));
    }
    return bytes;
}

/* As many lines at once as the cache has room for, or more, where weights are larger than windows;
 * the band in equal parts. */
static void set_step(chain *c)
{
    double weights = 0; /* they are read once for each step */
    for (size_t i = 0; i < c->n; i++)
        weights += c->links[i].l.weight_bytes;
    const double most = weights > PHI_BAND_BYTES ? weights : PHI_BAND_BYTES;
    const int64_t width = max64(c->links[c->n - 1].l.ow, 1);
    const int64_t least = min64(div_up(LEAST_PIXELS, width), c->band);
    int64_t parts = 0;
    do {
        c->step = max64(div_up(c->band, ++parts), least);
        c->work_offset = set_windows(c, c->step);
    } while (c->step > least && (double)c->work_offset > most);
}

/* One band an image, if images keep the threads busy. */
static void set_bands(chain *c, int64_t threads)
{
    const phi_lines *last = &c->links[c->n - 1].l;
    const bool one = c->images >= 4 * threads || c->images % threads == 0;
    c->band = max64(div_up(last->oh, one ? 1 : min64(threads, phi_most_bands(last))), 1);
    c->n_bands = div_up(last->oh, c->band);
}

static void chain_of(const phi_step *steps, const phi_exec *e, chain *c)
{
    const size_t n = steps->chain;
    size_t work = 0;
    *c = (chain){.n = n, .images = e[0].in[0].type.dims[0], .work = e->work};
    for (size_t i = 0; i < n; i++) {
        c->links[i] = (link){.op = steps[i].op, .e = &e[i]};
        steps[i].op->lines(&e[i], &c->links[i].l);
        work = phi_max_size(work, c->links[i].l.work_bytes);
    }
    assert(c->links[n - 1].l.unit == 1);
    set_bands(c, (int64_t)phi_pool_threads(e->pool));
    set_step(c);
    c->thread_bytes = phi_add_aligned(c->work_offset, work);
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

size_t phi_chain_work_bytes(const phi_step *steps, const phi_exec *e)
{
    chain c;
    size_t bytes = 0;
    chain_of(steps, e, &c);
    if (in_one_pass(e, &c))
        return phi_mul_size(c.thread_bytes, phi_pool_threads(e->pool), &bytes) ? bytes : SIZE_MAX;
    for (size_t i = 0; i < c.n; i++)
        bytes = phi_max_size(bytes, phi_forward_work_bytes(steps[i].op, &e[i]));
    return bytes;
}

enum ph_status phi_chain_forward(const phi_step *steps, const phi_exec *e, ph_error *err)
{
    enum ph_status st = PH_OK;
    chain c;
    chain_of(steps, e, &c);
    if (in_one_pass(e, &c))
        phi_pool_run(e->pool, (size_t)(c.images * c.n_bands), band_task, &c);
    else
        for (size_t i = 0; i < c.n && !st; i++)
            st = phi_forward(steps[i].op, &e[i], err);
    return st;
}
