/* SPDX-License-Identifier: MIT */
/*
 * pinhole: the program. A table of commands and what is common to all of them.
 */
#include "commands.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct cli_command {
    const char *name;
    const char *alias; /* NULL: none */
    int (*run)(int argc, char **argv);
    const char *summary;
} cli_command;

// clang-format off
static const cli_command commands[] = {
    {"analyze", "analyse", cmd_analyze, "account for a network, layer by layer"},
    {"bench",   NULL,      cmd_bench,   "measure how fast a network runs here"},
    {"check",   NULL,      cmd_check,   "tell whether a network is valid and can be run"},
    {"classify", NULL,     cmd_classify, "say what is on images"},
    {"eval",    NULL,      cmd_eval,    "classify a data set: accuracy, speed, pictures"},
    {"export",  NULL,      cmd_export,  "write a network as an ONNX file"},
    {"help",    NULL,      cmd_help,    "explain a command"},
    {"info",    NULL,      cmd_info,    "version, processor, kernels in use"},
    {"lesson",  NULL,      cmd_lesson,  "the 1x1 convolution, taught step by step"},
    {"run",     NULL,      cmd_run,     "run a network on .npy files or ONNX test data"},
    {"train",   NULL,      cmd_train,   "train a network on a data set"},
    {"zoo",     NULL,      cmd_zoo,     "list the built-in networks"},
};
// clang-format on

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT(commands); i++) {
        const cli_command *c = &commands[i];
        if (strcmp(name, c->name) == 0 || (c->alias && strcmp(name, c->alias) == 0)) return c;
    }
    return NULL;
}

static void print_usage(void)
{
    puts("Usage: pinhole COMMAND [options] [MODEL]\n"
         "\n"
         "Small, fast convolutional networks, built on the 1x1 convolution. MODEL is an\n"
         "ONNX file, a .net text, or the name of a built-in network.\n"
         "\n"
         "Commands:");
    for (size_t i = 0; i < CLI_COUNT(commands); i++) {
        printf("  %-9s %s%s%s%s\n", commands[i].name, commands[i].summary,
               commands[i].alias ? " (also: " : "", commands[i].alias ? commands[i].alias : "",
               commands[i].alias ? ")" : "");
    }
    puts("\n"
         "Options:\n"
         "  -h, --help     print this text; 'pinhole COMMAND --help' explains a command\n"
         "  -V, --version  print the version\n"
         "  -q, --quiet    say nothing but errors\n"
         "  -v, --verbose  say more\n"
         "\n"
         "Exit status: 0 done; 1 a check said no; 2 usage; 3 a file is unreadable, malformed\n"
         "or cannot be written; 4 valid but unsupported; 5 out of memory or a bug.");
}

static int unknown_command(const char *name)
{
    const char *names[2 * CLI_COUNT(commands)];
    size_t n = 0;
    for (size_t i = 0; i < CLI_COUNT(commands); i++) {
        names[n++] = commands[i].name;
        if (commands[i].alias) names[n++] = commands[i].alias;
    }
    const char *near = cli_nearest(name, names, n);
    if (near) return cli_usage("no command '%s'; did you mean '%s'?", name, near);
    return cli_usage("no command '%s'", name);
}

static int run_command(int argc, char **argv)
{
    const cli_command *c = find_command(argv[0]);
    if (!c) return unknown_command(argv[0]);
    cli_command_name = c->name;
    return c->run(argc, argv);
}

int cmd_help(int argc, char **argv)
{
    static const cli_spec spec = {
        .operands = "[COMMAND]",
        .max_operands = 1,
        .about = "Explain a command, or list them all.\n",
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    if (optind == argc) {
        print_usage();
        return CLI_OK;
    }
    char help[] = "--help";
    char *arguments[] = {argv[optind], help, NULL};
    return run_command(2, arguments);
}

/* An option before the command; CLI_GO if there is more to do. */
static int global_option(const char *text)
{
    static const char *const words[] = {"--help", "--version", "--quiet", "--verbose"};
    if (strcmp(text, "-h") == 0 || strcmp(text, "--help") == 0) {
        print_usage();
        return CLI_OK;
    }
    if (strcmp(text, "-V") == 0 || strcmp(text, "--version") == 0) {
        printf("pinhole %s\n", ph_version());
        return CLI_OK;
    }
    if (strcmp(text, "-q") == 0 || strcmp(text, "--quiet") == 0) {
        cli_talk = 0;
        return CLI_GO;
    }
    if (strcmp(text, "-v") == 0 || strcmp(text, "--verbose") == 0) {
        cli_talk = 2;
        return CLI_GO;
    }
    const char *near = cli_nearest(text, words, CLI_COUNT(words));
    if (near) return cli_usage("unknown option '%s'; did you mean '%s'?", text, near);
    return cli_usage("unknown option '%s' before the command", text);
}

static int run_program(int argc, char **argv)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        int status = global_option(argv[i]);
        if (status != CLI_GO) return status;
    }
    if (i >= argc) return cli_usage("no command");
    return run_command(argc - i, argv + i);
}

/*
 * A closed standard stream is taken by a file that cannot be used in its direction, so that no file
 * opened later lands on its number and writing to it fails.
 */
static void fill_standard_streams(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) == -1) (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}

/* A full disk or a broken pipe must not look like success. */
static int finish(int status)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) != 0) failed = true;
    int error = errno;
    if (fclose(stdout) != 0 && !failed) {
        failed = true;
        error = errno;
    }
    if (!failed) return status;
    cli_error(CLI_INPUT, "cannot write to standard output: %s",
              error ? strerror(error) : "an earlier write failed");
    return status == CLI_OK ? CLI_INPUT : status;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    fill_standard_streams();
    return finish(run_program(argc, argv));
}
