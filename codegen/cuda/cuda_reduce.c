/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Accumulators: a variable of each thread; where its declaration stands outside the thread loop that feeds it, the
 * threads' values are combined by halving when the loop is over (0 with n/2, 1 with n/2 + 1, ...; then n/4, ...), the
 * order that ir/kernel/kernel.h states. */
#include "codegen/cuda/cuda_emit.h"

#include <string.h>

static uint32_t n_components(const kacc *acc) { return combiner_info_of(acc->comb)->n; }

/* "argmax_f32" */
static const char *acc_suffix(cemit *e, const kacc *acc) {
    return arena_printf(e->a, "%s_%s", combiner_info_of(acc->comb)->name, dtype_name(acc->dt[0]));
}

static bool is_new(cemit *e, const char *name) {
    uint32_t seen;
    if (map_get_str(&e->made, name, &seen)) return false;
    map_set_str(&e->made, name, 1);
    return true;
}

const char *cuda_acc_type(cemit *e, const kacc *acc) {
    uint32_t n = n_components(acc);
    if (n == 1) return cuda_value_type(acc->dt[0]);
    const char *name = acc_suffix(e, acc);
    if (!is_new(e, name)) return name;
    strbuf_printf(e->functions, "struct %s {\n", name);
    for (uint32_t i = 0; i < n; i++) strbuf_printf(e->functions, "    %s v%u;\n", cuda_value_type(acc->dt[i]), i);
    strbuf_add(e->functions, "};\n\n");
    return name;
}

/* --- combining two values --- */

typedef struct combine_text {
    cemit *e;
    const kacc *acc;
    ctext sides[2];
    VEC(ctext) values;
    VEC(dtype) types;
} combine_text;

static uint32_t add_value(combine_text *w, ctext x, dtype dt) {
    vec_push(w->e->a, w->values, x);
    vec_push(w->e->a, w->types, dt);
    return w->values.n - 1;
}

static uint32_t make_constant(void *data, double v, uint32_t like) {
    combine_text *w = data;
    dtype dt = like == SCALAR_BOOL ? FRIT_DT_BOOL : w->acc->dt[like % COMBINE_MAX];
    return add_value(w, cuda_number(w->e, dt, dtype_from_f64(dt, v)), dt);
}

static uint32_t make_op(void *data, op_code op, uint32_t n, const uint32_t *args) {
    combine_text *w = data;
    ctext texts[3];
    for (uint32_t i = 0; i < n; i++) texts[i] = w->values.at[args[i]];
    dtype from = w->types.at[args[n - 1]];
    dtype to = op_is(op, OPF_CMP) ? FRIT_DT_BOOL : from;
    return add_value(w, cuda_op(w->e, op, NULL, from, to, texts), to);
}

/* Component i of combine(a, b), where a and b are names of values (b any expression when there is one component). */
static ctext combined(cemit *e, const kacc *acc, uint32_t component, const char *a, ctext b) {
    combine_text w = {.e = e, .acc = acc, .sides = {{a, CP_PRIMARY}, b}};
    uint32_t n = n_components(acc), inputs[2 * COMBINE_MAX] = {0};
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < n; i++) {
            ctext part = {arena_printf(e->a, "%s.v%u", w.sides[side].text, i), CP_PRIMARY};
            inputs[side * COMBINE_MAX + i] = add_value(&w, n == 1 ? w.sides[side] : part, acc->dt[i]);
        }
    scalar_emitter to = {.data = &w, .constant = make_constant, .op = make_op};
    uint32_t result = scalar_emit(scalar_of_combiner(e->a, acc->comb, component), NULL, inputs, &to);
    return w.values.at[result];
}

/* The function that combines two values, made on first use. */
static const char *combine_function(cemit *e, const kacc *acc) {
    const char *name = arena_printf(e->a, "combine_%s", acc_suffix(e, acc));
    const char *type = cuda_acc_type(e, acc);
    if (!is_new(e, name)) return name;
    strbuf *f = e->functions;
    strbuf_printf(f, "static __device__ __forceinline__ %s %s(%s a, %s b)\n{\n", type, name, type, type);
    if (n_components(acc) == 1) {
        strbuf_printf(f, "    return %s;\n}\n\n", combined(e, acc, 0, "a", (ctext){"b", CP_PRIMARY}).text);
        return name;
    }
    strbuf_printf(f, "    %s r;\n", type);
    for (uint32_t i = 0; i < n_components(acc); i++)
        strbuf_printf(f, "    r.v%u = %s;\n", i, combined(e, acc, i, "a", (ctext){"b", CP_PRIMARY}).text);
    strbuf_add(f, "    return r;\n}\n\n");
    return name;
}

/* --- combining threads --- */

/* "    x = combine(x, ...)" for shuffles of one component at a time. */
static void shuffle_steps(cemit *e, const kacc *acc, const char *combine, uint32_t lanes) {
    strbuf *f = e->functions;
    const char *type = cuda_acc_type(e, acc);
    uint32_t n = n_components(acc);
    strbuf_printf(f, "    for (int half = %u; half >= 1; half /= 2) {\n        %s other;\n", lanes / 2, type);
    for (uint32_t i = 0; i < n; i++) {
        const char *part = n == 1 ? "" : arena_printf(e->a, ".v%u", i);
        strbuf_printf(f, "        other%s = shuffle_down(group, mine%s, half);\n", part, part);
    }
    strbuf_printf(f, "        mine = %s(mine, other);\n    }\n", combine);
    const char *first = lanes == 32 ? "0" : arena_printf(e->a, "threadIdx.x & 31 & ~%uu", lanes - 1);
    for (uint32_t i = 0; i < n; i++) {
        const char *part = n == 1 ? "" : arena_printf(e->a, ".v%u", i);
        strbuf_printf(f, "    mine%s = shuffle_from(group, mine%s, %s);\n", part, part, first);
    }
    strbuf_add(f, "    return mine;\n}\n\n");
}

