/* SPDX-License-Identifier: MIT */
/*
 * How large values are to be expected, so that the running variance of a batch norm can be what the
 * layers in front of it give, as if it had been trained: otherwise each of the blocks of a deep
 * residual network would multiply its values, and with 152 layers they would come to 10^12.
 *
 * Of each value the mean square is known, in expectation over the weights, for an input of 1; and
 * how much of it is there because the value is never negative, which a ReLU leaves as it is.
 */
#include "zoo/net.h"

/* The sum, or the mean over the elements, of the inputs. */
static net_power join(const net_parser *p, const phi_node *node, bool mean)
{
    net_power sum = {0.0, 0.0};
    double n = 0.0;
    for (size_t i = 0; i < node->n_in; i++) {
        const net_info *in = &p->info[node->in[i]];
        const double weight = mean ? (double)phi_type_count(&in->type[0]) : 1.0;
        sum.square += weight * in->power.square;
        sum.positive += weight * in->power.positive;
        n += weight;
    }
    if (mean && n > 0.0) sum = (net_power){sum.square / n, sum.positive / n};
    return sum;
}

/* max(a + s, 0) of a >= 0 and of s as often above as below 0: half of s where a is 0, all of it
 * where a is large. */
static net_power rectified(net_power in)
{
    const double s = in.square - in.positive;
    if (!(in.square > 0.0)) return in;
    const double out = in.positive + s * (0.5 + 0.5 * in.positive / in.square);
    return (net_power){out, out};
}

net_power phi_net_expect(const net_parser *p, const phi_node *node)
{
    const char *op = node->op_type;
    const net_power in = p->info[node->in[0]].power;
    if (strcmp(op, "Conv") == 0 || strcmp(op, "Gemm") == 0)
        return (net_power){2.0 * in.square, 0.0}; /* fan_in weights of variance 2 / fan_in */
    if (strcmp(op, "BatchNormalization") == 0) return (net_power){1.0, 0.0};
    if (strcmp(op, "Relu") == 0 || strcmp(op, "Clip") == 0) return rectified(in);
    if (strcmp(op, "Add") == 0 || strcmp(op, "Sum") == 0) return join(p, node, false);
    if (strcmp(op, "Concat") == 0) return join(p, node, true);
    return in; /* pooling, dropout, shapes, other activations: about as large */
}
