/* SPDX-License-Identifier: MIT */
/* Any bytes as a network text: an error with its place, or a graph that works and that ONNX can
 * hold. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ph_graph *g;
    ph_error err = {0};
    enum ph_status st = ph_net_parse(fuzz_memory(), (const char *)data, size, "fuzz", 1, &g, &err);

    if (st) {
        fuzz_must_explain(st, &err);
        fuzz_must(st == PH_ERR_NOMEM || strstr(err.message, "fuzz"), "a failure says where", &err);
    } else {
        fuzz_graph_works(g);
        fuzz_graph_is_stable(g);
    }
    fuzz_memory_check();
    return 0;
}
