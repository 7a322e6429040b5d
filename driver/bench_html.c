/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit bench --report=FILE.html: the measured times as a page. The roofline (Williams, Waterman, Patterson 2009) puts each
 * row at the FLOPs that it does for each byte and a second: below the slope of memory, or below the flat roof of
 * arithmetic. Both axes are logarithmic. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "driver/bench.h"
#include "driver/cli.h"
#include "driver/info.h"
#include "driver/report.h"

enum { WIDTH = 1300, HEIGHT = 460, LEFT = 70, RIGHT = 20, TOP = 20, BOTTOM = 44, N_LABELS = 8 };

/* Decades that the picture spans. */
typedef struct chart {
    double x0, x1, y0, y1; /* log10 of FLOPs a byte and of GFLOP/s */
} chart;

static double x_of(const chart *k, double intensity) {
    return LEFT + (WIDTH - LEFT - RIGHT) * (log10(intensity) - k->x0) / (k->x1 - k->x0);
}
static double y_of(const chart *k, double gflop_s) {
    return TOP + (HEIGHT - TOP - BOTTOM) * (k->y1 - log10(gflop_s)) / (k->y1 - k->y0);
}

static bool has_place(const bench_row *r) { return r->flops > 0 && r->bytes > 0 && r->ms > 0; }

static chart chart_of(const bench *b, const bench_rows *rows) {
    double most = fmax(b->roof.gflop_s, fmax(b->roof.bf16_gflop_s, b->roof.int8_gop_s));
    double corner = b->roof.gflop_s / fmax(b->roof.read_gb_s, b->roof.copy_gb_s);
    chart k = {0.0, ceil(log10(corner * 1.5)), 0.0, ceil(log10(most * 1.2))};
    for (uint32_t i = 0; i < rows->n; i++) {
        const bench_row *r = &rows->at[i];
        if (!has_place(r)) continue;
        k.x0 = fmin(k.x0, floor(log10(r->flops / r->bytes)));
        k.x1 = fmax(k.x1, ceil(log10(r->flops / r->bytes) + 0.2));
        k.y0 = fmin(k.y0, floor(log10(r->flops / r->ms * 1e-6)));
        k.y1 = fmax(k.y1, ceil(log10(r->flops / r->ms * 1e-6)));
    }
    k.x0 = fmax(k.x0, -3), k.y0 = fmax(k.y0, k.y1 - 5);
    return k;
}

static void draw_axes(strbuf *b, const chart *k) {
    for (double d = k->x0; d <= k->x1; d++) {
        double x = x_of(k, pow(10, d));
        strbuf_printf(b, "<path class=\"axis\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\">%g</text>\n", x, TOP,
                      HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 16, pow(10, d));
    }
    for (double d = k->y0; d <= k->y1; d++) {
        double y = y_of(k, pow(10, d));
        strbuf_printf(b, "<path class=\"axis\" d=\"M%d %.1fH%d\"/><text class=\"axis\" x=\"%d\" y=\"%.1f\">%g</text>\n",
                      LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, pow(10, d));
    }
    strbuf_printf(b,
                  "<text x=\"%d\" y=\"%d\">FLOPs a byte</text><text class=\"left\" x=\"4\" y=\"12\">GFLOP/s</text>\n",
                  (LEFT + WIDTH) / 2, HEIGHT - 8);
}

/* A slope of so many GB/s up to the flat roof. */
static void draw_roof(strbuf *b, const chart *k, double gb_s, double gflop_s, const char *class, const char *label) {
    double x0 = fmax(pow(10, k->x0), pow(10, k->y0) / gb_s), corner = gflop_s / gb_s, x1 = pow(10, k->x1);
    if (!(gb_s > 0) || !(gflop_s > 0) || x0 >= x1) return;
    strbuf_printf(b, "<path class=\"roof %s\" d=\"M%.1f %.1f", class, x_of(k, x0), y_of(k, fmin(x0 * gb_s, gflop_s)));
    if (corner > x0 && corner < x1) strbuf_printf(b, "L%.1f %.1f", x_of(k, corner), y_of(k, gflop_s));
    strbuf_printf(b, "L%.1f %.1f\"/>", x_of(k, x1), y_of(k, fmin(x1 * gb_s, gflop_s)));
    strbuf_printf(b, "<text class=\"left\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x_of(k, x0 * 1.3) + 12,
                  y_of(k, fmin(x0 * 1.3 * gb_s, gflop_s)) + 6, label);
}