static void warp_function(cemit *e, const kacc *acc, const char *name, uint32_t lanes) {
    const char *type = cuda_acc_type(e, acc);
    const char *combine = combine_function(e, acc);
    strbuf_printf(e->functions,
                  "// Combines the values of each %u threads in a row by halving; all of them get the result.\n"
                  "static __device__ %s %s(%s mine)\n{\n    const unsigned group = warp_group(%u);\n",
                  lanes, type, name, type, lanes);
    shuffle_steps(e, acc, combine, lanes);
}

/* More than a warp: each warp reads all values, thread i those with number i modulo 32, and halves down to 32 by
 * itself. */
static void block_function(cemit *e, const kacc *acc, const char *name, uint32_t lanes) {
    const char *type = cuda_acc_type(e, acc);
    const char *combine = combine_function(e, acc);
    strbuf *f = e->functions;
    uint32_t rows = lanes / 32;
    strbuf_printf(f,
                  "// Combines the values of each %u threads in a row by halving; all of them get the result.\n"
                  "static __device__ %s %s(%s mine)\n{\n"
                  "    __shared__ %s values[%u];\n"
                  "    const unsigned group = 0xffffffffu;\n"
                  "    const int first = threadIdx.x / %u * %u + threadIdx.x %% 32;\n"
                  "    %s row[%u];\n"
                  "    __syncthreads();\n"
                  "    values[threadIdx.x] = mine;\n"
                  "    __syncthreads();\n"
                  "#pragma unroll\n"
                  "    for (int i = 0; i < %u; i++) row[i] = values[first + 32 * i];\n",
                  lanes, type, name, type, type, e->threads, lanes, lanes, type, rows, rows);
    for (uint32_t half = rows / 2; half >= 1; half /= 2)
        strbuf_printf(f, "#pragma unroll\n    for (int i = 0; i < %u; i++) row[i] = %s(row[i], row[i + %u]);\n", half,
                      combine, half);
    strbuf_add(f, "    mine = row[0];\n");
    shuffle_steps(e, acc, combine, 32);
}

/* --- statements --- */

void cuda_acc_declare(cemit *e, acc_id id) {
    const kacc *acc = &e->k->accs.at[id];
    const char *type = cuda_acc_type(e, acc);
    e->acc_name[id] = cuda_name(e, acc->name);
    const char *init = cuda_number(e, acc->dt[0], combiner_identity(acc->comb, 0, acc->dt[0])).text;
    for (uint32_t i = 1; i < n_components(acc); i++)
        init = arena_printf(e->a, "%s, %s", init,
                            cuda_number(e, acc->dt[i], combiner_identity(acc->comb, i, acc->dt[i])).text);
    cuda_line(e, n_components(acc) == 1 ? "%s %s = %s;" : "%s %s = {%s};", type, e->acc_name[id], init);
    e->acc_done[id] = acc->lanes == 1;
}

void cuda_acc_update(cemit *e, acc_id id, const kx *values) {
    const kacc *acc = &e->k->accs.at[id];
    const char *name = e->acc_name[id];
    uint32_t n = n_components(acc);
    cuda_prepare(e, n, values, 0, NULL);
    if (n == 1) {
        ctext x = cuda_expr(e, values[0]);
        bool is_plain = (acc->comb == COMBINE_sum || acc->comb == COMBINE_prod) &&
                        (acc->dt[0] == FRIT_DT_F32 || acc->dt[0] == FRIT_DT_F64);
        if (is_plain)
            cuda_line(e, "%s %s= %s;", name, acc->comb == COMBINE_sum ? "+" : "*", x.text);
        else
            cuda_line(e, "%s = %s;", name, combined(e, acc, 0, name, x).text);
        return;
    }
    const char *list = cuda_expr_text(e, values[0]);
    for (uint32_t i = 1; i < n; i++) list = arena_printf(e->a, "%s, %s", list, cuda_expr_text(e, values[i]));
    cuda_line(e, "%s = %s(%s, {%s});", name, combine_function(e, acc), name, list);
}

frit_status cuda_acc_finish(cemit *e, acc_id id) {
    const kacc *acc = &e->k->accs.at[id];
    e->acc_done[id] = 1;
    if (acc->lanes != e->inner_lanes) return cuda_unsupported(e, "an accumulator with other lanes than its threads");
    bool is_block = acc->lanes > 32;
    if (is_block && e->n_thread_loops)
        return cuda_unsupported(e, "a reduction over more than a warp inside a thread loop");
    const char *name = arena_printf(e->a, "%s_%s_%u", is_block ? "block" : "warp", acc_suffix(e, acc), acc->lanes);
    if (is_new(e, name)) (is_block ? block_function : warp_function)(e, acc, name, acc->lanes);
    cuda_line(e, "%s = %s(%s);", e->acc_name[id], name, e->acc_name[id]);
    return FRIT_OK;
}
