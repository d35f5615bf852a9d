/* SPDX-License-Identifier: MIT */
/* Images: files, conversion, resizing, cropping. Expected pixels are Pillow's, as hashes. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "image/image.h"
#include "sweep.h"

/* FNV-1a, 32 bits. */
static uint32_t hash(const void *bytes, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const uint8_t *)bytes)[i]) * 16777619u;
    return h;
}

static uint32_t hash_of(const ph_image *image)
{
    return hash(image->pixels, image->w * image->h * image->c);
}

/* An image of noise, always the same for its size. */
static ph_image *noise(size_t w, size_t h, size_t c)
{
    ph_image *image;
    uint32_t state = 2013;
    assert_int_equal(phi_image_alloc(NULL, w, h, c, &image, NULL), PH_OK);
    for (size_t i = 0; i < w * h * c; i++) {
        state = state * 1664525u + 1013904223u;
        image->pixels[i] = (uint8_t)(state >> 24);
    }
    return image;
}

/* A file of the repository below tests/: malloced bytes. */
static unsigned char *slurp(const char *name, size_t *n)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/../%s", getenv("PH_TEST_DATA"), name);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = malloc(*n + 1);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    bytes[*n] = 0;
    fclose(f);
    return bytes;
}

static unsigned char *seed(const char *name, size_t *n)
{
    char path[128];
    snprintf(path, sizeof path, "fuzz/corpus/%s", name);
    return slurp(path, n);
}

/* --- Resizing --------------------------------------------------------------------------------- */

static void test_resize_is_pillows(void **state)
{
    /* noise of w x h x c to W x H; hashes by enum ph_filter, of Pillow 13.0 */
    static const struct {
        size_t w, h, c;
        int64_t to_w, to_h;
        uint32_t hash[6];
    } cases[] = {
        // clang-format off
        {31, 17, 3, 16, 9, {0x064f46c9, 0x5ddce507, 0x7f83d0c7, 0xb708bf29, 0x32c1ac1a, 0x93c87189}},
        {31, 17, 1, 16, 9, {0x715941eb, 0x5dcc0e9d, 0xe45636d2, 0x83c11894, 0x1a5c9f62, 0x7748b2b1}},
        {7, 5, 3, 40, 33, {0x4c5abe9a, 0xc8e0f3b7, 0xc8e0f3b7, 0x7d8cfdf3, 0x5e28a316, 0xf57bb709}},
        {64, 48, 3, 21, 48, {0xa9cf9213, 0x611cd307, 0x1fa2a1cf, 0x7a5fb102, 0x33951dd5, 0xbce275b1}},
        {64, 48, 1, 64, 20, {0x48f56170, 0x6d3da5d1, 0x4bb9b15c, 0x003d654b, 0x18fb23b1, 0xab991881}},
        {40, 90, 3, 38, 30, {0x8ac25d16, 0x413cbf1d, 0xcfb3d348, 0x54d6e888, 0x8f365854, 0x6087cca5}},
        {40, 90, 3, 20, 50, {0xe690a3a5, 0x8fe6a298, 0xba242e9b, 0x3c5cf454, 0xcee9a049, 0x0820b679}},
        {1, 1, 3, 5, 4, {0x12529bcd, 0x12529bcd, 0x12529bcd, 0x12529bcd, 0x12529bcd, 0x12529bcd}},
        {97, 3, 1, 1, 1, {0xfc0c4ef4, 0xdb0c1b01, 0xfe0c521a, 0xfc0c4ef4, 0xff0c53ad, 0xff0c53ad}},
        {53, 53, 3, 224, 224, {0x4a633ab9, 0x7ff4d2e1, 0x7ff4d2e1, 0xd50cf444, 0xb0e3cf3e, 0x2dd644ec}},
        // clang-format on
    };
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        ph_image *x = noise(cases[i].w, cases[i].h, cases[i].c), *y;
        for (int f = 0; f < 6; f++) {
            assert_int_equal(
                ph_image_resize(x, cases[i].to_w, cases[i].to_h, (enum ph_filter)f, &y, NULL),
                PH_OK);
            assert_int_equal(ph_image_width(y), cases[i].to_w);
            assert_int_equal(ph_image_height(y), cases[i].to_h);
            assert_int_equal(ph_image_channels(y), cases[i].c);
            if (hash_of(y) != cases[i].hash[f])
                fail_msg("case %zu, %s: not Pillow's pixels", i, ph_filter_name((enum ph_filter)f));
            ph_image_free(y);
        }
        ph_image_free(x);
    }
}

