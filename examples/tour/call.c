/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calls the program of docs/TOUR.md:  frit compile tour.fir -o tour.so
 *                                     cc -I../../include call.c -o call -ldl && ./call */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "frit_artifact.h"

static int fail(const char *what) { return fprintf(stderr, "call: %s\n", what), 1; }

int main(void) {
    void *library = dlopen("./tour.so", RTLD_NOW | RTLD_LOCAL), *symbol = NULL;
    if (!library || !(symbol = dlsym(library, FRIT_ARTIFACT_SYMBOL))) return fail(dlerror());
    frit_artifact_table_fn *table;
    memcpy(&table, &symbol, sizeof table); /* ISO C has no cast from object to function pointers */
    const frit_artifact *model = table(FRIT_ARTIFACT_ABI);
    if (!model) return fail("the artifact has another version");

    static float x_data[3][64], y_data[3][96];
    for (int i = 0; i < 3; i++) x_data[i][i] = 1;
    int64_t x_dims[] = {3, 64}, y_dims[2], symbols[1];
    frit_tensor x = {.data = x_data, .dtype = FRIT_DT_F32, .rank = 2, .dims = x_dims};
    frit_tensor y = {.data = y_data, .dtype = FRIT_DT_F32, .rank = 2, .dims = y_dims};
    char message[256];
    if (model->bind(model, &x, symbols, message, sizeof message) != FRIT_OK) return fail(message); /* B = 3 */
    model->output_dims(model, symbols, 0, y_dims);

    frit_options options = {.struct_bytes = sizeof options, .max_symbols = symbols};
    frit_context *context;
    if (model->create(model, &options, &context, message, sizeof message) != FRIT_OK) return fail(message);
    if (model->run(context, &x, &y) != FRIT_OK) return fail(model->error(context));
    for (int i = 0; i < 3; i++) {
        float sum = 0;
        for (int j = 0; j < 96; j++) sum += y_data[i][j];
        printf("row %d: %.4f %.4f %.4f ... sum %.4f\n", i, y_data[i][0], y_data[i][1], y_data[i][2], sum);
    }
    model->destroy(context);
    return 0;
}