static void draw_roofs(strbuf *b, const bench *m, const chart *k) {
    const roofline *r = &m->roof;
    double memory = fmax(r->read_gb_s, r->copy_gb_s), x = x_of(k, pow(10, k->x1)) - 6;
    draw_roof(b, k, memory, r->gflop_s, "", arena_printf(b->a, "memory, %.1f GB/s", memory));
    draw_roof(b, k, r->cache_gb_s, r->gflop_s, "cache", arena_printf(b->a, "cache, %.0f GB/s", r->cache_gb_s));
    const struct {
        double rate;
        const char *name;
    } flats[] = {{r->gflop_s, "f32"}, {r->bf16_gflop_s, "bf16"}, {r->int8_gop_s, "bytes"}};
    for (size_t i = 0; i < countof(flats); i++) {
        if (!(flats[i].rate > 0)) continue;
        double y = y_of(k, flats[i].rate);
        if (i) strbuf_printf(b, "<path class=\"roof cache\" d=\"M%.1f %.1fH%d\"/>", x - 120, y, WIDTH - RIGHT);
        strbuf_printf(b, "<text class=\"axis\" x=\"%.1f\" y=\"%.1f\">%s, %.0f GFLOP/s</text>\n", x, y - 5,
                      flats[i].name, flats[i].rate);
    }
}

static const char *operators(const bench *m, strbuf *b, const bench_row *r) {
    return report_operators_of(b->a, m->kernels[r->first].title);
}

static void draw_row(strbuf *b, const bench *m, const chart *k, const bench_rows *rows, uint32_t i) {
    const bench_row *r = &rows->at[i];
    double rate = r->flops / r->ms * 1e-6, share = r->ms / rows->ms;
    if (!has_place(r)) return;
    double x = x_of(k, fmax(r->flops / r->bytes, pow(10, k->x0))), y = y_of(k, fmax(rate, pow(10, k->y0)));
    strbuf_printf(b, "<a href=\"#%s\"><circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>", m->kernels[r->first].name, x,
                  y, 4 + 22 * sqrt(share));
    report_escape(b, m->kernels[r->first].title);
    strbuf_printf(b, "\n%.4g ms, %.1f %% of the time, %.3g GFLOP/s, %.3g GB/s</title></circle></a>", r->ms, 100 * share,
                  rate, r->bytes / r->ms * 1e-6);
    if (i < N_LABELS) {
        strbuf_printf(b, "<text x=\"%.1f\" y=\"%.1f\">", x, y + 4);
        report_escape(b, arena_printf(b->a, "%u", i + 1));
        strbuf_add(b, "</text>");
    }
    strbuf_addc(b, '\n');
}

static void draw_roofline(strbuf *b, const bench *m, const bench_rows *rows) {
    chart k = chart_of(m, rows);
    strbuf_printf(b, "<svg class=\"chart\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", WIDTH, HEIGHT, WIDTH,
                  HEIGHT);
    draw_axes(b, &k);
    draw_roofs(b, m, &k);
    for (uint32_t i = rows->n; i-- > 0;) draw_row(b, m, &k, rows, i);
    strbuf_add(b, "</svg>\n");
}

/* --- the page --- */

static void tile(strbuf *b, const char *figure, const char *label) {
    strbuf_printf(b, "<div><b>%s</b>%s</div>\n", figure, label);
}

static void print_tiles(strbuf *b, const bench *m, const bench_rows *rows) {
    strbuf_add(b, "<div class=\"tiles\">\n");
    tile(b, arena_printf(b->a, "%.4g ms", bench_quantile(m->ms.at, m->ms.n, 0.5)), "median latency");
    tile(b, arena_printf(b->a, "%.4g ms", m->ms.at[0]), "least");
    tile(b, arena_printf(b->a, "%.4g ms", bench_quantile(m->ms.at, m->ms.n, 0.9)), "p90");
    tile(b, arena_printf(b->a, "%.4g ms", rows->ms), "all kernels");
    tile(b, arena_printf(b->a, "%.4g ms", rows->least_ms), "the limits allow");
    tile(b, arena_printf(b->a, "%.0f GFLOP/s", m->roof.gflop_s), "f32 at most");
    tile(b, arena_printf(b->a, "%.1f GB/s", fmax(m->roof.read_gb_s, m->roof.copy_gb_s)), "memory at most");
    strbuf_add(b, "</div>\n");
}

