/* SPDX-License-Identifier: MIT */
/*
 * The lesson's networks, through the public interface alone.
 */
#include "lesson.h"

#include <stdlib.h>
#include <string.h>

/* --- Numbers ---------------------------------------------------------------------------------- */

float *lesson_floats(lesson *l, size_t n)
{
    if (l->status != CLI_OK) return NULL;
    float *x = calloc(n ? n : 1, sizeof *x);
    if (!x) l->status = cli_nomem();
    return x;
}

/* 32 bits of a linear congruential generator (Knuth, TAOCP vol. 2, 3.3.4, MMIX's constants). */
static uint32_t draw(lesson *l)
{
    l->random = l->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(l->random >> 32);
}

void lesson_whole_numbers(lesson *l, float *x, size_t n, int low, int high)
{
    if (l->status != CLI_OK) return;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(low + (int)(draw(l) % (uint32_t)(high - low + 1)));
}

void lesson_real_numbers(lesson *l, float *x, size_t n)
{
    if (l->status != CLI_OK) return;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(draw(l) >> 8) / 8388608.0f - 1.0f;
}

/* --- Building --------------------------------------------------------------------------------- */

static bool failed(lesson *l, enum ph_status st, const ph_error *err)
{
    if (st && l->status == CLI_OK) l->status = cli_fail(st, err);
    return l->status != CLI_OK;
}

void lesson_net_start(lesson_net *n, lesson *l, const char *name)
{
    ph_error err = {0};
    *n = (lesson_net){.l = l};
    if (l->status == CLI_OK) failed(l, ph_graph_new(cli_memory(), name, &n->graph, &err), &err);
}

static ph_value add_input(lesson_net *n, size_t rank, const int64_t *dims)
{
    ph_error err = {0};
    ph_value v = PH_NONE;
    if (n->l->status == CLI_OK)
        failed(n->l, ph_graph_add_input(n->graph, "x", PH_FLOAT32, rank, dims, &v, &err), &err);
    return v;
}

ph_value lesson_net_input(lesson_net *n, int64_t h, int64_t w, int64_t c)
{
    return add_input(n, 4, (const int64_t[]){1, c, h, w});
}

ph_value lesson_net_rows(lesson_net *n, int64_t rows, int64_t count)
{
    return add_input(n, 2, (const int64_t[]){rows, count});
}

static ph_value add_constant(lesson_net *n, const char *layer, const char *what, size_t rank,
                             const int64_t *dims, const float *data)
{
    char name[128];
    ph_error err = {0};
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    if (n->l->status != CLI_OK) return PH_NONE;
    snprintf(name, sizeof name, "%s.%s", layer, what);
    if (!failed(n->l, ph_tensor_new(cli_memory(), PH_FLOAT32, rank, dims, &t, &err), &err)) {
        memcpy(ph_tensor_data(t), data, ph_tensor_bytes(t));
        failed(n->l, ph_graph_add_constant(n->graph, name, t, &v, &err), &err);
    }
    ph_tensor_free(t);
    return v;
}

ph_value lesson_net_node(lesson_net *n, const char *op, const char *name, size_t n_in,
                         const ph_value *in, size_t n_attrs, const ph_attr *attrs)
{
    ph_error err = {0};
    ph_value v = PH_NONE;
    if (n->l->status != CLI_OK) return PH_NONE;
    failed(n->l, ph_graph_add_node(n->graph, op, name, n_in, in, n_attrs, attrs, 1, NULL, &v, &err),
           &err);
    return v;
}

static ph_value add_relu(lesson_net *n, const char *layer, ph_value x)
{
    char name[128];
    snprintf(name, sizeof name, "%s/relu", layer);
    return lesson_net_node(n, "Relu", name, 1, &x, 0, NULL);
}

/* A convolution whose weights the library draws. */
static ph_value drawn_conv(lesson_net *n, const char *name, ph_value x, int64_t c,
                           const lesson_conv *conv)
{
    ph_error err = {0};
    ph_value v = PH_NONE;
    ph_conv_desc desc = {.k = conv->k, .r = conv->r, .no_bias = true, .name = name};
    desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = conv->pad;
    if (n->l->status == CLI_OK)
        failed(n->l, ph_graph_add_conv(n->graph, x, c, &desc, 1, &v, &err), &err);
    return v;
}

ph_value lesson_net_conv(lesson_net *n, const char *name, ph_value x, int64_t c, lesson_conv conv)
{
    const int64_t p = conv.pad, pads[] = {p, p, p, p};
    ph_attr attr = {.name = "pads", .kind = PH_ATTR_INTS, .n = 4, .ints = pads};
    ph_value v;
    if (conv.weights) {
        ph_value in[3] = {x};
        in[1] = add_constant(n, name, "weight", 4, (const int64_t[]){conv.k, c, conv.r, conv.r},
                             conv.weights);
        if (conv.bias) in[2] = add_constant(n, name, "bias", 1, &conv.k, conv.bias);
        v = lesson_net_node(n, "Conv", name, conv.bias ? 3 : 2, in, 1, &attr);
    } else {
        v = drawn_conv(n, name, x, c, &conv);
    }
    return conv.relu ? add_relu(n, name, v) : v;
}

