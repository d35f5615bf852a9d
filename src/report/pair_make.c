/* SPDX-License-Identifier: MIT */
/*
 * Which layer of one network is which of another, and what they cost in parts that any two networks
 * have: kinds of layers, sizes of images.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "report/pair.h"

/* --- Alignment ------------------------------------------------------------------------------- */

/* Cells of the table below; beyond that layers are not aligned. */
#define MAX_CELLS ((size_t)1 << 24)

static bool same_op(const ph_layer_cost *a, const ph_layer_cost *b)
{
    return strcmp(a->op, b->op) == 0;
}

/* Same shape, whatever the batch. */
static bool same_shape(const ph_layer_cost *a, const ph_layer_cost *b)
{
    if (!a->shape_known || !b->shape_known || a->output_rank != b->output_rank) return false;
    for (size_t d = 1; d < a->output_rank; d++)
        if (a->output_dims[d] != b->output_dims[d]) return false;
    return true;
}

/*
 * How much speaks for two layers being the same one; 0: nothing. The operator must be the same and,
 * unless the name is, the kind of layer and either the shape of the result or the number of
 * parameters.
 */
static int likeness(const ph_layer_cost *a, const ph_layer_cost *b)
{
    if (!same_op(a, b)) return 0;
    const bool name = strcmp(a->name, b->name) == 0, shape = same_shape(a, b);
    const bool weights = a->parameters > 0 && a->parameters == b->parameters;
    if (!name && a->kind != b->kind) return 0;
    return 8 * name + 3 * shape + 2 * weights;
}

static bool surely_same(const ph_layer_cost *a, const ph_layer_cost *b)
{
    return strcmp(a->name, b->name) == 0 && same_op(a, b);
}

enum { BOTH, ONLY_A, ONLY_B };

/*
 * The alignment that keeps the order and has the most likeness (Needleman and Wunsch 1970,
 * doi:10.1016/0022-2836(70)90057-4): `step` [(n+1)*(m+1)] receives the last move to each cell.
 */
static void fill_table(const ph_layer_cost *a, size_t n, const ph_layer_cost *b, size_t m,
                       unsigned char *step, int64_t *row)
{
    for (size_t j = 0; j <= m; j++) {
        step[j] = ONLY_B;
        row[j] = 0;
    }
    for (size_t i = 1; i <= n; i++) {
        int64_t diagonal = row[0]; /* the score at (i - 1, j - 1) */
        step[i * (m + 1)] = ONLY_A;
        for (size_t j = 1; j <= m; j++) {
            const int64_t above = row[j];
            const int like = likeness(&a[i - 1], &b[j - 1]);
            unsigned char move = above >= row[j - 1] ? ONLY_A : ONLY_B;
            row[j] = above >= row[j - 1] ? above : row[j - 1];
            if (like > 0 && diagonal + like >= row[j]) {
                move = BOTH;
                row[j] = diagonal + like;
            }
            step[i * (m + 1) + j] = move;
            diagonal = above;
        }
    }
}

static void add_match(phi_pair *p, const ph_layer_cost *a, const ph_layer_cost *b)
{
    p->matches[p->n_matches++] = (phi_match){a, b};
}

/* Walk back from the last cell, then turn the lines round. */
static void trace(phi_pair *p, const ph_layer_cost *a, size_t n, const ph_layer_cost *b, size_t m,
                  const unsigned char *step)
{
    const size_t first = p->n_matches;
    for (size_t i = n, j = m; i || j;) {
        const unsigned char move = i == 0 ? ONLY_B : j == 0 ? ONLY_A : step[i * (m + 1) + j];
        i -= move != ONLY_B;
        j -= move != ONLY_A;
        add_match(p, move != ONLY_B ? &a[i] : NULL, move != ONLY_A ? &b[j] : NULL);
    }
    for (size_t x = first, y = p->n_matches; x + 1 < y; x++) {
        const phi_match t = p->matches[x];
        p->matches[x] = p->matches[--y];
        p->matches[y] = t;
    }
}

/* Align n layers of one with m of the other. */
static bool align_middle(phi_pair *p, const ph_layer_cost *a, size_t n, const ph_layer_cost *b,
                         size_t m)
{
    const ph_allocator *mem = &p->of[0]->mem;
    p->aligned = (n + 1) <= MAX_CELLS / (m + 1);
    if (!p->aligned) {
        for (size_t i = 0; i < n; i++)
            add_match(p, &a[i], NULL);
        for (size_t j = 0; j < m; j++)
            add_match(p, NULL, &b[j]);
        return true;
    }
    unsigned char *step = phi_alloc(mem, (n + 1) * (m + 1));
    int64_t *row = phi_calloc(mem, m + 1, sizeof *row);
    if (step && row) {
        fill_table(a, n, b, m, step, row);
        trace(p, a, n, b, m, step);
    }
    const bool done = step && row;
    phi_free(mem, step);
    phi_free(mem, row);
    return done;
}

