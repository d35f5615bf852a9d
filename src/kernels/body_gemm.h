/* SPDX-License-Identifier: MIT */
/*
 * Slot gemm_f32 (contract in kernels.h) over the vectors of one instruction set: a tile of MR rows
 * and NV vectors that stays in registers, one body for each height, for half its width, and for
 * either form of A. The registers are named variables, written out by EACH_ROW: gcc 12 keeps an
 * array of them on the stack as soon as one loop over it is not unrolled. Included once, by
 * isa_*.c.
 */

#define NR (VL * NV)

/* Pointers to rows beyond these are read from memory at each step: gcc would keep them in registers
 * of vectors, from where they come through the units that multiply. */
#define POINTER_REGISTERS 8

/* Where a tile is in the strip, and what it fetches ahead: `next` and from there on, `fetch` bytes
 * further at each step, which is less than a line where several tiles share the work. */
typedef struct gemm_place {
    size_t row;
    const char *next;
    size_t fetch;
} gemm_place;

/* Epilogue and store of a tile in memory, [mr][NR], whose panel is not full. */
static void gemm_finish(const phk_gemm_f32_args *g, size_t row, size_t mr, const float *tile)
{
    for (size_t r = row; r < row + mr; r++, tile += NR) {
        const size_t i = g->order ? g->order[r] : r;
        float *c = g->c + (ptrdiff_t)i * g->c_row;
        const float *from = g->from ? g->from + (ptrdiff_t)i * g->from_row : c;
        for (size_t j = 0; j < g->n; j += VL) {
            const size_t n = g->n - j < VL ? g->n - j : VL;
            vf x = v_load(tile + j);
            if (g->accumulate) x = v_add(x, v_load_n(from + j, n));
            if (g->bias) x = v_add(x, v_load_n(g->bias + j, n));
            if (g->add) x = v_add(x, v_load_n(g->add + (ptrdiff_t)i * g->add_row + j, n));
            v_store_n(c + j, n, v_clamp(x, v_set(g->lo), v_set(g->hi)));
        }
    }
}

/* mr rows (1 .. MR) of nv vectors (NV or half of it), A by pointers or not; all three constants
 * after inlining. */
