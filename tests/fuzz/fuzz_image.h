/* SPDX-License-Identifier: MIT */
/* What the targets for image formats share. */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include "fuzz.h"

/*
 * Decode bytes as they are and lenient, grey and colour, turned as EXIF says: an error that says
 * why, or an image of the promised form that can be prepared for a network. What is whole is the
 * same for lenient readers.
 */
void fuzz_image(const uint8_t *data, size_t size);

#endif /* FUZZ_IMAGE_H */
