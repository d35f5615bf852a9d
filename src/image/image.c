/* SPDX-License-Identifier: MIT */
/*
 * The image itself: made, converted, cropped, turned.
 */
#include "image/image.h"

#define IMAGE_MAX_SIDE ((int64_t)1 << 31)

enum ph_status phi_image_alloc(const ph_allocator *mem, size_t w, size_t h, size_t c,
                               ph_image **out, ph_error *err)
{
    size_t bytes;
    if (!phi_mul_size(w, h, &bytes) || !phi_mul_size(bytes, c, &bytes))
        return phi_fail(err, PH_ERR_OVERFLOW, NULL,
                        "an image of %zu x %zu does not fit into memory", w, h);
    ph_image *image = phi_calloc(mem, 1, sizeof *image);
    uint8_t *pixels = phi_alloc(mem, bytes);
    if (!image || !pixels) {
        phi_free(mem, image);
        phi_free(mem, pixels);
        return phi_fail_nomem(err);
    }
    *image = (ph_image){.mem = phi_allocator(mem), .w = w, .h = h, .c = c, .pixels = pixels};
    *out = image;
    return PH_OK;
}

static size_t image_bytes(const ph_image *image)
{
    return image->w * image->h * image->c;
}

static enum ph_status check_size(int64_t width, int64_t height, ph_error *err)
{
    if (width > 0 && width < IMAGE_MAX_SIDE && height > 0 && height < IMAGE_MAX_SIDE) return PH_OK;
    return phi_fail(err, PH_ERR_ARG, NULL, "an image of %lld x %lld: wanted 1 or more each way",
                    (long long)width, (long long)height);
}

static enum ph_status check_channels(size_t channels, ph_error *err)
{
    if (channels == 1 || channels == 3) return PH_OK;
    return phi_fail(err, PH_ERR_ARG, NULL, "an image of %zu channels: wanted 1 or 3", channels);
}

enum ph_status ph_image_new(const ph_allocator *mem, int64_t width, int64_t height, size_t channels,
                            const uint8_t *pixels, ph_image **out, ph_error *err)
{
    enum ph_status st = check_size(width, height, err);
    if (!st) st = check_channels(channels, err);
    if (!st) st = phi_image_alloc(mem, (size_t)width, (size_t)height, channels, out, err);
    if (st) return st;
    if (pixels)
        memcpy((*out)->pixels, pixels, image_bytes(*out));
    else
        memset((*out)->pixels, 0, image_bytes(*out));
    return PH_OK;
}

void ph_image_free(ph_image *image)
{
    if (!image) return;
    const ph_allocator mem = image->mem;
    phi_free(&mem, image->pixels);
    phi_free(&mem, image);
}

int64_t ph_image_width(const ph_image *image)
{
    return (int64_t)image->w;
}

int64_t ph_image_height(const ph_image *image)
{
    return (int64_t)image->h;
}

size_t ph_image_channels(const ph_image *image)
{
    return image->c;
}

const uint8_t *ph_image_pixels(const ph_image *image)
{
    return image->pixels;
}

/* --- Conversion ------------------------------------------------------------------------------- */

/* ITU-R BT.601 luma with 16 bits behind the point: the weights 0.299, 0.587, 0.114 of Pillow. */
static void grey_of_rgb(const uint8_t *rgb, uint8_t *grey, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t r = rgb[3 * i], g = rgb[3 * i + 1], b = rgb[3 * i + 2];
        grey[i] = (uint8_t)((r * 19595u + g * 38470u + b * 7471u + 0x8000u) >> 16);
    }
}

static void rgb_of_grey(const uint8_t *grey, uint8_t *rgb, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = grey[i];
}

