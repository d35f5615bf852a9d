/* SPDX-License-Identifier: MIT */
/*
 * Resampling along axes, what Resize and Upsample share: each output position of an axis is a
 * weighted sum of some input positions, one axis after the other.
 */
#ifndef PHI_RESAMPLE_H
#define PHI_RESAMPLE_H

#include "graph/op.h"

enum phi_resample_mode { PHI_NEAREST, PHI_LINEAR, PHI_CUBIC };

/* Where position x of the output lies in the input (ONNX, Resize, coordinate_transformation_mode)
 */
enum phi_coordinates {
    PHI_HALF_PIXEL,
    PHI_HALF_PIXEL_SYMMETRIC,
    PHI_PYTORCH_HALF_PIXEL,
    PHI_ALIGN_CORNERS,
    PHI_ASYMMETRIC,
    PHI_TF_HALF_PIXEL_FOR_NN,
    PHI_TF_CROP_AND_RESIZE
};

/* Which of two neighbours is nearest; SIMPLE: down, or up where the axis shrinks (before opset 11,
 * as ONNX Runtime reads it; the specification does not say) */
enum phi_nearest {
    PHI_ROUND_PREFER_FLOOR,
    PHI_ROUND_PREFER_CEIL,
    PHI_FLOOR,
    PHI_CEIL,
    PHI_NEAREST_SIMPLE
};

typedef struct phi_resample_axis {
    int64_t in, out;
    double scale;
    double roi_start, roi_end; /* of tf_crop_and_resize, as parts of the axis */
    bool skip;                 /* nothing happens along this axis */
} phi_resample_axis;

typedef struct phi_resample {
    enum phi_resample_mode mode;
    enum phi_coordinates coordinates;
    enum phi_nearest nearest;
    bool antialias, exclude_outside;
    float cubic_a, extrapolation;
    int rank;
    phi_resample_axis axis[PH_MAX_RANK];
} phi_resample;

/*
 * From infer, everything in `r` but `in`, `out` and `skip` set: the sizes of output 0 from the
 * scales, floor(in * scale) in float as ONNX's shape inference has it; or, if `sized`, from
 * axis[i].out.
 */
enum ph_status phi_resample_infer(phi_infer *c, phi_resample *r, bool sized);

/* An input of numbers that must be known before running; *n = 0 where it is left out or empty. */
enum ph_status phi_resample_floats(const phi_infer *c, size_t input, const char *what, size_t *n,
                                   double out[2 * PH_MAX_RANK]);

/* op->pack_bytes and so on: the tables of positions and weights, params a phi_resample. */
size_t phi_resample_pack_bytes(const phi_exec *e);
void phi_resample_pack(const phi_exec *e, void *packed);
size_t phi_resample_work_bytes(const phi_exec *e, bool backward);
enum ph_status phi_resample_forward(const phi_exec *e, ph_error *err);
enum ph_status phi_resample_backward(const phi_exec *e, ph_error *err);

#endif /* PHI_RESAMPLE_H */
