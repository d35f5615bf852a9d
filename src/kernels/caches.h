/* SPDX-License-Identifier: MIT */
/*
 * What is assumed of caches, for all who cut their work by them. The machine is not asked: work is
 * cut in the same way everywhere. Shares of a cache were found by trying (docs/performance.md) on
 * Zen 3 and Zen 4, which have 32 KiB in the first level, 512 KiB and 1 MiB in the second, and 32
 * MiB in the third.
 */
#ifndef PHI_CACHES_H
#define PHI_CACHES_H

#define PHI_LINE_FLOATS 16 /* 64 bytes, on all processors that there are kernels for */

/* --- First level ------------------------------------------------------------------------------ */

#define PHI_WAY_FLOATS 1024 /* of 4 KiB, as pages are: elements so far apart share a set ... */
#define PHI_WAYS 8          /* ... and of more than so many, each drives out another */

/* Terms of a sum that are taken at once: a panel of weights of 16 columns then takes half of the
 * cache, one of 32 all of it. 128 were slower. */
#define PHI_K_BLOCK 256

/* --- Second level ----------------------------------------------------------------------------- */

/* Winograd's transformed tiles in a block, more or less: each panel of weights is multiplied with
 * all of them, and there is to be room for it and for products. */
#define PHI_WINO_INPUT_BYTES 327680
/* Winograd's products that are made before they are transformed back, more or less. */
#define PHI_WINO_OUTPUT_BYTES 98304
/* Pixels of a line whose products Winograd's algorithm down the lines makes in one task, at most. */
#define PHI_LINE_WINO_PIXELS 56
/* Operands of a block of Strassen's product, more or less, by which all panels are multiplied. */
#define PHI_STRASSEN_INPUT_BYTES 491520
/* Windows of the maps between steps that run in one pass. */
#define PHI_BAND_BYTES 393216
/* What one thread keeps to itself: what it has just written and reads from there has no price. */
#define PHI_NEAR_BYTES (1 << 20)

/* --- Third level ------------------------------------------------------------------------------ */

/* A thread's share where all have one: what is read from there has a lower price than memory. */
#define PHI_FAR_BYTES (4 << 20)
/* What is read at the most so that the caches of most machines forget what they had. */
#define PHI_FLOOD_BYTES (32 << 20)

#endif /* PHI_CACHES_H */
