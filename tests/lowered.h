/* Running a graph through the whole compiler inside a test. */
#ifndef FRIT_TESTS_LOWERED_H
#define FRIT_TESTS_LOWERED_H

#include "ir/eval.h"

typedef struct lowered_options {
    const char *cpu;     /* as --cpu; NULL: native */
    bool is_interpreted; /* kernels run in the kernel interpreter, not as machine code */
    bool is_checked;     /* with bounds checks */
} lowered_options;

/* All passes, lowering and every verifier, then one run on inputs. Outputs are allocated in c->job. */
frit_status lowered_run(cx *c, graph *g, const lowered_options *o, const tensor *inputs, tensor *outputs);

#endif
