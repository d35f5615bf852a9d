/* SPDX-License-Identifier: MIT */
#include "graph/graph.h"

static const phi_attr *find(const phi_node *node, const char *name, enum ph_attr_kind kind)
{
    for (size_t i = 0; i < node->n_attrs; i++)
        if (node->attrs[i].kind == kind && strcmp(node->attrs[i].name, name) == 0)
            return &node->attrs[i];
    return NULL;
}

bool phi_attr_has(const phi_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attrs; i++)
        if (strcmp(node->attrs[i].name, name) == 0) return true;
    return false;
}

int64_t phi_attr_int(const phi_node *node, const char *name, int64_t fallback)
{
    const phi_attr *a = find(node, name, PH_ATTR_INT);
    return a ? a->i : fallback;
}

float phi_attr_float(const phi_node *node, const char *name, float fallback)
{
    const phi_attr *a = find(node, name, PH_ATTR_FLOAT);
    return a ? a->f : fallback;
}

const char *phi_attr_string(const phi_node *node, const char *name, const char *fallback)
{
    const phi_attr *a = find(node, name, PH_ATTR_STRING);
    return a ? a->s : fallback;
}

const int64_t *phi_attr_ints(const phi_node *node, const char *name, size_t *n)
{
    const phi_attr *a = find(node, name, PH_ATTR_INTS);
    *n = a ? a->n : 0;
    return a ? a->ints : NULL;
}

const float *phi_attr_floats(const phi_node *node, const char *name, size_t *n)
{
    const phi_attr *a = find(node, name, PH_ATTR_FLOATS);
    *n = a ? a->n : 0;
    return a ? a->floats : NULL;
}

const ph_tensor *phi_attr_tensor(const phi_node *node, const char *name)
{
    const phi_attr *a = find(node, name, PH_ATTR_TENSOR);
    return a ? a->tensor : NULL;
}

enum ph_status phi_op_fail(const phi_infer *c, enum ph_status status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    phi_vformat(text, sizeof text, format, args);
    va_end(args);
    return phi_fail(c->err, status, c->node->name, "%s '%s': %s", c->node->op_type, c->node->name,
                    text);
}
