/* SPDX-License-Identifier: MIT */
/* From an image to the input of a network: settings, words, geometry, values; labels; scores. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/base.h"
#include "sweep.h"

/* An image whose pixel says where it is: row in red, column in green, both in blue. */
static ph_image *ruler(int64_t w, int64_t h)
{
    ph_image *image;
    uint8_t *pixels = malloc((size_t)(3 * w * h));
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            pixels[3 * (y * w + x)] = (uint8_t)y;
            pixels[3 * (y * w + x) + 1] = (uint8_t)x;
            pixels[3 * (y * w + x) + 2] = (uint8_t)(100 + x + y);
        }
    assert_int_equal(ph_image_new(NULL, w, h, 3, pixels, &image, NULL), PH_OK);
    free(pixels);
    return image;
}

static ph_image_prep preset(const char *name, int64_t w, int64_t h)
{
    ph_image_prep p;
    assert_int_equal(ph_image_prep_preset(name, &p, NULL), PH_OK);
    p.width = w;
    p.height = h;
    p.channels = 3;
    return p;
}

/* --- Values ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    double divisor, mean[3], std[3];
    int first; /* channel of the image that comes first */
} presets[] = {{"torchvision", 255, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, 0},
               {"caffe", 1, {104, 117, 123}, {1, 1, 1}, 2},
               {"tf", 127.5, {1, 1, 1}, {1, 1, 1}, 0},
               {"unit", 255, {0, 0, 0}, {1, 1, 1}, 0},
               {"raw", 1, {0, 0, 0}, {1, 1, 1}, 0}};

/* Each value against the formula in double; the image is cropped as it is. */
static void test_values(void **state)
{
    ph_image *image = ruler(9, 7);
    float x[3 * 5 * 4];
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(presets); i++)
        for (int how = 0; how < 4; how++) {
            ph_image_prep p = preset(presets[i].name, 5, 4);
            p.no_resize = true;
            p.nhwc = how & 1;
            p.invert = how & 2;
            assert_int_equal(ph_image_prepare(image, &p, PH_FLOAT32, x, NULL), PH_OK);
            for (int c = 0; c < 3; c++)
                for (int r = 0; r < 4; r++)
                    for (int s = 0; s < 5; s++) {
                        /* rows 7 to 4: 1.5 is rounded to 2; columns 9 to 5: 2 */
                        const int from = abs(presets[i].first - c);
                        const int v = from == 0 ? r + 2 : from == 1 ? s + 2 : 100 + r + s + 4;
                        const double wanted =
                            ((p.invert ? 255 - v : v) / presets[i].divisor - presets[i].mean[c]) /
                            presets[i].std[c];
                        const float got = x[p.nhwc ? (r * 5 + s) * 3 + c : (c * 4 + r) * 5 + s];
                        if (fabs((double)got - wanted) > 1e-6 * (1 + fabs(wanted)))
                            fail_msg("%s: %g instead of %g", presets[i].name, (double)got, wanted);
                    }
        }
    ph_image_free(image);
}

static void test_bytes(void **state)
{
    ph_image *image = ruler(4, 4);
    ph_image_prep p = preset("raw", 4, 4);
    uint8_t x[3 * 4 * 4];
    ph_error err = {0};
    (void)state;
    p.bgr = p.nhwc = p.invert = true;
    assert_int_equal(ph_image_prepare(image, &p, PH_UINT8, x, NULL), PH_OK);
    for (int r = 0; r < 4; r++)
        for (int s = 0; s < 4; s++) {
            assert_int_equal(x[3 * (r * 4 + s)], 155 - r - s);
            assert_int_equal(x[3 * (r * 4 + s) + 1], 255 - s);
            assert_int_equal(x[3 * (r * 4 + s) + 2], 255 - r);
        }
    p.mean[2] = 1;
    assert_int_equal(ph_image_prepare(image, &p, PH_UINT8, x, &err), PH_ERR_TYPE);
    assert_int_equal(ph_image_prepare(image, &p, PH_FLOAT16, x, &err), PH_ERR_TYPE);
    ph_image_free(image);
}

/* --- Geometry --------------------------------------------------------------------------------- */

/* Where a crop begins: torchvision's round((size - crop) / 2), halves to even, and what it does to
 * images that are too small. */
