/* SPDX-License-Identifier: MIT */
/*
 * Reading a table of options with getopt_long, and printing it.
 */
#include "options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 48, FIRST_LONG_ONLY = 256, HELP_COLUMN = 26 };

static const cli_option common[] = {
    {.name = "quiet", .letter = 'q', .kind = CLI_FLAG, .help = "say nothing but errors"},
    {.name = "verbose", .letter = 'v', .kind = CLI_FLAG, .help = "say more"},
    {.name = "max-mem",
     .kind = CLI_BYTES,
     .to = &cli_memory_option,
     .argument = "SIZE",
     .help = "use at most so much memory: bytes, or with K, M, G\n(1G is 2^30; what this machine has)"},
    {.name = "help", .letter = 'h', .kind = CLI_FLAG, .help = "print this text"},
};

/* The options of a command and the common ones as one list. */
static size_t n_all(const cli_spec *spec)
{
    return spec->n_options + CLI_COUNT(common);
}

static const cli_option *option_at(const cli_spec *spec, size_t i)
{
    return i < spec->n_options ? &spec->options[i] : &common[i - spec->n_options];
}

/* --- Help ----------------------------------------------------------------------------------- */

static void print_option(const cli_option *o)
{
    char left[64];
    int used = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                         : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->argument) {
        used += snprintf(left + used, sizeof left - (size_t)used, " %s", o->argument);
    }
    if (used > HELP_COLUMN - 2) {
        printf("%s\n%*s", left, HELP_COLUMN, "");
    } else {
        printf("%-*s", HELP_COLUMN, left);
    }
    for (const char *line = o->help; *line;) {
        size_t n = strcspn(line, "\n");
        printf("%.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
        if (*line) printf("%*s", HELP_COLUMN, "");
    }
}

static void print_help(const cli_spec *spec)
{
    printf("Usage: pinhole %s [options]%s%s\n\n%s\nOptions:\n", cli_command_name,
           *spec->operands ? " " : "", spec->operands, spec->about);
    for (size_t i = 0; i < n_all(spec); i++) {
        print_option(option_at(spec, i));
    }
    if (spec->examples) printf("\nExamples:\n%s", spec->examples);
}

/* --- Values --------------------------------------------------------------------------------- */

static int bad_word(const cli_option *o, const char *text)
{
    char list[256] = "";
    for (size_t i = 0; o->words[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s",
                 i == 0 ? "" : (o->words[i + 1] ? ", " : " or "), o->words[i]);
    }
    return cli_usage("option '--%s': '%s' is not one of %s", o->name, text, list);
}

static int set_word(const cli_option *o, const char *text)
{
    for (int i = 0; o->words[i]; i++) {
        if (strcmp(text, o->words[i]) == 0) {
            *(int *)o->to = i;
            return CLI_GO;
        }
    }
    return bad_word(o, text);
}

static int add_text(const cli_option *o, const char *text)
{
    cli_texts *texts = o->to;
    if (texts->n == CLI_MAX_TEXTS) {
        return cli_usage("option '--%s' may be given %d times at most", o->name, CLI_MAX_TEXTS);
    }
    texts->at[texts->n++] = text;
    return CLI_GO;
}

static int set_value(const cli_option *o, const char *text)
{
    int64_t number;
    if (o->given) *o->given = true;
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)o->to = true;
        return CLI_GO;
    case CLI_TEXT:
        if (!*text) return cli_usage("option '--%s' needs an argument, not ''", o->name);
        *(const char **)o->to = text;
        return CLI_GO;
    case CLI_TEXTS:
        return add_text(o, text);
    case CLI_SIZE:
        if (!cli_parse_int(text, (int64_t)o->min, (int64_t)o->max, &number)) {
            return cli_usage("option '--%s': '%s' is not a whole number from %.0f to %.0f", o->name,
                             text, o->min, o->max);
        }
        *(size_t *)o->to = (size_t)number;
        return CLI_GO;
    case CLI_REAL:
        if (!cli_parse_real(text, o->min, o->max, (double *)o->to)) {
            return cli_usage("option '--%s': '%s' is not a number from %g to %g", o->name, text,
                             o->min, o->max);
        }
        return CLI_GO;
    case CLI_BYTES:
        if (!cli_parse_bytes(text, (size_t *)o->to)) {
            return cli_usage("option '--%s': '%s' is not a size such as 500M or 2G", o->name, text);
        }
        return CLI_GO;
    case CLI_SEED:
        if (!cli_parse_seed(text, (uint64_t *)o->to)) {
            return cli_usage("option '--%s': '%s' is not a whole number from 0 to 2^64 - 1",
                             o->name, text);
        }
        return CLI_GO;
    case CLI_WORD:
        return set_word(o, text);
    }
    return CLI_GO;
}

