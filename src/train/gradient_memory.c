/* SPDX-License-Identifier: MIT */
/*
 * Places blocks with lifetimes in one stretch of memory: largest first, each at the lowest offset
 * where it meets nobody it lives together with (greedy by size; Pisarchyk and Lee 2020,
 * arXiv:2001.03288, sec. 5.2). Quadratic in the number of blocks, which is that of layers.
 */
#include "train/tape.h"

#include <stdlib.h>

typedef struct order_entry {
    size_t bytes, block;
} order_entry;

static int by_size(const void *a, const void *b)
{
    const order_entry *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static bool live_together(const phi_block *a, const phi_block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Lowest offset for `b` among the `n` blocks placed so far, given in order of offset. */
static size_t lowest_gap(const phi_block *blocks, const size_t *placed, size_t n,
                         const phi_block *b)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const phi_block *other = &blocks[placed[i]];
        if (!live_together(b, other)) continue;
        if (other->offset >= at && other->offset - at >= b->bytes) break;
        size_t end = other->offset + other->bytes;
        if (end > at) at = end;
    }
    return at;
}

static void insert_by_offset(const phi_block *blocks, size_t *placed, size_t n, size_t block)
{
    size_t i = n;
    for (; i > 0 && blocks[placed[i - 1]].offset > blocks[block].offset; i--)
        placed[i] = placed[i - 1];
    placed[i] = block;
}

/* Round sizes up to PHI_ALIGN; false if they, or all of them together, do not fit. */
static bool round_sizes(phi_block *blocks, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (!phi_add_size(blocks[i].bytes, PHI_ALIGN - 1, &blocks[i].bytes)) return false;
        blocks[i].bytes -= blocks[i].bytes % PHI_ALIGN;
        if (!phi_add_size(total, blocks[i].bytes, &total)) return false;
    }
    return true;
}

enum ph_status phi_place_blocks(const ph_allocator *mem, phi_block *blocks, size_t n, size_t *bytes,
                                ph_error *err)
{
    if (!round_sizes(blocks, n))
        return phi_fail(err, PH_ERR_OVERFLOW, NULL, "gradients do not fit into memory");
    order_entry *order = phi_calloc(mem, n, sizeof *order);
    size_t *placed = phi_calloc(mem, n, sizeof *placed);
    enum ph_status st = order && placed ? PH_OK : phi_fail_nomem(err);
    if (!st) {
        for (size_t i = 0; i < n; i++)
            order[i] = (order_entry){blocks[i].bytes, i};
        qsort(order, n, sizeof *order, by_size);
        *bytes = 0;
        for (size_t i = 0; i < n; i++) {
            phi_block *b = &blocks[order[i].block];
            b->offset = lowest_gap(blocks, placed, i, b);
            insert_by_offset(blocks, placed, i, order[i].block);
            if (b->offset + b->bytes > *bytes) *bytes = b->offset + b->bytes;
        }
    }
    phi_free(mem, order);
    phi_free(mem, placed);
    return st;
}
