/* SPDX-License-Identifier: MIT */
/*
 * JPEG by libjpeg-turbo's classic interface (libjpeg.txt, "Error handling", "Special markers").
 *
 * libjpeg leaves by longjmp: everything that must be given back hangs on one `decoder`, and nothing
 * that lives in a local variable changes between setjmp and longjmp. Its memory manager cannot be
 * replaced by one that asks us, so the memory that an image needs is worked out first, a block of
 * that size is held from our allocator while decoding, and libjpeg is told not to take more for the
 * coefficients of progressive images (max_memory_to_use).
 */
#include "image/image.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <jerror.h>

/* A progressive image needs about ten scans; each one costs a pass over all of it, however few
 * bytes it has. */
#define MAX_SCANS 100

typedef struct decoder {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back a pointer to it */
    jmp_buf leave;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress;
    const ph_allocator *mem;
    phi_image_source *src;
    ph_image *image;
    unsigned char *held; /* stands for libjpeg's own memory */
    uint8_t *line;       /* CMYK: one row; otherwise NULL */
    enum ph_status status;
    char text[JMSG_LENGTH_MAX];
} decoder;

/* --- What libjpeg calls ----------------------------------------------------------------------- */

static enum ph_status status_of(int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        return PH_ERR_NOMEM;
    case JERR_SOF_UNSUPPORTED: /* lossless, hierarchical */
    case JERR_BAD_PRECISION:   /* 12 bits */
    case JERR_CONVERSION_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_NOTIMPL:
    case JERR_EMPTY_IMAGE: /* the height comes later, in a DNL marker */
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return PH_ERR_UNSUPPORTED;
    default:
        return PH_ERR_FORMAT;
    }
}

static void leave(decoder *d, enum ph_status status) __attribute__((noreturn));
static void leave(decoder *d, enum ph_status status)
{
    d->status = status;
    longjmp(d->leave, 1);
}

static void on_error(j_common_ptr jpeg)
{
    decoder *d = (decoder *)jpeg->err;
    d->manager.format_message(jpeg, d->text);
    leave(d, status_of(d->manager.msg_code));
}

/* Level -1 is a warning: the data are corrupt, but libjpeg can go on. Others are for tracing. */
static void on_message(j_common_ptr jpeg, int level)
{
    decoder *d = (decoder *)jpeg->err;
    const int code = d->manager.msg_code;
    if (level >= 0 || d->src->desc->lenient) return;
    if (code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR) return; /* odd, not corrupt */
    d->manager.format_message(jpeg, d->text);
    leave(d, PH_ERR_FORMAT);
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg; /* the library never prints */
}

static void on_progress(j_common_ptr jpeg)
{
    decoder *d = (decoder *)jpeg->err;
    if (d->jpeg.input_scan_number <= MAX_SCANS) return;
    snprintf(d->text, sizeof d->text, "more than %d scans", MAX_SCANS);
    leave(d, PH_ERR_UNSUPPORTED);
}

/* --- Memory ----------------------------------------------------------------------------------- */

static uint64_t div_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/*
 * What libjpeg may take for an image. Coefficients, if they must all be kept: 64 of 2 bytes a
 * block, blocks of each component filled up to whole MCUs. Rows of the upsampler and the two main
 * buffers: up to (2 + 8 + 2) * 4 rows of a component, bytes, sides padded to 64. Tables and
 * markers: 256 KiB.
 */
static uint64_t memory_needed(j_decompress_ptr jpeg)
{
    uint64_t bytes = 256u << 10;
    const bool keeps_all = jpeg_has_multiple_scans(jpeg);
    for (int i = 0; i < jpeg->num_components; i++) {
        const jpeg_component_info *c = &jpeg->comp_info[i];
        const uint64_t h = (uint64_t)c->h_samp_factor, v = (uint64_t)c->v_samp_factor;
        const uint64_t across =
            div_up(jpeg->image_width, 8u * (unsigned)jpeg->max_h_samp_factor) * h;
        const uint64_t down =
            div_up(jpeg->image_height, 8u * (unsigned)jpeg->max_v_samp_factor) * v;
        if (keeps_all) bytes += across * down * 64 * sizeof(JCOEF);
        bytes +=
            48 * ((uint64_t)jpeg->image_width + 8 * across + 128) + across * 64 * sizeof(JCOEF);
    }
    return bytes;
}

/* Hold as much from our allocator as libjpeg will take from the C library. */
static void hold_memory(decoder *d)
{
    const uint64_t bytes = memory_needed(&d->jpeg);
    d->held = bytes <= SIZE_MAX ? phi_alloc(d->mem, (size_t)bytes) : NULL;
    if (!d->held) leave(d, PH_ERR_NOMEM);
    d->jpeg.mem->max_memory_to_use = bytes < LONG_MAX ? (long)bytes : LONG_MAX;
}

/* --- Decoding --------------------------------------------------------------------------------- */

/*
 * libjpeg has come upon an APP1 marker. All bytes are in memory, so that a marker that goes past
 * them is a file cut short. The first that holds EXIF counts; none is kept.
 */