static void set_common(const cli_option *o, const cli_spec *spec, bool *help)
{
    switch (o->letter) {
    case 'q':
        cli_talk = 0;
        break;
    case 'v':
        cli_talk = 2;
        break;
    default:
        if (!*help) print_help(spec);
        *help = true;
    }
}

/* --- Parsing -------------------------------------------------------------------------------- */

static int option_value(const cli_spec *spec, size_t i)
{
    const cli_option *o = option_at(spec, i);
    return o->letter ? o->letter : FIRST_LONG_ONLY + (int)i;
}

static const cli_option *find_value(const cli_spec *spec, int value)
{
    for (size_t i = 0; i < n_all(spec); i++) {
        if (option_value(spec, i) == value) return option_at(spec, i);
    }
    return NULL;
}

static void fill_getopt(const cli_spec *spec, struct option *longs, char *letters)
{
    size_t n = n_all(spec);
    assert(n <= MAX_OPTIONS);
    *letters++ = ':';
    for (size_t i = 0; i < n; i++) {
        const cli_option *o = option_at(spec, i);
        bool argument = o->kind != CLI_FLAG;
        longs[i] = (struct option){o->name, argument ? required_argument : no_argument, NULL,
                                   option_value(spec, i)};
        if (o->letter) *letters++ = o->letter;
        if (o->letter && argument) *letters++ = ':';
    }
    longs[n] = (struct option){0};
    *letters = '\0';
}

/* getopt_long said '?': the option is unknown, ambiguous, or a flag with an argument. */
static int bad_option(const cli_spec *spec, const char *given)
{
    const cli_option *known = optopt ? find_value(spec, optopt) : NULL;
    if (known) return cli_usage("option '--%s' takes no argument", known->name);
    if (optopt) return cli_usage("unknown option '-%c'", optopt);

    const char *names[MAX_OPTIONS];
    char word[64], starts[256] = "";
    size_t n_starts = 0;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    for (size_t i = 0; i < n_all(spec); i++) {
        names[i] = option_at(spec, i)->name;
        if (strncmp(names[i], word, strlen(word)) == 0) {
            size_t used = strlen(starts);
            snprintf(starts + used, sizeof starts - used, "%s'--%s'", n_starts++ ? ", " : "",
                     names[i]);
        }
    }
    if (n_starts > 1) return cli_usage("option '--%s' may be any of %s", word, starts);
    const char *near = cli_nearest(word, names, n_all(spec));
    if (near) return cli_usage("unknown option '--%s'; did you mean '--%s'?", word, near);
    return cli_usage("unknown option '--%s'", word);
}

static int check_operands(const cli_spec *spec, int n, char **operands)
{
    if (n < spec->min_operands) {
        return cli_usage("missing operand: %s is wanted", spec->operands);
    }
    if (n > spec->max_operands) {
        return cli_usage("unexpected operand '%s'", operands[spec->max_operands]);
    }
    return CLI_GO;
}

int cli_parse(const cli_spec *spec, int argc, char **argv)
{
    struct option longs[MAX_OPTIONS + 1];
    char letters[2 * MAX_OPTIONS + 2];
    bool help = false;

    fill_getopt(spec, longs, letters);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    for (int value; (value = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (value == '?') return bad_option(spec, argv[optind - 1]);
        if (value == ':') {
            const cli_option *o = find_value(spec, optopt);
            return cli_usage("option '--%s' needs an argument", o ? o->name : "?");
        }
        const cli_option *o = find_value(spec, value);
        assert(o);
        if (!o->to) {
            set_common(o, spec, &help);
            continue;
        }
        int status = set_value(o, optarg);
        if (status != CLI_GO) return status;
    }
    return help ? CLI_OK : check_operands(spec, argc - optind, argv + optind);
}
