/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a file to an image: which format it is, its decoder, then orientation and
 * channels.
 */
#include "image/image.h"

#include "base/file.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

/* Formats known by their first bytes; only those with a decoder are read. */
typedef struct format {
    const char *name;
    size_t at, n;
    const char *magic;
    enum ph_status (*decode)(const ph_allocator *mem, phi_image_source *src, ph_image **out,
                             ph_error *err);
} format;

// clang-format off
static const format formats[] = {
    {"JPEG", 0, 3, "\xff\xd8\xff",        phi_jpeg_decode},
    {"PNG",  0, 8, "\x89PNG\r\n\x1a\n",   phi_png_decode},
    {"GIF",  0, 4, "GIF8",                NULL},
    {"BMP",  0, 2, "BM",                  NULL},
    {"WebP", 8, 4, "WEBP",                NULL},
    {"TIFF", 0, 4, "II*\0",               NULL},
    {"TIFF", 0, 4, "MM\0*",               NULL},
    {"AVIF", 4, 8, "ftypavif",            NULL},
    {"HEIF", 4, 7, "ftyphei",             NULL},
    {"JPEG XL", 0, 2, "\xff\x0a",         NULL},
    {"JPEG 2000", 4, 8, "jP  \r\n\x87\n", NULL},
};
// clang-format on

static const format *find_format(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < PHI_COUNT(formats); i++) {
        const format *f = &formats[i];
        if (n >= f->at + f->n && memcmp(bytes + f->at, f->magic, f->n) == 0) return f;
    }
    return NULL;
}

enum ph_status phi_image_limit(const phi_image_source *src, uint64_t w, uint64_t h, ph_error *err)
{
    if (w == 0 || h == 0)
        return phi_fail(err, PH_ERR_FORMAT, src->origin, "%s: an image of %llu x %llu pixels",
                        src->origin, (unsigned long long)w, (unsigned long long)h);
    if (w <= src->desc->max_pixels / h) return PH_OK;
    return phi_fail(err, PH_ERR_UNSUPPORTED, src->origin,
                    "%s: %llu x %llu are more than the limit of %llu pixels", src->origin,
                    (unsigned long long)w, (unsigned long long)h,
                    (unsigned long long)src->desc->max_pixels);
}

/* A step has made `made` of *image, or failed. */
static enum ph_status replace(enum ph_status st, ph_image **image, ph_image *made)
{
    if (st) return st;
    ph_image_free(*image);
    *image = made;
    return PH_OK;
}

static enum ph_status finish(const phi_image_source *src, ph_image **image, ph_error *err)
{
    enum ph_status st = PH_OK;
    ph_image *made = NULL;
    if (src->orientation > 1) {
        st = phi_image_orient(*image, src->orientation, &made, err);
        st = replace(st, image, made);
    }
    if (!st && src->desc->channels && src->desc->channels != (*image)->c) {
        st = ph_image_convert(*image, src->desc->channels, &made, err);
        st = replace(st, image, made);
    }
    return st;
}

static enum ph_status no_decoder(const format *f, const phi_image_source *src, ph_error *err)
{
    if (f)
        return phi_fail(err, PH_ERR_UNSUPPORTED, src->origin, "%s: %s image; JPEG and PNG are read",
                        src->origin, f->name);
    if (src->n == 0) return phi_fail(err, PH_ERR_FORMAT, src->origin, "%s: empty", src->origin);
    return phi_fail(err, PH_ERR_FORMAT, src->origin, "%s: neither a JPEG nor a PNG image",
                    src->origin);
}

enum ph_status ph_image_decode(const ph_allocator *mem, const void *bytes, size_t n,
                               const char *origin, const ph_image_desc *desc, ph_image **out,
                               ph_error *err)
{
    ph_image_desc decided = desc ? *desc : (ph_image_desc){0};
    phi_image_source src = {bytes, n, origin ? origin : "image", &decided, 0};
    if (!decided.max_pixels) decided.max_pixels = PH_IMAGE_MAX_PIXELS;
    if (decided.channels > 3 || decided.channels == 2)
        return phi_fail(err, PH_ERR_ARG, src.origin, "%s: %zu channels asked for, wanted 1 or 3",
                        src.origin, decided.channels);
    const format *f = find_format(bytes, n);
    if (!f || !f->decode) return no_decoder(f, &src, err);
    ph_image *image = NULL;
    enum ph_status st = f->decode(mem, &src, &image, err);
    if (!st) st = finish(&src, &image, err);
    if (st)
        ph_image_free(image);
    else
        *out = image;
    return st;
}

enum ph_status ph_image_read(const ph_allocator *mem, const char *path, const ph_image_desc *desc,
                             ph_image **out, ph_error *err)
{
    unsigned char *bytes = NULL;
    size_t n = 0;
    enum ph_status st = phi_file_read_limit(mem, path, FILE_MAX_BYTES, &bytes, &n, err);
    if (st) return st;
    st = ph_image_decode(mem, bytes, n, path, desc, out, err);
    phi_free(mem, bytes);
    return st;
}
