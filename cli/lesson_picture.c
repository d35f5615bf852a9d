/* SPDX-License-Identifier: MIT */
/*
 * The lesson's pictures: grids of numbers, images as boxes, bars. Plain ASCII but for the bars.
 */
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

/* --- Grids --------------------------------------------------------------------------------------
 */

static void grid_row(const float *row, int64_t w)
{
    putchar('|');
    for (int64_t i = 0; i < w; i++)
        printf(" %3d", (int)row[i]);
    fputs(" |", stdout);
}

static void grid_edge(int64_t w)
{
    putchar('+');
    for (int64_t i = 0; i < 4 * w + 1; i++)
        putchar('-');
    putchar('+');
}

void lesson_grids(lesson *l, int64_t h, int64_t w, const float *left, const float *right,
                  const char *word)
{
    int width = (int)strlen(word) + 2;
    if (l->status != CLI_OK) return;
    for (int64_t y = -1; y <= h; y++) {
        bool edge = y < 0 || y == h;
        fputs("     ", stdout);
        if (edge)
            grid_edge(w);
        else
            grid_row(left + y * w, w);
        if (y == h / 2 - 1)
            printf("  %*s ", -width, word);
        else if (y == h / 2)
            printf("  %.*s> ", width - 1, "--------------------------------");
        else
            printf("  %*s ", width, "");
        if (edge)
            grid_edge(w);
        else
            grid_row(right + y * w, w);
        putchar('\n');
    }
    putchar('\n');
}

/* --- Boxes --------------------------------------------------------------------------------------
 */

enum { ROWS = 20, COLUMNS = 79, MAX_DEPTH = 8 };

typedef struct canvas {
    char at[ROWS][COLUMNS + 1];
    int rows, columns; /* in use */
} canvas;

static void put(canvas *c, int y, int x, const char *text)
{
    for (; *text && y >= 0 && y < ROWS && x >= 0 && x < COLUMNS; text++, x++) {
        c->at[y][x] = *text;
        if (x >= c->columns) c->columns = x + 1;
        if (y >= c->rows) c->rows = y + 1;
    }
}

/* Characters for a side of n cells: 28 cells are 5 rows; more grow slowly, fewer shrink. */
static int rows_of(int64_t n)
{
    return n >= 56 ? 6 : n >= 28 ? 5 : n >= 14 ? 3 : n > 1 ? 2 : 1;
}

/* Steps of depth for so many channels, 32 each. */
static int depth_of(int64_t c)
{
    int64_t d = (c + 31) / 32;
    return (int)(d < 1 ? 1 : d > MAX_DEPTH ? MAX_DEPTH : d);
}

/* A box in oblique projection with its lower left corner at (bottom, x). */
static void draw_box(canvas *c, const lesson_box *b, int bottom, int x)
{
    int h = rows_of(b->h) + 1, w = 2 * rows_of(b->w) + 1, d = depth_of(b->c);
    int top = bottom - h;
    for (int i = 0; i <= w; i++) {
        put(c, bottom, x + i, "-");
        put(c, top, x + i, "-");
        put(c, top - d, x + i + d, "-");
    }
    for (int i = 0; i <= h; i++) {
        put(c, top + i, x, "|");
        put(c, top + i, x + w, "|");
        put(c, top - d + i, x + w + d, "|");
    }
    for (int i = 1; i < d; i++) {
        put(c, top - i, x + i, "/");
        put(c, top - i, x + w + i, "/");
        put(c, bottom - i, x + w + i, "/");
    }
    const int corners[7][2] = {{bottom, 0},  {bottom, w},      {top, 0},           {top, w},
                               {top - d, d}, {top - d, w + d}, {bottom - d, w + d}};
    for (int i = 0; i < 7; i++)
        put(c, corners[i][0], x + corners[i][1], "+");
}

void lesson_boxes(lesson *l, size_t n, const lesson_box *boxes)
{
    canvas c = {.rows = 0};
    char text[CLI_NUMBER_BYTES];
    int bottom = ROWS - 2, x = 3;
    if (l->status != CLI_OK) return;
    memset(c.at, ' ', sizeof c.at);
    for (size_t i = 0; i < n; i++) {
        int w = 2 * rows_of(boxes[i].w) + 1, d = depth_of(boxes[i].c);
        draw_box(&c, &boxes[i], bottom, x);
        put(&c, bottom + 1, x, lesson_size_text(boxes[i], text));
        x += w + d + 3;
        if (i + 1 == n || !boxes[i].after) continue;
        int arrow = (int)strlen(boxes[i].after) + 1;
        put(&c, bottom - 4, x, boxes[i].after);
        for (int k = 0; k < arrow; k++)
            put(&c, bottom - 3, x + k, k + 1 < arrow ? "-" : ">");
        x += arrow + 2;
    }
    for (int y = 0; y < c.rows; y++) {
        int end = COLUMNS;
        while (end > 0 && c.at[y][end - 1] == ' ')
            end--;
        if (end > 0) printf("%.*s\n", end, c.at[y]);
    }
    putchar('\n');
}

/* --- Bars ---------------------------------------------------------------------------------------
 */

void lesson_bar(lesson *l, const char *label, int64_t value, int64_t full)
{
    enum { LABEL = 24, BAR = 30 };
    char number[CLI_NUMBER_BYTES];
    if (l->status != CLI_OK || full <= 0) return;
    int64_t cells = (value * BAR + full / 2) / full;
    if (cells == 0 && value > 0) cells = 1;
    printf("  %-*s %s", LABEL, label, cli_sgr(&l->style, "\033[36m"));
    for (int64_t i = 0; i < cells; i++)
        fputs(l->style.utf8 ? "\xe2\x96\x88" : "#", stdout);
    printf("%s%*s %11s  %5.1f %%\n", cli_sgr(&l->style, "\033[0m"), (int)(BAR - cells), "",
           cli_group(value, number), 100.0 * (double)value / (double)full);
}
