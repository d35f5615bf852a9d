/* SPDX-License-Identifier: MIT */
/*
 * 02: build a bottleneck by hand and ask what its 1x1 convolutions save.
 *
 * ResNet's bottleneck (He 2015, arXiv:1512.03385, fig. 5): 1x1 from 256 channels to 64, 3x3 on 64,
 * 1x1 back to 256. Its weights: 256*64 + 9*64*64 + 64*256 = 69,632.
 *
 *     cc 02_account.c $(pkg-config --cflags --libs pinhole) -o 02_account
 */
#include <pinhole/pinhole.h>

static int fail(const ph_error *err)
{
    fprintf(stderr, "02_account: %s\n", err->message);
    return 1;
}

int main(void)
{
    const int64_t shape[] = {1, 256, 56, 56};
    const ph_conv_desc reduce = {.k = 64, .no_bias = true, .name = "reduce"};
    const ph_conv_desc middle = {.k = 64,
                                 .r = 3,
                                 .pad_top = 1,
                                 .pad_left = 1,
                                 .pad_bottom = 1,
                                 .pad_right = 1,
                                 .no_bias = true,
                                 .name = "middle"};
    const ph_conv_desc expand = {.k = 256, .no_bias = true, .name = "expand"};
    ph_error err = {0};
    ph_graph *g;
    ph_value x;
    ph_account *account;

    if (ph_graph_new(NULL, "bottleneck", &g, &err)) return fail(&err);
    if (ph_graph_add_input(g, "x", PH_FLOAT32, 4, shape, &x, &err)) return fail(&err);
    if (ph_graph_add_conv(g, x, 256, &reduce, 1, &x, &err)) return fail(&err);
    if (ph_graph_add_conv(g, x, 64, &middle, 1, &x, &err)) return fail(&err);
    if (ph_graph_add_conv(g, x, 64, &expand, 1, &x, &err)) return fail(&err);
    if (ph_graph_add_output(g, x, &err)) return fail(&err);

    if (ph_account_new(g, 0, NULL, &account, &err)) return fail(&err);
    for (size_t i = 0; i < ph_account_n_layers(account); i++) {
        const ph_layer_cost *c = ph_account_layer(account, i);
        const char *role = ph_role_name(c->role);
        printf("%-8s %9lld weights %12lld MACs  %s\n", c->name, (long long)c->parameters,
               (long long)c->macs, role ? role : "");
    }
    for (size_t i = 0; i < ph_account_n_savings(account); i++) {
        const ph_saving *s = ph_account_saving(account, i);
        printf("%s (%lld to %lld channels) with %s: %lld weights instead of %lld\n", s->reduction,
               (long long)s->c_in, (long long)s->c_reduced, s->consumer,
               (long long)s->parameters_with, (long long)s->parameters_without);
    }
    printf("total    %9lld weights %12lld MACs\n",
           (long long)ph_account_totals(account)->parameters,
           (long long)ph_account_totals(account)->macs);

    ph_account_free(account);
    ph_graph_free(g);
    return 0;
}