/* A part is the same pixels as the part of the whole, in either order of passes. */
static void test_resize_part(void **state)
{
    static const struct {
        size_t w, h, to_w, to_h;
        phi_box box;
    } cases[] = {{60, 40, 30, 20, {5, 3, 11, 7}},    {60, 40, 90, 80, {0, 79, 90, 1}},
                 {30, 95, 28, 20, {27, 0, 1, 20}},   {30, 95, 30, 20, {4, 5, 6, 7}},
                 {60, 40, 25, 40, {24, 39, 1, 1}},   {60, 40, 60, 40, {1, 2, 3, 4}},
                 {2000, 2, 700, 3, {350, 1, 350, 2}}};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++)
        for (int f = 0; f < 6; f++) {
            const phi_box b = cases[i].box;
            ph_image *x = noise(cases[i].w, cases[i].h, i % 2 ? 1 : 3), *whole, *part, *cut;
            assert_int_equal(ph_image_resize(x, (int64_t)cases[i].to_w, (int64_t)cases[i].to_h,
                                             (enum ph_filter)f, &whole, NULL),
                             PH_OK);
            assert_int_equal(phi_image_resize_part(x, cases[i].to_w, cases[i].to_h,
                                                   (enum ph_filter)f, &b, &part, NULL),
                             PH_OK);
            assert_int_equal(ph_image_crop(whole, (int64_t)b.x, (int64_t)b.y, (int64_t)b.w,
                                           (int64_t)b.h, &cut, NULL),
                             PH_OK);
            assert_int_equal(part->w, b.w);
            assert_int_equal(part->h, b.h);
            assert_memory_equal(part->pixels, cut->pixels, b.w * b.h * part->c);
            ph_image_free(x);
            ph_image_free(whole);
            ph_image_free(part);
            ph_image_free(cut);
        }
}

static void test_resize_refuses(void **state)
{
    ph_image *x = noise(4, 4, 1), *y;
    ph_error err = {0};
    (void)state;
    assert_int_equal(ph_image_resize(x, 0, 4, PH_FILTER_BOX, &y, &err), PH_ERR_ARG);
    assert_int_equal(ph_image_resize(x, 4, -1, PH_FILTER_BOX, &y, &err), PH_ERR_ARG);
    assert_int_equal(ph_image_resize(x, 4, 4, (enum ph_filter)6, &y, &err), PH_ERR_ARG);
    assert_null(ph_filter_name((enum ph_filter)6));
    ph_image_free(x);
}

/* --- Conversion, cropping --------------------------------------------------------------------- */

static void test_convert(void **state)
{
    static const uint8_t rgb[12] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
    ph_image *x, *grey, *again;
    (void)state;
    assert_int_equal(ph_image_new(NULL, 2, 2, 3, rgb, &x, NULL), PH_OK);
    assert_int_equal(ph_image_convert(x, 1, &grey, NULL), PH_OK);
    /* 0.299, 0.587, 0.114 of 255: 76.2, 149.7, 29.1 */
    assert_memory_equal(ph_image_pixels(grey), ((uint8_t[]){76, 150, 29, 255}), 4);
    assert_int_equal(ph_image_convert(grey, 3, &again, NULL), PH_OK);
    assert_memory_equal(ph_image_pixels(again),
                        ((uint8_t[]){76, 76, 76, 150, 150, 150, 29, 29, 29, 255, 255, 255}), 12);
    ph_image_free(again);
    assert_int_equal(ph_image_convert(x, 3, &again, NULL), PH_OK);
    assert_memory_equal(ph_image_pixels(again), rgb, 12);
    ph_image_free(again);
    assert_int_equal(ph_image_convert(x, 2, &again, NULL), PH_ERR_ARG);
    assert_int_equal(ph_image_new(NULL, 0, 2, 3, NULL, &again, NULL), PH_ERR_ARG);
    assert_int_equal(ph_image_new(NULL, 2, 2, 4, NULL, &again, NULL), PH_ERR_ARG);
    assert_int_equal(ph_image_new(NULL, INT64_MAX, 2, 1, NULL, &again, NULL), PH_ERR_ARG);
    ph_image_free(x);
    ph_image_free(grey);
    ph_image_free(NULL);
}

