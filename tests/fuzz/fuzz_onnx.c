/* SPDX-License-Identifier: MIT */
/* Any bytes as an ONNX model: an error, or a graph that can be checked, accounted for, planned and
 * run, and that is the same when written and read again. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ph_graph *g;
    ph_error err = {0};
    const enum ph_status st = ph_onnx_read_memory(fuzz_memory(), data, size, &g, &err);

    if (st) {
        fuzz_must_explain(st, &err);
    } else {
        fuzz_graph_works(g);
        fuzz_graph_is_stable(g);
    }
    fuzz_memory_check();
    return 0;
}
