/* SPDX-License-Identifier: MIT */
/*
 * The lesson's voice: paragraphs, lines, checked claims.
 */
#include "lesson.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { INDENT = 2, TEXT = 2048, CLAIM_COLUMNS = 58 };

void lesson_gap(lesson *l)
{
    if (l->status == CLI_OK) putchar('\n');
}

void lesson_heading(lesson *l, const char *text)
{
    if (l->status != CLI_OK) return;
    printf("%*s%s%s%s\n\n", INDENT, "", cli_sgr(&l->style, "\033[1m"), text,
           cli_sgr(&l->style, "\033[0m"));
}

/* Words one after the other, a new line where the next one would reach beyond the last column. */
static void print_wrapped(const char *text, size_t columns)
{
    size_t at = 0;
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (at == 0)
            at = (size_t)printf("%*s", INDENT, "");
        else if (at + 1 + word < columns)
            at += (size_t)printf(" ");
        else
            at = (size_t)printf("\n%*s", INDENT, "") - 1;
        at += (size_t)printf("%.*s", (int)word, text);
        text += word;
        text += strspn(text, " \n");
    }
    putchar('\n');
}

void lesson_say(lesson *l, const char *format, ...)
{
    char text[TEXT];
    va_list list;
    if (l->status != CLI_OK) return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    print_wrapped(text, l->style.columns);
    putchar('\n');
}

void lesson_line(lesson *l, const char *format, ...)
{
    va_list list;
    if (l->status != CLI_OK) return;
    printf("%*s", INDENT, "");
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    putchar('\n');
}

/* --- Claims ----------------------------------------------------------------------------------- */

static void check(lesson *l, bool holds, const char *value, const char *expected,
                  const char *format, va_list list)
{
    char claim[TEXT];
    if (l->status != CLI_OK) return;
    l->n_checks++;
    l->n_failed += !holds;
    int n = vsnprintf(claim, sizeof claim, format, list);
    printf("%*s%s[%s]%s %s ", INDENT, "", cli_sgr(&l->style, holds ? "\033[32m" : "\033[1;31m"),
           holds ? "ok" : "NO", cli_sgr(&l->style, "\033[0m"), claim);
    fputs(cli_sgr(&l->style, "\033[2m"), stdout);
    for (; n + (int)strlen(value) < CLAIM_COLUMNS + 12; n++)
        putchar('.');
    printf("%s %s%s%s\n", cli_sgr(&l->style, "\033[0m"), cli_sgr(&l->style, "\033[1m"), value,
           cli_sgr(&l->style, "\033[0m"));
    if (!holds) printf("%*s     expected %s\n", INDENT, "", expected);
}

void lesson_check(lesson *l, bool holds, const char *value, const char *expected, const char *claim,
                  ...)
{
    va_list list;
    va_start(list, claim);
    check(l, holds, value, expected, claim, list);
    va_end(list);
}

void lesson_check_int(lesson *l, int64_t expected, int64_t got, const char *claim, ...)
{
    char value[CLI_NUMBER_BYTES], wanted[CLI_NUMBER_BYTES];
    va_list list;
    va_start(list, claim);
    check(l, expected == got, cli_group(got, value), cli_group(expected, wanted), claim, list);
    va_end(list);
}

void lesson_check_real(lesson *l, double expected, double got, int decimals, const char *unit,
                       const char *claim, ...)
{
    char value[64], wanted[64];
    va_list list;
    snprintf(value, sizeof value, "%.*f%s", decimals, got, unit);
    snprintf(wanted, sizeof wanted, "%.*f%s", decimals, expected, unit);
    va_start(list, claim);
    check(l, strcmp(value, wanted) == 0, value, wanted, claim, list);
    va_end(list);
}

void lesson_check_same(lesson *l, size_t n, const float *expected, const float *got,
                       const char *claim, ...)
{
    char value[64], wanted[64];
    size_t same = 0;
    va_list list;
    if (l->status != CLI_OK) return;
    for (size_t i = 0; i < n; i++)
        same += memcmp(&expected[i], &got[i], sizeof *got) == 0;
    snprintf(value, sizeof value, "%zu of %zu", same, n);
    snprintf(wanted, sizeof wanted, "%zu of %zu", n, n);
    va_start(list, claim);
    check(l, n > 0 && same == n, value, wanted, claim, list);
    va_end(list);
}
