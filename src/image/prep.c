/* SPDX-License-Identifier: MIT */
/*
 * Settings of what is done to an image before a network sees it: presets, and what the network's
 * input says about them. (prep_text.c reads and writes them.)
 */
#include "image/image.h"

#include <stdio.h>

/* ImageNet's classifiers since Caffe's: 256 of which 224 are cut. */
#define IMAGENET_MARGIN (256.0 / 224.0)

/* Means and deviations of ImageNet's training images, as in torchvision (docs, "Models and
 * pre-trained weights"); means in bytes, B, G, R, as in the VGG networks' release for Caffe. */
static const struct {
    const char *name;
    ph_image_prep prep;
} presets[] = {
    {"torchvision",
     {.margin = IMAGENET_MARGIN,
      .divisor = 255.0f,
      .mean = {0.485f, 0.456f, 0.406f},
      .std = {0.229f, 0.224f, 0.225f}}},
    {"caffe",
     {.margin = IMAGENET_MARGIN,
      .bgr = true,
      .divisor = 1.0f,
      .mean = {104.0f, 117.0f, 123.0f},
      .std = {1.0f, 1.0f, 1.0f}}},
    {"tf",
     {.margin = IMAGENET_MARGIN,
      .divisor = 127.5f,
      .mean = {1.0f, 1.0f, 1.0f},
      .std = {1.0f, 1.0f, 1.0f}}},
    {"unit", {.margin = 1.0, .divisor = 255.0f, .std = {1.0f, 1.0f, 1.0f}}},
    {"raw", {.margin = 1.0, .divisor = 1.0f, .std = {1.0f, 1.0f, 1.0f}}},
};

const char *ph_image_preset_name(size_t i)
{
    return i < PHI_COUNT(presets) ? presets[i].name : NULL;
}

enum ph_status ph_image_prep_preset(const char *name, ph_image_prep *prep, ph_error *err)
{
    for (size_t i = 0; i < PHI_COUNT(presets); i++)
        if (strcmp(name, presets[i].name) == 0) {
            *prep = presets[i].prep;
            return PH_OK;
        }
    return phi_fail(err, PH_ERR_NOT_FOUND, name,
                    "preset '%s': wanted torchvision, caffe, tf, unit or raw", name);
}

/* --- The network's input ---------------------------------------------------------------------- */

static bool is_channels(int64_t n)
{
    return n == 1 || n == 3;
}

/* Take a dimension of the input for a setting; false if they contradict each other. */
static bool settle(int64_t *setting, int64_t dim)
{
    if (dim < 0) return true;
    if (*setting == 0) *setting = dim;
    return *setting == dim && dim > 0;
}

static bool differs(const float x[3])
{
    return x[0] != x[1] || x[0] != x[2];
}

static enum ph_status input_error(const ph_image_prep *p, size_t rank, const int64_t *dims,
                                  const char *what, ph_error *err)
{
    char text[PH_MAX_RANK * 24 + 8] = "[";
    for (size_t i = 0, used = 1; i < rank && i < PH_MAX_RANK; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", i ? "," : "",
                                 (long long)dims[i]);
    return phi_fail(err, PH_ERR_SHAPE, NULL, "the network's input is %s], -1 being open; %s (%s)",
                    text, what, p->nhwc ? "channels last" : "channels first");
}

enum ph_status ph_image_prep_fit(ph_image_prep *prep, bool find_layout, size_t rank,
                                 const int64_t *dims, ph_error *err)
{
    ph_image_prep p = *prep;
    if (rank != 3 && rank != 4)
        return input_error(&p, rank, dims, "an image has three dimensions, or four with n", err);
    const int64_t *d = dims + (rank - 3);
    if (find_layout) p.nhwc = !is_channels(d[0]) && is_channels(d[2]);
    const int64_t c = p.nhwc ? d[2] : d[0];
    int64_t channels = (int64_t)p.channels;
    if (!settle(&channels, c) || (channels && !is_channels(channels)))
        return input_error(&p, rank, dims, "wanted an image of 1 or 3 channels", err);
    p.channels = channels ? (size_t)channels : 3;
    if (!settle(&p.height, p.nhwc ? d[0] : d[1]) || !settle(&p.width, p.nhwc ? d[1] : d[2]))
        return input_error(&p, rank, dims, "the crop is of another size", err);
    if (p.height == 0 || p.width == 0)
        return input_error(&p, rank, dims, "the size of the crop must be given", err);
    if (p.channels == 1 && (differs(p.mean) || differs(p.std)))
        return input_error(&p, rank, dims, "mean and std are those of three channels", err);
    *prep = p;
    return PH_OK;
}