static void print_origin(strbuf *b, const bench *m) {
    const frit_artifact_info *info = &m->facts.info;
    strbuf_printf(b, "<p>%u runs on %u thread%s", m->ms.n, m->n_threads, m->n_threads == 1 ? "" : "s");
    for (uint32_t i = 0; i < info->n_symbols; i++) {
        if (m->facts.symbols[i].kind >= FRIT_SYMBOL_UNUSED) continue;
        strbuf_add(b, ", ");
        report_escape(b, m->facts.symbols[i].name);
        strbuf_printf(b, " = %" PRId64, m->s.symbols[i]);
    }
    strbuf_add(b, ". Compiled by ");
    report_escape(b, arena_printf(b->a, "%s for %s, %s; measured by frit %s on %s.", info->producer, info->target,
                                  *info->options ? info->options : "without flags that change numbers", FRIT_VERSION,
                                  info_machine(b->a)));
    strbuf_add(b, "</p>\n");
}

static void cell(strbuf *b, double key, const char *shown) {
    strbuf_printf(b, "<td data-v=\"%.9g\">%s</td>", isnan(key) ? -1 : key, shown);
}

static void print_row(strbuf *b, const bench *m, const bench_rows *rows, uint32_t i, bool *any_above) {
    const bench_row *r = &rows->at[i];
    double share = rows->ms > 0 ? 100 * r->ms / rows->ms : 0, percent = r->ms > 0 ? 100 * r->least_ms / r->ms : NAN;
    double per_ms = r->ms > 0 ? 1e-6 / r->ms : 0;
    bool is_above = percent >= 100.5;
    *any_above |= is_above;
    strbuf_printf(b, "<tr id=\"%s\">", m->kernels[r->first].name);
    cell(b, i, arena_printf(b->a, "%u", i + 1));
    strbuf_printf(b, "<td class=\"bar\" style=\"--share:%.1f%%\" data-v=\"%.9g\">%.1f %%</td>", share, share, share);
    cell(b, r->ms, arena_printf(b->a, "%.4g", r->ms));
    cell(b, r->n_launches, arena_printf(b->a, "%u", r->n_launches));
    cell(b, r->n_launches ? r->ms / r->n_launches : NAN,
         arena_printf(b->a, "%.3g", r->n_launches ? r->ms / r->n_launches : 0));
    cell(b, percent, isnan(percent) ? "?" : arena_printf(b->a, "%.0f %%%s", percent, is_above ? "*" : ""));
    cell(b, r->flops * per_ms, arena_printf(b->a, "%.3g", r->flops * per_ms));
    cell(b, r->bytes * per_ms, arena_printf(b->a, "%.3g", r->bytes * per_ms));
    strbuf_add(b, "<td class=\"text\"><b>");
    report_escape(b, operators(m, b, r));
    strbuf_printf(b, "</b> <span class=\"small\">%s", m->kernels[r->first].name);
    if (r->n_kernels > 1) strbuf_printf(b, " and %u like it", r->n_kernels - 1);
    strbuf_add(b, "<br>");
    report_escape_breaking(b, m->kernels[r->first].title + strlen(operators(m, b, r)));
    strbuf_add(b, "</span></td></tr>\n");
}

static void print_table(strbuf *b, const bench *m, const bench_rows *rows) {
    static const char *const headings[] = {"#",       "share",    "ms a call", "launches",
                                           "ms each", "of limit", "GFLOP/s",   "GB/s"};
    bool any_above = false;
    strbuf_add(b, "<h2>Kernels</h2>\n<table><thead><tr>");
    for (size_t i = 0; i < countof(headings); i++) strbuf_printf(b, "<th data-sort=\"up\">%s</th>", headings[i]);
    strbuf_add(b, "<th class=\"text\">operators</th></tr></thead><tbody>\n");
    for (uint32_t i = 0; i < rows->n; i++) print_row(b, m, rows, i, &any_above);
    strbuf_add(b, "</tbody></table>\n");
    if (any_above) strbuf_printf(b, "<p class=\"small\">* %s</p>\n", bench_remark);
    const char *note = bench_note_of_types(m);
    if (note) strbuf_printf(b, "<p class=\"small\">%s</p>\n", note);
}

frit_status bench_write_page(cx *c, const bench *m, const char *path) {
    strbuf b = {.a = c->job};
    bench_rows rows = bench_rows_of(c, m);
    const char *slash = strrchr(m->path, '/');
    report_begin_page(&b, slash ? slash + 1 : m->path);
    print_tiles(&b, m, &rows);
    print_origin(&b, m);
    strbuf_printf(
        &b, "<h2>Roofline</h2>\n<p class=\"small\">Where each kernel stands against what this machine did when it was "
            "measured. The larger a circle, the more of the time; numbers are the table's. Kernels without "
            "arithmetic have no place here.</p>\n<div class=\"scroll\">\n");
    draw_roofline(&b, m, &rows);
    strbuf_add(&b, "</div>\n");
    print_table(&b, m, &rows);
    report_end_page(&b);
    return cli_write_text(c, path, strbuf_text(&b));
}
