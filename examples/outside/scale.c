/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Traces y = relu(x w), compiles it into this process and runs it on three rows. */
#include <frit.h>
#include <stdio.h>

static int fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    return 1;
}

int main(void) {
    static const float weights[4] = {1, -2, 3, 0.5f}, rows[6] = {1, 2, 3, 4, -5, 6};
    float result[6];
    frit_tracer *t = frit_tracer_create("scale");
    frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(frit_dim_sym(t, "n", 1, 100), 2));
    frit_value *w = frit_constant(t, FRIT_DT_F32, FRIT_LIST(2, 2), weights);
    frit_output(frit_relu(frit_matmul(x, w)), "y");
    frit_model *m;
    if (frit_compile(t, NULL, &m) != FRIT_OK) return fail(frit_error(t));
    int64_t in_dims[2] = {3, 2}, out_dims[2] = {3, 2};
    frit_tensor in = {(void *)rows, FRIT_DT_F32, 2, in_dims, NULL}, out = {result, FRIT_DT_F32, 2, out_dims, NULL};
    if (frit_run(m, &in, &out) != FRIT_OK) return fail(frit_model_error(m));
    for (int i = 0; i < 3; i++) printf("%g %g\n", result[2 * i], result[2 * i + 1]);
    frit_model_destroy(m);
    frit_tracer_destroy(t);
    return 0;
}