/* Each pixel of a crop is the image's, or black where there is none. */
static void test_crop(void **state)
{
    ph_image *x = noise(5, 4, 3), *y;
    (void)state;
    for (int64_t left = -7; left <= 6; left++)
        for (int64_t top = -6; top <= 5; top++)
            for (int64_t w = 1; w <= 9; w += 4) {
                const int64_t h = 10 - w;
                assert_int_equal(ph_image_crop(x, left, top, w, h, &y, NULL), PH_OK);
                for (int64_t i = 0; i < h; i++)
                    for (int64_t k = 0; k < w; k++) {
                        const int64_t sx = left + k, sy = top + i;
                        const bool inside = sx >= 0 && sx < 5 && sy >= 0 && sy < 4;
                        for (int64_t c = 0; c < 3; c++)
                            assert_int_equal(y->pixels[(i * w + k) * 3 + c],
                                             inside ? x->pixels[(sy * 5 + sx) * 3 + c] : 0);
                    }
                ph_image_free(y);
            }
    assert_int_equal(ph_image_crop(x, 0, 0, 0, 1, &y, NULL), PH_ERR_ARG);
    assert_int_equal(ph_image_crop(x, INT64_MAX, 0, 1, 1, &y, NULL), PH_ERR_ARG);
    assert_int_equal(ph_image_crop(x, 0, INT64_MIN, 1, 1, &y, NULL), PH_ERR_ARG);
    ph_image_free(x);
}

/* --- EXIF ------------------------------------------------------------------------------------- */

static void test_exif_reader(void **state)
{
    static const unsigned char big[] = "MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x02"
                                       "ab\0\0\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    static const unsigned char little[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0";
    unsigned char spoilt[sizeof big];
    (void)state;
    assert_int_equal(phi_exif_orientation(big, sizeof big - 1), 6);
    assert_int_equal(phi_exif_orientation(little, sizeof little - 1), 8);
    /* cut anywhere, or with any byte changed: a number that makes sense, and no read behind it */
    for (size_t n = 0; n < sizeof big; n++) {
        unsigned char *cut = malloc(n ? n : 1);
        memcpy(cut, big, n);
        const unsigned o = phi_exif_orientation(cut, n);
        assert_true(o == 1 || (o == 6 && n >= 34));
        free(cut);
    }
    for (size_t i = 0; i < sizeof big - 1; i++)
        for (unsigned v = 0; v < 256; v++) {
            memcpy(spoilt, big, sizeof big);
            spoilt[i] = (unsigned char)v;
            const unsigned o = phi_exif_orientation(spoilt, sizeof big - 1);
            assert_in_range(o, 1, 8);
        }
}

