/* Calling compiled models from inside frit: for run, check, compare, verify, and for the tests. */
#ifndef FRIT_DRIVER_INVOKE_H
#define FRIT_DRIVER_INVOKE_H

#include "driver/compile.h"
#include "frit_artifact.h"
#include "ir/eval.h"

/* An artifact file opened in this process. Its code is run: only for files that the user asked to run. */
typedef struct open_artifact {
    void *library; /* of dlopen */
    const frit_artifact *a;
} open_artifact;

/* Errors: FRIT_IO naming the file and what dlopen says, FRIT_FORMAT when it is no artifact of frit. */
frit_status artifact_open(cx *c, const char *path, open_artifact *out);
void artifact_close(open_artifact *o);

/* One call in a context of its own. inputs: as many as the artifact has; outputs: likewise, allocated in c->job.
 * n_threads 0: all cores. Errors: what the artifact says. */
frit_status artifact_call(cx *c, const frit_artifact *a, const tensor *inputs, uint32_t n_threads, tensor *outputs);

/* jit.c: a plan and its code in this process, without any file. */
typedef struct jit jit;
/* Compiles g; what the jit needs lives in c->job and must outlast it. */
frit_status jit_graph(cx *c, graph *g, const compile_options *o, jit **out);
/* The same from what compile_graph gave. */
frit_status jit_compiled(cx *c, const compiled *m, jit **out);
const frit_artifact *jit_artifact(const jit *j);
void jit_close(jit *j); /* NULL is fine */

#endif
