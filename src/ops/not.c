/* SPDX-License-Identifier: MIT */
/* Not of a bool. */
#include "ops/formula.h"

PHI_UNARY_LOOP(u64, uint64_t, uint8_t, !u)

static const phi_formula family = {.types = PHI_TYPES_BOOL, .kernels = {.u64 = u64, .truth = true}};

const phi_op phi_op_not = {.name = "Not", .since = 1, .family = &family, PHI_FORMULA_OP};
