/* SPDX-License-Identifier: MIT */
/*
 * The lesson's pictures: grids of numbers, images as boxes, bars. They are drawn in ASCII; where
 * the terminal has them, lines become box characters when the picture is shown.
 */
#include "lesson.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

/* --- Canvas --------------------------------------------------------------------------------- */

enum { ROWS = LESSON_ROWS, COLUMNS = LESSON_COLUMNS };

void lesson_put(lesson_canvas *c, int y, int x, const char *format, ...)
{
    char text[COLUMNS + 1];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    for (const char *t = text; *t && y >= 0 && y < ROWS && x >= 0 && x < COLUMNS; t++, x++)
        c->at[y][x] = *t;
}

void lesson_repeat(lesson_canvas *c, int y, int x, int n, char what)
{
    for (int i = 0; i < n; i++)
        lesson_put(c, y, x + i, "%c", what);
}

static char at(const lesson_canvas *c, int y, int x)
{
    if (y < 0 || y >= ROWS || x < 0 || x >= COLUMNS || !c->at[y][x]) return ' ';
    return c->at[y][x];
}

static bool among(char what, const char *set)
{
    return what != '\0' && strchr(set, what) != NULL;
}

/* What a '+' is for the lines that meet in it: 1 from above, 2 below, 4 left, 8 right. A single
 * line belongs to a box seen from the side, whose other lines slant: a corner. */
static const char *joint(const lesson_canvas *c, int y, int x)
{
    static const char *const joints[16] = {"+", "┘", "┐", "│", "┐", "┘", "┐", "┤",
                                           "┌", "└", "┌", "├", "─", "┴", "┬", "┼"};
    unsigned lines = 0;
    if (among(at(c, y - 1, x), "|+")) lines |= 1;
    if (among(at(c, y + 1, x), "|+")) lines |= 2;
    if (among(at(c, y, x - 1), "-+")) lines |= 4;
    if (among(at(c, y, x + 1), "-+>")) lines |= 8;
    return joints[lines];
}

/* The box character for a cell; NULL if it is no line: signs in numbers, slashes in names. */
static const char *box_character(const lesson_canvas *c, int y, int x)
{
    const char left = at(c, y, x - 1), right = at(c, y, x + 1);
    switch (at(c, y, x)) {
    case '+':
        return joint(c, y, x);
    case '|':
        return "│";
    case '-':
        return among(left, "-+") || among(right, "-+>") ? "─" : NULL;
    case '>':
        return left == '-' ? "►" : NULL;
    case '/':
        return isalnum((unsigned char)left) || isalnum((unsigned char)right) ? NULL : "╱";
    default:
        return NULL;
    }
}

static void show_row(const lesson *l, const lesson_canvas *c, int y)
{
    int end = COLUMNS;
    while (end > 0 && at(c, y, end - 1) == ' ')
        end--;
    for (int x = 0; x < end; x++) {
        const char *line = l->style.utf8 ? box_character(c, y, x) : NULL;
        if (line)
            fputs(line, stdout);
        else
            putchar(at(c, y, x));
    }
    putchar('\n');
}

static bool row_is_empty(const lesson_canvas *c, int y)
{
    for (int x = 0; x < COLUMNS; x++)
        if (at(c, y, x) != ' ') return false;
    return true;
}

void lesson_show(lesson *l, const lesson_canvas *c)
{
    int first = 0, end = ROWS;
    if (l->status != CLI_OK) return;
    while (first < end && row_is_empty(c, first))
        first++;
    while (end > first && row_is_empty(c, end - 1))
        end--;
    for (int y = first; y < end; y++)
        show_row(l, c, y);
    putchar('\n');
}

/* --- Grids ---------------------------------------------------------------------------------- */

/* Returns the column behind it. */
static int draw_grid(lesson_canvas *c, int x, int h, int w, const float *cells)
{
    const int inside = 4 * w + 1;
    for (int y = 0; y < h + 2; y++) {
        const bool edge = y == 0 || y == h + 1;
        if (edge) lesson_repeat(c, y, x + 1, inside, '-');
        for (int i = 0; i < w && !edge; i++)
            lesson_put(c, y, x + 1 + 4 * i, "%4d", (int)cells[(y - 1) * w + i]);
        lesson_put(c, y, x, "%c", edge ? '+' : '|');
        lesson_put(c, y, x + 1 + inside, "%c", edge ? '+' : '|');
    }
    return x + inside + 2;
}

