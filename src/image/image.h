/* SPDX-License-Identifier: MIT */
/*
 * Images: decode, convert, resize, crop, prepare for a network.
 */
#ifndef PHI_IMAGE_H
#define PHI_IMAGE_H

#include "base/base.h"

struct ph_image {
    ph_allocator mem;
    size_t w, h, c;  /* c is 1 or 3 */
    uint8_t *pixels; /* [h,w,c] */
};

/* A new image without a value in its pixels. w and h at least 1; PH_ERR_OVERFLOW, PH_ERR_NOMEM. */
enum ph_status phi_image_alloc(const ph_allocator *mem, size_t w, size_t h, size_t c,
                               ph_image **out, ph_error *err);

/* --- Files ---------------------------------------------------------------------------------- */

/* What a decoder gets, and gives beside the image. */
typedef struct phi_image_source {
    const unsigned char *bytes; /* [n] */
    size_t n;
    const char *origin;
    const ph_image_desc *desc; /* all decided */
    unsigned orientation;      /* out, if desc->exif: 1 .. 8 as in EXIF; 0: it says none */
} phi_image_source;

/* PH_ERR_UNSUPPORTED if w x h is more than may be decoded, PH_ERR_FORMAT if it is nothing. */
enum ph_status phi_image_limit(const phi_image_source *src, uint64_t w, uint64_t h, ph_error *err);

enum ph_status phi_jpeg_decode(const ph_allocator *mem, phi_image_source *src, ph_image **out,
                               ph_error *err);
enum ph_status phi_png_decode(const ph_allocator *mem, phi_image_source *src, ph_image **out,
                              ph_error *err);

/* The orientation, 1 .. 8, in the TIFF structure of EXIF; 1 if it says none that makes sense. */
unsigned phi_exif_orientation(const unsigned char *tiff, size_t n);

/* --- Pixels --------------------------------------------------------------------------------- */

/* Turn and mirror as EXIF's orientation says. */
enum ph_status phi_image_orient(const ph_image *image, unsigned orientation, ph_image **out,
                                ph_error *err);

/* A rectangle: its upper left corner and its size. */
typedef struct phi_box {
    size_t x, y, w, h;
} phi_box;

/* The part `box` of what `image` resized to w x h would be, to the same bits. */
enum ph_status phi_image_resize_part(const ph_image *image, size_t w, size_t h,
                                     enum ph_filter filter, const phi_box *box, ph_image **out,
                                     ph_error *err);

/* --- Weights of a resizing pass (resize_weights.c) -------------------------------------------- */

#define PHI_WEIGHT_BITS 22 /* behind the point */

/*
 * Output i of n is the sum over k < count[i] of weight[i * stride + k] * input[first[i] + k]. The
 * absolute values of the weights of an output sum up to at most 2 << PHI_WEIGHT_BITS: sums of bytes
 * fit into 32 bits.
 */
typedef struct phi_weights {
    size_t n, stride;
    uint32_t *first, *count; /* [n] */
    int32_t *weight;         /* [n,stride] */
} phi_weights;

/* Outputs begin .. begin + n - 1 of a pass from n_in pixels to n_out. */
enum ph_status phi_weights_new(const ph_allocator *mem, size_t n_in, size_t n_out, size_t begin,
                               size_t n, enum ph_filter filter, phi_weights *out, ph_error *err);
void phi_weights_free(const ph_allocator *mem, phi_weights *weights);

/* --- Settings ------------------------------------------------------------------------------- */

/* "224" or "320x240" (width x height) as two numbers, equal if one is given; false if it is neither
 * or out of 1 .. 2^20. */
bool phi_prep_parse_size(const char *text, int64_t *width, int64_t *height);

/* What the shorter side is resized to, unless both sides are given or none is resized. */
int64_t phi_prep_short_side(const ph_image_prep *prep);

#endif /* PHI_IMAGE_H */
