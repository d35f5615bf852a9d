/* SPDX-License-Identifier: MIT */
/*
 * What Cast and CastLike share.
 */
#ifndef PHI_CAST_H
#define PHI_CAST_H

#include "graph/op.h"

/* Output 0 is input 0 as `to`; PH_ERR_UNSUPPORTED for types that are not held in tensors. */
enum ph_status phi_cast_infer(phi_infer *c, enum ph_dtype to);

enum ph_status phi_cast_forward(const phi_exec *e, ph_error *err);

#endif /* PHI_CAST_H */