void lesson_grids(lesson *l, int h, int w, const float *left, const float *right, const char *word)
{
    lesson_canvas c = {0};
    int x = draw_grid(&c, 5, h, w, left) + 2, arrow = (int)strlen(word) + 2;
    lesson_put(&c, h / 2, x + 1, "%s", word);
    lesson_repeat(&c, h / 2 + 1, x, arrow - 1, '-');
    lesson_put(&c, h / 2 + 1, x + arrow - 1, ">");
    draw_grid(&c, x + arrow + 2, h, w, right);
    lesson_show(l, &c);
}

/* --- Boxes ---------------------------------------------------------------------------------- */

enum { MAX_DEPTH = 8 };

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
static void draw_box(lesson_canvas *c, const lesson_box *b, int bottom, int x)
{
    int h = rows_of(b->h) + 1, w = 2 * rows_of(b->w) + 1, d = depth_of(b->c);
    int top = bottom - h;
    lesson_repeat(c, bottom, x, w + 1, '-');
    lesson_repeat(c, top, x, w + 1, '-');
    lesson_repeat(c, top - d, x + d, w + 1, '-');
    for (int i = 0; i <= h; i++) {
        lesson_put(c, top + i, x, "|");
        lesson_put(c, top + i, x + w, "|");
        lesson_put(c, top - d + i, x + w + d, "|");
    }
    for (int i = 1; i < d; i++) {
        lesson_put(c, top - i, x + i, "/");
        lesson_put(c, top - i, x + w + i, "/");
        lesson_put(c, bottom - i, x + w + i, "/");
    }
    const int corners[7][2] = {{bottom, 0},  {bottom, w},      {top, 0},           {top, w},
                               {top - d, d}, {top - d, w + d}, {bottom - d, w + d}};
    for (int i = 0; i < 7; i++)
        lesson_put(c, corners[i][0], x + corners[i][1], "+");
}

void lesson_boxes(lesson *l, size_t n, const lesson_box *boxes)
{
    lesson_canvas c = {0};
    char text[CLI_NUMBER_BYTES];
    int bottom = ROWS - 2, x = 3;
    for (size_t i = 0; i < n; i++) {
        int w = 2 * rows_of(boxes[i].w) + 1, d = depth_of(boxes[i].c);
        draw_box(&c, &boxes[i], bottom, x);
        lesson_put(&c, bottom + 1, x, "%s", lesson_size_text(boxes[i], text));
        x += w + d + 3;
        if (i + 1 == n || !boxes[i].after) continue;
        int arrow = (int)strlen(boxes[i].after) + 1;
        lesson_put(&c, bottom - 4, x, "%s", boxes[i].after);
        lesson_repeat(&c, bottom - 3, x, arrow - 1, '-');
        lesson_put(&c, bottom - 3, x + arrow - 1, ">");
        x += arrow + 2;
    }
    lesson_show(l, &c);
}

/* --- Bars ----------------------------------------------------------------------------------- */

void lesson_bar(lesson *l, const char *label, int64_t value, int64_t full)
{
    enum { LABEL = 24, BAR = 30 };
    char number[CLI_NUMBER_BYTES];
    if (l->status != CLI_OK || full <= 0) return;
    int64_t cells = (value * BAR + full / 2) / full;
    if (cells == 0 && value > 0) cells = 1;
    printf("  %-*s %s", LABEL, label, cli_sgr(&l->style, "\033[36m"));
    for (int64_t i = 0; i < cells; i++)
        fputs(l->style.utf8 ? "█" : "#", stdout);
    printf("%s%*s %11s  %5.1f %%\n", cli_sgr(&l->style, "\033[0m"), (int)(BAR - cells), "",
           cli_group(value, number), 100.0 * (double)value / (double)full);
}
