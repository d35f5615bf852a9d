/* SPDX-License-Identifier: MIT */
/* ReduceMax: the largest; not a number if one of them is not. */
#include "ops/reduce.h"

PHI_REDUCE_KERNELS(v > u || v != v ? v : u, v > u ? v : u)

static const phi_reduce family = {
    .types = PHI_TYPES_ALL,
    .axes_input_since = 18,
    .kernels = {.f64 = f64, .i64 = i64, .u64 = u64},
    .start = -1,
};

const phi_op phi_op_reduce_max = {
    .name = "ReduceMax",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
};
