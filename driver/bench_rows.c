/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows of frit bench: kernels that do the same work, layer by layer, are one row. */
#include <math.h>
#include <stdlib.h>

#include "driver/bench.h"
#include "driver/report.h"

const char bench_remark[] = "above 100 %: what it read was still in a cache that the limit does not count on, or the "
                            "machine was slower while its "
                            "limits were measured";

static int by_time(const void *a, const void *b) {
    const bench_row *x = a, *y = b;
    if (x->ms != y->ms) return x->ms < y->ms ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

bench_rows bench_rows_of(cx *c, const bench *b) {
    bench_rows out = {0};
    bench_row *rows = ARENA_ARRAY(c->job, bench_row, b->facts.info.n_kernels + 1u);
    map seen = {.a = c->scratch};
    for (uint32_t k = 0; k < b->facts.info.n_kernels; k++) {
        const frit_kernel_info *info = &b->kernels[k];
        double flops = bench_flops(b, k), bytes = bench_bytes(b, k), least = bench_least_ms(b, k);
        const char *key = arena_printf(c->scratch, "%s|%.9g|%.9g|%u", report_operators_of(c->scratch, info->title),
                                       flops, bytes, info->product_group);
        uint32_t at;
        if (!map_get_str(&seen, key, &at)) {
            map_set_str(&seen, key, at = out.n);
            rows[out.n++] = (bench_row){.first = k};
        }
        bench_row *r = &rows[at];
        r->n_kernels++;
        r->n_launches += info->n_launches;
        r->ms += b->kernel_ms[k];
        r->least_ms += isnan(least) ? 0 : least;
        r->flops += flops * info->n_launches;
        r->bytes += bytes * info->n_launches;
        out.ms += b->kernel_ms[k];
        out.least_ms += isnan(least) ? 0 : least;
    }
    qsort(rows, out.n, sizeof *rows, by_time);
    out.at = rows;
    return out;
}

const char *bench_note_of_types(const bench *b) {
    bool has_bf16 = false;
    for (uint32_t k = 0; k < b->facts.info.n_kernels; k++) has_bf16 |= b->kernels[k].product_group == 2;
    if (!has_bf16) return NULL;
    if (!(b->roof.bf16_gflop_s > 0))
        return "products of bf16 have no instruction on this CPU: they are widened, at half the speed of f32 at most";
    bool is_slow = b->roof.bf16_gflop_s < b->roof.gflop_s;
    return is_slow ? "products of bf16 are slower than those of f32 by this CPU's own instruction" : NULL;
}
