/* SPDX-License-Identifier: MIT */
/*
 * Settings of preparation as words: the keys of metadata pinhole.image.KEY and of the program's
 * options. What _get writes, _set reads back to the same bits.
 */
#include "image/image.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#define SIDE_MAX ((int64_t)1 << 20)

/* --- Numbers ---------------------------------------------------------------------------------- */

/* A decimal number in the C locale at *text, which moves behind it. */
static bool parse_float(const char **text, float *out)
{
    char *end;
    const char c = **text == '-' ? (*text)[1] : **text;
    if (c != '.' && (c < '0' || c > '9')) return false; /* no spaces, nan, inf */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return false;
    *out = strtof_l(*text, &end, plain);
    freelocale(plain);
    if (end == *text || !isfinite(*out)) return false;
    *text = end;
    return true;
}

static bool parse_side(const char **text, int64_t *out)
{
    int64_t n = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9'; at++) {
        n = 10 * n + (*at - '0');
        if (n > SIDE_MAX) return false;
    }
    if (at == *text || n == 0) return false;
    *text = at;
    *out = n;
    return true;
}

bool phi_prep_parse_size(const char *text, int64_t *width, int64_t *height)
{
    if (!parse_side(&text, width)) return false;
    *height = *width;
    if (*text == 'x') {
        text++;
        if (!parse_side(&text, height)) return false;
    }
    return *text == 0;
}

/* One number for all channels, or three. */
static bool parse_three(const char *text, float out[3])
{
    if (!parse_float(&text, &out[0])) return false;
    out[1] = out[2] = out[0];
    for (int i = 1; i < 3 && *text; i++) {
        if (*text++ != ',' || !parse_float(&text, &out[i])) return false;
        if (i == 1 && *text == 0) return false; /* two */
    }
    return *text == 0;
}

/* 0x1.8p+1f and the like read back exactly, but nobody likes to see them: as few digits as do. */
static void print_float(float x, char text[24])
{
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, 24, "%.*g", digits, (double)x);
        for (char *c = text; *c; c++)
            if (*c == ',') *c = '.'; /* the locale's point */
        const char *at = text;
        float back;
        if (parse_float(&at, &back) && back == x) return;
    }
}

/* --- Keys: each reads and writes its text ----------------------------------------------------- */

static bool set_preset(ph_image_prep *p, const char *text)
{
    ph_image_prep preset;
    if (ph_image_prep_preset(text, &preset, NULL)) return false;
    preset.width = p->width;
    preset.height = p->height;
    preset.channels = p->channels;
    preset.nhwc = p->nhwc;
    *p = preset;
    return true;
}

static bool set_resize(ph_image_prep *p, const char *text)
{
    int64_t w = 0, h = 0;
    const bool none = strcmp(text, "none") == 0;
    if (!none && !phi_prep_parse_size(text, &w, &h)) return false;
    const bool exact = strchr(text, 'x') != NULL;
    p->no_resize = none;
    p->resize = exact ? 0 : w;
    p->resize_width = exact ? w : 0;
    p->resize_height = exact ? h : 0;
    return true;
}

static void get_resize(const ph_image_prep *p, char *text, size_t n)
{
    if (p->no_resize) {
        snprintf(text, n, "none");
    } else if (p->resize_width && p->resize_height) {
        snprintf(text, n, "%" PRId64 "x%" PRId64, p->resize_width, p->resize_height);
    } else {
        snprintf(text, n, "%" PRId64, phi_prep_short_side(p));
    }
}

static bool set_crop(ph_image_prep *p, const char *text)
{
    return phi_prep_parse_size(text, &p->width, &p->height);
}

static void get_crop(const ph_image_prep *p, char *text, size_t n)
{
    snprintf(text, n, "%" PRId64 "x%" PRId64, p->width, p->height);
}

static bool set_interpolation(ph_image_prep *p, const char *text)
{
    for (int f = 0; ph_filter_name((enum ph_filter)f); f++)
        if (strcmp(text, ph_filter_name((enum ph_filter)f)) == 0) {
            p->filter = (enum ph_filter)f;
            return true;
        }
    return false;
}

static void get_interpolation(const ph_image_prep *p, char *text, size_t n)
{
    snprintf(text, n, "%s", ph_filter_name(p->filter));
}

static bool set_scale(ph_image_prep *p, const char *text)
{
    float number;
    const bool divides = strncmp(text, "1/", 2) == 0;
    if (divides) text += 2;
    if (!parse_float(&text, &number) || *text || number == 0.0f) return false;
    const float divisor = divides ? number : 1.0f / number;
    if (!isfinite(divisor)) return false;
    p->divisor = divisor;
    return true;
}

