/* SPDX-License-Identifier: MIT */
/* ReduceProd: the product. */
#include "ops/reduce.h"

PHI_REDUCE_KERNELS(u *v, (uint64_t)u *(uint64_t)v)

static const phi_reduce family = {
    .types = PHI_TYPES_NUMBER,
    .axes_input_since = 18,
    .kernels = {.f64 = f64, .i64 = i64, .u64 = u64},
    .start = 1,
};

const phi_op phi_op_reduce_prod = {
    .name = "ReduceProd",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
};
