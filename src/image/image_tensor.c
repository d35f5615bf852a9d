/* SPDX-License-Identifier: MIT */
/*
 * From an image to the input of a network: channels, resize and centre crop in one go, then a value
 * for each byte from a table.
 */
#include "image/image.h"

#include <math.h>

/* --- Where things lie ------------------------------------------------------------------------- */

int64_t phi_prep_short_side(const ph_image_prep *p)
{
    if (p->resize) return p->resize;
    const int64_t side = p->width > p->height ? p->width : p->height;
    return llround((double)side * (p->margin > 0.0 ? p->margin : 1.0));
}

/* The size after resizing. The longer side is cut as torchvision does: int(size * long / short). */
static void resized(const ph_image *x, const ph_image_prep *p, uint64_t *w, uint64_t *h)
{
    *w = x->w;
    *h = x->h;
    if (p->no_resize) return;
    if (p->resize_width && p->resize_height) {
        *w = (uint64_t)p->resize_width;
        *h = (uint64_t)p->resize_height;
        return;
    }
    const uint64_t side = (uint64_t)phi_prep_short_side(p);
    *w = x->w <= x->h ? side : side * x->w / x->h;
    *h = x->w <= x->h ? side * x->h / x->w : side;
}

/*
 * Where a crop of `crop` pixels begins on a side of `size`, as torchvision's center_crop has it: a
 * side too short is first filled up by (crop - size) / 2 pixels, rounded down, at its beginning;
 * otherwise round((size - crop) / 2), halves to even.
 */
static int64_t crop_begin(int64_t size, int64_t crop)
{
    if (crop > size) return -((crop - size) / 2);
    const int64_t twice = size - crop, floor = twice / 2;
    return twice % 2 ? floor + floor % 2 : floor;
}

/* The part of [begin, begin + n) that lies within [0, size): never empty for a centre crop. */
static void clamp(int64_t begin, int64_t n, int64_t size, size_t *from, size_t *count)
{
    const int64_t low = begin < 0 ? 0 : begin, high = begin + n > size ? size : begin + n;
    *from = (size_t)low;
    *count = (size_t)(high - low);
}

/* --- Checks ----------------------------------------------------------------------------------- */

static enum ph_status check_prep(const ph_image_prep *p, ph_error *err)
{
    if (p->width < 1 || p->height < 1 || p->width > INT32_MAX || p->height > INT32_MAX)
        return phi_fail(err, PH_ERR_ARG, NULL, "a crop of %lld x %lld: wanted 1 or more each way",
                        (long long)p->width, (long long)p->height);
    if (p->channels != 1 && p->channels != 3)
        return phi_fail(err, PH_ERR_ARG, NULL, "%zu channels: wanted 1 or 3", p->channels);
    if (p->resize < 0 || p->resize_width < 0 || p->resize_height < 0 || p->resize > INT32_MAX ||
        p->resize_width > INT32_MAX || p->resize_height > INT32_MAX || !(p->margin < 1e6) ||
        !ph_filter_name(p->filter))
        return phi_fail(err, PH_ERR_ARG, NULL, "the settings of the resizing make no sense");
    if (p->divisor == 0.0f || p->std[0] == 0.0f ||
        (p->channels == 3 && p->std[1] * p->std[2] == 0.0f))
        return phi_fail(err, PH_ERR_ARG, NULL, "divisor and std must not be 0");
    return PH_OK;
}

static bool keeps_values(const ph_image_prep *p)
{
    bool keeps = p->divisor == 1.0f;
    for (size_t i = 0; i < p->channels; i++)
        keeps = keeps && p->mean[i] == 0.0f && p->std[i] == 1.0f;
    return keeps;
}

static enum ph_status check_dtype(const ph_image_prep *p, enum ph_dtype dtype, ph_error *err)
{
    if (dtype == PH_FLOAT32 || (dtype == PH_UINT8 && keeps_values(p))) return PH_OK;
    if (dtype == PH_UINT8)
        return phi_fail(
            err, PH_ERR_TYPE, NULL,
            "an input of uint8 takes pixels as they are: scale 1, mean 0, std 1 (preset "
            "raw)");
    return phi_fail(err, PH_ERR_TYPE, NULL, "an input of %s: images become float32 or uint8",
                    ph_dtype_name(dtype));
}

