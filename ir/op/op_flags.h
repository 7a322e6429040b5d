/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The flags of ir/ops.def by the short names that its rows use: for the files that expand that column. */
#ifndef FRIT_IR_OP_FLAGS_H
#define FRIT_IR_OP_FLAGS_H

#include "ir/op/ops.h"

enum {
    EW = OPF_EW,
    CORE = OPF_CORE,
    VIEW = OPF_VIEW,
    COMM = OPF_COMM,
    CMP = OPF_CMP,
    FLT = OPF_FLT,
    INTG = OPF_INTG,
    LOGIC = OPF_LOGIC,
    REGION = OPF_REGION,
    NOCSE = OPF_NOCSE,
    SLOW = OPF_SLOW
};

#endif