ph_value lesson_net_dense(lesson_net *n, const char *name, ph_value x, int64_t in, int64_t out,
                          const float *weights, const float *bias, bool relu)
{
    ph_attr attr = {.name = "transB", .kind = PH_ATTR_INT, .i = 1};
    ph_value operands[3] = {x};
    operands[1] = add_constant(n, name, "weight", 2, (const int64_t[]){out, in}, weights);
    if (bias) operands[2] = add_constant(n, name, "bias", 1, &out, bias);
    ph_value v = lesson_net_node(n, "Gemm", name, bias ? 3 : 2, operands, 1, &attr);
    return relu ? add_relu(n, name, v) : v;
}

void lesson_net_output(lesson_net *n, ph_value v)
{
    ph_error err = {0};
    if (n->l->status == CLI_OK) failed(n->l, ph_graph_add_output(n->graph, v, &err), &err);
}

/* --- Running ---------------------------------------------------------------------------------- */

void lesson_net_ready(lesson_net *n, bool to_run)
{
    ph_error err = {0};
    lesson *l = n->l;
    if (l->status != CLI_OK) return;
    if (failed(l, ph_account_new(n->graph, 0, NULL, &n->account, &err), &err) || !to_run) return;
    if (failed(l, ph_plan_new(n->graph, NULL, &n->plan, &err), &err)) return;
    if (failed(l, ph_run_new(n->plan, 0, &n->run, &err), &err)) return;
    for (; n->n_y < ph_plan_n_outputs(n->plan) && n->n_y < LESSON_OUTPUTS; n->n_y++)
        n->y[n->n_y] = lesson_floats(l, (size_t)ph_plan_output(n->plan, n->n_y)->count);
}

bool lesson_net_run(lesson_net *n, const float *x)
{
    ph_error err = {0};
    void *y[LESSON_OUTPUTS];
    if (n->l->status != CLI_OK) return false;
    for (size_t i = 0; i < n->n_y; i++)
        y[i] = n->y[i];
    return !failed(n->l, ph_run_once(n->run, (const void *const[]){x}, y, &err), &err);
}

void lesson_net_free(lesson_net *n)
{
    for (size_t i = 0; i < n->n_y; i++)
        free(n->y[i]);
    ph_run_free(n->run);
    ph_plan_free(n->plan);
    ph_account_free(n->account);
    ph_graph_free(n->graph);
}

/* --- What the account says -------------------------------------------------------------------- */

const ph_layer_cost *lesson_net_cost(const lesson_net *n, const char *layer)
{
    static const ph_layer_cost none = {.name = "", .op = ""};
    for (size_t i = 0; n->account && i < ph_account_n_layers(n->account); i++) {
        const ph_layer_cost *c = ph_account_layer(n->account, i);
        if (strcmp(c->name, layer) == 0) return c;
    }
    return &none;
}

int64_t lesson_net_parameters(const lesson_net *n)
{
    return n->account ? ph_account_totals(n->account)->parameters : 0;
}

int64_t lesson_net_macs(const lesson_net *n)
{
    return n->account ? ph_account_totals(n->account)->macs : 0;
}

lesson_box lesson_net_size(const lesson_net *n, const char *layer)
{
    const ph_layer_cost *c = lesson_net_cost(n, layer);
    lesson_box b = {.h = 0};
    if (c->output_rank == 4)
        b = (lesson_box){.h = c->output_dims[2], .w = c->output_dims[3], .c = c->output_dims[1]};
    else if (c->output_rank == 2)
        b = (lesson_box){.h = 1, .w = 1, .c = c->output_dims[1]};
    return b;
}

const char *lesson_size_text(lesson_box size, char buf[CLI_NUMBER_BYTES])
{
    /* sizes of a lesson have a few digits; cut all the same */
    snprintf(buf, CLI_NUMBER_BYTES, "%dx%dx%d", (int)size.h, (int)size.w, (int)size.c);
    return buf;
}

void lesson_check_size(lesson *l, const lesson_net *n, const char *layer, int64_t h, int64_t w,
                       int64_t c, const char *claim)
{
    char value[CLI_NUMBER_BYTES], wanted[CLI_NUMBER_BYTES];
    lesson_box got = lesson_net_size(n, layer);
    lesson_check(l, got.h == h && got.w == w && got.c == c, lesson_size_text(got, value),
                 lesson_size_text((lesson_box){.h = h, .w = w, .c = c}, wanted), "%s", claim);
}

void lesson_table(lesson *l, const lesson_net *n, size_t n_layers, const char *const *layers)
{
    char size[CLI_NUMBER_BYTES], weights[CLI_NUMBER_BYTES], macs[CLI_NUMBER_BYTES];
    if (l->status != CLI_OK) return;
    lesson_line(l, "%s%-14s %12s %12s %14s   %s%s", cli_sgr(&l->style, "\033[1m"), "layer",
                "output", "weights", "MACs", "channels", cli_sgr(&l->style, "\033[0m"));
    for (size_t i = 0; i < n_layers; i++) {
        const ph_layer_cost *c = lesson_net_cost(n, layers[i]);
        const char *role = ph_role_name(c->role);
        lesson_line(l, "%-14s %12s %12s %14s   %s", layers[i],
                    lesson_size_text(lesson_net_size(n, layers[i]), size),
                    cli_group(c->parameters, weights), cli_group(c->macs, macs), role ? role : "-");
    }
    lesson_gap(l);
}
