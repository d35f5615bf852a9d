/* SPDX-License-Identifier: MIT */
/* A small network with a bit of everything a plan does something about, for the tests. */
#ifndef SMALL_NET_H
#define SMALL_NET_H

#include "pinhole/pinhole.h"

/*
 * x [n = 2 or as hinted, 3, 8, 8] -> two branches of convolution, batch norm and clamp, joined by
 * Concat and by Add, pooled, flattened, two products, softmax: y [n, 5]. Weights are drawn from
 * `seed`. *g is set even on failure, to be freed.
 */
enum ph_status small_net(const ph_allocator *mem, uint64_t seed, ph_graph **g, ph_error *err);

enum { SMALL_NET_N = 2, SMALL_NET_IN = 3 * 8 * 8, SMALL_NET_OUT = 5 };

#endif /* SMALL_NET_H */
