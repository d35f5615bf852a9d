/* SPDX-License-Identifier: MIT */
/*
 * Labelled images in memory, and the readers that fill them: one file a format.
 */
#ifndef PHI_DATASET_H
#define PHI_DATASET_H

#include "base/base.h"

struct ph_dataset {
    ph_allocator mem;
    size_t count;
    int64_t chw[3];
    size_t image_bytes;         /* c*h*w */
    size_t n_classes;           /* <= 256 */
    const char *const *classes; /* [n_classes], static storage */
    uint8_t *images;            /* [count,c,h,w] */
    uint8_t *labels;            /* [count], each < n_classes */
};

/*
 * A reader fills images, labels, count and chw of a dataset whose mem, n_classes and classes are
 * set. What it has put there when it fails is freed by the caller.
 */
typedef enum ph_status phi_dataset_reader(ph_dataset *d, const char *dir, enum ph_split split,
                                          ph_error *err);
phi_dataset_reader phi_idx_read;
phi_dataset_reader phi_cifar10_read;

/* A byte of an image as a float in 0 .. 1. */
static inline float phi_pixel_float(uint8_t pixel)
{
    return (float)pixel / 255.0f;
}

/* "DIR/NAMESUFFIX", phi_alloc'ed; NULL if out of memory. */
char *phi_dataset_path(const ph_dataset *d, const char *dir, const char *name, const char *suffix);

/* CRC-32 over shape, labels and images: tells whether two data sets are the same. */
uint32_t phi_dataset_crc(const ph_dataset *d);

#endif /* PHI_DATASET_H */
