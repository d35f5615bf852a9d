/* SPDX-License-Identifier: MIT */
/*
 * Which slots and steps take part in training: those on a way from a trainable constant to the
 * loss. Found by one sweep forwards (what depends on a parameter) and one backwards (what the loss
 * depends on).
 */
#include "graph/parameters.h"
#include "train/tape.h"

/* Is value `v` a constant that is read anywhere as a parameter? Marks trainable[v]. */
static void mark_trainable(const ph_graph *g, const unsigned char *flow, bool *trainable)
{
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *node = &g->nodes[i];
        for (size_t j = 0; j < node->n_in; j++) {
            if (node->in[j] == PH_NONE) continue;
            const ph_tensor *t = g->values[node->in[j]].constant;
            if (t && phi_is_parameter(flow, node, j, &t->type)) trainable[node->in[j]] = true;
        }
    }
}

/* Does the slot hold, in the graph's own memory, a float32 constant that training may change? */
static bool is_parameter(const ph_plan *p, const phi_slot *slot, const bool *trainable)
{
    if (slot->kind != PHI_SLOT_CONSTANT || slot->value < 0 || !trainable[slot->value]) return false;
    const ph_tensor *t = p->graph->values[slot->value].constant;
    return t && t->type.dtype == PH_FLOAT32 && t->data == slot->view.data && t->count > 0;
}

/* Forwards: path->slot becomes "depends on a parameter". */
static void sweep_forward(const ph_plan *p, phi_path *path)
{
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *s = &p->steps[i];
        bool depends = false;
        for (size_t j = 0; j < s->n_in; j++)
            depends = depends || (s->in[j] >= 0 && path->slot[s->in[j]]);
        for (size_t j = 0; depends && j < s->n_out; j++)
            if (s->out[j] >= 0 && p->slots[s->out[j]].view.type.dtype == PH_FLOAT32)
                path->slot[s->out[j]] = true;
    }
}

/* Backwards: path->slot becomes "and the loss depends on it". */
static void sweep_backward(const ph_plan *p, bool *reaches, phi_path *path)
{
    for (size_t i = p->n_steps; i-- > 0;) {
        const phi_step *s = &p->steps[i];
        for (size_t j = 0; j < s->n_out; j++) {
            if (s->out[j] < 0 || !reaches[s->out[j]]) continue;
            path->forward[i] = true;
            path->backward[i] = path->backward[i] || path->slot[s->out[j]];
        }
        for (size_t j = 0; path->forward[i] && j < s->n_in; j++)
            if (s->in[j] >= 0) reaches[s->in[j]] = true;
    }
    for (size_t i = 0; i < p->n_slots; i++)
        path->slot[i] = path->slot[i] && reaches[i];
}

/* Number the parameters that the loss depends on; slots of one value share a number. */
static void number_params(const ph_plan *p, int32_t *param_of_value, phi_path *path)
{
    for (size_t i = 0; i < p->n_slots; i++) {
        if (path->param[i] < 0) continue;
        int32_t *number = &param_of_value[p->slots[i].value];
        if (path->slot[i] && *number == 0) *number = (int32_t)++path->n_params;
        path->param[i] = path->slot[i] ? *number - 1 : -1;
    }
}

/* All nodes in the way that have no backward, in one message. */
static enum ph_status check_backward(const ph_plan *p, const phi_path *path, ph_error *err)
{
    char list[1024] = "";
    size_t used = 0, n = 0;
    const char *first = NULL;
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *s = &p->steps[i];
        if (!path->backward[i] || s->op->backward) continue;
        const char *name = s->node ? s->node->name : "(layout)";
        if (!first) first = name;
        n++;
        int wrote = snprintf(list + used, sizeof list - used, "%s%s '%s'", n > 1 ? ", " : "",
                             s->op->name, name);
        if (wrote > 0 && (size_t)wrote < sizeof list - used)
            used += (size_t)wrote;
        else
            list[used] = '\0';
    }
    if (n == 0) return PH_OK;
    return phi_fail(err, PH_ERR_UNSUPPORTED, first,
                    "%zu node%s between the parameters and the loss %s no gradient: %s", n,
                    n == 1 ? "" : "s", n == 1 ? "has" : "have", list);
}

/* A gradient of no elements is nothing that can be passed on. */
static enum ph_status check_not_empty(const ph_plan *p, const phi_path *path, ph_error *err)
{
    for (size_t i = 0; i < p->n_slots; i++)
        if (path->slot[i] && p->slots[i].bytes == 0)
            return phi_fail(err, PH_ERR_UNSUPPORTED, p->graph->values[p->slots[i].value].name,
                            "value '%s' lies between the parameters and the loss but has no "
                            "elements",
                            p->graph->values[p->slots[i].value].name);
    return PH_OK;
}

static enum ph_status find(const ph_plan *p, int32_t loss_slot, unsigned char *flow,
                           bool *trainable, bool *reaches, int32_t *numbers, phi_path *path,
                           ph_error *err)
{
    phi_find_flow(p->graph, flow);
    mark_trainable(p->graph, flow, trainable);
    for (size_t i = 0; i < p->n_slots; i++) {
        path->slot[i] = is_parameter(p, &p->slots[i], trainable);
        path->param[i] = path->slot[i] ? 0 : -1;
    }
    reaches[loss_slot] = true;
    sweep_forward(p, path);
    sweep_backward(p, reaches, path);
    number_params(p, numbers, path);
    if (path->n_params == 0)
        return phi_fail(err, PH_ERR_ARG, p->graph->name,
                        "graph '%s': nothing to train: its output depends on no constant that is "
                        "the weight or bias of a node",
                        p->graph->name);
    enum ph_status st = check_not_empty(p, path, err);
    return st ? st : check_backward(p, path, err);
}

enum ph_status phi_path_find(const ph_plan *p, int32_t loss_slot, phi_path *path, ph_error *err)
{
    const ph_allocator *mem = &p->mem;
    *path = (phi_path){.mem = p->mem};
    path->slot = phi_calloc(mem, p->n_slots, sizeof(bool));
    path->forward = phi_calloc(mem, p->n_steps, sizeof(bool));
    path->backward = phi_calloc(mem, p->n_steps, sizeof(bool));
    path->param = phi_calloc(mem, p->n_slots, sizeof(int32_t));
    unsigned char *flow = phi_calloc(mem, p->graph->n_values, 1);
    bool *trainable = phi_calloc(mem, p->graph->n_values, sizeof(bool));
    bool *reaches = phi_calloc(mem, p->n_slots, sizeof(bool));
    int32_t *numbers = phi_calloc(mem, p->graph->n_values, sizeof(int32_t));
    enum ph_status st;
    if (path->slot && path->forward && path->backward && path->param && flow && trainable &&
        reaches && numbers)
        st = find(p, loss_slot, flow, trainable, reaches, numbers, path, err);
    else
        st = phi_fail_nomem(err);
    phi_free(mem, flow);
    phi_free(mem, trainable);
    phi_free(mem, reaches);
    phi_free(mem, numbers);
    if (st) phi_path_clear(path);
    return st;
}

void phi_path_clear(phi_path *path)
{
    phi_free(&path->mem, path->slot);
    phi_free(&path->mem, path->forward);
    phi_free(&path->mem, path->backward);
    phi_free(&path->mem, path->param);
    path->slot = path->forward = path->backward = NULL;
    path->param = NULL;
}
