/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An artifact of one output as benches drive it: through frit_artifact.h alone, on seeded inputs. */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include "bench/peers.h"

#include "frit_artifact.h"

enum { SUBJECT_MOST_IN = 3 };

/* One artifact with one output, its memory, and a context. Owned by the bench until subject_close. */
typedef struct subject {
    void *library;
    const frit_artifact *artifact;
    frit_context *context;
    uint32_t vector_bytes; /* of the widest vectors that its code uses: 16, 32 or 64 */
    int n_in;
    frit_tensor in[SUBJECT_MOST_IN], out;
    int64_t in_dims[SUBJECT_MOST_IN][FRIT_MAX_RANK], out_dims[FRIT_MAX_RANK];
    int64_t in_bytes[SUBJECT_MOST_IN], out_bytes;
} subject;

double seconds(void);
double own_seconds(void);                      /* processor time of this thread: without what others took of it */
void die(const char *what, const char *why);   /* prints and exits */
float *floats(int64_t n);                      /* zeros, aligned to 64 */
void fill(float *p, int64_t n, uint32_t seed); /* numbers in -1..1, the same in every run */
void subject_open(const char *path, int n_threads, subject *s);
double subject_time(const subject *s);              /* of one call, seconds */
double subject_best(const subject *s, int n_calls); /* the least of so many */
void subject_close(subject *s);
/* oneDNN's OpenMP and OpenBLAS read their thread counts when they are loaded: starts the program anew with n threads.
 */
void be_n_threads(char **argv, int n);

#endif
