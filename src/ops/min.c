/* SPDX-License-Identifier: MIT */
/*
 * Min: the smallest of the inputs, element by element; not a number if one of them is not. The
 * gradient goes to the first input that has it.
 */
#include "ops/variadic.h"

PHI_BINARY_ALL(u < v || u != u ? u : v)

static const phi_variadic family = {
    .types = PHI_TYPES_NUMBER, .kernels = {PHI_KERNELS_ALL}, .picks = true};

const phi_op phi_op_min = {.name = "Min", .family = &family, PHI_VARIADIC_OP};
