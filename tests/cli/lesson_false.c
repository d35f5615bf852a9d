/* SPDX-License-Identifier: MIT */
/*
 * The lesson's command with topics that make false claims or fail: the program's verdict and exit
 * status. Prints what went wrong here; 0 if nothing did.
 */
#include "commands.h"
#include "lesson.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void lesson_one_weight(lesson *l)
{
    lesson_check_int(l, 36, 37, "cells");
}
void lesson_dot_product(lesson *l)
{
    static const float a[] = {0.0f, 1.0f}, b[] = {-0.0f, 1.0f}; /* equal, but not to the bit */
    lesson_check_same(l, 2, a, b, "numbers");
}
void lesson_neurons(lesson *l)
{
    lesson_check_same(l, 0, NULL, NULL, "of nothing");
}
void lesson_channels(lesson *l)
{
    lesson_check_real(l, 40.6, 40.55, 2, " %", "share");
}
void lesson_weights(lesson *l)
{
    lesson_net n;
    lesson_net_start(&n, l, "small");
    lesson_net_output(&n, lesson_net_conv(&n, "1x1", lesson_net_input(&n, 2, 3, 4), 4,
                                          (lesson_conv){.k = 5, .r = 1}));
    lesson_net_ready(&n, false);
    lesson_check_size(l, &n, "1x1", 3, 2, 5, "size"); /* it is 2x3x5 */
    lesson_net_free(&n);
}
void lesson_mlpconv(lesson *l)
{
    lesson_net n; /* the filter is larger than the image: refused, and the rest does nothing */
    lesson_net_start(&n, l, "impossible");
    lesson_net_output(&n, lesson_net_conv(&n, "5x5", lesson_net_input(&n, 2, 2, 1), 1,
                                          (lesson_conv){.k = 1, .r = 5}));
    lesson_net_ready(&n, true);
    lesson_check_int(l, 1, 2, "never reached");
    lesson_net_free(&n);
}
void lesson_inception(lesson *l)
{
    lesson_check(l, true, "1", "1", "true");
}
void lesson_resnet(lesson *l)
{
    lesson_check_real(l, 40.6, 40.55001, 1, " %", "share");
}

/* Teach `topic`: its exit status, and a text in what it prints. */
static int expect(int wanted, const char *topic, const char *text)
{
    char command[] = "lesson", name[32], printed[4096];
    char *argv[] = {command, name, NULL};
    snprintf(name, sizeof name, "%s", topic);
    optind = 0;
    rewind(stdout);
    if (ftruncate(fileno(stdout), 0) != 0) return 1;
    int got = cmd_lesson(2, argv);
    fflush(stdout);
    rewind(stdout);
    printed[fread(printed, 1, sizeof printed - 1, stdout)] = '\0';
    if (got == wanted && strstr(printed, text)) return 0;
    fprintf(stderr, "lesson %s: exit status %d, wanted %d with '%s' in:\n%s\n", topic, got, wanted,
            text, printed);
    return 1;
}

int main(void)
{
    setenv("LC_ALL", "C", 1);
    if (!freopen("lesson_false.out", "w+", stdout)) return EXIT_FAILURE;
    int failed = expect(CLI_NO, "one-weight", "[NO] cells") +
                 expect(CLI_NO, "dot-product", "1 of 2") +
                 expect(CLI_NO, "neurons", "1 claim checked, 0 hold.") +
                 expect(CLI_NO, "channels", "expected 40.60 %") +
                 expect(CLI_NO, "weights", "2x3x5\n       expected 3x2x5") +
                 expect(CLI_INPUT, "mlpconv", "(mlpconv)") + expect(CLI_OK, "inception", "[ok] ") +
                 expect(CLI_OK, "resnet", "40.6 %");
    fclose(stdout);
    remove("lesson_false.out");
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
