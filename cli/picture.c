/* SPDX-License-Identifier: MIT */
/*
 * Drawing: an image is averaged down to the pixels that the terminal has for it, then written row
 * by row. A cell is about twice as high as wide, so it stands for two pixels, one above the other.
 */
#include "picture.h"

#include <math.h>
#include <string.h>

/* Columns of a picture; characters resolve less than half blocks, so that they need more room. */
enum { BLOCK_WIDTH = 18, RAMP_WIDTH = 24, GAP = 2, MAX_ACROSS = 4, MAX_HEIGHT = 2 * RAMP_WIDTH };

typedef struct rgb {
    uint8_t r, g, b;
} rgb;

typedef struct thumbnail {
    int w, h;                           /* pixels; h is even */
    rgb pixels[MAX_HEIGHT][RAMP_WIDTH]; /* [h,w] */
} thumbnail;

/* --- Scaling -------------------------------------------------------------------------------- */

/* Mean of channel `c` over the source rectangle [y0,y1) x [x0,x1), with fractions of pixels. */
static double box_mean(const picture *p, int64_t c, double y0, double y1, double x0, double x1)
{
    const uint8_t *plane = p->pixels + c * p->h * p->w;
    double sum = 0.0;
    for (int64_t y = (int64_t)y0; y < p->h && (double)y < y1; y++) {
        double dy = fmin(y1, (double)y + 1.0) - fmax(y0, (double)y);
        for (int64_t x = (int64_t)x0; x < p->w && (double)x < x1; x++) {
            double dx = fmin(x1, (double)x + 1.0) - fmax(x0, (double)x);
            sum += dy * dx * plane[y * p->w + x];
        }
    }
    return sum / ((y1 - y0) * (x1 - x0));
}

static void shrink(const picture *p, int width, thumbnail *t)
{
    double height = (double)width * (double)p->h / (double)p->w;
    t->w = width;
    t->h = 2 * (int)lround(0.5 * fmin(fmax(height, 2.0), 2.0 * width));
    double sy = (double)p->h / t->h, sx = (double)p->w / t->w;
    for (int y = 0; y < t->h; y++) {
        for (int x = 0; x < t->w; x++) {
            uint8_t v[3];
            for (int64_t k = 0; k < 3; k++) { /* fewer than three channels: grey */
                double mean =
                    box_mean(p, p->c >= 3 ? k : 0, y * sy, (y + 1) * sy, x * sx, (x + 1) * sx);
                v[k] = (uint8_t)lround(fmin(fmax(mean, 0.0), 255.0));
            }
            t->pixels[y][x] = (rgb){v[0], v[1], v[2]};
        }
    }
}

/* --- Cells ---------------------------------------------------------------------------------- */

/* The nearest of xterm's 24 greys (232 ...) or its 6x6x6 cube (16 ...). */
static int nearest_256(rgb c)
{
    if (c.r == c.g && c.g == c.b) {
        if (c.r < 4) return 16;
        if (c.r > 246) return 231;
        int grey = (c.r - 3) / 10;
        return 232 + (grey > 23 ? 23 : grey);
    }
    const uint8_t v[3] = {c.r, c.g, c.b};
    int index = 0;
    for (int k = 0; k < 3; k++) { /* levels 0, 95, 135, 175, 215, 255 */
        int level = v[k] < 48 ? 0 : v[k] < 115 ? 1 : (v[k] - 35) / 40;
        index = 6 * index + level;
    }
    return 16 + index;
}

static void set_colour(enum cli_colour colour, int layer, rgb c)
{
    if (colour == CLI_COLOUR_TRUE) {
        printf("\033[%d;2;%d;%d;%dm", layer, c.r, c.g, c.b);
    } else {
        printf("\033[%d;5;%dm", layer, nearest_256(c));
    }
}

static bool same(rgb a, rgb b)
{
    return a.r == b.r && a.g == b.g && a.b == b.b;
}

