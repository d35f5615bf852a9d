/* SPDX-License-Identifier: MIT */
/* Any bytes as a network text: an error with its place, or a graph that works and that ONNX can
 * hold. */
#include "fuzz.h"

#include <string.h>

#define WEIGHTS ((int64_t)1 << 20) /* drawing more takes too long here */

/* Account for an outline; false: its weights are many. */
static bool look_at(const ph_graph *g)
{
    ph_account *a;
    ph_error err = {0};
    enum ph_status st = ph_account_new(g, 0, NULL, &a, &err);

    if (st) {
        fuzz_must_explain(st, &err);
        return false;
    }
    const bool small = ph_account_totals(a)->parameters <= WEIGHTS;
    ph_account_free(a);
    return small;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    ph_graph *g;
    ph_error err = {0};
    enum ph_status st = ph_net_outline(fuzz_memory(), text, size, "fuzz", &g, &err);

    if (st) {
        fuzz_must_explain(st, &err);
        fuzz_must(st == PH_ERR_NOMEM || strstr(err.message, "fuzz"), "a failure says where", &err);
        fuzz_memory_check();
        return 0;
    }
    const size_t n_nodes = ph_graph_n_nodes(g);
    const bool small = look_at(g);
    ph_graph_free(g);
    if (small) {
        st = ph_net_parse(fuzz_memory(), text, size, "fuzz", 1, &g, &err);
        fuzz_must(st == PH_OK, "what has an outline can be filled in", &err);
        fuzz_must(ph_graph_n_nodes(g) == n_nodes, "its outline is that of the network", NULL);
        fuzz_graph_works(g);
        fuzz_graph_is_stable(g);
    }
    fuzz_memory_check();
    return 0;
}
