/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reader of the recorded cases: lines "case NAME [TOLERANCE]", a graph up to its closing brace, "in" and "out" tensors.
 */
#include "tests/op_cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

frit_status op_cases_open(cx *c, op_case_reader *out) {
    *out = (op_case_reader){.c = c};
    TRY(file_map(c, FRIT_TESTS_DIR "/data/op_references.txt", &out->file));
    out->at = arena_strndup(c->job, (const char *)out->file.data, out->file.bytes);
    file_unmap(&out->file);
    return FRIT_OK;
}

/* The next line, without its end; NULL at the end of the text. */
static char *next_line(op_case_reader *r) {
    if (*r->at == 0) return NULL;
    size_t n = strcspn(r->at, "\n");
    char *line = arena_strndup(r->c->job, r->at, n);
    r->at += n + (r->at[n] == '\n');
    return line;
}

static scalar parse_element(dtype dt, char **cursor) {
    switch (dtype_kind_of(dt)) {
    case DTYPE_FLOAT:
        return dtype_convert(FRIT_DT_F64, dt, (scalar){.f = strtod(*cursor, cursor)}, false);
    case DTYPE_UINT:
        return (scalar){.u = strtoull(*cursor, cursor, 10)};
    case DTYPE_INT:
    case DTYPE_BOOL:
        return (scalar){.i = strtoll(*cursor, cursor, 10)};
    }
    return (scalar){0};
}

/* "f32[2, 3] 1 2.5 ..." */
static frit_status parse_tensor(cx *c, char *text, tensor *out) {
    char *open = strchr(text, '['), *cursor = open + 1;
    dtype dt;
    int64_t shape[MAX_RANK];
    uint32_t rank = 0;
    if (!open) return FAIL(c, FORMAT, "op_references.txt", "'%.40s' is no tensor", text);
    *open = 0;
    if (!dtype_parse(text, &dt)) return FAIL(c, FORMAT, "op_references.txt", "dtype %s", text);
    while (*cursor != ']' && rank < MAX_RANK) {
        shape[rank++] = strtoll(cursor, &cursor, 10);
        cursor += strspn(cursor, ", ");
    }
    TRY(tensor_alloc(c, c->job, dt, rank, shape, out));
    cursor++;
    int64_t n = tensor_count(out);
    for (int64_t i = 0; i < n; i++) dtype_store(dt, out->data, (size_t)i, parse_element(dt, &cursor));
    if (*cursor && strspn(cursor, " ") != strlen(cursor))
        return FAIL(c, FORMAT, "op_references.txt", "extra '%.20s'", cursor);
    return FRIT_OK;
}

frit_status op_cases_next(op_case_reader *r, op_case *out) {
    *out = (op_case){.tolerance = 1};
    char *line = next_line(r);
    if (!line) return FRIT_OK;
    char *rest = line;
    strtok_r(line, " ", &rest);
    out->name = strtok_r(NULL, " ", &rest);
    const char *tolerance = strtok_r(NULL, " ", &rest);
    if (tolerance) out->tolerance = strtod(tolerance, NULL);
    const char *end = strstr(r->at, "\n}\n");
    if (!out->name || !end) return FAIL(r->c, FORMAT, "op_references.txt", "a case without a graph");
    out->text = arena_strndup(r->c->job, r->at, (size_t)(end + 3 - r->at));
    r->at = end + 3;
    TRY(graph_parse(r->c, out->name, out->text, &out->g));
    TRY(graph_verify(r->c, out->g));
    for (uint32_t i = 0, n_in = out->g->inputs.n; i < n_in + out->g->outputs.n; i++) {
        line = next_line(r);
        bool is_in = i < n_in;
        if (!line || !str_starts(line, is_in ? "in " : "out "))
            return FAIL(r->c, FORMAT, out->name, "%u inputs and %u outputs do not follow", n_in, out->g->outputs.n);
        TRY(parse_tensor(r->c, line + (is_in ? 3 : 4), is_in ? &out->inputs[i] : &out->outputs[i - n_in]));
    }
    return FRIT_OK;
}

/* Codes of one sign count upwards with the magnitude in every float type. */
double dtype_ulp(dtype dt, double x) {
    uint64_t code = 0, next;
    dtype_store(dt, &code, 0, dtype_from_f64(dt, fabs(x)));
    next = code + 1;
    double here = dtype_load(dt, &code, 0).f, above = dtype_load(dt, &next, 0).f;
    if (isfinite(above)) return above - here;
    next = code - 1;
    return here - dtype_load(dt, &next, 0).f;
}

static bool element_close(dtype dt, scalar got, scalar want, double slack, double ulps) {
    if (!dtype_is_float(dt)) return got.i == want.i;
    if (isnan(got.f) || isnan(want.f)) return isnan(got.f) && isnan(want.f);
    if (got.f == want.f) return true;
    if (isinf(got.f) || isinf(want.f)) return false;
    return fabs(got.f - want.f) <= fmax(slack, ulps * dtype_ulp(dt, want.f));
}

static const char *element_text(arena *a, dtype dt, scalar v) {
    if (dtype_is_float(dt)) return arena_printf(a, "%.17g", v.f);
    return arena_printf(a, "%lld", (long long)v.i);
}

const char *tensor_difference(arena *a, const tensor *got, const tensor *want, closeness close) {
    if (got->dt != want->dt) return arena_printf(a, "is %s, not %s", dtype_name(got->dt), dtype_name(want->dt));
    bool same = got->rank == want->rank;
    for (uint32_t i = 0; same && i < got->rank; i++) same = got->shape[i] == want->shape[i];
    if (!same) return "has another shape";
    int64_t n = tensor_count(got);
    double largest = 0;
    for (int64_t i = 0; i < n && dtype_is_float(got->dt); i++) {
        double v = fabs(dtype_load(want->dt, want->data, (size_t)i).f);
        if (isfinite(v) && v > largest) largest = v;
    }
    for (int64_t i = 0; i < n; i++) {
        scalar x = dtype_load(got->dt, got->data, (size_t)i), y = dtype_load(want->dt, want->data, (size_t)i);
        if (!element_close(got->dt, x, y, close.relative * largest, close.ulps))
            return arena_printf(a, "element %lld is %s, not %s", (long long)i, element_text(a, got->dt, x),
                                element_text(a, got->dt, y));
    }
    return NULL;
}