INLINE void gemm_tile(const phk_gemm_f32_args *g, const gemm_place *at, const int mr, const int nv,
                      const bool pointers)
{
#define DECLARE(i)                                                                                 \
    vf s##i##_0 = v_set(0), s##i##_1 = v_set(0), s##i##_2 = v_set(0), s##i##_3 = v_set(0);         \
    const float *r##i = NULL;                                                                      \
    (void)r##i;
    EACH_ROW(DECLARE)
#undef DECLARE
    const ptrdiff_t row = g->a_row, step = g->a_step;
    const float *b = g->b;
    const float *a0 = pointers ? NULL : g->a + (ptrdiff_t)at->row * row;
    const float *a1 = !pointers && mr > ROW_GROUP ? a0 + ROW_GROUP * row : a0;
    const float *a2 = !pointers && mr > 2 * ROW_GROUP ? a0 + 2 * ROW_GROUP * row : a0;
    const char *next = at->next;
    const size_t fetch = at->fetch;
#define POINT(i)                                                                                   \
    if (mr > i) r##i = tap[i];
#define A_OF(i)                                                                                    \
    (pointers ? (i < POINTER_REGISTERS ? r##i : ((const float *const volatile *)tap)[i]) + at_p    \
              : (i / ROW_GROUP == 0   ? a0                                                         \
                 : i / ROW_GROUP == 1 ? a1                                                         \
                                      : a2) +                                                      \
                    i % ROW_GROUP * row)
#define MULTIPLY(i)                                                                                \
    if (mr > i) {                                                                                  \
        const vf x = v_set(*(A_OF(i)));                                                            \
        s##i##_0 = v_fma(x, b0, s##i##_0);                                                         \
        if (nv > 1) s##i##_1 = v_fma(x, b1, s##i##_1);                                             \
        if (nv > 2) s##i##_2 = v_fma(x, b2, s##i##_2);                                             \
        if (nv > 3) s##i##_3 = v_fma(x, b3, s##i##_3);                                             \
    }
#define STEP                                                                                       \
    const vf b0 = v_load(b), b1 = nv > 1 ? v_load(b + VL) : b0;                                    \
    const vf b2 = nv > 2 ? v_load(b + 2 * VL) : b0, b3 = nv > 3 ? v_load(b + 3 * VL) : b0;         \
    EACH_ROW(MULTIPLY)                                                                             \
    if (!pointers) {                                                                               \
        a0 += step;                                                                                \
        a1 += step;                                                                                \
        a2 += step;                                                                                \
    }                                                                                              \
    b += NR;
    for (size_t t = 0; t < (pointers ? g->taps : 1); t++) {
        size_t at_p = 0;
        const size_t kc = g->kc;
        const float *const *tap = pointers ? g->rows + t * g->rows_ld + at->row : NULL;
        if (pointers) {
            EACH_ROW(POINT)
        }
        for (; at_p < kc; at_p++) {
            __builtin_prefetch(next, 0, 2); /* the first-level cache is full */
            if (NR > 16 && mr > 5) __builtin_prefetch(next + fetch / 2, 0, 2);
            next += fetch;
            STEP
        }
    }
#undef STEP
#undef MULTIPLY
#undef A_OF
#undef POINT
    if (g->n < (size_t)nv * VL) {
        float tile[MR * NR];
#define KEEP(i)                                                                                    \
    if (mr > i) {                                                                                  \
        v_store(tile + i * NR, s##i##_0);                                                          \
        if (nv > 1) v_store(tile + i * NR + VL, s##i##_1);                                         \
        if (nv > 2) v_store(tile + i * NR + 2 * VL, s##i##_2);                                     \
        if (nv > 3) v_store(tile + i * NR + 3 * VL, s##i##_3);                                     \
    }
        EACH_ROW(KEEP)
#undef KEEP
        gemm_finish(g, at->row, (size_t)mr, tile);
        return;
    }
    /* The common case asks once a tile what there is to do. */
    static const uint16_t as_they_are[MR] = {ROW_NUMBERS};
    const bool ordered = pointers && g->order;
    const uint16_t *order = ordered ? g->order + at->row : as_they_are;
    const ptrdiff_t c_row = g->c_row, add_row = g->add_row, row0 = ordered ? 0 : (ptrdiff_t)at->row;
    const float *bias = g->bias, *add = g->add ? g->add + row0 * add_row : NULL;
    float *c = g->c + row0 * c_row;
    const vf lo = v_set(g->lo), hi = v_set(g->hi);
#define IN_C(i) (pointers ? (ptrdiff_t)order[i] : i)
#define ADD_ROW(i, from)                                                                           \
    if (mr > i) {                                                                                  \
        s##i##_0 = v_add(s##i##_0, v_load(from));                                                  \
        if (nv > 1) s##i##_1 = v_add(s##i##_1, v_load((from) + VL));                               \
        if (nv > 2) s##i##_2 = v_add(s##i##_2, v_load((from) + 2 * VL));                           \
        if (nv > 3) s##i##_3 = v_add(s##i##_3, v_load((from) + 3 * VL));                           \
    }
#define ADD_FROM(i) ADD_ROW(i, from + IN_C(i) * from_row)
#define ADD_BIAS(i) ADD_ROW(i, bias)
#define ADD_ADD(i) ADD_ROW(i, add + IN_C(i) * add_row)
#define STORE(i)                                                                                   \
    if (mr > i) {                                                                                  \
        float *to = c + IN_C(i) * c_row;                                                           \
        v_store(to, v_clamp(s##i##_0, lo, hi));                                                    \
        if (nv > 1) v_store(to + VL, v_clamp(s##i##_1, lo, hi));                                   \
        if (nv > 2) v_store(to + 2 * VL, v_clamp(s##i##_2, lo, hi));                               \
        if (nv > 3) v_store(to + 3 * VL, v_clamp(s##i##_3, lo, hi));                               \
    }
    if (g->accumulate) {
        const float *from = g->from ? g->from + row0 * g->from_row : c;
        const ptrdiff_t from_row = g->from ? g->from_row : c_row;
        EACH_ROW(ADD_FROM)
    }
    if (bias) {
        EACH_ROW(ADD_BIAS)
    }
    if (add) {
        EACH_ROW(ADD_ADD)
    }
    EACH_ROW(STORE)
#undef IN_C
#undef ADD_ROW
#undef ADD_FROM
#undef ADD_BIAS
#undef ADD_ADD
#undef STORE
}

/* For vectors of 16 and more, half a panel is not worth a body of its own for A by pointers. */
#define HEIGHT(i)                                                                                  \
    static void gemm_height_##i(const phk_gemm_f32_args *g, const gemm_place *at)                  \
    {                                                                                              \
        const bool half = g->n <= NR / 2;                                                          \
        if (g->rows && (!half || VL >= 16))                                                        \
            gemm_tile(g, at, i, NV, true);                                                         \
        else if (g->rows)                                                                          \
            gemm_tile(g, at, i, NV / 2, true);                                                     \
        else if (!half)                                                                            \
            gemm_tile(g, at, i, NV, false);                                                        \
        else                                                                                       \
            gemm_tile(g, at, i, NV / 2, false);                                                    \
    }
EACH_HEIGHT(HEIGHT)
#undef HEIGHT

typedef void gemm_height_fn(const phk_gemm_f32_args *g, const gemm_place *at);

static gemm_height_fn *const gemm_heights[] = {NULL,
#define HEIGHT(i) gemm_height_##i,
                                               EACH_HEIGHT(HEIGHT)
#undef HEIGHT
};

void GEMM_KERNEL(const phk_gemm_f32_args *g)
{
    assert(g->m >= 1 && g->n >= 1 && g->n <= NR && g->taps >= 1 && (g->rows || g->taps == 1));
    const size_t n_tiles = (g->m + MR - 1) / MR;
    const size_t height = g->m / n_tiles, taller = g->m % n_tiles;
    const size_t steps = g->kc * g->taps * n_tiles;
    const bool fetches = g->next_lines > 0 && steps > 0;
    gemm_place at = {.next = (const char *)(fetches ? g->next : g->b),
                     .fetch = fetches ? 64 * g->next_lines / steps : 0};
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t mr = height + (i < taller);
        gemm_heights[mr](g, &at);
        at.row += mr;
        at.next += g->kc * g->taps * at.fetch;
    }
}
