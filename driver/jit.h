/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A plan and its code in this process, without any file. */
#ifndef FRIT_DRIVER_JIT_H
#define FRIT_DRIVER_JIT_H

#include "driver/compile.h"
#include "frit_artifact.h"

typedef struct jit jit;
/* Compiles g; what the jit needs lives in c->job and must outlast it. */
frit_status jit_graph(cx *c, graph *g, const compile_options *o, jit **out);
/* The same from what compile_graph gave. */
frit_status jit_compiled(cx *c, const compiled *m, jit **out);
const frit_artifact *jit_artifact(const jit *j);
void jit_close(jit *j); /* NULL is fine */

#endif