/* --- Pixels ----------------------------------------------------------------------------------- */

/* The crop, filled up with black; *out is a new image in any case. */
static enum ph_status crop_resized(const ph_image *x, const ph_image_prep *p, ph_image **out,
                                   ph_error *err)
{
    uint64_t w, h;
    phi_box box;
    ph_image *part;
    resized(x, p, &w, &h);
    if (w == 0 || h == 0 || w > PH_IMAGE_MAX_PIXELS / h)
        return phi_fail(err, PH_ERR_UNSUPPORTED, NULL,
                        "an image of %zu x %zu would be resized to %llu x %llu", x->w, x->h,
                        (unsigned long long)w, (unsigned long long)h);
    const int64_t left = crop_begin((int64_t)w, p->width), top = crop_begin((int64_t)h, p->height);
    clamp(left, p->width, (int64_t)w, &box.x, &box.w);
    clamp(top, p->height, (int64_t)h, &box.y, &box.h);
    enum ph_status st = phi_image_resize_part(x, w, h, p->filter, &box, &part, err);
    if (st) return st;
    if ((int64_t)box.w == p->width && (int64_t)box.h == p->height) {
        *out = part;
        return PH_OK;
    }
    st = ph_image_crop(part, left < 0 ? left : 0, top < 0 ? top : 0, p->width, p->height, out, err);
    ph_image_free(part);
    return st;
}

/* What each byte of channel `i` becomes. */
static void fill_table(const ph_image_prep *p, size_t i, float table[256])
{
    for (int v = 0; v < 256; v++) {
        const float x = (float)(p->invert ? 255 - v : v) / p->divisor;
        table[v] = (x - p->mean[i]) / p->std[i];
    }
}

/* Channel i of the tensor lies at x + offset, its elements `stride` apart. */
static void put_floats(const ph_image *image, const ph_image_prep *p, float *x)
{
    const size_t n = image->w * image->h, c = image->c;
    float table[256];
    for (size_t i = 0; i < c; i++) {
        const uint8_t *from = image->pixels + (p->bgr ? c - 1 - i : i);
        float *to = p->nhwc ? x + i : x + i * n;
        const size_t stride = p->nhwc ? c : 1;
        fill_table(p, i, table);
        for (size_t k = 0; k < n; k++)
            to[k * stride] = table[from[k * c]];
    }
}

static void put_bytes(const ph_image *image, const ph_image_prep *p, uint8_t *x)
{
    const size_t n = image->w * image->h, c = image->c;
    const uint8_t turn = p->invert ? 255 : 0;
    for (size_t i = 0; i < c; i++) {
        const uint8_t *from = image->pixels + (p->bgr ? c - 1 - i : i);
        uint8_t *to = p->nhwc ? x + i : x + i * n;
        const size_t stride = p->nhwc ? c : 1;
        for (size_t k = 0; k < n; k++)
            to[k * stride] = from[k * c] ^ turn; /* 255 - v */
    }
}

enum ph_status ph_image_prepare(const ph_image *image, const ph_image_prep *prep,
                                enum ph_dtype dtype, void *x, ph_error *err)
{
    ph_image *converted = NULL, *cut = NULL;
    enum ph_status st = check_prep(prep, err);
    if (!st) st = check_dtype(prep, dtype, err);
    if (!st && image->c != prep->channels) {
        st = ph_image_convert(image, prep->channels, &converted, err);
        image = converted;
    }
    if (!st) st = crop_resized(image, prep, &cut, err);
    if (!st && dtype == PH_FLOAT32) put_floats(cut, prep, x);
    if (!st && dtype == PH_UINT8) put_bytes(cut, prep, x);
    ph_image_free(cut);
    ph_image_free(converted);
    return st;
}
