/* SPDX-License-Identifier: MIT */
/*
 * How images become the input of a network: options of the commands that classify and export, and
 * what a model's metadata say (pinhole.image.KEY, pinhole.labels).
 */
#ifndef PINHOLE_CLI_IMAGE_OPTIONS_H
#define PINHOLE_CLI_IMAGE_OPTIONS_H

#include "options.h"

typedef struct image_options {
    const char *preset, *resize, *crop, *interpolation, *scale, *mean, *std, *order, *layout;
    bool bgr, invert;
    const char *labels; /* a file */
} image_options;

/* The entries of an option table for an image_options `o`. */
#define IMAGE_OPTIONS(o)                                                                           \
    {OPT_TEXT("preset", 'p', &(o).preset, "NAME",                                                  \
              "torchvision, caffe, tf, unit (0 .. 1) or raw\n(0 .. 255)")},                        \
        {OPT_TEXT("resize", 0, &(o).resize, "SIZE",                                                \
                  "shorter side, WxH or none (256/224 of the crop)")},                             \
        {OPT_TEXT("crop", 0, &(o).crop, "SIZE", "side or WxH (the model's)")},                     \
        {OPT_TEXT("interpolation", 0, &(o).interpolation, "FILTER",                                \
                  "bilinear, nearest, box, hamming, bicubic or\nlanczos (bilinear)")},             \
        {OPT_TEXT("scale", 0, &(o).scale, "X", "multiply pixels: 1/255, 0.017, ...")},             \
        {OPT_TEXT("mean", 0, &(o).mean, "X[,Y,Z]", "then subtract, channel by channel")},          \
        {OPT_TEXT("std", 0, &(o).std, "X[,Y,Z]", "then divide by")},                               \
        {OPT_TEXT("order", 0, &(o).order, "ORDER", "of the channels: rgb or bgr")},                \
        {OPT_FLAG("bgr", 0, &(o).bgr, "the same as --order bgr")},                                 \
        {OPT_FLAG("invert", 0, &(o).invert, "255 - x first: dark becomes light")},                 \
        {OPT_TEXT("layout", 0, &(o).layout, "LAYOUT", "nchw or nhwc (by the model's shape)")},     \
    {                                                                                              \
        OPT_TEXT("labels", 'l', &(o).labels, "FILE",                                               \
                 "names of the classes, one a line; synset words,\ntoo (the model's metadata)")    \
    }

/* Is any setting of the preparation given? */
bool image_options_any(const image_options *o);

/* What goes into a network's only input, and how. */
typedef struct image_input {
    ph_image_prep prep;
    ph_value value;
    const char *name;
    enum ph_dtype dtype;
    size_t rank;        /* 3 or 4 */
    bool guessed;       /* neither options nor metadata say anything */
    const char *preset; /* what the settings began with */
} image_input;

/*
 * Settings for the images of `g`, the model `model` in messages: the preset of the options or else
 * of the metadata, the other metadata (unless the preset is the options'), the other options.
 */
int image_input_find(const ph_graph *g, const char *model, const image_options *o, image_input *in);

/* Names of classes: the options' file, the metadata, or NULL. */
int image_labels(const ph_graph *g, const image_options *o, ph_labels **out);

/* Write the settings, and the labels of the options' file, into the metadata of `g`. */
int image_describe(ph_graph *g, const char *model, const image_options *o);

#endif /* PINHOLE_CLI_IMAGE_OPTIONS_H */