enum ph_status ph_image_convert(const ph_image *image, size_t channels, ph_image **out,
                                ph_error *err)
{
    ph_image *to;
    enum ph_status st = check_channels(channels, err);
    if (!st) st = phi_image_alloc(&image->mem, image->w, image->h, channels, &to, err);
    if (st) return st;
    if (channels == image->c)
        memcpy(to->pixels, image->pixels, image_bytes(image));
    else if (channels == 1)
        grey_of_rgb(image->pixels, to->pixels, image->w * image->h);
    else
        rgb_of_grey(image->pixels, to->pixels, image->w * image->h);
    *out = to;
    return PH_OK;
}

/* --- Crop ----------------------------------------------------------------------------------- */

/* Where a crop of `n` pixels that begins at `at` meets a side of `size`: `skip` pixels are black,
 * then `take` come from `from` on. */
static void overlap(int64_t at, int64_t n, int64_t size, size_t *from, size_t *skip, size_t *take)
{
    const int64_t begin = at < 0 ? 0 : at;
    const int64_t end = size - at < n ? size : at + n;
    *from = *skip = *take = 0;
    if (begin >= end) return;
    *from = (size_t)begin;
    *skip = (size_t)(begin - at);
    *take = (size_t)(end - begin);
}

enum ph_status ph_image_crop(const ph_image *image, int64_t x, int64_t y, int64_t width,
                             int64_t height, ph_image **out, ph_error *err)
{
    size_t from_x, from_y, skip_x, skip_y, take_x, take_y;
    enum ph_status st = check_size(width, height, err);
    if (st) return st;
    if (x <= -IMAGE_MAX_SIDE || x >= IMAGE_MAX_SIDE || y <= -IMAGE_MAX_SIDE || y >= IMAGE_MAX_SIDE)
        return phi_fail(err, PH_ERR_ARG, NULL, "a crop that begins at (%lld, %lld): too far away",
                        (long long)x, (long long)y);
    st = ph_image_new(&image->mem, width, height, image->c, NULL, out, err);
    if (st) return st;
    overlap(x, width, (int64_t)image->w, &from_x, &skip_x, &take_x);
    overlap(y, height, (int64_t)image->h, &from_y, &skip_y, &take_y);
    const size_t c = image->c;
    for (size_t i = 0; take_x && i < take_y; i++)
        memcpy((*out)->pixels + ((skip_y + i) * (size_t)width + skip_x) * c,
               image->pixels + ((from_y + i) * image->w + from_x) * c, take_x * c);
    return PH_OK;
}

/* --- Orientation ---------------------------------------------------------------------------- */

/*
 * EXIF 2.3, tag 0x0112: where row 0 and column 0 of the stored image belong. Pixel (x, y) of the
 * turned image is the stored pixel at (x', y'), which are x and y, exchanged if `swap`, then
 * counted from the other end if `flip_x`, `flip_y`.
 */
static const struct {
    bool swap, flip_x, flip_y;
} orientations[9] = {
    [1] = {false, false, false}, [2] = {false, true, false}, [3] = {false, true, true},
    [4] = {false, false, true},  [5] = {true, false, false}, [6] = {true, false, true},
    [7] = {true, true, true},    [8] = {true, true, false}};

enum ph_status phi_image_orient(const ph_image *image, unsigned orientation, ph_image **out,
                                ph_error *err)
{
    assert(orientation >= 1 && orientation <= 8);
    const bool swap = orientations[orientation].swap;
    const size_t w = swap ? image->h : image->w, h = swap ? image->w : image->h, c = image->c;
    enum ph_status st = phi_image_alloc(&image->mem, w, h, c, out, err);
    if (st) return st;
    uint8_t *to = (*out)->pixels;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++, to += c) {
            size_t sx = swap ? y : x, sy = swap ? x : y;
            if (orientations[orientation].flip_x) sx = image->w - 1 - sx;
            if (orientations[orientation].flip_y) sy = image->h - 1 - sy;
            memcpy(to, image->pixels + (sy * image->w + sx) * c, c);
        }
    return PH_OK;
}
