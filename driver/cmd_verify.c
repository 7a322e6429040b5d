/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit verify: the same call again and again at several thread counts; every output must have the same bits. The memory
 * of the outputs holds another pattern before each run, so that an element which no kernel writes shows, too. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/par.h"
#include "driver/cli.h"
#include "driver/session.h"

enum { MOST_RUNS = 100, LEAST_RUNS = 3, MOST_SECONDS = 10 };

static size_t output_bytes(const tensor *t) { return dtype_bytes(t->dt, (size_t)tensor_count(t)); }

static void hash_outputs(const session *s, uint8_t out[32]) {
    sha256 h;
    sha256_init(&h);
    for (uint32_t i = 0; i < s->n_outputs; i++) sha256_add(&h, s->outputs[i].data, output_bytes(&s->outputs[i]));
    sha256_done(&h, out);
}

static void spoil_outputs(const artifact_facts *f, session *s, uint32_t turn) {
    for (uint32_t i = 0; i < s->n_outputs; i++)
        if (f->outputs[i].state == FRIT_NO_INDEX)
            memset(s->outputs[i].data, turn % 2 ? 0xa5 : 0x5a, output_bytes(&s->outputs[i]));
}

/* Hashes of all runs at one thread count. */
typedef struct outcome {
    uint32_t n_runs, n_different; /* different from the first run of all */
    uint8_t hash[32];             /* of the last run */
} outcome;

/* Copies of the states' inputs, which a run changes. */
static tensor *copy_inputs(cx *c, const artifact_facts *f, const tensor *inputs) {
    tensor *copies = ARENA_ARRAY(c->job, tensor, f->info.n_inputs + 1);
    for (uint32_t i = 0; i < f->info.n_inputs; i++) {
        copies[i] = inputs[i];
        if (f->inputs[i].state == FRIT_NO_INDEX) continue;
        copies[i].data = arena_alloc_aligned(c->job, output_bytes(&inputs[i]) + 64, 64);
    }
    return copies;
}

static frit_status run_at(cx *c, const artifact_facts *f, const tensor *inputs, uint32_t n_threads, uint8_t first[32],
                          outcome *out) {
    tensor *copies = copy_inputs(c, f, inputs);
    session s;
    frit_status status = session_open(c, f, copies, n_threads, NULL, &s);
    time_t start = time(NULL);
    *out = (outcome){0};
    while (status == FRIT_OK && out->n_runs < MOST_RUNS) {
        if (out->n_runs >= LEAST_RUNS && time(NULL) - start >= MOST_SECONDS) break;
        for (uint32_t i = 0; i < f->info.n_inputs; i++)
            if (copies[i].data != inputs[i].data) memcpy(copies[i].data, inputs[i].data, output_bytes(&inputs[i]));
        spoil_outputs(f, &s, out->n_runs);
        status = session_run(c, &s);
        if (status != FRIT_OK) break;
        hash_outputs(&s, out->hash);
        if (n_threads == 1 && out->n_runs == 0) memcpy(first, out->hash, 32);
        out->n_different += memcmp(first, out->hash, 32) != 0;
        out->n_runs++;
        status = cx_poll(c);
    }
    session_close(&s);
    return status;
}

static frit_status verify_artifact(cx *c, const args *a, const frit_artifact *artifact) {
    artifact_facts f = artifact_facts_of(c, artifact);
    tensor *inputs = ARENA_ARRAY(c->job, tensor, f.info.n_inputs + 1);
    TRY(inputs_from_args(c, &f, a, !args_has(a, OPT_INPUT), inputs));
    uint32_t n_cores = par_default_threads(), counts[] = {1, 2, 3, n_cores}, n_different = 0, n_runs = 0;
    uint8_t first[32];
    for (size_t i = 0; i < countof(counts) - (n_cores <= 3); i++) {
        outcome o;
        char hex[65];
        TRY(run_at(c, &f, inputs, counts[i], first, &o));
        sha256_hex(o.hash, hex);
        printf("%u thread%s: %u runs, %s%s\n", counts[i], counts[i] == 1 ? "" : "s", o.n_runs, hex,
               o.n_different ? "  differs" : "");
        n_different += o.n_different, n_runs += o.n_runs;
    }
    if (n_different && *f.info.libraries)
        return FAIL(
            c, UNSUPPORTED, a->files[0],
            "%u of %u runs gave other bits than the first: %s may sum in another order at each number of threads",
            n_different, n_runs, f.info.libraries);
    if (n_different)
        return FAIL(c, INTERNAL, a->files[0], "%u of %u runs gave other bits than the first", n_different, n_runs);
    printf("equal\n");
    return FRIT_OK;
}

frit_status cmd_verify(cx *c, const args *a) {
    loaded_artifact loaded;
    TRY(cli_open_artifact(c, a, a->files[0], &loaded));
    frit_status status = verify_artifact(c, a, loaded.table);
    loader_close(&loaded);
    return status;
}