static void test_crop_begins(void **state)
{
    static const struct {
        int64_t size, crop, begin;
    } cases[] = {{10, 10, 0}, {10, 9, 0},  {10, 8, 1},   {10, 7, 2},   {10, 5, 2},  {10, 3, 4},
                 {10, 1, 4},  {10, 11, 0}, {10, 12, -1}, {10, 13, -1}, {10, 14, -2}};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        ph_image *image = ruler(cases[i].size, cases[i].size);
        ph_image_prep p = preset("raw", cases[i].crop, cases[i].crop);
        const size_t n = (size_t)(cases[i].crop * cases[i].crop);
        uint8_t *x = malloc(3 * n);
        p.no_resize = true;
        assert_int_equal(ph_image_prepare(image, &p, PH_UINT8, x, NULL), PH_OK);
        for (int64_t r = 0; r < cases[i].crop; r++)
            for (int64_t s = 0; s < cases[i].crop; s++) {
                const int64_t row = r + cases[i].begin, column = s + cases[i].begin;
                const bool inside =
                    row >= 0 && row < cases[i].size && column >= 0 && column < cases[i].size;
                const uint8_t *v = x + r * cases[i].crop + s;
                assert_int_equal(v[0], inside ? row : 0);
                assert_int_equal(v[n], inside ? column : 0);
                assert_int_equal(v[2 * n], inside ? 100 + row + column : 0);
            }
        ph_image_free(image);
        free(x);
    }
}

/* The sides after resizing: with nearest pixels of a ruler the sides can be told from the values.
 */
static void test_sides(void **state)
{
    static const struct {
        int64_t w, h;
        const char *resize;
        int64_t crop, to_w, to_h;
    } cases[] = {{100, 50, "25", 20, 50, 25},    {50, 100, "25", 20, 25, 50},
                 {99, 50, "25", 20, 49, 25},     {50, 50, "25", 25, 25, 25},
                 {100, 50, "30x40", 10, 30, 40}, {100, 50, "none", 20, 100, 50}};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        ph_image *image = ruler(cases[i].w, cases[i].h), *resized, *wanted;
        ph_image_prep p = preset("raw", cases[i].crop, cases[i].crop);
        const size_t bytes = 3 * (size_t)(cases[i].crop * cases[i].crop);
        uint8_t *x = malloc(bytes);
        assert_int_equal(ph_image_prep_set(&p, "resize", cases[i].resize, NULL), PH_OK);
        p.nhwc = true;
        assert_int_equal(ph_image_prepare(image, &p, PH_UINT8, x, NULL), PH_OK);
        assert_int_equal(ph_image_resize(image, cases[i].to_w, cases[i].to_h, PH_FILTER_BILINEAR,
                                         &resized, NULL),
                         PH_OK);
        const int64_t left = (int64_t)nearbyint((double)(cases[i].to_w - cases[i].crop) / 2);
        const int64_t top = (int64_t)nearbyint((double)(cases[i].to_h - cases[i].crop) / 2);
        assert_int_equal(
            ph_image_crop(resized, left, top, cases[i].crop, cases[i].crop, &wanted, NULL), PH_OK);
        assert_memory_equal(x, ph_image_pixels(wanted), bytes);
        ph_image_free(image);
        ph_image_free(resized);
        ph_image_free(wanted);
        free(x);
    }
}

/* 256/224 of the input for ImageNet's presets: the sizes that people write. */
static void test_margin(void **state)
{
    static const struct {
        const char *preset;
        int64_t crop;
        const char *side;
    } cases[] = {{"torchvision", 224, "256"}, {"torchvision", 299, "342"}, {"caffe", 227, "259"},
                 {"tf", 128, "146"},          {"tf", 192, "219"},          {"unit", 28, "28"}};
    char text[160];
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        const ph_image_prep p = preset(cases[i].preset, cases[i].crop, cases[i].crop);
        assert_int_equal(ph_image_prep_get(&p, "resize", text, sizeof text, NULL), PH_OK);
        assert_string_equal(text, cases[i].side);
    }
}

