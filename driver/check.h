/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One test folder in the ONNX layout: model.onnx and test_data_set_<k>/{input,output}_<i>.pb. */
#ifndef FRIT_DRIVER_CHECK_H
#define FRIT_DRIVER_CHECK_H

#include "driver/compile.h"
#include "ir/eval/eval.h"

typedef struct check_options {
    compile_options compile;
    double rtol, atol; /* |got - wanted| <= atol + rtol * |wanted| */
} check_options;

typedef enum check_verdict { CHECK_PASS, CHECK_FAIL, CHECK_SKIP } check_verdict;
typedef struct check_result {
    check_verdict verdict;
    const char *text; /* why, or what was made constant; "" nothing to say */
} check_result;

/* Compiles, runs and compares in this process. Never fails itself: whatever goes wrong is the verdict. */
check_result check_folder(cx *c, const char *folder, const check_options *o);

/* The model of a folder and its first data set, in c->job. Inputs that have to be known when compiling are constants
 * from the data set; with is_constant those that decide extents are too. */
typedef struct check_case {
    graph *g;
    tensor *inputs, *outputs; /* of g, in order */
} check_case;
frit_status check_read(cx *c, const char *folder, bool is_constant, check_case *out);

/* FRIT_OK when got is what was wanted as the ONNX suite judges: dtype and shape equal, every element close, NaN where
 * NaN was wanted. Else the message says what differs; name is the output's. */
frit_status check_close(cx *c, const char *name, const tensor *got, const tensor *wanted, double rtol, double atol);

#endif
