/* SPDX-License-Identifier: MIT */
/*
 * What Sum, Mean, Max and Min share: any number of inputs, folded together one after the other and
 * broadcast from opset 8 on.
 */
#ifndef PHI_VARIADIC_H
#define PHI_VARIADIC_H

#include "ops/elements.h"
#include "ops/move.h"

typedef struct phi_variadic {
    uint32_t types;
    phi_kernels kernels; /* of two */
    bool mean;           /* divided by the number of inputs at the end */
    bool picks;          /* an element is that of one of the inputs, which has the whole gradient;
                            otherwise they all have it alike */
} phi_variadic;

/* consumed_inputs, which means nothing any more */
extern const phi_attr_rule phi_variadic_attrs[];

/* For operators whose `family` is a phi_variadic. */
enum ph_status phi_variadic_infer(phi_infer *c);
enum ph_status phi_variadic_forward(const phi_exec *e, ph_error *err);
size_t phi_variadic_work_bytes(const phi_exec *e, bool backward);
enum ph_status phi_variadic_backward(const phi_exec *e, ph_error *err);

/* All but name and family. */
#define PHI_VARIADIC_OP                                                                            \
    .since = 1, .attrs = phi_variadic_attrs, .min_in = 1, .max_in = -1, .min_out = 1,              \
    .max_out = 1, .layout = PHI_LAYOUT_ANY, .passes = PHI_PASSES_ELEMENTS,                         \
    .infer = phi_variadic_infer, .work_bytes = phi_variadic_work_bytes,                            \
    .forward = phi_variadic_forward, .backward = phi_variadic_backward,                            \
    .as_identity = phi_single_input

#endif /* PHI_VARIADIC_H */
