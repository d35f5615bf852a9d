/* SPDX-License-Identifier: MIT */
/* Any bytes as an ONNX model: an error, or a graph that can be checked, written and read again. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ph_graph *g;
    ph_error err = {0};

    if (ph_onnx_read_memory(fuzz_memory(), data, size, &g, &err)) {
        fuzz_must(err.status != PH_OK && err.message[0], "a failure says why", NULL);
        fuzz_must(err.status != PH_ERR_INTERNAL, "no input is a bug of ours", &err);
    } else {
        const enum ph_status st = ph_graph_check(g, &err);
        fuzz_must(st == PH_OK || (err.status == st && err.message[0]), "a refusal says why", &err);
        fuzz_must(st != PH_ERR_INTERNAL, "no input is a bug of ours", &err);
        fuzz_graph_is_stable(g);
    }
    fuzz_memory_check();
    return 0;
}
