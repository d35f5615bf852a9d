/* SPDX-License-Identifier: MIT */
/*
 * pinhole info: what runs here, and with which kernels.
 */
#include "commands.h"
#include "json.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

/* The processor's own name for itself, where the kernel tells; "unknown" elsewhere. */
static void cpu_name(char *buf, size_t bytes)
{
    char line[256];
    snprintf(buf, bytes, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f) return;
    while (fgets(line, sizeof line, f)) {
        char *colon = strstr(line, ": ");
        if (strncmp(line, "model name", 10) == 0 && colon) {
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(buf, bytes, "%s", colon + 2);
            break;
        }
    }
    fclose(f);
}

typedef struct info {
    char cpu[128];
    const char *cap; /* PH_CPU, or NULL */
} info;

static void print_text(const info *about)
{
    const char *slot, *name;
    size_t n_ops = 0;
    while (ph_op_name(n_ops, NULL, NULL)) {
        n_ops++;
    }
    printf("version          %s\n", ph_version());
    printf("processor        %s\n", about->cpu);
    printf("threads          %zu\n", ph_cpu_count());
    printf("instruction set  %s", ph_cpu_isa());
    if (about->cap) printf(" (PH_CPU=%s)", about->cap);
    printf("\noperators        %zu of ONNX (--json lists them)\n", n_ops);
    for (size_t i = 0; (name = ph_kernel_name(i, &slot)); i++) {
        printf("kernel           %-16s %s\n", slot, name);
    }
}

static json_t *json_kernels(void)
{
    const char *slot, *name;
    json_t *list = json_object();
    for (size_t i = 0; (name = ph_kernel_name(i, &slot)); i++) {
        cli_json_text(list, slot, name);
    }
    return list;
}

static json_t *json_operators(void)
{
    int since, until;
    const char *name;
    json_t *list = json_object();
    for (size_t i = 0; (name = ph_op_name(i, &since, &until)); i++) {
        json_t *op = json_object();
        cli_json_int(op, "since_opset", since);
        if (until) cli_json_int(op, "until_opset", until);
        cli_json_set(list, name, op);
    }
    return list;
}

static int write_json(const info *about, const char *path)
{
    json_t *root = json_object();
    cli_json_int(root, "schema", 1);
    cli_json_text(root, "version", ph_version());
    cli_json_text(root, "processor", about->cpu);
    cli_json_int(root, "threads", (int64_t)ph_cpu_count());
    cli_json_text(root, "instruction_set", ph_cpu_isa());
    cli_json_set(root, "kernels", json_kernels());
    cli_json_set(root, "operators", json_operators());
    return cli_json_write(root, path);
}

int cmd_info(int argc, char **argv)
{
    const char *json = NULL;
    const cli_option options[] = {
        {OPT_TEXT("json", 'j', &json, "FILE",
                  "write it as JSON, with the operators (- is stdout)")},
    };
    const cli_spec spec = {
        .operands = "",
        .about = "Print the version, the processor, the instruction set and the kernels in use;\n"
                 "with --json also every ONNX operator and the opsets it is known in.\n"
                 "The environment variable PH_CPU (scalar, avx2, ...) caps the instruction set.\n",
        .options = options,
        .n_options = CLI_COUNT(options),
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;

    info about = {.cap = getenv("PH_CPU")};
    cpu_name(about.cpu, sizeof about.cpu);
    if (json) return write_json(&about, json);
    print_text(&about);
    return CLI_OK;
}