/* Equal ends first: most networks that are compared differ in the middle or nowhere. */
static bool align(phi_pair *p)
{
    const ph_layer_cost *a = p->of[0]->layers, *b = p->of[1]->layers;
    const size_t n = p->of[0]->n_layers, m = p->of[1]->n_layers, least = n < m ? n : m;
    size_t head = 0, tail = 0;
    while (head < least && surely_same(&a[head], &b[head]))
        head++;
    while (tail < least - head && surely_same(&a[n - 1 - tail], &b[m - 1 - tail]))
        tail++;
    for (size_t i = 0; i < head; i++)
        add_match(p, &a[i], &b[i]);
    if (!align_middle(p, a + head, n - head - tail, b + head, m - head - tail)) return false;
    for (size_t i = tail; i-- > 0;)
        add_match(p, &a[n - 1 - i], &b[m - 1 - i]);
    return true;
}

bool phi_match_is_same(const phi_match *m)
{
    return m->a && m->b && m->a->parameters == m->b->parameters && m->a->macs == m->b->macs;
}

/* --- Parts ----------------------------------------------------------------------------------- */

static void add_part(phi_part *part, const ph_layer_cost *l)
{
    part->layers++; /* sums of parts of totals, which fit */
    part->parameters += l->parameters;
    if (l->macs != PH_UNKNOWN) part->macs += l->macs;
    part->unknown_macs += l->macs == PH_UNKNOWN;
}

/* The image that the layer makes: all dimensions from the third on, if they are not all 1. */
static void image_of(const ph_layer_cost *l, phi_size *s)
{
    *s = (phi_size){0};
    bool pixel = true;
    for (size_t d = 2; d < l->output_rank; d++) {
        s->dims[s->rank++] = l->output_dims[d];
        pixel &= l->output_dims[d] == 1;
    }
    if (pixel) *s = (phi_size){0};
}

static double pixels(const phi_size *s)
{
    double n = s->rank ? 1 : 0;
    for (size_t d = 0; d < s->rank; d++)
        n *= (double)s->dims[d];
    return n;
}

/* Larger images first, vectors last. */
static int by_pixels(const void *a, const void *b)
{
    const phi_size *x = a, *y = b;
    const double n = pixels(x), m = pixels(y);
    if (n != m) return n < m ? 1 : -1;
    if (x->rank != y->rank) return x->rank < y->rank ? 1 : -1;
    return memcmp(y->dims, x->dims, sizeof x->dims);
}

static phi_size *size_for(phi_pair *p, const ph_layer_cost *l)
{
    phi_size s;
    image_of(l, &s);
    for (size_t i = 0; i < p->n_sizes; i++)
        if (s.rank == p->sizes[i].rank && !memcmp(s.dims, p->sizes[i].dims, sizeof s.dims))
            return &p->sizes[i];
    if (p->n_sizes == PHI_MAX_SIZES) {
        p->more_sizes = true;
        return &p->sizes[PHI_MAX_SIZES];
    }
    p->sizes[p->n_sizes] = s;
    return &p->sizes[p->n_sizes++];
}

static void sum_parts(phi_pair *p)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < p->of[side]->n_layers; i++) {
            const ph_layer_cost *l = &p->of[side]->layers[i];
            add_part(&p->kinds[l->kind][side], l);
            if (l->macs || l->parameters) add_part(&size_for(p, l)->part[side], l);
        }
    qsort(p->sizes, p->n_sizes, sizeof *p->sizes, by_pixels);
    if (p->more_sizes) p->n_sizes++;
}

const char *phi_size_text(const phi_pair *p, size_t i, char buf[PHI_TYPE_TEXT])
{
    const phi_size *s = &p->sizes[i];
    size_t at = 0;
    if (p->more_sizes && i == PHI_MAX_SIZES) return "the rest";
    if (!s->rank) return "vector";
    buf[0] = 0;
    for (size_t d = 0; d < s->rank && at < PHI_TYPE_TEXT; d++)
        at +=
            (size_t)snprintf(buf + at, PHI_TYPE_TEXT - at, "%s%" PRId64, d ? "x" : "", s->dims[d]);
    return buf;
}

/* --- The whole ------------------------------------------------------------------------------- */

bool phi_pair_make(const ph_account *a, const ph_account *b, phi_pair *p)
{
    *p = (phi_pair){.of = {a, b}};
    p->matches = phi_calloc(&a->mem, a->n_layers + b->n_layers, sizeof *p->matches);
    if (!p->matches || !align(p)) return false;
    sum_parts(p);
    return true;
}

void phi_pair_free(phi_pair *p)
{
    phi_free(&p->of[0]->mem, p->matches);
}
