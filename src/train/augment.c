/* SPDX-License-Identifier: MIT */
/*
 * Batches of images as the network sees them while it learns: mirrored and shifted at random, each
 * image by numbers of its own (He 2015, arXiv:1512.03385, sec. 4.2, has the same for CIFAR-10).
 */
#include "base/rng.h"
#include "train/trainer.h"

typedef struct augment_job {
    const ph_dataset *data;
    const ph_train_desc *settings;
    uint64_t epoch;
    const uint32_t *order; /* [n] */
    const phi_view *x;     /* [n,c,h,w] */
} augment_job;

/* A number in -shift .. shift. */
static int shift_of(uint32_t word, int shift)
{
    return (int)((uint64_t)word * (2 * (uint64_t)shift + 1) >> 32) - shift;
}

phi_jitter phi_jitter_of(const ph_train_desc *s, uint64_t epoch, uint64_t image)
{
    uint32_t word[4];
    phi_philox(s->seed, phi_stream("pinhole/augment") + epoch, image, word);
    return (phi_jitter){.down = shift_of(word[0], s->shift),
                        .right = shift_of(word[1], s->shift),
                        .flip = s->flip && (word[2] >> 31)};
}

/* One row of one channel: from [w] bytes, or NULL for zeros, to w floats `step` apart. */
static void augment_row(const uint8_t *from, int64_t w, phi_jitter j, float *to, int64_t step)
{
    for (int64_t i = 0; i < w; i++) {
        int64_t source = i - j.right;
        bool inside = from && source >= 0 && source < w;
        if (j.flip) source = w - 1 - source;
        to[i * step] = inside ? phi_pixel_float(from[source]) : 0.0f;
    }
}

static void augment_image(void *arg, size_t task, size_t thread)
{
    (void)thread;
    const augment_job *job = arg;
    const int64_t *s = job->x->strides, *chw = job->data->chw;
    const uint8_t *image = ph_dataset_image(job->data, job->order[task]);
    phi_jitter j = phi_jitter_of(job->settings, job->epoch, job->order[task]);
    float *x = (float *)job->x->data + (int64_t)task * s[0];
    for (int64_t c = 0; c < chw[0]; c++)
        for (int64_t y = 0; y < chw[1]; y++) {
            int64_t source = y - j.down;
            bool inside = source >= 0 && source < chw[1];
            augment_row(inside ? image + (c * chw[1] + source) * chw[2] : NULL, chw[2], j,
                        x + c * s[1] + y * s[2], s[3]);
        }
}

void phi_augment(phi_pool *pool, const ph_dataset *d, const ph_train_desc *s, uint64_t epoch,
                 const uint32_t *order, const phi_view *x)
{
    augment_job job = {d, s, epoch, order, x};
    phi_pool_run(pool, (size_t)x->type.dims[0], augment_image, &job);
}
