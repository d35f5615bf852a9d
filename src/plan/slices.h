/* SPDX-License-Identifier: MIT */
/*
 * Which values can be written where they are going to be concatenated: then Concat is no work at all.
 */
#ifndef PHI_SLICES_H
#define PHI_SLICES_H

#include "plan/fuse.h"

/* Channels `first` and following of the image `whole`; PH_NONE: a value of its own. */
typedef struct phi_slice {
    ph_value whole;
    int64_t first;
} phi_slice;

/*
 * For each value, *out [n_values]. Values that several concatenations want go to the last of them;
 * one whose inputs already lie side by side in another's memory (as in DenseNet) is a slice of that.
 * Images of two dimensions and lines only. `prefers_image`: the plan keeps its inputs channels-last.
 */
enum ph_status phi_find_slices(const phi_facts *facts, const phi_fusion *fusion, bool prefers_image,
                               phi_slice **out, ph_error *err);

#endif /* PHI_SLICES_H */