static void test_prepare_refuses(void **state)
{
    ph_image *image = ruler(1, 100);
    ph_image_prep p;
    float x[3];
    (void)state;
#define REFUSED(change, status)                                                                    \
    p = preset("torchvision", 1, 1);                                                               \
    change;                                                                                        \
    assert_int_equal(ph_image_prepare(image, &p, PH_FLOAT32, x, NULL), status)
    REFUSED(p.resize = 1, PH_OK); /* the control */
    REFUSED(p.width = 0, PH_ERR_ARG);
    REFUSED(p.height = -1, PH_ERR_ARG);
    REFUSED(p.channels = 2, PH_ERR_ARG);
    REFUSED(p.resize = -1, PH_ERR_ARG);
    REFUSED(p.margin = 1e9, PH_ERR_ARG);
    REFUSED(p.margin = (double)NAN, PH_ERR_ARG);
    REFUSED(p.filter = (enum ph_filter)9, PH_ERR_ARG);
    REFUSED(p.divisor = 0, PH_ERR_ARG);
    REFUSED(p.std[2] = 0, PH_ERR_ARG);
    REFUSED(p.resize = 1000000, PH_ERR_UNSUPPORTED); /* 10^6 x 10^8 pixels */
#undef REFUSED
    ph_image_free(image);
}

/* --- Words ------------------------------------------------------------------------------------ */

static void test_words(void **state)
{
    static const struct {
        const char *key, *value, *back; /* back NULL: refused */
    } cases[] = {
        {"resize", "256", "256"},
        {"resize", "320x240", "320x240"},
        {"resize", "none", "none"},
        {"resize", "0", NULL},
        {"resize", "x", NULL},
        {"resize", "256x", NULL},
        {"resize", "-1", NULL},
        {"resize", "1048577", NULL},
        {"resize", "99999999999999999999", NULL},
        {"crop", "224", "224x224"},
        {"crop", "320x240", "320x240"},
        {"crop", " 224", NULL},
        {"interpolation", "lanczos", "lanczos"},
        {"interpolation", "nearest", "nearest"},
        {"interpolation", "cubic", NULL},
        {"scale", "1/255", "1/255"},
        {"scale", "0.5", "1/2"},
        {"scale", "1/127.5", "1/127.5"},
        {"scale", "0", NULL},
        {"scale", "1/0", NULL},
        {"scale", "nan", NULL},
        {"scale", "1e-45", NULL},
        {"scale", "1/", NULL},
        {"mean", "0.485,0.456,0.406", "0.485,0.456,0.406"},
        {"mean", "-1", "-1,-1,-1"},
        {"mean", "1,2", NULL},
        {"mean", "1,2,3,4", NULL},
        {"mean", "1,2,", NULL},
        {"mean", "1;2;3", NULL},
        {"mean", "inf", NULL},
        {"mean", "1e99", NULL},
        {"std", "0.1,0.2,0.3", "0.1,0.2,0.3"},
        {"std", "0.1,0,0.3", NULL},
        {"order", "bgr", "bgr"},
        {"order", "grb", NULL},
        {"layout", "nhwc", "nhwc"},
        {"layout", "", NULL},
        {"invert", "true", "true"},
        {"invert", "yes", NULL},
        {"preset", "vgg", NULL},
    };
    char text[160];
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        ph_image_prep p = preset("torchvision", 224, 224);
        const ph_image_prep before = p;
        ph_error err = {0};
        enum ph_status st = ph_image_prep_set(&p, cases[i].key, cases[i].value, &err);
        if ((st == PH_OK) != (cases[i].back != NULL))
            fail_msg("%s '%s': %s %s", cases[i].key, cases[i].value, ph_status_name(st),
                     err.message);
        if (st) {
            assert_int_equal(st, PH_ERR_ARG);
            assert_non_null(strstr(err.message, cases[i].key));
            assert_memory_equal(&p, &before, sizeof p);
            continue;
        }
        assert_int_equal(ph_image_prep_get(&p, cases[i].key, text, sizeof text, NULL), PH_OK);
        assert_string_equal(text, cases[i].back);
    }
    ph_image_prep p = preset("raw", 1, 1);
    assert_int_equal(ph_image_prep_set(&p, "nosuch", "1", NULL), PH_ERR_NOT_FOUND);
    assert_int_equal(ph_image_prep_get(&p, "preset", text, sizeof text, NULL), PH_ERR_NOT_FOUND);
}

