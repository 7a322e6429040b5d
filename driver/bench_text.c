/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit bench on a terminal: latency, the machine's limits, and where the time goes, the slowest first. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "driver/bench.h"

enum { TOP_ON_TERMINAL = 30, MOST_ROWS = 1000000, LEAST_NAME = 12, WIDTH_OF_RATES = 80 };

static const char *shown(cx *c, const char *name) { return str_printable(arena_strdup(c->scratch, name)); }

/* Columns of the terminal that stdout is, 0: it is none. */
static uint32_t terminal_width(void) {
    struct winsize size;
    return isatty(1) && ioctl(1, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static bool has_rates(uint32_t width) { return !width || width >= WIDTH_OF_RATES; }

static void print_head(cx *c, const bench *b) {
    const double *ms = b->ms.at;
    uint32_t n = b->ms.n;
    printf("%s: %u runs on %u thread%s", b->path, n, b->n_threads, b->n_threads == 1 ? "" : "s");
    for (uint32_t i = 0; i < b->facts.info.n_symbols; i++)
        if (b->facts.symbols[i].kind < FRIT_SYMBOL_UNUSED)
            printf(", %s = %" PRId64, shown(c, b->facts.symbols[i].name), b->s.symbols[i]);
    printf("\nlatency: min %.4g ms, median %.4g ms, p90 %.4g ms\n", ms[0], bench_quantile(ms, n, 0.5),
           bench_quantile(ms, n, 0.9));
    printf("limits: %.1f GB/s read, %.1f GB/s copy, %.0f GB/s in cache, %.0f GFLOP/s", b->roof.read_gb_s,
           b->roof.copy_gb_s, b->roof.cache_gb_s, b->roof.gflop_s);
    if (b->roof.bf16_gflop_s > 0) printf(", %.0f of bf16", b->roof.bf16_gflop_s);
    if (b->roof.int8_gop_s > 0) printf(", %.0f of bytes", b->roof.int8_gop_s);
    putchar('\n');
}

/* "97%", with * where a remark is needed. */
static const char *percent(cx *c, double least, double ms, bool *out_above) {
    double x = 100 * least / ms;
    if (!(ms > 0) || !(least > 0)) return "? ";
    bool above = x >= 100.5;
    *out_above |= above;
    return arena_printf(c->scratch, "%.0f%%%s", x, above ? "*" : " ");
}

/* name cut to the columns that are left, 0: any number. */
static void print_name(const char *name, uint32_t room) {
    size_t n = strlen(name);
    if (!room || n <= room) {
        printf("%s\n", name);
        return;
    }
    n = room - 2;
    while (n && ((unsigned char)name[n] & 0xc0) == 0x80) n--;
    printf("%.*s..\n", (int)n, name);
}

/* width: of the terminal, 0 any. A narrow one has no room for rates. */
static void print_row(cx *c, const bench *b, const bench_rows *rows, const bench_row *r, uint32_t width,
                      bool *out_above) {
    const frit_kernel_info *info = &b->kernels[r->first];
    double per_ms = r->ms > 0 ? 1e-6 / r->ms : 0;
    int n = printf("%6.1f%% %9.4g %5u %8s", rows->ms > 0 ? 100 * r->ms / rows->ms : 0, r->ms, r->n_launches,
                   percent(c, r->least_ms, r->ms, out_above));
    if (has_rates(width)) n += printf(" %8.4g %8.4g", r->flops * per_ms, r->bytes * per_ms);
    n += printf("  ");
    uint32_t used = n > 0 ? (uint32_t)n : 0, room = width > used + LEAST_NAME ? width - used : width ? LEAST_NAME : 0;
    print_name(arena_printf(c->scratch, "%s: %s", shown(c, info->name), shown(c, info->title)), room);
}

frit_status bench_print_text(cx *c, const bench *b, const args *a) {
    uint32_t width = terminal_width();
    int64_t top;
    bool any_above = false;
    bench_rows rows = bench_rows_of(c, b);
    TRY(args_int(c, a, OPT_TOP, 1, MOST_ROWS, width ? TOP_ON_TERMINAL : MOST_ROWS, &top));
    print_head(c, b);
    const char *first, *least = symbols_at_least(c->scratch, &b->facts, a, b->s.symbols, &first);
    if (*least)
        printf("measured for the least values: %s; --dim %s=N measures others\n", shown(c, least), shown(c, first));
    printf("%7s %9s %5s %8s%s  kernel\n", "share", "ms", "calls", "of limit",
           has_rates(width) ? "  GFLOP/s     GB/s" : "");
    double rest = 0;
    for (uint32_t i = 0; i < rows.n; i++) {
        if (i < top)
            print_row(c, b, &rows, &rows.at[i], width, &any_above);
        else
            rest += rows.at[i].ms;
    }
    if (rows.n > top)
        printf("%6.1f%% %9.4g        %u more, which --top=%u shows\n", 100 * rest / rows.ms, rest,
               rows.n - (uint32_t)top, rows.n);
    printf("%6.1f%% %9.4g %5s %8s in all, %u kernels\n", 100.0, rows.ms, "",
           percent(c, rows.least_ms, rows.ms, &any_above), b->facts.info.n_kernels);
    if (any_above) printf("* %s\n", bench_remark);
    const char *note = bench_note_of_types(b);
    if (note) printf("%s\n", note);
    return FRIT_OK;
}
