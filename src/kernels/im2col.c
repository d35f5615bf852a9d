/* SPDX-License-Identifier: MIT */
#include "kernels/im2col.h"

/* Columns of taps in the padding are left out where these are so many percent of all, and pixels
 * have so many channels: then a block of K is one tap, which a row sees or not. */
#define LEAST_MISSED 2
#define LEAST_CHANNELS 129

/* Runs are short (a few to some hundred floats): fixed-size moves instead of calls to memcpy. */
static inline float *copy_run(float *out, const float *in, size_t n)
{
    for (; n >= 8; n -= 8, in += 8, out += 8)
        memcpy(out, in, 8 * sizeof *out);
    for (; n > 0; n--)
        *out++ = *in++;
    return out;
}

static inline float *zero_run(float *out, size_t n)
{
    for (; n >= 8; n -= 8, out += 8)
        memset(out, 0, 8 * sizeof *out);
    for (; n > 0; n--)
        *out++ = 0;
    return out;
}

/* Number of i >= 0 with start + i * step < limit, at most `count`; step > 0. */
static int64_t steps_below(int64_t start, int64_t step, int64_t limit, int64_t count)
{
    if (start >= limit) return 0;
    int64_t n = step == 1 ? limit - start : (limit - start - 1) / step + 1;
    return n < count ? n : count;
}

typedef struct grid_point {
    int64_t image, u, v;
} grid_point;

static grid_point locate(const phi_im2col *w, size_t row)
{
    int64_t line = (int64_t)row / w->gw;
    return (grid_point){line / w->gh, line % w->gh, (int64_t)row % w->gw};
}

