/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For hosts, frit's own driver among them: looks into artifact files and loads them. */
#ifndef FRIT_RUNTIME_LOADER_H
#define FRIT_RUNTIME_LOADER_H

#include "base/file.h"
#include "frit_artifact.h"
#include "runtime/plan_format.h"

/* plan_check.c: everything that the runtime relies on: all offsets and indices in range, programs well-formed, strings
 * terminated, lists acyclic. NULL when fine, else what is wrong. h: n_bytes readable, 8-aligned. */
const char *plan_check(const pf_header *h, uint64_t n_bytes);

/* note.c: what a file says about itself; no code of it runs, whatever machine it is for. */
typedef struct artifact_note {
    const pf_header *plan; /* checked; in c->job */
    const char *machine;   /* "x86-64", "aarch64", "machine 8" */
    bool is_native;        /* made for the kind of machine that this is */
    uint64_t file_bytes;
} artifact_note;
/* How much of a file is held against the hashes in it. */
typedef enum note_trust {
    NOTE_TRUST_NOTHING, /* all of it, side file included: reads every byte */
    NOTE_TRUST_WEIGHTS  /* all but the weights: reads the first few hundred KB */
} note_trust;
/* Whether the file is ELF at all: a .so rather than a model. */
bool note_is_elf(const mapped_file *f);
/* Hash of an artifact's first code_bytes, with the 8 bytes at id_offset, where it will stand, left out. */
uint64_t note_code_id(const uint8_t *file, uint64_t code_bytes, uint64_t id_offset);
/* Errors: FRIT_IO, FRIT_FORMAT for a file that is not an artifact, damaged or cut short. */
frit_status note_read(cx *c, const char *path, note_trust trust, artifact_note *out);

/* loader.c: an artifact in this process */
typedef struct loaded_artifact {
    artifact_note note;
    const frit_artifact *table;
    void *handle; /* of dlopen */
} loaded_artifact;
/* Errors: as note_read, FRIT_TARGET when it is for another machine, FRIT_UNSUPPORTED for another version of the ABI. */
frit_status loader_open(cx *c, const char *path, note_trust trust, loaded_artifact *out);
void loader_close(loaded_artifact *a);

#endif