/* Two rows of pixels as half blocks; colours are written only where they change. */
static void draw_blocks(const cli_style *style, const thumbnail *t, int y)
{
    for (int x = 0; x < t->w; x++) {
        rgb top = t->pixels[y][x], bottom = t->pixels[y + 1][x];
        if (x == 0 || !same(top, t->pixels[y][x - 1])) set_colour(style->colour, 38, top);
        if (x == 0 || !same(bottom, t->pixels[y + 1][x - 1])) set_colour(style->colour, 48, bottom);
        fputs("\xe2\x96\x80", stdout); /* U+2580, upper half block */
    }
    fputs("\033[0m", stdout);
}

/* Rec. 709 luma. */
static double luma(rgb c)
{
    return 0.2126 * c.r + 0.7152 * c.g + 0.0722 * c.b;
}

static double brightest(const thumbnail *t)
{
    double most = 1.0;
    for (int y = 0; y < t->h; y++) {
        for (int x = 0; x < t->w; x++) {
            /* not fmax, over which gcc 12 breaks down on aarch64 */
            double v = luma(t->pixels[y][x]);
            if (v > most) most = v;
        }
    }
    return most;
}

/* Two rows of pixels as characters; the brightest pixel of the image has the brightest one. */
static void draw_ramp(const thumbnail *t, int y)
{
    static const char ramp[] = " .:-=+*#%@";
    double full = brightest(t);
    for (int x = 0; x < t->w; x++) {
        double v = 0.5 * (luma(t->pixels[y][x]) + luma(t->pixels[y + 1][x])) / full;
        putchar(ramp[lround(fmin(v, 1.0) * (sizeof ramp - 2))]);
    }
}

/* --- Rows of pictures ----------------------------------------------------------------------- */

static size_t code_points(const char *text)
{
    size_t n = 0;
    for (; *text; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

/* `text` cut or padded to `width` columns. */
static void put_caption(const cli_style *style, const char *text, const char *sgr, size_t width,
                        bool pad)
{
    size_t columns = code_points(text), shown = 0;
    bool coloured = *sgr && *text;
    if (coloured) fputs(cli_sgr(style, sgr), stdout);
    for (; *text; text++) {
        shown += ((unsigned char)*text & 0xc0) != 0x80;
        if (shown > width) break;
        putchar(*text);
    }
    if (coloured) fputs(cli_sgr(style, "\033[0m"), stdout);
    if (pad && columns < width) printf("%*s", (int)(width - columns), "");
}

static void put_gap(bool last)
{
    fputs(last ? "\n" : "  ", stdout);
}

static bool has_blocks(const cli_style *style)
{
    return style->colour != CLI_COLOUR_NONE && style->utf8;
}

static void draw_row(const cli_style *style, const picture *pictures, size_t n)
{
    thumbnail thumbnails[MAX_ACROSS];
    bool blocks = has_blocks(style);
    int width = blocks ? BLOCK_WIDTH : RAMP_WIDTH, height = 0;
    for (size_t i = 0; i < n; i++) {
        shrink(&pictures[i], width, &thumbnails[i]);
        if (thumbnails[i].h > height) height = thumbnails[i].h;
    }
    for (int y = 0; y < height; y += 2) {
        for (size_t i = 0; i < n; i++) {
            if (y >= thumbnails[i].h) {
                printf("%*s", width, "");
            } else if (blocks) {
                draw_blocks(style, &thumbnails[i], y);
            } else {
                draw_ramp(&thumbnails[i], y);
            }
            put_gap(i + 1 == n);
        }
    }
    for (int line = 0; line < 2; line++) {
        bool any = false;
        for (size_t i = 0; i < n; i++) {
            any = any || pictures[i].caption[line][0];
        }
        for (size_t i = 0; any && i < n; i++) {
            put_caption(style, pictures[i].caption[line], pictures[i].sgr[line], (size_t)width,
                        i + 1 < n);
            put_gap(i + 1 == n);
        }
    }
}

void picture_draw(const cli_style *style, const picture *pictures, size_t n)
{
    size_t width = has_blocks(style) ? BLOCK_WIDTH : RAMP_WIDTH;
    size_t across = (style->columns + GAP) / (width + GAP);
    if (across == 0) across = 1;
    if (across > MAX_ACROSS) across = MAX_ACROSS;
    for (size_t i = 0; i < n; i += across) {
        if (i) putchar('\n');
        draw_row(style, pictures + i, n - i < across ? n - i : across);
    }
}
