/* SPDX-License-Identifier: MIT */
/*
 * pinhole zoo: the networks in the box.
 */
#include "commands.h"
#include "options.h"

#include <string.h>

static int list_network(size_t i)
{
    const char *name = ph_zoo_name(i);
    char parameters[CLI_NUMBER_BYTES], macs[CLI_NUMBER_BYTES];
    ph_graph *g;
    ph_account *account = NULL;
    ph_error err = {0};
    int status = cli_load_model(name, 0, &g);
    if (status != CLI_OK) return status;
    enum ph_status st = ph_account_new(g, 0, NULL, &account, &err);
    if (st) {
        status = cli_fail(st, &err);
    } else {
        const ph_totals *t = ph_account_totals(account);
        printf("%-18s %8s %8s  %s\n", name, cli_si((double)t->parameters, parameters),
               cli_si((double)t->macs, macs), ph_zoo_title(i));
    }
    ph_account_free(account);
    ph_graph_free(g);
    return status;
}

static int list_networks(void)
{
    printf("%-18s %8s %8s  %s\n", "NAME", "PARAMS", "MACS", "WHAT IT IS");
    for (size_t i = 0; ph_zoo_name(i); i++) {
        int status = list_network(i);
        if (status != CLI_OK) return status;
    }
    return CLI_OK;
}

static int print_network(const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (; n < CLI_COUNT(names) && ph_zoo_name(n); n++) {
        names[n] = ph_zoo_name(n);
        if (strcmp(name, names[n]) != 0) continue;
        fputs(ph_zoo_text(n), stdout);
        return CLI_OK;
    }
    const char *near = cli_nearest(name, names, n);
    return cli_error(CLI_INPUT, "no built-in network '%s'%s%s%s", name,
                     near ? "; did you mean '" : " ('pinhole zoo' lists them)", near ? near : "",
                     near ? "'?" : "");
}

int cmd_zoo(int argc, char **argv)
{
    static const cli_spec spec = {
        .operands = "[NAME]",
        .max_operands = 1,
        .about = "List the built-in networks with their parameters and MACs, or print the text of\n"
                 "one: a start for a .net file of your own.\n",
        .examples = "  pinhole zoo\n"
                    "  pinhole zoo nin-cifar10 > mine.net\n",
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    return optind < argc ? print_network(argv[optind]) : list_networks();
}
