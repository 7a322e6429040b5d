/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit bench --json: see docs/CLI.md. */
#include "driver/bench.h"
#include "driver/cli.h"
#include "driver/json_text.h"

enum { JSON_VERSION = 1 };

static void put(json_t *to, const char *key, json_t *x) { json_object_set_new(to, key, x); }

static json_t *kernels_json(arena *a, const bench *b) {
    json_t *list = json_array();
    for (uint32_t k = 0; k < b->facts.info.n_kernels; k++) {
        const frit_kernel_info *info = &b->kernels[k];
        double percent = bench_percent_of_limit(b, k);
        json_t *one = json_object();
        put(one, "name", json_text(a, info->name));
        put(one, "title", json_text(a, info->title));
        put(one, "ms", json_amount(b->kernel_ms[k]));
        put(one, "launches", json_integer(info->n_launches));
        put(one, "flops", json_amount(bench_flops(b, k) * info->n_launches));
        put(one, "bytes", json_amount(bench_bytes(b, k) * info->n_launches));
        put(one, "percent_of_limit", json_amount(percent));
        put(one, "remark", percent > 100 ? json_string(bench_remark) : json_null());
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *limits_json(const roofline *r) {
    json_t *limits = json_object();
    put(limits, "read_gb_s", json_amount(r->read_gb_s));
    put(limits, "copy_gb_s", json_amount(r->copy_gb_s));
    put(limits, "cache_gb_s", json_amount(r->cache_gb_s));
    put(limits, "gflop_s", json_amount(r->gflop_s));
    put(limits, "bf16_gflop_s", json_amount(r->bf16_gflop_s));
    put(limits, "int8_gop_s", json_amount(r->int8_gop_s));
    return limits;
}

frit_status bench_print_json(cx *c, const bench *b) {
    arena *a = c->scratch;
    json_t *root = json_object(), *latency = json_object(), *dims = json_object();
    put(latency, "min", json_amount(b->ms.at[0]));
    put(latency, "median", json_amount(bench_quantile(b->ms.at, b->ms.n, 0.5)));
    put(latency, "p90", json_amount(bench_quantile(b->ms.at, b->ms.n, 0.9)));
    for (uint32_t i = 0; i < b->facts.info.n_symbols; i++)
        if (b->facts.symbols[i].kind < FRIT_SYMBOL_UNUSED)
            put(dims, str_printable(arena_strdup(a, b->facts.symbols[i].name)), json_integer(b->s.symbols[i]));
    put(root, "version", json_integer(JSON_VERSION));
    put(root, "file", json_text(a, b->path));
    put(root, "threads", json_integer(b->n_threads));
    put(root, "dims", dims);
    put(root, "runs", json_integer(b->ms.n));
    put(root, "latency_ms", latency);
    put(root, "limits", limits_json(&b->roof));
    put(root, "kernels", kernels_json(a, b));
    return json_print(c, root);
}
