/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Draws the arena over time: a column for each step, a band for each slot, a bar for each tensor over the steps of its
 * life; and above it, how many bytes are in use. */
#include <math.h>
#include <string.h>

#include "driver/report.h"

enum { WIDTH = 1100, HEIGHT = 380, LEFT = 70, TOP = 14, BOTTOM = 22, N_HUES = 12, LETTER = 7 };

typedef struct chart {
    const report *r;
    double step; /* pixels of a step */
    double byte; /* pixels of a byte */
} chart;

static double y_of(const chart *x, double bytes) { return TOP + HEIGHT - bytes * x->byte; }

static void draw_bar(strbuf *b, const chart *x, pbuf_id id) {
    const report *r = x->r;
    const pbuf *buf = &r->p->bufs.at[id];
    double bytes = report_buffer_bytes(r, id);
    if (buf->kind != PB_ARENA || buf->first == UINT32_MAX || isnan(bytes)) return;
    double left = (double)LEFT + buf->first * x->step, width = (buf->last - buf->first + 1) * x->step;
    double top = y_of(x, r->slot_at[buf->index] + bytes), height = fmax(bytes * x->byte, 0.5);
    strbuf_printf(b, "<g><title>");
    report_escape(b, report_buffer_name(r, id));
    strbuf_addc(b, ' ');
    report_escape(b, report_shape(r, buf));
    strbuf_printf(b, ": %s in slot %u, steps %u to %u</title>", report_bytes(b->a, bytes), buf->index, buf->first + 1,
                  buf->last + 1);
    strbuf_printf(
        b,
        "<rect class=\"life\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" style=\"fill:hsl(%u 55%% 60%%)\"/>",
        left, top, width, height, id * 5 % N_HUES * (360 / N_HUES));
    size_t room = (size_t)(width / (double)LETTER);
    const char *name = report_buffer_name(r, id);
    if (height > 11 && str_equal(name, "") == false && room > 2) {
        strbuf_printf(b, "<text class=\"life\" x=\"%.1f\" y=\"%.1f\">", left + 3, top + height / 2 + 4);
        report_escape(b, arena_strndup(b->a, name, strnlen(name, room)));
        strbuf_add(b, "</text>");
    }
    strbuf_add(b, "</g>\n");
}

static double live_at(const report *r, uint32_t step) {
    double live = 0;
    for (pbuf_id i = 0; i < r->p->bufs.n; i++) {
        const pbuf *buf = &r->p->bufs.at[i];
        double bytes = buf->kind == PB_ARENA && buf->first <= step && step <= buf->last ? report_buffer_bytes(r, i) : 0;
        if (!isnan(bytes)) live += bytes;
    }
    return live;
}

static void draw_live(strbuf *b, const chart *x) {
    strbuf_add(b, "<path class=\"live\" d=\"");
    for (uint32_t s = 0; s < x->r->steps.n; s++) {
        double y = y_of(x, live_at(x->r, s));
        strbuf_printf(b, "%s%.1f %.1fH%.1f", s ? "L" : "M", (double)LEFT + s * x->step, y,
                      (double)LEFT + (s + 1) * x->step);
    }
    strbuf_add(b, "\"><title>bytes in use</title></path>\n");
}

static void draw_axes(strbuf *b, const chart *x) {
    const report *r = x->r;
    for (uint32_t i = 0; i <= 4; i++) {
        double bytes = r->arena_bytes * i / 4, y = y_of(x, bytes);
        strbuf_printf(b, "<path class=\"axis\" d=\"M%d %.1fH%d\"/><text class=\"axis\" x=\"%d\" y=\"%.1f\">%s</text>\n",
                      LEFT, y, LEFT + WIDTH, LEFT - 6, y + 4, report_bytes(b->a, bytes));
    }
    uint32_t every = r->steps.n / 20 + 1;
    for (uint32_t s = 0; s < r->steps.n; s += every)
        strbuf_printf(b, "<text class=\"step\" x=\"%.1f\" y=\"%d\">%u</text>\n", (double)LEFT + (s + 0.5) * x->step,
                      TOP + HEIGHT + 15, s + 1);
}

void report_draw_memory(strbuf *b, const report *r) {
    if (!r->steps.n || !(r->arena_bytes > 0)) {
        strbuf_add(b, "<p>Nothing is kept between kernels.</p>\n");
        return;
    }
    chart x = {r, (double)WIDTH / r->steps.n, (double)HEIGHT / r->arena_bytes};
    strbuf_printf(b, "<svg class=\"chart\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", LEFT + WIDTH + 10,
                  TOP + HEIGHT + BOTTOM, LEFT + WIDTH + 10, TOP + HEIGHT + BOTTOM);
    draw_axes(b, &x);
    for (pbuf_id i = 0; i < r->p->bufs.n; i++) draw_bar(b, &x, i);
    draw_live(b, &x);
    strbuf_add(b, "</svg>\n");
}
