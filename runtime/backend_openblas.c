/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CPU's backend of artifacts whose products OpenBLAS computes (--blas=openblas); all else is backend_cpu.c's. Only
 * artifacts that ask for it hold this, and they are linked against libopenblas.so.0.
 *
 * A product runs on OpenBLAS's own threads, as many as the context has. What frit promises of bits, memory and locks is
 * OpenBLAS's matter here. */
#include <string.h>

#include "runtime/fp_state.h"
#include "runtime/runtime.h"

#ifdef FRIT_IN_ARTIFACT

/* From cblas.h, whose enumerations are plain ints; the library of this soname counts in 32 bits. */
enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111, TRANSPOSED = 112 };
void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);
void cblas_dgemm(int order, int trans_a, int trans_b, int m, int n, int k, double alpha, const double *a, int lda,
                 const double *b, int ldb, double beta, double *c, int ldc);
int openblas_get_num_threads(void);
void openblas_set_num_threads(int n);

enum { A, B, C };

/* One step's products, with all dims known. */
typedef struct product {
    const frit_context *x;
    const pf_gemm *g;
    int64_t m, n, k, ld[PF_GEMM_MATRICES];
    char *base[PF_GEMM_MATRICES]; /* element 0 of the buffer */
    uint32_t element_bytes;
} product;

static int64_t rows_of(const product *p, int which) { return which == B ? p->k : p->m; }
static int64_t cols_of(const product *p, int which) { return which == A ? p->k : p->n; }

/* Gives every dim its value; false when one is more than OpenBLAS counts to. */
static bool product_init(product *p, const frit_context *x, const pf_gemm *g, const uint32_t *args) {
    *p = (product){.x = x, .g = g, .m = x->values[g->m], .n = x->values[g->n], .k = x->values[g->k]};
    p->element_bytes = element_bits(g->dtype) / 8;
    bool fits = p->m <= INT32_MAX && p->n <= INT32_MAX && p->k <= INT32_MAX;
    for (int i = 0; i < PF_GEMM_MATRICES; i++) {
        p->base[i] = x->pointers[args[g->of[i].param]];
        p->ld[i] = x->values[g->of[i].ld];
        fits = fits && p->ld[i] <= INT32_MAX;
    }
    return fits;
}

/* The first access outside of a matrix's buffer, of any product of the batch; false when there is none. Nothing is
 * empty. */
static bool find_outside(const product *p, const uint32_t *args, int which, kernel_report *out) {
    const frit_context *x = p->x;
    const pf_matrix *of = &p->g->of[which];
    uint32_t bytes = PF_ROWS(x->plan, pf_buffer, buffers)[args[of->param]].bytes;
    int64_t n_steps = of->is_transposed ? cols_of(p, which) : rows_of(p, which);
    int64_t n_run = of->is_transposed ? rows_of(p, which) : cols_of(p, which);
    int64_t first = x->values[of->offset], last = first + (n_steps - 1) * p->ld[which] + n_run - 1;
    for (uint32_t i = 0; i < p->g->n_batch; i++) {
        int64_t reach = (x->values[p->g->batch[i]] - 1) * x->values[of->step[i]];
        *(reach < 0 ? &first : &last) += reach;
    }
    *out = (kernel_report){.failed = KERNEL_OUTSIDE,
                           .param = of->param,
                           .offset = first < 0 ? first : last,
                           .elements = x->values[bytes] / p->element_bytes};
    return first < 0 || last >= out->elements;
}

static void clear(const product *p, char *c) {
    for (int64_t i = 0; i < p->m; i++) memset(c + i * p->ld[C] * p->element_bytes, 0, (size_t)p->n * p->element_bytes);
}

/* One product; at: elements before each matrix. C is cleared where nothing is summed, and where OpenBLAS may take gemv
 * instead: not every version of that ignores a NaN which stands in C. */
static void multiply(const product *p, const int64_t *at) {
    const pf_matrix *of = p->g->of;
    int trans[2] = {of[A].is_transposed ? TRANSPOSED : NOT_TRANSPOSED,
                    of[B].is_transposed ? TRANSPOSED : NOT_TRANSPOSED};
    int m = (int)p->m, n = (int)p->n, k = (int)p->k, lda = (int)p->ld[A], ldb = (int)p->ld[B], ldc = (int)p->ld[C];
    void *a = p->base[A] + at[A] * p->element_bytes, *b = p->base[B] + at[B] * p->element_bytes;
    char *c = p->base[C] + at[C] * p->element_bytes;
    if (!k || m == 1 || n == 1) clear(p, c);
    if (!k) return;
    if (p->g->dtype == FRIT_DT_F64)
        cblas_dgemm(ROW_MAJOR, trans[A], trans[B], m, n, k, 1, a, lda, b, ldb, 0, (double *)(void *)c, ldc);
    else
        cblas_sgemm(ROW_MAJOR, trans[A], trans[B], m, n, k, 1, a, lda, b, ldb, 0, (float *)(void *)c, ldc);
}

static void multiply_batch(const product *p, uint32_t axis, const int64_t *at) {
    if (axis == p->g->n_batch) {
        multiply(p, at);
        return;
    }
    const int64_t *values = p->x->values;
    for (int64_t i = 0; i < values[p->g->batch[axis]]; i++) {
        int64_t own[PF_GEMM_MATRICES];
        for (int j = 0; j < PF_GEMM_MATRICES; j++) own[j] = at[j] + i * values[p->g->of[j].step[axis]];
        multiply_batch(p, axis + 1, own);
    }
}

static bool is_empty(const product *p) {
    bool is_empty = !p->m || !p->n;
    for (uint32_t i = 0; i < p->g->n_batch; i++) is_empty = is_empty || !p->x->values[p->g->batch[i]];
    return is_empty;
}

static frit_status openblas_launch(frit_context *x, const pf_step *s) {
    const pf_header *h = x->plan;
    const pf_kernel *k = &PF_ROWS(h, pf_kernel, kernels)[s->kernel];
    if (k->gemm == PF_NONE) return cpu_launch(x, s);
    const pf_gemm *g = &PF_ROWS(h, pf_gemm, gemms)[k->gemm];
    const uint32_t *args = PF_ROWS(h, uint32_t, args) + s->first_arg;
    product p;
    if (!product_init(&p, x, g, args))
        return message_set((message){x->text, sizeof x->text}, FRIT_RANGE,
                           "kernel %s: OpenBLAS counts to 2^31 - 1, the product is %lld x %lld x %lld (%s)",
                           pf_string(h, k->name), (long long)p.m, (long long)p.n, (long long)p.k, pf_string(h, s->loc));
    if (is_empty(&p)) return FRIT_OK;
    kernel_report outside;
    for (int i = 0; h->is_checked && i < PF_GEMM_MATRICES; i++)
        if ((p.k || i == C) && find_outside(&p, args, i, &outside)) return cpu_outside(x, s, &outside);
    if (openblas_get_num_threads() != (int)x->n_threads) openblas_set_num_threads((int)x->n_threads);
    int64_t at[PF_GEMM_MATRICES];
    for (int i = 0; i < PF_GEMM_MATRICES; i++) at[i] = x->values[g->of[i].offset];
    uint32_t before = fp_enter();
    multiply_batch(&p, 0, at);
    fp_leave(before);
    return FRIT_OK;
}

const backend backend_openblas = {.launch = openblas_launch, .copy = cpu_copy, .read = cpu_read, .write = cpu_write};

#endif