static void get_scale(const ph_image_prep *p, char *text, size_t n)
{
    char number[24];
    print_float(p->divisor, number);
    snprintf(text, n, "1/%s", number);
}

static bool set_mean(ph_image_prep *p, const char *text)
{
    return parse_three(text, p->mean);
}

static bool set_std(ph_image_prep *p, const char *text)
{
    return parse_three(text, p->std) && p->std[0] != 0.0f && p->std[1] != 0.0f && p->std[2] != 0.0f;
}

static void get_three(const float x[3], char *text, size_t n)
{
    char number[3][24];
    for (int i = 0; i < 3; i++)
        print_float(x[i], number[i]);
    snprintf(text, n, "%s,%s,%s", number[0], number[1], number[2]);
}

static void get_mean(const ph_image_prep *p, char *text, size_t n)
{
    get_three(p->mean, text, n);
}

static void get_std(const ph_image_prep *p, char *text, size_t n)
{
    get_three(p->std, text, n);
}

/* A setting of two words. */
static bool parse_word(const char *text, const char *no, const char *yes, bool *out)
{
    if (strcmp(text, no) != 0 && strcmp(text, yes) != 0) return false;
    *out = strcmp(text, yes) == 0;
    return true;
}

static bool set_order(ph_image_prep *p, const char *text)
{
    return parse_word(text, "rgb", "bgr", &p->bgr);
}

static void get_order(const ph_image_prep *p, char *text, size_t n)
{
    snprintf(text, n, "%s", p->bgr ? "bgr" : "rgb");
}

static bool set_layout(ph_image_prep *p, const char *text)
{
    return parse_word(text, "nchw", "nhwc", &p->nhwc);
}

static void get_layout(const ph_image_prep *p, char *text, size_t n)
{
    snprintf(text, n, "%s", p->nhwc ? "nhwc" : "nchw");
}

static bool set_invert(ph_image_prep *p, const char *text)
{
    return parse_word(text, "false", "true", &p->invert);
}

static void get_invert(const ph_image_prep *p, char *text, size_t n)
{
    snprintf(text, n, "%s", p->invert ? "true" : "false");
}

// clang-format off
static const struct {
    const char *name;
    bool (*set)(ph_image_prep *p, const char *text);
    void (*get)(const ph_image_prep *p, char *text, size_t n);
    const char *wanted;
} keys[] = {
    {"preset", set_preset, NULL, "torchvision, caffe, tf, unit or raw"},
    {"resize", set_resize, get_resize, "'256' (the shorter side), '320x240' or 'none'"},
    {"crop", set_crop, get_crop, "'224' or '320x240'"},
    {"interpolation", set_interpolation, get_interpolation,
     "bilinear, nearest, box, hamming, bicubic or lanczos"},
    {"scale", set_scale, get_scale, "'1/255' or a number such as '0.017', not 0"},
    {"mean", set_mean, get_mean, "one number, or three with commas between"},
    {"std", set_std, get_std, "one number, or three with commas between, none of them 0"},
    {"order", set_order, get_order, "rgb or bgr"},
    {"layout", set_layout, get_layout, "nchw or nhwc"},
    {"invert", set_invert, get_invert, "true or false"},
};
// clang-format on

const char *ph_image_prep_key(size_t i)
{
    return i < PHI_COUNT(keys) ? keys[i].name : NULL;
}

static enum ph_status no_key(const char *key, ph_error *err)
{
    return phi_fail(err, PH_ERR_NOT_FOUND, key, "image setting '%s': there is none", key);
}

enum ph_status ph_image_prep_set(ph_image_prep *prep, const char *key, const char *value,
                                 ph_error *err)
{
    for (size_t i = 0; i < PHI_COUNT(keys); i++) {
        if (strcmp(key, keys[i].name) != 0) continue;
        ph_image_prep changed = *prep;
        if (!keys[i].set(&changed, value))
            return phi_fail(err, PH_ERR_ARG, key, "image setting '%s': '%s', wanted %s", key, value,
                            keys[i].wanted);
        *prep = changed;
        return PH_OK;
    }
    return no_key(key, err);
}

enum ph_status ph_image_prep_get(const ph_image_prep *prep, const char *key, char *text,
                                 size_t bytes, ph_error *err)
{
    for (size_t i = 0; i < PHI_COUNT(keys); i++)
        if (keys[i].get && strcmp(key, keys[i].name) == 0) {
            keys[i].get(prep, text, bytes);
            return PH_OK;
        }
    return no_key(key, err);
}