/* All settings as words and back: the same bits, also of numbers that have no short form. */
static void test_words_round_trip(void **state)
{
    uint32_t s = 5;
    (void)state;
    for (int round = 0; round < 500; round++) {
        ph_image_prep p = preset(presets[round % 5].name, 1 + round, 500 - round), q = {0};
        char text[160];
        for (int i = 0; i < 3; i++) {
            s = s * 1664525u + 1013904223u;
            p.mean[i] = (float)s / 7e7f - 20.0f;
            p.std[i] = (float)(s >> 3) / 3e9f + 1e-6f;
        }
        p.divisor = (float)(s >> 9) / 1000.0f + 0.1f;
        p.filter = (enum ph_filter)(round % 6);
        p.invert = round % 2;
        p.nhwc = round % 3 == 0;
        if (round % 4 == 1) p.resize = round;
        if (round % 4 == 2) p.no_resize = true;
        assert_int_equal(ph_image_prep_set(&q, "preset", "raw", NULL), PH_OK);
        for (size_t i = 1; ph_image_prep_key(i); i++) {
            assert_int_equal(ph_image_prep_get(&p, ph_image_prep_key(i), text, sizeof text, NULL),
                             PH_OK);
            assert_int_equal(ph_image_prep_set(&q, ph_image_prep_key(i), text, NULL), PH_OK);
        }
        assert_memory_equal(q.mean, p.mean, sizeof p.mean);
        assert_memory_equal(q.std, p.std, sizeof p.std);
        assert_true(q.divisor == p.divisor && q.filter == p.filter && q.bgr == p.bgr &&
                    q.invert == p.invert && q.nhwc == p.nhwc && q.no_resize == p.no_resize &&
                    q.width == p.width && q.height == p.height);
        char side[2][160];
        assert_int_equal(ph_image_prep_get(&p, "resize", side[0], 160, NULL), PH_OK);
        assert_int_equal(ph_image_prep_get(&q, "resize", side[1], 160, NULL), PH_OK);
        assert_string_equal(side[0], side[1]);
    }
}

static void test_preset_keeps_the_size(void **state)
{
    ph_image_prep p = preset("caffe", 12, 34);
    (void)state;
    p.nhwc = true;
    assert_int_equal(ph_image_prep_set(&p, "preset", "tf", NULL), PH_OK);
    assert_true(p.width == 12 && p.height == 34 && p.channels == 3 && p.nhwc && !p.bgr);
    assert_null(ph_image_preset_name(5));
    assert_int_equal(ph_image_prep_preset("nosuch", &p, NULL), PH_ERR_NOT_FOUND);
}

