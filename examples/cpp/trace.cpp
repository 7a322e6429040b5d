/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tracer from C++: y = softmax(x w), compiled in this process and run.
 *
 *     c++ -Iinclude -Ibuild/include examples/cpp/trace.cpp -Lbuild -lfrit -Wl,-rpath,$PWD/build && ./a.out */
#include "frit.h"

#include <cstdio>
#include <vector>

int main() {
    const std::vector<float> weights(64 * 10, 0.125f), x(8 * 64, 1.0f);
    std::vector<float> y(8 * 10);
    frit_tracer *t = frit_tracer_create("mlp");
    frit_dim batch = frit_dim_sym(t, "batch", 1, 512);
    frit_value *in = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(batch, 64));
    frit_value *w = frit_constant(t, FRIT_DT_F32, FRIT_LIST(64, 10), weights.data());
    frit_value *scaled = frit_mul(frit_matmul(in, w), frit_input(t, "scale", FRIT_DT_F32, FRIT_EMPTY));
    frit_output(frit_softmax(scaled, -1), "y");

    frit_model *m;
    if (frit_compile(t, nullptr, &m) != FRIT_OK) return std::puts(frit_error(t)), 1;
    const int64_t x_dims[2] = {8, 64}, y_dims[2] = {8, 10};
    float scale = 2;
    const frit_tensor inputs[2] = {{const_cast<float *>(x.data()), FRIT_DT_F32, 2, x_dims, nullptr},
                                   {&scale, FRIT_DT_F32, 0, nullptr, nullptr}};
    const frit_tensor output = {y.data(), FRIT_DT_F32, 2, y_dims, nullptr};
    if (frit_run(m, inputs, &output) != FRIT_OK) return std::puts(frit_model_error(m)), 1;
    std::printf("%.3f\n", static_cast<double>(y[0]));
    frit_model_destroy(m);
    frit_tracer_destroy(t);
}