/* Every orientation and the one that undoes it give the image back. */
static void test_orient(void **state)
{
    static const unsigned inverse[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    ph_image *x = noise(7, 4, 3), *y, *z;
    (void)state;
    for (unsigned o = 1; o <= 8; o++) {
        assert_int_equal(phi_image_orient(x, o, &y, NULL), PH_OK);
        assert_int_equal(y->w, o < 5 ? 7 : 4);
        if (o > 1) assert_memory_not_equal(y->pixels, x->pixels, 7 * 4 * 3);
        assert_int_equal(phi_image_orient(y, inverse[o], &z, NULL), PH_OK);
        assert_memory_equal(z->pixels, x->pixels, 7 * 4 * 3);
        ph_image_free(y);
        ph_image_free(z);
    }
    /* 6: to be turned clockwise; the upper left pixel goes to the upper right */
    assert_int_equal(phi_image_orient(x, 6, &y, NULL), PH_OK);
    assert_memory_equal(y->pixels + 3 * 3, x->pixels, 3);
    ph_image_free(y);
    ph_image_free(x);
}

/* --- Files ------------------------------------------------------------------------------------ */

static void check_file(const char *name, const char *wanted)
{
    size_t n;
    unsigned char *bytes = seed(name, &n);
    ph_image *image = NULL;
    ph_error err = {0};
    char got[64];
    enum ph_status st = ph_image_decode(NULL, bytes, n, name, NULL, &image, &err);
    if (st)
        snprintf(got, sizeof got, "%s", ph_status_name(st));
    else
        snprintf(got, sizeof got, "%zu %zu %zu %08x", image->c, image->w, image->h, hash_of(image));
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: %s (%s), wanted %s", name, got, err.message, wanted);
    if (st && strncmp(err.message, name, strlen(name)) != 0)
        fail_msg("no file in '%s'", err.message);
    ph_image_free(image);
    free(bytes);
}

/* tests/data/images.txt lists the seeds of the fuzz targets: Pillow's pixels, or why it is refused.
 */
static void test_files(void **state)
{
    size_t n, count = 0;
    char *list = (char *)slurp("data/images.txt", &n), *line, *rest = list;
    (void)state;
    while ((line = strsep(&rest, "\n")) != NULL && *line) {
        char *wanted = line;
        const char *name = strsep(&wanted, " ");
        check_file(name, wanted);
        count++;
    }
    assert_true(count > 50);
    free(list);
}

static void test_settings(void **state)
{
    static const struct {
        const char *name;
        ph_image_desc desc;
        const char *wanted; /* channels, width, height, or a status */
    } cases[] = {
        {"jpeg/420.jpg", {.channels = 1}, "1 18 13"},
        {"jpeg/grey.jpg", {.channels = 3}, "3 18 13"},
        {"jpeg/exif6.jpg", {.exif = true}, "3 13 18"},
        {"jpeg/exif3.jpg", {.exif = true}, "3 18 13"},
        {"png/exif.png", {.exif = true, .channels = 3}, "3 5 7"},
        {"jpeg/cut.jpg", {.lenient = true}, "3 18 13"},
        {"jpeg/no_end.jpg", {.lenient = true}, "3 18 13"},
        {"jpeg/extraneous.jpg", {.lenient = true}, "3 18 13"},
        {"png/no_end.png", {.lenient = true}, "1 7 5"},
        {"png/bad_palette.png", {.lenient = true}, "3 7 5"},
        {"png/cut.png", {.lenient = true}, "1 7 5"},
        {"png/bad_data.png", {.lenient = true}, "PH_ERR_FORMAT"}, /* not a pixel */
        {"jpeg/cut_in_header.jpg", {.lenient = true}, "PH_ERR_FORMAT"},
        {"jpeg/420.jpg", {.max_pixels = 234}, "3 18 13"},
        {"jpeg/420.jpg", {.max_pixels = 233}, "PH_ERR_UNSUPPORTED"},
        {"png/trns.png", {.max_pixels = 34}, "PH_ERR_UNSUPPORTED"},
        {"png/trns.png", {.channels = 2}, "PH_ERR_ARG"},
        {"png/trns.png", {.channels = 4}, "PH_ERR_ARG"},
    };
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        size_t n;
        unsigned char *bytes = seed(cases[i].name, &n);
        ph_image *image = NULL;
        ph_error err = {0};
        char got[64];
        enum ph_status st = ph_image_decode(NULL, bytes, n, NULL, &cases[i].desc, &image, &err);
        snprintf(got, sizeof got, "%s", ph_status_name(st));
        if (!st) snprintf(got, sizeof got, "%zu %zu %zu", image->c, image->w, image->h);
        if (strcmp(got, cases[i].wanted) != 0)
            fail_msg("case %zu, %s: %s (%s)", i, cases[i].name, got, err.message);
        ph_image_free(image);
        free(bytes);
    }
}

static void test_other_formats(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum ph_status status;
        const char *word;
    } cases[] = {{"", 0, PH_ERR_FORMAT, "empty"},
                 {"\xff\xd8", 2, PH_ERR_FORMAT, "neither"},
                 {"<html>", 6, PH_ERR_FORMAT, "neither"},
                 {"GIF89a....", 10, PH_ERR_UNSUPPORTED, "GIF"},
                 {"RIFF\0\0\0\0WEBPVP8 ", 16, PH_ERR_UNSUPPORTED, "WebP"},
                 {"BM......", 8, PH_ERR_UNSUPPORTED, "BMP"},
                 {"II*\0....", 8, PH_ERR_UNSUPPORTED, "TIFF"}};
    ph_image *image;
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        ph_error err = {0};
        assert_int_equal(ph_image_decode(NULL, cases[i].bytes, cases[i].n, "x", NULL, &image, &err),
                         cases[i].status);
        assert_non_null(strstr(err.message, cases[i].word));
    }
    assert_int_equal(ph_image_read(NULL, "nosuch.png", NULL, &image, NULL), PH_ERR_NOT_FOUND);
    assert_int_equal(ph_image_read(NULL, ".", NULL, &image, NULL), PH_ERR_IO);
}

