/* SPDX-License-Identifier: MIT */
/*
 * pinhole info: what runs here, and with which kernels.
 */
#include "commands.h"
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

int cmd_info(int argc, char **argv)
{
    static const cli_spec spec = {
        .operands = "",
        .about = "Print the version, the processor, the instruction set and the kernels in use.\n"
                 "The environment variable PH_CPU (scalar, avx2, ...) caps the instruction set.\n",
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;

    char cpu[128];
    const char *cap = getenv("PH_CPU");
    cpu_name(cpu, sizeof cpu);
    printf("version          %s\n", ph_version());
    printf("processor        %s\n", cpu);
    printf("threads          %zu\n", ph_cpu_count());
    printf("instruction set  %s%s%s%s\n", ph_cpu_isa(), cap ? " (PH_CPU=" : "", cap ? cap : "",
           cap ? ")" : "");
    const char *slot, *kernel;
    for (size_t i = 0; (kernel = ph_kernel_name(i, &slot)); i++) {
        printf("kernel           %-16s %s\n", slot, kernel);
    }
    return CLI_OK;
}