static void test_fit(void **state)
{
    static const struct {
        const char *preset;
        size_t rank;
        int64_t dims[5];
        int64_t crop;
        bool find;
        int64_t w, h; /* 0: refused */
        size_t c;
        bool nhwc;
    } cases[] = {
        {"torchvision", 4, {-1, 3, 224, 320}, 0, true, 320, 224, 3, false},
        {"torchvision", 4, {1, 224, 320, 3}, 0, true, 320, 224, 3, true},
        {"torchvision", 3, {3, 224, 224}, 0, true, 224, 224, 3, false},
        {"torchvision", 4, {-1, 3, -1, -1}, 224, true, 224, 224, 3, false},
        {"torchvision", 4, {-1, -1, -1, 3}, 224, true, 224, 224, 3, true},
        {"torchvision", 4, {-1, -1, -1, -1}, 224, true, 224, 224, 3, false},
        {"torchvision", 4, {-1, 3, -1, -1}, 0, true, 0, 0, 0, false},
        {"torchvision", 4, {-1, 3, 224, 224}, 192, true, 0, 0, 0, false},
        {"torchvision", 4, {-1, 3, 224, 0}, 0, true, 0, 0, 0, false},
        {"torchvision", 4, {-1, 4, 224, 224}, 0, true, 0, 0, 0, false},
        {"torchvision", 4, {-1, 1, 28, 28}, 0, true, 0, 0, 0, false}, /* three means */
        {"unit", 4, {-1, 1, 28, 28}, 0, true, 28, 28, 1, false},
        {"unit", 4, {1, 3, 5, 3}, 0, true, 3, 5, 3, false}, /* either would do: channels first */
        {"unit", 4, {1, 5, 3, 3}, 0, false, 0, 0, 0, false},
        {"unit", 2, {1, 784}, 0, true, 0, 0, 0, false},
        {"unit", 5, {1, 3, 8, 8, 8}, 0, true, 0, 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        ph_image_prep p;
        ph_error err = {0};
        assert_int_equal(ph_image_prep_preset(cases[i].preset, &p, NULL), PH_OK);
        p.width = p.height = cases[i].crop;
        enum ph_status st =
            ph_image_prep_fit(&p, cases[i].find, cases[i].rank, cases[i].dims, &err);
        if (st != (cases[i].w ? PH_OK : PH_ERR_SHAPE)) fail_msg("case %zu: %s", i, err.message);
        if (st) continue;
        if (p.width != cases[i].w || p.height != cases[i].h || p.channels != cases[i].c ||
            p.nhwc != cases[i].nhwc)
            fail_msg("case %zu: %lld x %lld x %zu", i, (long long)p.width, (long long)p.height,
                     p.channels);
    }
}

/* --- Labels ----------------------------------------------------------------------------------- */

static void test_labels(void **state)
{
    static const char plain[] = "cat\r\ndog\n\nn0212 no number\x1b[2J";
    static const char synsets[] = "n02123045 tabby, tabby cat\nn02123159\t tiger cat\nn00000000\n";
    ph_labels *l;
    ph_error err = {0};
    (void)state;
    assert_int_equal(ph_labels_parse(NULL, plain, sizeof plain - 1, &l, NULL), PH_OK);
    assert_int_equal(ph_labels_count(l), 4);
    assert_string_equal(ph_labels_name(l, 0), "cat");
    assert_string_equal(ph_labels_name(l, 2), "");
    assert_string_equal(ph_labels_name(l, 3), "n0212 no number?[2J");
    assert_null(ph_labels_name(l, 4));
    assert_null(ph_labels_synset(l, 0));
    ph_labels_free(l);
    assert_int_equal(ph_labels_parse(NULL, synsets, sizeof synsets - 1, &l, NULL), PH_OK);
    assert_int_equal(ph_labels_count(l), 3);
    assert_string_equal(ph_labels_name(l, 0), "tabby, tabby cat");
    assert_string_equal(ph_labels_synset(l, 0), "n02123045");
    assert_string_equal(ph_labels_name(l, 1), "tiger cat");
    assert_string_equal(ph_labels_name(l, 2), "");
    ph_labels_free(l);
    ph_labels_free(NULL);
    assert_int_equal(ph_labels_parse(NULL, "", 0, &l, &err), PH_ERR_FORMAT);
    assert_int_equal(ph_labels_parse(NULL, "a\0b", 3, &l, &err), PH_ERR_FORMAT);
    assert_int_equal(ph_labels_read(NULL, "nosuch.txt", &l, &err), PH_ERR_NOT_FOUND);
}

static enum ph_status parse_labels(const ph_allocator *mem, void *arg)
{
    ph_labels *l = NULL;
    enum ph_status st = ph_labels_parse(mem, arg, strlen(arg), &l, NULL);
    ph_labels_free(l);
    return st;
}

static void test_labels_out_of_memory(void **state)
{
    char text[] = "one\ntwo\nthree\n";
    (void)state;
    assert_true(sweep(parse_labels, text, 20) >= 4);
}

/* --- Scores ----------------------------------------------------------------------------------- */

/* A network of the named operators, one behind the other; its scores. */
static enum ph_scores scores_of(const char *const *ops, size_t n)
{
    ph_graph *g;
    ph_value v;
    assert_int_equal(ph_graph_new(NULL, "g", &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 2, (int64_t[]){1, 4}, &v, NULL), PH_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ph_graph_add_node(g, ops[i], NULL, 1, &v, 0, NULL, 1, NULL, &v, NULL),
                         PH_OK);
    assert_int_equal(ph_graph_add_output(g, v, NULL), PH_OK);
    const enum ph_scores scores = ph_graph_scores(g, v);
    ph_graph_free(g);
    return scores;
}

static void test_scores(void **state)
{
    (void)state;
    assert_int_equal(scores_of(NULL, 0), PH_SCORES_LOGITS);
    assert_int_equal(scores_of((const char *[]){"Relu"}, 1), PH_SCORES_LOGITS);
    assert_int_equal(scores_of((const char *[]){"Softmax"}, 1), PH_SCORES_PROBABILITIES);
    assert_int_equal(scores_of((const char *[]){"LogSoftmax"}, 1), PH_SCORES_LOG_PROBABILITIES);
    assert_int_equal(scores_of((const char *[]){"Softmax", "Identity", "Flatten"}, 3),
                     PH_SCORES_PROBABILITIES);
    assert_int_equal(scores_of((const char *[]){"Softmax", "Relu"}, 2), PH_SCORES_LOGITS);
    assert_int_equal(scores_of((const char *[]){"Sigmoid", "Identity"}, 2), PH_SCORES_LOGITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_crop_begins),
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_margin),
        cmocka_unit_test(test_prepare_refuses),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_round_trip),
        cmocka_unit_test(test_preset_keeps_the_size),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_labels_out_of_memory),
        cmocka_unit_test(test_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