static boolean on_app1(j_decompress_ptr jpeg)
{
    static const char prefix[6] = "Exif\0";
    decoder *d = (decoder *)jpeg->err;
    struct jpeg_source_mgr *in = jpeg->src;
    const unsigned char *at = in->next_input_byte;
    const size_t n = in->bytes_in_buffer < 2 ? 0 : (size_t)at[0] << 8 | at[1];
    if (n < 2 || n > in->bytes_in_buffer) {
        snprintf(d->text, sizeof d->text, "ends within a marker of %zu bytes", n);
        leave(d, PH_ERR_FORMAT);
    }
    if (!d->src->orientation && n - 2 > sizeof prefix && memcmp(at + 2, prefix, sizeof prefix) == 0)
        d->src->orientation = phi_exif_orientation(at + 2 + sizeof prefix, n - 2 - sizeof prefix);
    in->next_input_byte += n;
    in->bytes_in_buffer -= n;
    return TRUE;
}

/* Decide what comes out, before anything is allocated for it. */
static void choose_output(decoder *d)
{
    j_decompress_ptr jpeg = &d->jpeg;
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
        jpeg->out_color_space = JCS_GRAYSCALE;
        return;
    case JCS_RGB:
    case JCS_YCbCr:
        jpeg->out_color_space = JCS_RGB;
        return;
    case JCS_CMYK:
    case JCS_YCCK:
        jpeg->out_color_space = JCS_CMYK;
        return;
    default:
        snprintf(d->text, sizeof d->text, "%d components of unknown colours", jpeg->num_components);
        leave(d, PH_ERR_UNSUPPORTED);
    }
}

/* a * b / 255, rounded, for bytes. */
static unsigned mul_255(unsigned a, unsigned b)
{
    const unsigned t = a * b + 128;
    return (t + (t >> 8)) >> 8;
}

/* CMYK as Adobe stores it, 255 being no ink, to RGB: 255 - K, less its share of C, M, Y. */
static void rgb_of_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t n)
{
    for (size_t i = 0; i < n; i++, cmyk += 4, rgb += 3) {
        const unsigned white = cmyk[3];
        for (int k = 0; k < 3; k++)
            rgb[k] = (uint8_t)(white - mul_255(255u - cmyk[k], white));
    }
}

static void read_rows(decoder *d)
{
    j_decompress_ptr jpeg = &d->jpeg;
    const size_t row_bytes = d->image->w * d->image->c;
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = d->image->pixels + jpeg->output_scanline * row_bytes;
        JSAMPROW row = d->line ? d->line : to;
        if (jpeg_read_scanlines(jpeg, &row, 1) != 1) leave(d, PH_ERR_INTERNAL);
        if (d->line) rgb_of_cmyk(d->line, to, d->image->w);
    }
}

static void decode(decoder *d, phi_image_source *src, ph_error *err)
{
    j_decompress_ptr jpeg = &d->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &d->progress;
    jpeg_mem_src(jpeg, (unsigned char *)(uintptr_t)src->bytes, (unsigned long)src->n); /* reads */
    if (src->desc->exif) jpeg_set_marker_processor(jpeg, JPEG_APP0 + 1, on_app1);
    jpeg_read_header(jpeg, TRUE);
    enum ph_status st = phi_image_limit(src, jpeg->image_width, jpeg->image_height, err);
    if (st) leave(d, st);
    choose_output(d);
    hold_memory(d);
    const size_t w = jpeg->image_width, c = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3;
    st = phi_image_alloc(d->mem, w, jpeg->image_height, c, &d->image, err);
    if (st) leave(d, st);
    if (jpeg->out_color_space == JCS_CMYK) {
        d->line = phi_calloc(d->mem, w, 4);
        if (!d->line) leave(d, PH_ERR_NOMEM);
    }
    jpeg_start_decompress(jpeg);
    read_rows(d);
    jpeg_finish_decompress(jpeg);
}

static enum ph_status report(const decoder *d, ph_error *err)
{
    if (d->status == PH_ERR_NOMEM) return phi_fail_nomem(err);
    if (d->text[0])
        return phi_fail(err, d->status, d->src->origin, "%s: JPEG: %s", d->src->origin, d->text);
    if (d->status == PH_ERR_INTERNAL)
        return phi_fail(err, d->status, d->src->origin, "%s: JPEG: unexpected rows",
                        d->src->origin);
    return d->status; /* said already */
}

enum ph_status phi_jpeg_decode(const ph_allocator *mem, phi_image_source *src, ph_image **out,
                               ph_error *err)
{
    decoder *d = phi_calloc(mem, 1, sizeof *d);
    if (!d) return phi_fail_nomem(err);
    d->mem = mem;
    d->src = src;
    d->jpeg.err = jpeg_std_error(&d->manager);
    d->manager.error_exit = on_error;
    d->manager.emit_message = on_message;
    d->manager.output_message = on_output;
    d->progress.progress_monitor = on_progress;
    if (setjmp(d->leave) == 0) decode(d, src, err);
    const enum ph_status st = d->status ? report(d, err) : PH_OK;
    jpeg_destroy_decompress(&d->jpeg);
    if (st)
        ph_image_free(d->image);
    else
        *out = d->image;
    phi_free(mem, d->line);
    phi_free(mem, d->held);
    phi_free(mem, d);
    return st;
}
