/* SPDX-License-Identifier: MIT */
/*
 * 01: run a network and say what it sees.
 *
 *     01_classify MODEL [IMAGE.npy]
 *
 * MODEL is an .onnx or .net file, or the name of a built-in network. IMAGE.npy holds floats of the
 * shape of the network's input; without it the network looks at a black image.
 *
 *     cc 01_classify.c $(pkg-config --cflags --libs pinhole) -o 01_classify
 */
#include <pinhole/pinhole.h>

#include <stdlib.h>

static int fail(const ph_error *err)
{
    fprintf(stderr, "01_classify: %s\n", err->message);
    return 1;
}

int main(int argc, char **argv)
{
    ph_error err = {0};
    ph_graph *net;
    ph_plan *plan;
    ph_run *run;
    ph_tensor *image, *scores;

    if (argc < 2) {
        fprintf(stderr, "usage: %s MODEL [IMAGE.npy]\n", argv[0]);
        return 2;
    }

    /* A graph is what the file says; a plan is that graph, prepared for given shapes; a run owns
     * the memory and the threads. Plans may be shared, runs belong to one thread. */
    if (ph_model_load(NULL, argv[1], 0, &net, &err)) return fail(&err);
    if (ph_plan_new(net, NULL, &plan, &err)) return fail(&err);
    if (ph_run_new(plan, 0, &run, &err)) return fail(&err);

    const ph_port *in = ph_plan_input(plan, 0), *out = ph_plan_output(plan, 0);
    enum ph_status st = argc > 2 ? ph_tensor_read_npy(NULL, argv[2], &image, &err)
                                 : ph_tensor_new(NULL, in->dtype, in->rank, in->dims, &image, &err);
    if (st) return fail(&err);
    if (ph_tensor_dtype(image) != in->dtype || ph_tensor_count(image) != in->count) {
        fprintf(stderr, "01_classify: the network wants %lld numbers of type %s\n",
                (long long)in->count, ph_dtype_name(in->dtype));
        return 1;
    }
    if (ph_tensor_new(NULL, out->dtype, out->rank, out->dims, &scores, &err)) return fail(&err);

    const void *inputs[] = {ph_tensor_const_data(image)};
    void *outputs[] = {ph_tensor_data(scores)};
    if (ph_run_once(run, inputs, outputs, &err)) return fail(&err);

    const float *score = ph_tensor_const_data(scores);
    long long best = 0;
    for (long long i = 1; i < out->count; i++) {
        if (score[i] > score[best]) best = i;
    }
    printf("class %lld, score %.4f\n", best, (double)score[best]);

    ph_tensor_free(scores);
    ph_tensor_free(image);
    ph_run_free(run);
    ph_plan_free(plan);
    ph_graph_free(net);
    return 0;
}
