/* SPDX-License-Identifier: MIT */
/* Any bytes as a .npy file: an error, or a tensor that is the same when written and read again. */
#include "fuzz.h"

#include <string.h>

static void must_be_stable(const ph_tensor *t)
{
    fuzz_file f;
    ph_tensor *again;
    ph_error err = {0};
    enum ph_status st;

    fuzz_file_open(&f, NULL, 0);
    st = ph_tensor_write_npy(t, f.path, &err);
    fuzz_must(st == PH_OK || st == PH_ERR_NOMEM, "what was read can be written", &err);
    if (st == PH_OK) st = ph_tensor_read_npy(fuzz_memory(), f.path, &again, &err);
    fuzz_must(st == PH_OK || st == PH_ERR_NOMEM, "what was written can be read", &err);
    if (st == PH_OK) {
        const size_t rank = ph_tensor_rank(t);
        fuzz_must(ph_tensor_dtype(again) == ph_tensor_dtype(t) && ph_tensor_rank(again) == rank &&
                      memcmp(ph_tensor_dims(again), ph_tensor_dims(t), rank * 8) == 0,
                  "type and shape are the same", NULL);
        fuzz_must(ph_tensor_bytes(again) == ph_tensor_bytes(t) &&
                      memcmp(ph_tensor_const_data(again), ph_tensor_const_data(t),
                             ph_tensor_bytes(t)) == 0,
                  "the elements are the same", NULL);
        ph_tensor_free(again);
    }
    fuzz_file_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file f;
    ph_tensor *t;
    ph_error err = {0};

    fuzz_file_open(&f, data, size);
    const enum ph_status st = ph_tensor_read_npy(fuzz_memory(), f.path, &t, &err);
    if (st) {
        fuzz_must_explain(st, &err);
    } else {
        must_be_stable(t);
        ph_tensor_free(t);
    }
    fuzz_file_close(&f);
    fuzz_memory_check();
    return 0;
}