/* A file that ends anywhere is refused; lenient, it gives all of its size or an error. */
static void test_truncations(void **state)
{
    static const char *const names[] = {"jpeg/420.jpg", "jpeg/progressive.jpg", "jpeg/cmyk.jpg",
                                        "png/colour2_8bit_interlaced.png", "png/colour3_4bit.png"};
    const ph_image_desc lenient = {.lenient = true, .exif = true};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(names); i++) {
        size_t n;
        unsigned char *bytes = seed(names[i], &n);
        for (size_t k = 0; k < n; k++) {
            unsigned char *cut = malloc(k ? k : 1);
            ph_image *image = NULL;
            memcpy(cut, bytes, k);
            if (ph_image_decode(NULL, cut, k, "x", NULL, &image, NULL) != PH_ERR_FORMAT)
                fail_msg("%s, %zu of %zu bytes", names[i], k, n);
            if (ph_image_decode(NULL, cut, k, "x", &lenient, &image, NULL) == PH_OK) {
                assert_true(image->w == (names[i][0] == 'j' ? 18 : 7));
                ph_image_free(image);
            }
            free(cut);
        }
        free(bytes);
    }
}

/* Any bit may flip: an error with words, or an image. */
static void test_flipped_bits(void **state)
{
    static const char *const names[] = {"jpeg/420.jpg", "jpeg/exif6.jpg", "png/trns.png"};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(names); i++) {
        size_t n;
        unsigned char *bytes = seed(names[i], &n);
        const ph_image_desc desc = {.max_pixels = 1 << 16, .exif = true, .lenient = true};
        for (size_t bit = 0; bit < 8 * n; bit += names[i][0] == 'j' ? 7 : 1) {
            ph_image *image = NULL;
            ph_error err = {0};
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (ph_image_decode(NULL, bytes, n, "x", &desc, &image, &err) == PH_OK)
                ph_image_free(image);
            else
                assert_true(err.message[0] && err.status != PH_ERR_INTERNAL);
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        free(bytes);
    }
}

/* --- Memory ----------------------------------------------------------------------------------- */

typedef struct job {
    unsigned char *bytes;
    size_t n;
} job;

static enum ph_status decode_and_prepare(const ph_allocator *mem, void *arg)
{
    const job *j = arg;
    const ph_image_desc desc = {.exif = true};
    ph_image *image = NULL;
    ph_image_prep prep;
    float x[3 * 6 * 6];
    enum ph_status st = ph_image_decode(mem, j->bytes, j->n, "x", &desc, &image, NULL);
    if (!st) st = ph_image_prep_preset("torchvision", &prep, NULL);
    prep.width = prep.height = 6;
    prep.channels = 3;
    if (!st) st = ph_image_prepare(image, &prep, PH_FLOAT32, x, NULL);
    ph_image_free(image);
    return st;
}

static void test_out_of_memory(void **state)
{
    static const char *const names[] = {"jpeg/progressive.jpg", "jpeg/cmyk.jpg", "jpeg/exif6.jpg",
                                        "png/colour3_2bit_interlaced.png", "png/exif.png"};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(names); i++) {
        job j;
        j.bytes = seed(names[i], &j.n);
        assert_true(sweep(decode_and_prepare, &j, 200) >= 8);
        free(j.bytes);
    }
}

/* What libjpeg takes for itself is asked of the budget, too: coefficients of a progressive image.
 */
static void test_budget(void **state)
{
    size_t n;
    unsigned char *bytes = seed("jpeg/progressive.jpg", &n);
    ph_budget *small, *large;
    ph_image *image;
    (void)state;
    assert_int_equal(ph_budget_new(NULL, 128u << 10, &small, NULL), PH_OK);
    assert_int_equal(ph_budget_new(NULL, 1u << 20, &large, NULL), PH_OK);
    assert_int_equal(ph_image_decode(ph_budget_allocator(small), bytes, n, "x", NULL, &image, NULL),
                     PH_ERR_NOMEM);
    assert_int_equal(ph_image_decode(ph_budget_allocator(large), bytes, n, "x", NULL, &image, NULL),
                     PH_OK);
    /* 3 x 2 blocks of luma, filled up to 4 x 2, and 2 x 1 of each colour, 128 bytes a block */
    assert_true(ph_budget_peak(large) >= (8 + 2 + 2) * 128 + 18 * 13 * 3);
    ph_image_free(image);
    assert_int_equal(ph_budget_used(large), 0);
    ph_budget_free(small);
    ph_budget_free(large);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_is_pillows),
        cmocka_unit_test(test_resize_part),
        cmocka_unit_test(test_resize_refuses),
        cmocka_unit_test(test_convert),
        cmocka_unit_test(test_crop),
        cmocka_unit_test(test_exif_reader),
        cmocka_unit_test(test_orient),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
