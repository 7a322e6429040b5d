/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running an artifact from the command line: its inputs from files or made up, a context, its outputs. */
#ifndef FRIT_DRIVER_SESSION_H
#define FRIT_DRIVER_SESSION_H

#include "driver/cmds.h"
#include "driver/npy.h"
#include "frit_artifact.h"
#include "runtime/cuda_api.h"
#include "runtime/plan_format.h"

/* Facts of an artifact, from its table. */
typedef struct artifact_facts {
    const frit_artifact *a;
    const pf_header *plan; /* the artifact's own tables */
    frit_artifact_info info;
    frit_symbol *symbols; /* info.n_symbols */
    frit_port *inputs, *outputs;
} artifact_facts;
artifact_facts artifact_facts_of(cx *c, const frit_artifact *a);

/* "f32[B, 64]" */
const char *port_type_text(arena *a, const frit_port *p);

/* inputs.c. Tensors for every input, in order: from --input NAME=FILE. Where may_invent, others are made up, the same
 * every time: dims from --dim NAME=N, else the hints, else the least value; floats spread over -1..1, integers 0, bool
 * true. Errors: FRIT_MISSING naming an input without file, FRIT_USAGE for names that are none. */
frit_status inputs_from_args(cx *c, const artifact_facts *f, const args *a, bool may_invent, tensor *out);
/* Values of the symbols from --dim NAME=N; the others get their hint or least value. */
frit_status symbols_from_args(cx *c, const artifact_facts *f, const args *a, int64_t *out);
/* "batch = 1, seq = 1": symbols that stand at the least of several values because nobody said more; "" none. *out_first:
 * the first one's name. */
const char *symbols_at_least(arena *a, const artifact_facts *f, const args *given, const int64_t *symbols,
                             const char **out_first);

/* device.c: tensors of a CUDA artifact, which wants them in device memory */
typedef struct device device;
/* Opens the GPU's driver. Errors: FRIT_TARGET when there is none. */
frit_status device_open(cx *c, device **out);
/* Device memory for t's elements, sent there when is_input; t->data then points at it. n_bytes: of the elements. */
frit_status device_place(cx *c, device *d, frit_tensor *t, size_t n_bytes, bool is_input);
/* Waits for the work and fetches every tensor that was placed as an output. */
frit_status device_fetch(cx *c, device *d);
void device_close(device *d); /* NULL is fine */

/* session.c: a context with its tensors */
typedef struct session {
    const frit_artifact *a;
    frit_context *context;
    int64_t *symbols;
    uint32_t n_outputs;
    tensor *outputs;               /* 64-byte aligned, in c->job */
    frit_tensor *inputs, *results; /* as the ABI wants them */
    device *gpu;                   /* CUDA artifacts: copies of the tensors there; NULL on the CPU */
} session;
/* Binds, looks whether token ids are indices of what they index, creates a context for exactly these dims and allocates outputs. n_threads 0: all cores; trace NULL: none. */
frit_status session_open(cx *c, const artifact_facts *f, const tensor *inputs, uint32_t n_threads,
                         const frit_trace *trace, session *out);
/* The same with more to say: struct_bytes and max_symbols of o are set here. */
frit_status session_open_with(cx *c, const artifact_facts *f, const tensor *inputs, const frit_options *o,
                              session *out);
frit_status session_run(cx *c, session *s);
void session_close(session *s);
/* All of it for one call: outputs has room for as many as the artifact gives; their data is in c->job. */
frit_status session_call(cx *c, const frit_artifact *a, const tensor *inputs, uint32_t n_threads, tensor *outputs);

#endif
