/* SPDX-License-Identifier: MIT */
/* Random nodes of quantised operators. */
#include "draw_sheet.h"

enum { UINT8 = 2, INT8 = 3, UINT16 = 4, INT16 = 5, INT32 = 6 };

static int64_t lowest(int type)
{
    return type == INT8 ? -128 : type == INT16 ? -32768 : type == INT32 ? -100000 : 0;
}

static int64_t highest(int type)
{
    return type == INT8    ? 127
           : type == UINT8 ? 255
           : type == INT16 ? 32767
           : type == INT32 ? 100000
                           : 65535;
}

static void give_quantised(sheet *s, int type, int rank, const int64_t *dims)
{
    give_typed(s, type, rank, dims, lowest(type), highest(type));
}

/* Near the middle of the type's range, so that sums are not all of one sign. */
static void give_zero(sheet *s, int type, int rank, const int64_t *dims)
{
    int64_t middle = (lowest(type) + highest(type) + 1) / 2;
    give_typed(s, type, rank, dims, middle - 30, middle + 30);
}

static int eight_bits(sheet *s)
{
    return draw_chance(&s->r, 50) ? UINT8 : INT8;
}

/* Scale for a whole tensor, along an axis, or for blocks: its shape, and the attributes. */
static int draw_quanta(sheet *s, int rank, const int64_t *dims, int64_t *of)
{
    or_node *n = &s->c->node;
    draw_rng *r = &s->r;
    int64_t how = rank ? draw_int(r, 0, 2) : 0, axis = rank ? draw_int(r, 0, rank - 1) : 0;
    n->opset = how == 2 ? 21 : (int)ONE_OF(r, 13, 19, 21);
    if (how == 0) return 0;
    or_set_int(n, "axis", draw_chance(r, 30) ? axis - rank : axis);
    if (how == 1) {
        of[0] = dims[axis];
        return 1;
    }
    int64_t block = draw_int(r, 1, 4);
    or_set_int(n, "block_size", block);
    for (int i = 0; i < rank; i++)
        of[i] = i == axis ? (dims[i] + block - 1) / block : dims[i];
    return rank;
}

static void positive(or_array *a)
{
    for (int64_t i = 0; i < a->count; i++)
        if (a->v[i] < 0.0078125) a->v[i] = 0.0078125;
}

void draw_quantize(sheet *s)
{
    int64_t dims[6], of[6] = {0};
    int rank = shape(s, 0, 5, dims), type = (int)ONE_OF(&s->r, UINT8, INT8, UINT16, INT16);
    give(s, rank, dims, -3, 3);
    int n = draw_quanta(s, rank, dims, of);
    positive(give(s, n, of, 0.01, 0.05));
    if (draw_chance(&s->r, 70))
        give_zero(s, type, n, of);
    else if (s->c->node.opset >= 21)
        or_set_int(&s->c->node, "output_dtype", type);
    maybe_constant(s, 1, 50);
}

void draw_dequantize(sheet *s)
{
    int64_t dims[6], of[6] = {0};
    int rank = shape(s, 0, 5, dims), type = (int)ONE_OF(&s->r, UINT8, INT8, UINT16, INT16, INT32);
    int n = draw_quanta(s, rank, dims, of);
    if ((type == UINT16 || type == INT16) && s->c->node.opset < 21) type = INT8;
    give_quantised(s, type, rank, dims);
    positive(give(s, n, of, 0.01, 0.05));
    if (type != INT32 && draw_chance(&s->r, 70)) give_zero(s, type, n, of);
    maybe_constant(s, 1, 50);
}

void draw_dynamic_quantize(sheet *s)
{
    int64_t dims[6];
    int rank = shape(s, 0, 5, dims);
    double shift = (double)draw_int(&s->r, -2, 2);
    give(s, rank, dims, shift - 1.3, shift + 1.1);
    s->c->node.n_out = 3;
}

/* The last four inputs of QLinearConv and QLinearMatMul that are about y. */
static void give_y(sheet *s, double scale)
{
    int type = eight_bits(s);
    positive(give(s, 0, NULL, scale, 2 * scale));
    give_zero(s, type, 0, NULL);
}

void draw_int_conv(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    bool scaled = n->op[0] == 'Q';
    int tx = eight_bits(s), tw = eight_bits(s);
    int64_t g = draw_chance(r, 70) ? 1 : draw_int(r, 2, 4), c = g * draw_int(r, 1, 5);
    int64_t k = g * ONE_OF(r, 1, 2, 3, 8, 17), side = ONE_OF(r, 1, 2, 3, 3);
    int64_t x[4] = {draw_int(r, 1, 2), c, draw_int(r, 3, 8), draw_int(r, 3, 8)};
    int64_t w[4] = {k, c / g, side, draw_int(r, 1, 3)}, each = draw_chance(r, 50) ? 1 : k;
    int64_t pads[4] = {draw_int(r, 0, 1), draw_int(r, 0, 1), draw_int(r, 0, 1), draw_int(r, 0, 1)};
    give_quantised(s, tx, 4, x);
    if (scaled) {
        positive(give(s, 0, NULL, 0.01, 0.03));
        give_zero(s, tx, 0, NULL);
    }
    give_quantised(s, tw, 4, w);
    if (scaled) positive(give(s, 1, &each, 0.01, 0.03));
    if (!scaled && draw_chance(r, 80)) give_zero(s, tx, 0, NULL);
    if (scaled || (n->n_in == 3 && draw_chance(r, 80))) give_zero(s, tw, 1, &each);
    if (scaled) {
        give_y(s, 0.3);
        if (draw_chance(r, 60)) give_typed(s, INT32, 1, &k, -3000, 3000);
    }
    or_set_ints(n, "pads", 4, pads);
    if (draw_chance(r, 50))
        or_set_ints(n, "strides", 2, (int64_t[]){draw_int(r, 1, 2), draw_int(r, 1, 3)});
    if (g > 1) or_set_int(n, "group", g);
    s->c->constant |= scaled ? 1u << 3 : 1u << 1;
}

void draw_int_matmul(sheet *s)
{
    draw_rng *r = &s->r;
    or_node *n = &s->c->node;
    bool scaled = n->op[0] == 'Q', stacked = draw_chance(r, 40);
    int ta = eight_bits(s), tb = eight_bits(s), rank = stacked ? 3 : 2;
    int64_t M = draw_int(r, 1, 9), N = ONE_OF(r, 1, 2, 3, 16, 65), K = ONE_OF(r, 1, 2, 7, 33, 300);
    int64_t B = draw_int(r, 1, 3);
    int64_t a[3] = {stacked ? B : M, stacked ? M : K, K},
            b[3] = {stacked ? B : K, stacked ? K : N, N};
    int64_t rows = draw_chance(r, 50) ? 1 : M, columns = draw_chance(r, 50) ? 1 : N;
    give_quantised(s, ta, rank, a);
    if (scaled) {
        positive(give(s, 0, NULL, 0.01, 0.03));
        give_zero(s, ta, 0, NULL);
    }
    give_quantised(s, tb, rank, b);
    if (scaled) {
        positive(give(s, 1, &columns, 0.01, 0.03));
        give_zero(s, tb, 1, &columns);
        give_y(s, 0.3);
        return;
    }
    if (draw_chance(r, 80)) {
        give_zero(s, ta, 1, &rows);
        if (draw_chance(r, 80)) give_zero(s, tb, 1, &columns);
    }
}