static void advance(const phi_im2col *w, grid_point *p)
{
    if (++p->v < w->gw) return;
    p->v = 0;
    if (++p->u < w->gh) return;
    p->u = 0;
    p->image++;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* One line of taps of one row of the matrix: columns lo .. hi - 1 of its taps_w * c.
 * `line` is the image line, or NULL outside of the image; x is where tap 0 falls. */
static float *gather_taps(const phi_im2col *w, const float *line, int64_t x, int64_t lo, int64_t hi,
                          float *out)
{
    if (!line) return zero_run(out, (size_t)(hi - lo));
    int64_t first = steps_below(x, w->step_w, 0, w->taps_w); /* taps left of the image */
    int64_t end = steps_below(x, w->step_w, w->w, w->taps_w);
    int64_t a = min64(hi, max64(lo, first * w->c)), b = max64(a, min64(hi, end * w->c));
    out = zero_run(out, (size_t)(a - lo));
    if (w->step_w == 1 && w->c == w->pitch) { /* taps lie side by side */
        out = copy_run(out, line + (x * w->c + a), (size_t)(b - a));
    } else {
        while (a < b) {
            int64_t tap = a / w->c, ch = a % w->c, n = min64(b - a, w->c - ch);
            out = copy_run(out, line + ((x + tap * w->step_w) * w->pitch + ch), (size_t)n);
            a += n;
        }
    }
    return zero_run(out, (size_t)(hi - b));
}

static void gather_row(const phi_im2col *w, const float *x, grid_point p, int64_t k0, int64_t k1,
                       float *out)
{
    const int64_t line_k = w->taps_w * w->c;
    const float *image = x + p.image * w->h * w->w * w->pitch;
    for (int64_t i = k0 / line_k; i * line_k < k1; i++) {
        int64_t y = p.u * w->stride_h + w->y0 + i * w->step_h;
        const float *line = y >= 0 && y < w->h ? image + y * w->w * w->pitch : NULL;
        int64_t lo = max64(k0 - i * line_k, 0), hi = min64(k1 - i * line_k, line_k);
        out = gather_taps(w, line, p.v * w->stride_w + w->x0, lo, hi, out);
    }
}

static void gather_rows(const void *arg, size_t group, size_t row0, size_t n_rows, size_t k0,
                        size_t n_k, float *out, size_t ld)
{
    const phi_im2col *w = arg;
    const float *x = w->x + (int64_t)group * w->c;
    grid_point p = locate(w, row0);
    for (size_t r = 0; r < n_rows; r++, out += ld) {
        gather_row(w, x, p, (int64_t)k0, (int64_t)(k0 + n_k), out);
        advance(w, &p);
    }
}

/* `n` rows of the matrix that lie on one grid line, for one tap: x of the first is `x`. */
static void gather_column_run(const phi_im2col *w, const float *line, int64_t x, int64_t n,
                              float *out)
{
    if (!line) {
        zero_run(out, (size_t)n);
        return;
    }
    int64_t first = steps_below(x, w->stride_w, 0, n);
    int64_t end = max64(first, steps_below(x, w->stride_w, w->w, n));
    out = zero_run(out, (size_t)first);
    if (w->stride_w == 1 && w->pitch == 1) {
        out = copy_run(out, line + (x + first), (size_t)(end - first));
    } else {
        for (int64_t i = first; i < end; i++)
            *out++ = line[(x + i * w->stride_w) * w->pitch];
    }
    zero_run(out, (size_t)(n - end));
}

/* One channel: a column of the matrix is a piece of the image itself, moved by the tap. */
static void gather_columns(const void *arg, size_t group, size_t row0, size_t n_rows, size_t k0,
                           size_t n_k, float *out, size_t ld)
{
    const phi_im2col *w = arg;
    const float *x = w->x + (int64_t)group;
    for (size_t k = k0; k < k0 + n_k; k++, out += ld) {
        int64_t i = (int64_t)k / w->taps_w, j = (int64_t)k % w->taps_w;
        grid_point p = locate(w, row0);
        for (int64_t r = 0; r < (int64_t)n_rows;) {
            int64_t n = min64(w->gw - p.v, (int64_t)n_rows - r);
            int64_t y = p.u * w->stride_h + w->y0 + i * w->step_h;
            const float *line =
                y >= 0 && y < w->h ? x + (p.image * w->h + y) * w->w * w->pitch : NULL;
            gather_column_run(w, line, p.v * w->stride_w + w->x0 + j * w->step_w, n, out + r);
            r += n;
            p.v += n - 1;
            advance(w, &p);
        }
    }
}

/* The image line that line `i` of the taps of a grid point reads, or NULL outside of the image. */
static const float *line_of(const phi_im2col *w, const float *x, const grid_point *p, int64_t i)
{
    const int64_t y = p->u * w->stride_h + w->y0 + i * w->step_h;
    return y >= 0 && y < w->h ? x + (p->image * w->h + y) * w->w * w->pitch : NULL;
}

/* rows[first + i] = at + i * step */
static void point_run(const float **rows, int64_t first, int64_t end, const float *at,
                      ptrdiff_t step)
{
    for (int64_t i = first; i < end; i++)
        rows[i] = at + (i - first) * step;
}

/* `n` neighbours on a grid line, for one tap, which is a pixel: x of the first is `x`. */
static void locate_pixel_run(const phi_im2col *w, const float *line, int64_t x, int64_t n,
                             const float *zeros, const float **rows)
{
    const int64_t first = line ? steps_below(x, w->stride_w, 0, n) : n;
    const int64_t end = line ? max64(first, steps_below(x, w->stride_w, w->w, n)) : n;
    point_run(rows, 0, first, zeros, 0);
    if (first < end)
        point_run(rows, first, end, line + (x + first * w->stride_w) * w->pitch,
                  w->stride_w * w->pitch);
    point_run(rows, end, n, zeros, 0);
}

/* Taps are pixels. */
static void locate_pixels(const void *arg, size_t group, size_t row0, size_t n_rows, size_t tap0,
                          size_t n_taps, size_t k0, const float *zeros, float *room,
                          const float **rows, size_t rows_ld)
{
    const phi_im2col *w = arg;
    const float *x = w->x + (int64_t)group * w->c + (int64_t)k0;
    grid_point p = locate(w, row0);
    (void)room;
    for (int64_t r = 0, n; r < (int64_t)n_rows; r += n, advance(w, &p)) {
        n = min64(w->gw - p.v, (int64_t)n_rows - r);
        for (size_t t = 0; t < n_taps; t++) {
            const int64_t i = (int64_t)(tap0 + t) / w->taps_w, j = (int64_t)(tap0 + t) % w->taps_w;
            locate_pixel_run(w, line_of(w, x, &p, i), p.v * w->stride_w + w->x0 + j * w->step_w, n,
                             zeros, rows + t * rows_ld + r);
        }
        p.v += n - 1;
    }
}

/* Taps first .. end - 1 of a run that are lines of pixels across an edge of the image: made up in
 * `room`. Returns what is left of it. */
static float *make_lines(const phi_im2col *w, const float *line, int64_t x, int64_t first,
                         int64_t end, float *room, const float **rows)
{
    const int64_t tap = w->taps_w * w->c;
    for (int64_t i = first; i < end; i++, room += tap) {
        gather_taps(w, line, x + i * w->stride_w, 0, tap, room);
        rows[i] = room;
    }
    return room;
}

/* As locate_pixel_run where taps are lines of pixels; see make_lines for `room`. */
static float *locate_line_run(const phi_im2col *w, const float *line, int64_t x, int64_t n,
                              const float *zeros, float *room, const float **rows)
{
    if (!line) {
        point_run(rows, 0, n, zeros, 0);
        return room;
    }
    const int64_t first = steps_below(x, w->stride_w, 0, n);
    const int64_t end = max64(first, steps_below(x, w->stride_w, w->w - w->taps_w + 1, n));
    room = make_lines(w, line, x, 0, first, room, rows);
    if (first < end)
        point_run(rows, first, end, line + (x + first * w->stride_w) * w->c, w->stride_w * w->c);
    return make_lines(w, line, x, end, n, room, rows);
}

/* Taps are lines of pixels. */
static void locate_lines(const void *arg, size_t group, size_t row0, size_t n_rows, size_t tap0,
                         size_t n_taps, size_t k0, const float *zeros, float *room,
                         const float **rows, size_t rows_ld)
{
    const phi_im2col *w = arg;
    grid_point p = locate(w, row0);
    (void)group; /* 0, as the channels of a pixel are all of them */
    (void)k0;
    for (int64_t r = 0, n; r < (int64_t)n_rows; r += n, advance(w, &p)) {
        n = min64(w->gw - p.v, (int64_t)n_rows - r);
        for (size_t t = 0; t < n_taps; t++)
            room =
                locate_line_run(w, line_of(w, w->x, &p, (int64_t)(tap0 + t)),
                                p.v * w->stride_w + w->x0, n, zeros, room, rows + t * rows_ld + r);
        p.v += n - 1;
    }
}

/* --- Taps in the padding --------------------------------------------------------------------- */

/* Numbers first .. end - 1 of something. */
typedef struct range {
    int64_t first, end;
} range;

static range live_taps_h(const phi_im2col *w, int64_t u)
{
    const int64_t y = u * w->stride_h + w->y0;
    return (range){steps_below(y, w->step_h, 0, w->taps_h),
                   steps_below(y, w->step_h, w->h, w->taps_h)};
}

static range live_taps_w(const phi_im2col *w, int64_t v)
{
    const int64_t x = v * w->stride_w + w->x0;
    return (range){steps_below(x, w->step_w, 0, w->taps_w),
                   steps_below(x, w->step_w, w->w, w->taps_w)};
}

/* Points of a grid line that see all columns of taps. */
static range whole_columns(const phi_im2col *w)
{
    const int64_t first = steps_below(w->x0, w->stride_w, 0, w->gw);
    const int64_t reach = (w->taps_w - 1) * w->step_w;
    return (range){first, max64(first, steps_below(w->x0 + reach, w->stride_w, w->w, w->gw))};
}

/* Rows row .. end - 1, if these are any. */
static phi_run *add_run(int64_t row, int64_t end, range taps, range columns, phi_run *out)
{
    if (row >= end) return out;
    *out++ = (phi_run){.row = (size_t)row,
                       .n = (size_t)(end - row),
                       .line0 = (size_t)taps.first,
                       .line_end = (size_t)taps.end,
                       .column0 = (size_t)columns.first,
                       .column_end = (size_t)columns.end};
    return out;
}

/* Rows row0 .. end - 1, which see lines `taps` of the taps: column by column where some columns of
 * taps are missed, from the left or from the right. */
static phi_run *order_lines(const phi_im2col *w, int64_t row0, int64_t end, range taps,
                            bool from_right, phi_run *out)
{
    const range whole = whole_columns(w);
    for (int64_t i = 0; i < w->gw; i++) {
        range v = {from_right ? w->gw - 1 - i : i, 0};
        v.end = v.first + 1;
        if (v.first >= whole.first && v.first < whole.end) {
            v = whole;
            i += whole.end - whole.first - 1;
        }
        const range columns = live_taps_w(w, v.first);
        for (int64_t line = row0 / w->gw * w->gw; line < end; line += w->gw)
            out =
                add_run(max64(line + v.first, row0), min64(line + v.end, end), taps, columns, out);
    }
    return out;
}

static size_t order_rows(const phi_im2col *w, size_t row0, size_t n_rows, bool by_column,
                         phi_run *runs)
{
    const int64_t last = (int64_t)(row0 + n_rows);
    phi_run *out = runs;
    bool from_right = false;
    for (int64_t row = (int64_t)row0, end; row < last; row = end, from_right = !from_right) {
        const range taps = live_taps_h(w, row / w->gw % w->gh);
        for (end = (row / w->gw + 1) * w->gw; end < last; end += w->gw) {
            const range next = live_taps_h(w, end / w->gw % w->gh);
            if (next.first != taps.first || next.end != taps.end) break;
        }
        end = min64(end, last);
        if (by_column)
            out = order_lines(w, row, end, taps, from_right, out);
        else
            out = add_run(row, end, taps, (range){0, w->taps_w}, out);
    }
    return (size_t)(out - runs);
}

/* Whether columns of taps in the padding are worth an order of its own. */
static bool misses_columns(const phi_im2col *w)
{
    int64_t live = 0;
    if (w->c < LEAST_CHANNELS) return false;
    for (int64_t v = 0; v < w->gw; v++) {
        const range taps = live_taps_w(w, v);
        live += max64(taps.end - taps.first, 0);
    }
    return 100 * live < (100 - LEAST_MISSED) * w->gw * w->taps_w;
}

static size_t order_pixels(const void *arg, size_t row0, size_t n_rows, phi_run *runs)
{
    return order_rows(arg, row0, n_rows, misses_columns(arg), runs);
}

static size_t order_whole_lines(const void *arg, size_t row0, size_t n_rows, phi_run *runs)
{
    return order_rows(arg, row0, n_rows, false, runs);
}

phi_im2col phi_im2col_of(const phi_conv_shape *d, const float *x, int64_t pitch)
{
    return (phi_im2col){.x = x,
                        .h = d->h,
                        .w = d->w,
                        .pitch = pitch,
                        .c = d->c / d->groups,
                        .gh = d->oh,
                        .gw = d->ow,
                        .stride_h = d->stride_h,
                        .stride_w = d->stride_w,
                        .y0 = -d->pad_top,
                        .x0 = -d->pad_left,
                        .taps_h = d->r,
                        .taps_w = d->s,
                        .step_h = d->dilation_h,
                        .step_w = d->dilation_w};
}

phi_rows phi_im2col_rows(const phi_im2col *w)
{
    const size_t tap = phi_gemm_tap((size_t)w->taps_w, (size_t)w->c);
    const bool by_column = w->c == 1, lines = tap != (size_t)w->c;
    phi_rows rows = {.row = (ptrdiff_t)(w->stride_w * w->pitch),
                     .gather = by_column ? gather_columns : gather_rows,
                     .tap = tap,
                     .arg = w,
                     .by_column = by_column};
    if (lines && w->step_w == 1 && w->c == w->pitch) {
        rows.locate = locate_lines;
        rows.order = order_whole_lines;
        rows.line_taps = 1;
    }
    if (!lines && w->c >= PHI_GEMM_LEAST_TAP) {
        rows.locate = locate_pixels;
        rows.order = order_pixels;
        rows.line_taps = (size_t)w->taps_w;
    }
    return rows;
}
