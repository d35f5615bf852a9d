/* SPDX-License-Identifier: MIT */
/*
 * Small images in a terminal.
 */
#ifndef PINHOLE_CLI_PICTURE_H
#define PINHOLE_CLI_PICTURE_H

#include "util.h"

#define PICTURE_CAPTION_BYTES 96

typedef struct picture {
    const uint8_t *pixels; /* [c,h,w]; borrowed */
    int64_t c, h, w;
    char caption[2][PICTURE_CAPTION_BYTES]; /* UTF-8 only where the style says so */
    const char *sgr[2];                     /* colour of a caption line, or "" */
} picture;

/*
 * Draw pictures[n] on stdout, as many side by side as style->columns allow. With colour each cell
 * holds two pixels (upper half block), without it one character of a ramp from dark to bright.
 */
void picture_draw(const cli_style *style, const picture *pictures, size_t n);

#endif /* PINHOLE_CLI_PICTURE_H */
