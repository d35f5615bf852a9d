/* SPDX-License-Identifier: MIT */
#include "fuzz_image.h"

#include <string.h>

enum { SIDE = 8, MAX_PIXELS = 1 << 18 };

static void must_be_prepared(const ph_image *image)
{
    float x[3 * SIDE * SIDE];
    ph_image_prep prep;
    ph_error err = {0};

    fuzz_must(ph_image_prep_preset("torchvision", &prep, &err) == PH_OK, "there is a preset", &err);
    prep.width = prep.height = SIDE;
    prep.channels = 3;
    for (int filter = PH_FILTER_BILINEAR; filter <= PH_FILTER_LANCZOS; filter++) {
        enum ph_status st;
        prep.filter = (enum ph_filter)filter;
        st = ph_image_prepare(image, &prep, PH_FLOAT32, x, &err);
        if (st) fuzz_must_explain(st, &err);
        /* a strip of a pixel's breadth becomes too long */
        fuzz_must(st == PH_OK || st == PH_ERR_NOMEM || st == PH_ERR_UNSUPPORTED,
                  "what was decoded can be prepared", &err);
    }
}

/* NULL: refused, with a reason. */
static ph_image *decoded(const uint8_t *data, size_t size, const ph_image_desc *desc)
{
    ph_image *image = NULL;
    ph_error err = {0};
    enum ph_status st = ph_image_decode(fuzz_memory(), data, size, "fuzz", desc, &image, &err);

    if (st) {
        fuzz_must_explain(st, &err);
        fuzz_must(st == PH_ERR_NOMEM || strstr(err.message, "fuzz"), "a failure says where", &err);
        return NULL;
    }
    const uint64_t w = (uint64_t)ph_image_width(image), h = (uint64_t)ph_image_height(image);
    const size_t c = ph_image_channels(image);
    fuzz_must(w > 0 && h > 0 && w <= desc->max_pixels / h, "the image is within the limit", NULL);
    fuzz_must(desc->channels ? c == desc->channels : c == 1 || c == 3, "channels as promised",
              NULL);
    return image;
}

static void must_be_same(const ph_image *a, const ph_image *b)
{
    const size_t bytes = (size_t)ph_image_width(a) * (size_t)ph_image_height(a);

    fuzz_must(ph_image_width(a) == ph_image_width(b) && ph_image_height(a) == ph_image_height(b) &&
                  ph_image_channels(a) == ph_image_channels(b),
              "lenient or not, the size is the same", NULL);
    fuzz_must(memcmp(ph_image_pixels(a), ph_image_pixels(b), bytes * ph_image_channels(a)) == 0,
              "lenient or not, a whole image is the same", NULL);
}

void fuzz_image(const uint8_t *data, size_t size)
{
    const ph_image_desc strict = {.max_pixels = MAX_PIXELS};
    const ph_image_desc lenient = {.max_pixels = MAX_PIXELS, .lenient = true};
    const ph_image_desc grey = {.channels = 1, .max_pixels = MAX_PIXELS, .exif = true};
    ph_image *whole = decoded(data, size, &strict), *part = decoded(data, size, &lenient);

    if (whole && part) must_be_same(whole, part); /* part is NULL only for want of memory */
    if (part) must_be_prepared(part);
    if (whole) ph_image_free(decoded(data, size, &grey));
    ph_image_free(whole);
    ph_image_free(part);
    fuzz_memory_check();
}
