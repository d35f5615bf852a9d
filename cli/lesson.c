/* SPDX-License-Identifier: MIT */
/*
 * pinhole lesson: the 1x1 convolution, step by step, each number computed here and now.
 */
#include "commands.h"
#include "lesson.h"
#include "options.h"

#include <string.h>

typedef struct topic {
    const char *name;
    const char *title;
    void (*teach)(lesson *l);
} topic;

// clang-format off
static const topic topics[] = {
    {"one-weight",  "One channel, one weight",                        lesson_one_weight},
    {"dot-product", "Many channels: a dot product in every cell",     lesson_dot_product},
    {"neurons",     "A fully connected layer in every cell",          lesson_neurons},
    {"channels",    "Shrink, keep or grow the channels",              lesson_channels},
    {"weights",     "Counting weights; pooling across channels",      lesson_weights},
    {"mlpconv",     "Network in Network: a small network that slides", lesson_mlpconv},
    {"inception",   "GoogLeNet: reduce before you convolve",          lesson_inception},
    {"resnet",      "ResNet: the bottleneck",                         lesson_resnet},
};
// clang-format on

#define SEED UINT64_C(0x31783163) /* of the numbers that are made up */

static const topic *find_topic(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT(topics); i++)
        if (strcmp(name, topics[i].name) == 0) return &topics[i];
    return NULL;
}

static void list_topics(void)
{
    for (size_t i = 0; i < CLI_COUNT(topics); i++)
        printf("  %zu  %-12s %s\n", i + 1, topics[i].name, topics[i].title);
}

static void report(const lesson *l, const char *before, size_t checked, size_t failed)
{
    printf("%s%s%zu claim%s checked, %zu hold.%s\n", before,
           cli_sgr(&l->style, failed ? "\033[1;31m" : "\033[32m"), checked, checked == 1 ? "" : "s",
           checked - failed, cli_sgr(&l->style, "\033[0m"));
}

static void teach(lesson *l, const topic *t)
{
    const size_t number = (size_t)(t - topics) + 1, width = strlen(t->title) + strlen(t->name) + 7;
    const size_t checked = l->n_checks, failed = l->n_failed;
    if (l->status != CLI_OK) return;
    printf("\n%s%zu. %s  (%s)%s\n", cli_sgr(&l->style, "\033[1;36m"), number, t->title, t->name,
           cli_sgr(&l->style, "\033[0m"));
    for (size_t i = 0; i < width; i++)
        putchar('=');
    puts("\n");
    l->random = SEED + number;
    t->teach(l);
    if (l->status == CLI_OK) report(l, "  ", l->n_checks - checked, l->n_failed - failed);
}

static void teach_all(lesson *l)
{
    lesson_say(l, "The 1x1 convolution, in steps. The engine computes the results as you read, and "
                  "every line that begins with [ok] is a claim it has just checked.");
    list_topics();
    for (size_t i = 0; i < CLI_COUNT(topics); i++)
        teach(l, &topics[i]);
    if (l->status == CLI_OK) report(l, "\nAll topics: ", l->n_checks, l->n_failed);
}

/* Names of topics that `name` is a part of, or the other way round, or that are spelled nearly so;
 * quoted, in `text`. False if there are none. */
static bool near_topics(const char *name, char *text, size_t bytes)
{
    const char *names[CLI_COUNT(topics)];
    size_t used = 0;
    for (size_t i = 0; i < CLI_COUNT(topics); i++)
        names[i] = topics[i].name;
    const char *nearest = cli_nearest(name, names, CLI_COUNT(topics));
    for (size_t i = 0; i < CLI_COUNT(topics) && used < bytes; i++) {
        bool part = name[0] && (strcasestr(names[i], name) || strcasestr(name, names[i]));
        if (!part && names[i] != nearest) continue;
        used += (size_t)snprintf(text + used, bytes - used, "%s'%s'", used ? " or " : "", names[i]);
    }
    return used > 0;
}

static int unknown_topic(const char *name)
{
    char near[256];
    if (near_topics(name, near, sizeof near))
        return cli_usage("no topic '%s'; did you mean %s?", name, near);
    return cli_usage("no topic '%s'; 'pinhole lesson list' lists them", name);
}

static int finish(const lesson *l)
{
    if (l->status != CLI_OK) return l->status;
    if (l->n_failed == 0) return CLI_OK;
    return cli_error(CLI_NO, "%zu of %zu claims do not hold", l->n_failed, l->n_checks);
}

int cmd_lesson(int argc, char **argv)
{
    static const char *const colours[] = {"auto", "always", "never", NULL};
    static int colour;
    static const cli_option options[] = {
        {OPT_WORD("color", 0, &colour, "WHEN", colours, "auto (default), always or never")},
    };
    static const cli_spec spec = {
        .operands = "[TOPIC]",
        .max_operands = 1,
        .about = "Teach the 1x1 convolution, step by step. Each number is computed by the engine\n"
                 "and each claim checked; status 1 if one does not hold. Without TOPIC all topics\n"
                 "are taught in turn; TOPIC 'list' lists them.\n",
        .examples = "  pinhole lesson | less\n"
                    "  pinhole lesson list\n"
                    "  pinhole lesson inception\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    lesson l = {.status = CLI_OK};
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    l.style = cli_style_get(colours[colour]);
    const char *name = optind < argc ? argv[optind] : NULL;
    if (name && strcmp(name, "list") == 0) {
        list_topics();
        return CLI_OK;
    }
    const topic *t = name ? find_topic(name) : NULL;
    if (name && !t) return unknown_topic(name);
    if (t)
        teach(&l, t);
    else
        teach_all(&l);
    return finish(&l);
}
