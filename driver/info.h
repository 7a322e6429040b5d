/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What frit info knows of a file, and its two ways to say it. */
#ifndef FRIT_DRIVER_INFO_H
#define FRIT_DRIVER_INFO_H

#include "base/target.h"
#include "driver/session.h"
#include "frontend/onnx/onnx.h"
#include "runtime/plan_format.h"

typedef struct info_kernel {
    frit_kernel_info facts;
    double flops, bytes; /* of one launch at the dims, NaN unknown */
    double predicted_ms; /* of one launch */
} info_kernel;

typedef struct info_subject {
    const char *path, *kind;  /* "model" or "artifact" */
    const char *machine;      /* artifact: "x86-64" */
    uint64_t file_bytes;      /* artifact */
    onnx_operators operators; /* model from ONNX */
    const char *refusal;      /* why there is no plan, NULL when there is */
    const pf_header *plan;
    artifact_facts facts; /* the rest is there when plan is */
    int64_t *symbols;     /* dims that the numbers are for */
    const char *least;    /* those of them that stand at their least because nobody said more, "" none */
    const char *how;      /* how another is said */
    frit_memory memory;
    info_kernel *kernels;
    double predicted_ms;
} info_subject;

/* The plain machine that times are predicted for: one thread, so that figures are the same wherever they are made. */
#define INFO_FMA_UNITS 2
#define INFO_GHZ       3.0
#define INFO_GB_PER_S  10.0
/* product_group: as in frit_kernel_info. */
double info_predict_ms(double flops, double bytes, uint32_t product_group, const target *t);

/* machine.c: "AMD EPYC 7763, 2 cores"; "one thread at 3 GHz and 10 GB/s", what predictions are for. */
const char *info_machine(arena *a);
const char *info_basis(arena *a);

/* info_text.c */
frit_status info_print_text(cx *c, const info_subject *s);
/* info_json.c: the form of docs/CLI.md */
frit_status info_print_json(cx *c, const info_subject *s);

#endif
