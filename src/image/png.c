/* SPDX-License-Identifier: MIT */
/*
 * PNG by libpng (libpng-manual.txt; PNG specification, 3rd edition, www.w3.org/TR/png-3).
 *
 * libpng leaves by longjmp, like libjpeg in jpeg.c. Its memory comes from our allocator. Of the
 * ancillary chunks only eXIf is read, and only if asked for: the others are skipped unseen, so that
 * no compressed text or colour profile can ask for memory; their checksums are compared all the
 * same.
 */
#include "image/image.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>

#include <png.h>

typedef struct decoder {
    jmp_buf leave;
    png_structp png;
    png_infop info;
    const ph_allocator *mem;
    const phi_image_source *src;
    size_t at; /* bytes read */
    ph_image *image;
    bool has_pixels; /* at least a row: what a lenient caller gets */
    bool palette;    /* what is read are numbers of colours, one byte each */
    bool no_memory;
    enum ph_status status;
    char text[196];
} decoder;

/* --- What libpng calls ------------------------------------------------------------------------ */

static void leave(decoder *d, enum ph_status status) __attribute__((noreturn));
static void leave(decoder *d, enum ph_status status)
{
    d->status = status;
    longjmp(d->leave, 1);
}

static void on_error(png_structp png, png_const_charp text)
{
    decoder *d = png_get_error_ptr(png);
    if (!d->text[0]) snprintf(d->text, sizeof d->text, "%s", text);
    leave(d, d->no_memory ? PH_ERR_NOMEM : PH_ERR_FORMAT);
}

/* Warnings are about chunks that we do not use. */
static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    decoder *d = png_get_io_ptr(png);
    if (n > d->src->n - d->at) {
        snprintf(d->text, sizeof d->text, "ends early, after %zu bytes", d->src->n);
        png_error(png, d->text);
    }
    memcpy(to, d->src->bytes + d->at, n);
    d->at += n;
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes)
{
    decoder *d = png_get_mem_ptr(png);
    void *block = phi_alloc(d->mem, bytes);
    if (!block) d->no_memory = true;
    return block;
}

static void on_free(png_structp png, png_voidp block)
{
    const decoder *d = png_get_mem_ptr(png);
    phi_free(d->mem, block);
}

/* --- Decoding --------------------------------------------------------------------------------- */

static void configure(decoder *d)
{
    const ph_image_desc *desc = d->src->desc;
    const int crc = desc->lenient ? PNG_CRC_WARN_USE : PNG_CRC_ERROR_QUIT;
    png_set_read_fn(d->png, d, on_read);
    png_set_user_limits(d->png, INT_MAX, INT_MAX); /* the limit is on pixels, see decode */
    png_set_crc_action(d->png, crc, desc->lenient ? PNG_CRC_WARN_DISCARD : crc);
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* all but tRNS */
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep) "tRNS", 1);
    if (desc->lenient) png_set_compression_buffer_size(d->png, 16); /* lost at the end */
    if (desc->exif)
        png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "eXIf",
                                    1);
}

