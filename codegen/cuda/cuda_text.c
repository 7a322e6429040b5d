/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop trees to CUDA C++ text: functions. Statements are in cuda_stmt.c.
 *
 *   par r < R {                              extern "C" __global__ void __launch_bounds__(256)
 *     acc m: max f32 lanes 256               softmax(const float *x, float *y, const long long *dims)
 *     thread c < C by 256 {                  {
 *       m <- x[r, c]               ->            const index_t C = dims[1];
 *     }                                          const index_t r = blockIdx.x;
 *     ...                                        float m = -INFINITY;
 *                                                for (index_t c = threadIdx.x; c < C; c += 256)
 *                                                    m = maximum(m, x[C * r + c]);
 *                                                m = block_max_f32_256(m);
 */
#include "codegen/cuda/cuda_emit.h"

#include <string.h>

static const char *array_suffix(cemit *e, const kbuf *b) {
    int64_t elements = 1;
    if (b->strides || !b->rank) {
        dim_is_const(e->k->dims, kbuf_elements((kernel *)e->k, (buf_id)(b - e->k->bufs.at)), &elements);
        if (b->strides) {
            elements = 1;
            for (uint32_t i = 0; i < b->rank; i++) {
                int64_t n = 1, stride = 1;
                dim_is_const(e->k->dims, b->shape[i], &n);
                dim_is_const(e->k->dims, b->strides[i], &stride);
                elements += (n - 1) * stride;
            }
        }
        return arena_printf(e->a, "[%lld]", (long long)elements);
    }
    const char *s = "";
    for (uint32_t i = 0; i < b->rank; i++) s = arena_printf(e->a, "%s[%s]", s, cuda_dim_text(e, b->shape[i]));
    return s;
}

static frit_status declare_locals(cemit *e) {
    kernel *k = (kernel *)e->k;
    for (buf_id b = k->n_params; b < k->bufs.n; b++) {
        const kbuf *buf = &k->bufs.at[b];
        const char *type = cuda_storage_type(buf->dt);
        bool is_array = buf->scope == KB_REG || !e->is_shared_dynamic;
        e->buf_name[b] = cuda_name(e, buf->name);
        if (!is_array) {
            const char *offset = cuda_dim_text(e, kernel_scratch(k, b, NULL));
            cuda_line(e, "%s *const %s = (%s *)(shared_memory() + %s);", type, e->buf_name[b], type, offset);
            continue;
        }
        for (uint32_t i = 0; i < buf->rank; i++)
            if (!dim_is_const(k->dims, buf->shape[i], NULL))
                return cuda_unsupported(e, "a local array of symbolic shape");
        bool is_shared = buf->scope == KB_TILE && e->has_threads;
        cuda_line(e, "%s%s %s%s;", is_shared ? "__shared__ " : "", type, e->buf_name[b], array_suffix(e, buf));
    }
    return FRIT_OK;
}

/* Values of the parallel axes from the number of the item, the innermost running fastest. Returns the innermost body.
 */
static const kstmt *bind_items(cemit *e, const kstmt *s, const char *item) {
    const kstmt *loops[32];
    uint32_t n = 0;
    for (; s && s->kind == KS_LOOP && s->u.loop.kind == KL_PAR && n < countof(loops); s = s->u.loop.body)
        loops[n++] = s;
    const char *names[32];
    for (uint32_t i = 0; i < n; i++) {
        cuda_bind_axis(e, loops[i]->u.loop.axis);
        names[i] = e->sym_name[loops[i]->u.loop.axis];
    }
    for (uint32_t i = 0; i < n; i++) {
        dim inner = dim_const(e->k->dims, 1);
        for (uint32_t j = i + 1; j < n; j++) inner = dim_mul(e->k->dims, inner, cuda_extent(e, loops[j]));
        const char *text = item;
        int64_t one;
        if (!dim_is_const(e->k->dims, inner, &one) || one != 1)
            text = arena_printf(e->a, "%s / %s", text, cuda_paren(e, cuda_dim(e, inner), CP_UNARY));
        if (i)
            text = arena_printf(e->a, "%s %% %s", text, cuda_paren(e, cuda_dim(e, cuda_extent(e, loops[i])), CP_UNARY));
        cuda_line(e, "const index_t %s = %s;", names[i], text);
    }
    return n ? loops[n - 1]->u.loop.body : s;
}

static void print_signature(cemit *e, const cuda_phase *p) {
    const kernel *k = e->k;
    strbuf_printf(e->b, "extern \"C\" __global__ void __launch_bounds__(%u)\n%s(", p->threads, p->function);
    for (buf_id b = 0; b < k->n_params; b++) {
        const kbuf *buf = &k->bufs.at[b];
        e->buf_name[b] = cuda_name(e, buf->name);
        strbuf_printf(e->b, "%s%s *__restrict__ %s, ", buf->is_written ? "" : "const ", cuda_storage_type(buf->dt),
                      e->buf_name[b]);
    }
    strbuf_add(e->b, "const long long *dims)\n{\n");
}

/* Names the shape symbols that the kernel mentions. */
static void name_dims(cemit *e, uint32_t n_syms, const sym_id *syms, const uint32_t *numbers) {
    for (uint32_t i = 0; i < n_syms; i++)
        if (numbers[syms[i]] != UINT32_MAX)
            e->sym_name[syms[i]] = cuda_name(e, dim_sym_info(e->k->dims, syms[i])->name);
}

/* const index_t N = dims[i]; for those that the body uses. */
static void declare_dims(cemit *e, const char *body) {
    dim_table *t = e->k->dims;
    uint32_t n_numbers, n_syms;
    const uint32_t *numbers = plan_number_syms(e->a, t, &n_numbers);
    const sym_id *syms = kernel_syms(e->k, e->a, &n_syms);
    for (uint32_t i = 0; i < n_syms; i++) {
        const char *name = e->sym_name[syms[i]];
        if (numbers[syms[i]] == UINT32_MAX || !cuda_mentions(body, name)) continue;
        cuda_line(e, "const index_t %s = %sdims[%u];", name, e->is_wide ? "" : "(index_t)", numbers[syms[i]]);
    }
}

/* Where this block or thread is, and what it does there. */
static frit_status emit_item(cemit *e, uint32_t phase, uint32_t threads) {
    const kernel *k = e->k;
    const char *item = "blockIdx.x";
    if (!e->has_threads && !cuda_is_lonely(k, phase)) {
        item = cuda_name(e, "number");
        cuda_line(e, "const index_t %s = (index_t)blockIdx.x * %u + threadIdx.x;", item, threads);
        cuda_line(e, "if (%s >= %s) return;", item, cuda_dim_text(e, kernel_items((kernel *)k, phase)));
    }
    const kstmt *body = bind_items(e, k->phases.at[phase], item);
    TRY(declare_locals(e));
    return cuda_emit_list(e, body);
}

static frit_status emit_phase(cemit *e, uint32_t phase) {
    const kernel *k = e->k;
    cuda_phase p = cuda_phase_of(k, phase, e->a);
    bool lonely = cuda_is_lonely(k, phase);
    e->has_threads = cuda_has_threads(k, phase);
    e->threads = e->inner_lanes = e->has_threads ? p.threads : 1;
    e->is_shared_dynamic = (e->has_threads || lonely) && cuda_has_dynamic_shared(k);
    e->taken = (map){.a = e->a};
    e->temps = (map){.a = e->a};
    e->loaded.n = e->names.n = 0;
    memset(e->sym_name, 0, dim_n_syms(k->dims) * sizeof *e->sym_name);
    memset(e->acc_name, 0, k->accs.n * sizeof *e->acc_name);
    if (p.threads > 1024) return cuda_unsupported(e, "more than 1024 threads in a block");
    print_signature(e, &p);
    uint32_t n_numbers, n_syms;
    const sym_id *syms = kernel_syms(k, e->a, &n_syms);
    name_dims(e, n_syms, syms, plan_number_syms(e->a, k->dims, &n_numbers));
    strbuf *function = e->b, body = {.a = e->a};
    e->b = &body;
    e->indent = 1;
    TRY(emit_item(e, phase, p.threads));
    e->b = function;
    declare_dims(e, strbuf_text(&body));
    strbuf_add(e->b, strbuf_text(&body));
    strbuf_add(e->b, "}\n");
    return FRIT_OK;
}

static void print_comment(strbuf *b, const kernel *k) {
    strbuf_printf(b, "// %s\n//\n", k->title);
    strbuf text = {.a = b->a};
    kernel_print(&text, k);
    /* the first line: parameters, and the ranges of the dims; then the definitions */
    const char *s = strbuf_text(&text);
    size_t n = strcspn(s, "\n");
    strbuf_printf(b, "// %.*s\n", (int)(n > 2 ? n - 2 : n), s);
    const char *from = strstr(s, "\n  define {\n"), *to = from ? strstr(from, "\n  }\n") : NULL;
    for (s = from ? from + strlen("\n  define {\n") : NULL; s && s < to; s += n + 1) {
        n = strcspn(s, "\n");
        strbuf_printf(b, "// %.*s\n", (int)n, s);
    }
}

frit_status cuda_emit_text(cx *c, const kernel *k, strbuf *out) {
    arena *a = out->a;
    strbuf functions = {.a = a}, body = {.a = a}, all = {.a = a};
    cemit e = {.c = c, .k = k, .a = a, .b = &body, .functions = &functions, .made = {.a = a}};
    e.sym_name = ARENA_ARRAY(a, const char *, dim_n_syms(k->dims) + 1);
    e.buf_name = ARENA_ARRAY(a, const char *, k->bufs.n + 1);
    e.acc_name = ARENA_ARRAY(a, const char *, k->accs.n + 1);
    e.let_name = ARENA_ARRAY(a, const char *, k->lets.n + 1);
    e.acc_done = ARENA_ARRAY(a, uint8_t, k->accs.n + 1);
    e.is_wide = !cuda_has_small_indices((kernel *)k);
    for (buf_id b = 0; b < k->bufs.n; b++)
        if (!cuda_is_supported(k->bufs.at[b].dt)) return cuda_unsupported(&e, dtype_name(k->bufs.at[b].dt));
    for (uint32_t i = 0; i < k->phases.n; i++) {
        if (i) strbuf_addc(&body, '\n');
        TRY(emit_phase(&e, i));
    }
    strbuf_add(&all, strbuf_text(&functions));
    strbuf_add(&all, strbuf_text(&body));
    print_comment(out, k);
    strbuf_printf(out, "\ntypedef %s index_t;\n\n", e.is_wide ? "long long" : "int");
    cuda_prelude(out, strbuf_text(&all));
    strbuf_add(out, strbuf_text(&all));
    return FRIT_OK;
}
