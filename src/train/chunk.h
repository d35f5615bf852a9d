/* SPDX-License-Identifier: MIT */
/* Long arrays are worked on in chunks of a fixed number of elements, one task each, so that the
 * split does not depend on the number of threads. */
#ifndef PHI_CHUNK_H
#define PHI_CHUNK_H

#include <stddef.h>

#define PHI_CHUNK ((size_t)16384)

static inline size_t phi_chunks(size_t n)
{
    return n / PHI_CHUNK + (n % PHI_CHUNK != 0);
}

/* Elements of chunk `i` of `n` elements. */
static inline size_t phi_chunk_size(size_t n, size_t i)
{
    size_t left = n - i * PHI_CHUNK;
    return left < PHI_CHUNK ? left : PHI_CHUNK;
}

#endif /* PHI_CHUNK_H */