/* Grey or RGB of 8 bits, or numbers of colours: bytes of a pixel as it is read. */
static size_t choose_output(decoder *d)
{
    const int colour = png_get_color_type(d->png, d->info);
    d->palette = colour == PNG_COLOR_TYPE_PALETTE;
    if (d->palette) png_set_packing(d->png);
    if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(d->png);
    if (png_get_bit_depth(d->png, d->info) == 16) png_set_strip_16(d->png);
    if (colour & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(d->png);
    return colour & PNG_COLOR_MASK_COLOR && !d->palette ? 3 : 1;
}

/*
 * An interlaced image is read in seven passes, each of which fills in some pixels of every row.
 * Numbers of colours are read into the first third of the image.
 */
static void read_rows(decoder *d, int n_passes, size_t pixel_bytes)
{
    const size_t row_bytes = d->image->w * pixel_bytes;
    if (png_get_rowbytes(d->png, d->info) != row_bytes) leave(d, PH_ERR_INTERNAL);
    for (int pass = 0; pass < n_passes; pass++)
        for (size_t y = 0; y < d->image->h; y++) {
            png_read_row(d->png, d->image->pixels + y * row_bytes, NULL);
            d->has_pixels = true;
        }
}

/* Colours for their numbers, from the end on, so that none is overwritten before it is used. Those
 * that the palette does not have are black, and an error unless the caller is lenient. */
static enum ph_status look_up_colours(decoder *d)
{
    png_colorp palette = NULL;
    int n_colours = 0;
    unsigned highest = 0;
    uint8_t *pixels = d->image->pixels;
    png_get_PLTE(d->png, d->info, &palette, &n_colours);
    for (size_t i = d->image->w * d->image->h; i-- > 0;) {
        const unsigned k = pixels[i];
        const png_color none = {0, 0, 0}, colour = k < (unsigned)n_colours ? palette[k] : none;
        if (k > highest) highest = k;
        pixels[3 * i] = colour.red;
        pixels[3 * i + 1] = colour.green;
        pixels[3 * i + 2] = colour.blue;
    }
    if (highest < (unsigned)n_colours || d->src->desc->lenient) return PH_OK;
    snprintf(d->text, sizeof d->text, "a pixel has colour %u of a palette of %d", highest,
             n_colours);
    return PH_ERR_FORMAT;
}

static void find_orientation(decoder *d, phi_image_source *src)
{
    png_uint_32 n = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(d->png, d->info, &n, &exif) && exif)
        src->orientation = phi_exif_orientation(exif, n);
}

static void decode(decoder *d, phi_image_source *src, ph_error *err)
{
    d->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, on_error, on_warning, d, on_alloc,
                                      on_free);
    if (d->png) d->info = png_create_info_struct(d->png);
    if (!d->info) leave(d, PH_ERR_NOMEM);
    configure(d);
    png_read_info(d->png, d->info);
    const size_t w = png_get_image_width(d->png, d->info);
    const size_t h = png_get_image_height(d->png, d->info);
    enum ph_status st = phi_image_limit(src, w, h, err);
    if (st) leave(d, st);
    const size_t pixel_bytes = choose_output(d), c = d->palette ? 3 : pixel_bytes;
    const int n_passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    st = phi_image_alloc(d->mem, w, h, c, &d->image, err);
    if (st) leave(d, st);
    memset(d->image->pixels, 0, w * h * c);
    read_rows(d, n_passes, pixel_bytes);
    png_read_end(d->png, d->info);
    if (src->desc->exif) find_orientation(d, src);
}

static enum ph_status report(const decoder *d, ph_error *err)
{
    if (d->status == PH_ERR_NOMEM) return phi_fail_nomem(err);
    if (d->text[0])
        return phi_fail(err, d->status, d->src->origin, "%s: PNG: %s", d->src->origin, d->text);
    if (d->status == PH_ERR_INTERNAL)
        return phi_fail(err, d->status, d->src->origin, "%s: PNG: unexpected rows", d->src->origin);
    return d->status; /* said already */
}

enum ph_status phi_png_decode(const ph_allocator *mem, phi_image_source *src, ph_image **out,
                              ph_error *err)
{
    decoder *d = phi_calloc(mem, 1, sizeof *d);
    if (!d) return phi_fail_nomem(err);
    d->mem = mem;
    d->src = src;
    if (setjmp(d->leave) == 0) decode(d, src, err);
    if (d->status == PH_ERR_FORMAT && src->desc->lenient && d->has_pixels) d->status = PH_OK;
    if (!d->status && d->palette) d->status = look_up_colours(d);
    if (d->no_memory) d->status = PH_ERR_NOMEM; /* libpng goes on without what it can do without */
    const enum ph_status st = d->status ? report(d, err) : PH_OK;
    png_destroy_read_struct(&d->png, &d->info, NULL);
    if (st)
        ph_image_free(d->image);
    else
        *out = d->image;
    phi_free(mem, d);
    return st;
}
