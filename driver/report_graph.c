/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Draws the plan as a graph, one box for each step, in layers from the inputs down (after Sugiyama, Tagawa and Toda):
 *
 * Of equal layers (report_fold.c) the first is drawn, in a frame; what reads the others' tensors reads the first's.
 *
 *   1. a box stands one layer below the last of what it reads;
 *   2. a tensor that passes layers on its way gets a place in each, one for all its readers;
 *   3. layers are sorted by the mean position of neighbours, sweeping down and up;
 *   4. each item goes to the mean of its neighbours as far as the order and the widths allow: least squares under
 *      distances, which pooling adjacent violators solves exactly. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "driver/report.h"

enum {
    BOX_WIDTH = 210,
    BOX_HEIGHT = 62,
    ROW = 100,
    GAP = 22,
    PASS_WIDTH = 10,
    MARGIN = 12,
    MOST_PASSES = 20000, /* beyond, wires go straight */
    N_SORTS = 16,
    N_PULLS = 24,
    TEXT_CHARS = 33,
    FRAME = 9
};

typedef enum item_kind { ITEM_STEP, ITEM_INPUT, ITEM_OUTPUT, ITEM_PASS } item_kind;

/* A box, or the place where a wire passes a layer. */
typedef struct item {
    item_kind kind;
    uint32_t index; /* STEP: in report.steps; INPUT, OUTPUT: port */
    uint32_t layer;
    double x, width;            /* x is that of the centre; a place in the layer while sorting */
    double wish;                /* where it would like to be */
    VEC(uint32_t) above, below; /* items that wires lead to */
} item;

/* Between items of neighbouring layers (or further apart when there are too many). */
typedef struct wire {
    uint32_t from, to; /* items */
    pbuf_id buf;
} wire;

/* The places that a tensor passes, from the layer below its writer on. */
typedef struct passes {
    VEC(uint32_t) at;
} passes;

typedef struct layer {
    VEC(uint32_t) items; /* from left to right */
} layer;

typedef struct drawing {
    const report *r;
    arena *a;
    VEC(item) items;
    VEC(wire) wires;
    VEC(wire) reads;   /* from box to box, before passes are put in */
    uint32_t *item_of; /* step that is drawn -> item */
    uint32_t *writer;  /* buffer -> item, UINT32_MAX none */
    passes *passes_of; /* buffer */
    uint32_t n_passes;
    uint32_t n_layers;
    layer *layers;
} drawing;

/* --- boxes and wires --- */

static uint32_t item_add(drawing *d, item_kind kind, uint32_t index, uint32_t at_layer) {
    double width = kind == ITEM_PASS ? PASS_WIDTH : BOX_WIDTH;
    vec_push(d->a, d->items, (item){.kind = kind, .index = index, .layer = at_layer, .width = width});
    if (at_layer >= d->n_layers) d->n_layers = at_layer + 1;
    return d->items.n - 1;
}

static void add_read(drawing *d, pbuf_id buf, uint32_t reader) {
    uint32_t from = d->writer[buf];
    if (from == UINT32_MAX || from == reader) return;
    for (uint32_t i = d->reads.n; i-- > 0 && d->reads.at[i].to == reader;)
        if (d->reads.at[i].buf == buf) return;
    vec_push(d->a, d->reads, (wire){from, reader, buf});
    uint32_t below = d->items.at[from].layer + 1;
    if (d->items.at[reader].layer < below) d->items.at[reader].layer = below;
    if (below >= d->n_layers) d->n_layers = below + 1;
}

static void add_step(drawing *d, uint32_t number) {
    const pstep *s = d->r->steps.at[number];
    bool is_drawn = d->r->drawn[number] == number;
    uint32_t id = is_drawn ? item_add(d, ITEM_STEP, number, 0) : d->item_of[d->r->drawn[number]];
    d->item_of[number] = id;
    for (uint32_t i = 0; i < s->n_args && is_drawn; i++)
        if (s->args[i] < d->r->p->bufs.n) add_read(d, s->args[i], id);
    for (uint32_t i = 0; i < s->n_args; i++)
        if (report_writes(d->r, s, i)) d->writer[s->args[i]] = id;
}

/* An input stands right above its first reader. */
static void lower_inputs(drawing *d) {
    for (uint32_t i = 0; i < d->items.n; i++) {
        item *x = &d->items.at[i];
        uint32_t first = UINT32_MAX;
        for (uint32_t w = 0; x->kind == ITEM_INPUT && w < d->reads.n; w++)
            if (d->reads.at[w].from == i && d->items.at[d->reads.at[w].to].layer < first)
                first = d->items.at[d->reads.at[w].to].layer;
        if (first != UINT32_MAX) x->layer = first - 1;
    }
}

static void add_boxes(drawing *d) {
    const plan *p = d->r->p;
    for (pbuf_id b = 0; b < p->bufs.n; b++)
        if (p->bufs.at[b].kind == PB_INPUT && p->bufs.at[b].first != UINT32_MAX)
            d->writer[b] = item_add(d, ITEM_INPUT, p->bufs.at[b].index, 0);
    for (uint32_t s = 0; s < d->r->steps.n; s++) add_step(d, s);
    for (pbuf_id b = 0; b < p->bufs.n; b++)
        if (p->bufs.at[b].kind == PB_OUTPUT && d->writer[b] != UINT32_MAX)
            add_read(d, b, item_add(d, ITEM_OUTPUT, p->bufs.at[b].index, 0));
    lower_inputs(d);
}

static void wire_add(drawing *d, uint32_t from, uint32_t to, pbuf_id buf) {
    vec_push(d->a, d->wires, (wire){from, to, buf});
    vec_push(d->a, d->items.at[to].above, from);
    vec_push(d->a, d->items.at[from].below, to);
}

static void route(drawing *d, const wire *read) {
    uint32_t top = d->items.at[read->from].layer, bottom = d->items.at[read->to].layer;
    passes *p = &d->passes_of[read->buf];
    uint32_t n_between = bottom - top - 1, above = read->from;
    if (d->n_passes + n_between > MOST_PASSES) n_between = 0;
    for (uint32_t i = 0; i < n_between; i++) {
        if (i == p->at.n) {
            uint32_t pass = item_add(d, ITEM_PASS, 0, top + 1 + i);
            vec_push(d->a, p->at, pass);
            wire_add(d, above, pass, read->buf);
            d->n_passes++;
        }
        above = p->at.at[i];
    }
    wire_add(d, above, read->to, read->buf);
}

/* --- order and places --- */

/* The mean place of its neighbours; where it is when it has none. The straighter a long wire, the better it can be
 * followed, so two places on one wire hold each other more firmly. */
static double wish_of(const drawing *d, const item *x, bool above, bool below) {
    enum { FIRM = 4 };
    double sum = 0, n = 0;
    for (uint32_t i = 0; above && i < x->above.n; i++) {
        const item *y = &d->items.at[x->above.at[i]];
        double weight = x->kind == ITEM_PASS && y->kind == ITEM_PASS ? FIRM : 1;
        sum += weight * y->x, n += weight;
    }
    for (uint32_t i = 0; below && i < x->below.n; i++) {
        const item *y = &d->items.at[x->below.at[i]];
        double weight = x->kind == ITEM_PASS && y->kind == ITEM_PASS ? FIRM : 1;
        sum += weight * y->x, n += weight;
    }
    return n > 0 ? sum / n : x->x;
}

static void wish(drawing *d, const layer *l, bool above, bool below) {
    for (uint32_t i = 0; i < l->items.n; i++) {
        item *x = &d->items.at[l->items.at[i]];
        x->wish = wish_of(d, x, above, below);
    }
}

/* Insertion sort: stable, and layers are short or nearly in order. */
static void sort_layer(drawing *d, layer *l) {
    for (uint32_t i = 1; i < l->items.n; i++) {
        uint32_t moved = l->items.at[i], k = i;
        for (; k > 0 && d->items.at[l->items.at[k - 1]].wish > d->items.at[moved].wish; k--)
            l->items.at[k] = l->items.at[k - 1];
        l->items.at[k] = moved;
    }
    for (uint32_t i = 0; i < l->items.n; i++) d->items.at[l->items.at[i]].x = i;
}

static void sort_layers(drawing *d) {
    for (uint32_t l = 0; l < d->n_layers; l++)
        for (uint32_t i = 0; i < d->layers[l].items.n; i++) d->items.at[d->layers[l].items.at[i]].x = i;
    for (uint32_t turn = 0; turn < N_SORTS; turn++) {
        bool down = turn % 2 == 0;
        for (uint32_t i = 0; i < d->n_layers; i++) {
            layer *l = &d->layers[down ? i : d->n_layers - 1 - i];
            wish(d, l, down, !down);
            sort_layer(d, l);
        }
    }
}

/* Neighbours that want to stand closer than they may, moved together: their mean, and how many they are. */
typedef struct pool {
    double mean, n;
} pool;

/* Every item of the layer to its wish as near as distances allow. */
static void pull_layer(drawing *d, const layer *l, pool *pools, double *offsets) {
    uint32_t n = 0;
    double offset = 0;
    for (uint32_t i = 0; i < l->items.n; i++) {
        const item *x = &d->items.at[l->items.at[i]];
        if (i) offset += (d->items.at[l->items.at[i - 1]].width + x->width) / 2 + (double)GAP;
        offsets[i] = offset;
        pools[n++] = (pool){x->wish - offset, 1};
        for (; n > 1 && pools[n - 2].mean > pools[n - 1].mean; n--) {
            pool *left = &pools[n - 2], *right = &pools[n - 1];
            left->mean = (left->mean * left->n + right->mean * right->n) / (left->n + right->n);
            left->n += right->n;
        }
    }
    for (uint32_t p = 0, i = 0; p < n; p++)
        for (double k = 0; k < pools[p].n; k++, i++) d->items.at[l->items.at[i]].x = pools[p].mean + offsets[i];
}

static void pull_layers(drawing *d) {
    pool *pools = ARENA_ARRAY(d->a, pool, d->items.n + 1u);
    double *offsets = ARENA_ARRAY(d->a, double, d->items.n + 1u);
    for (uint32_t i = 0; i < d->items.n; i++) d->items.at[i].x *= BOX_WIDTH + GAP;
    for (uint32_t turn = 0; turn < N_PULLS; turn++) {
        bool down = turn % 2 == 0, is_late = turn + 4 >= N_PULLS;
        for (uint32_t i = 0; i < d->n_layers; i++) {
            const layer *l = &d->layers[down ? i : d->n_layers - 1 - i];
            wish(d, l, down || is_late, !down || is_late);
            pull_layer(d, l, pools, offsets);
        }
    }
}

static void lay_out(drawing *d) {
    const plan *p = d->r->p;
    d->writer = ARENA_ARRAY(d->a, uint32_t, p->bufs.n + 1u);
    d->passes_of = ARENA_ARRAY(d->a, passes, p->bufs.n + 1u);
    d->item_of = ARENA_ARRAY(d->a, uint32_t, d->r->steps.n + 1u);
    memset(d->writer, 0xff, (p->bufs.n + 1u) * sizeof *d->writer);
    add_boxes(d);
    for (uint32_t i = 0; i < d->reads.n; i++) route(d, &d->reads.at[i]);
    d->layers = ARENA_ARRAY(d->a, layer, d->n_layers + 1u);
    for (uint32_t i = 0; i < d->items.n; i++) vec_push(d->a, d->layers[d->items.at[i].layer].items, i);
    sort_layers(d);
    pull_layers(d);
}

/* --- drawing --- */

/* Where the first n bytes of text end without cutting a character. */
static size_t whole_chars(const char *text, size_t n) {
    while (n && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    return n;
}

/* Long text loses its middle: what it begins with and what it ends in say most. */
static const char *shortened(arena *a, const char *text) {
    size_t n = strlen(text), half = (TEXT_CHARS - 2) / 2;
    if (n <= TEXT_CHARS) return text;
    size_t from = n - half;
    while (from < n && ((unsigned char)text[from] & 0xc0) == 0x80) from++;
    return arena_printf(a, "%.*s..%s", (int)whole_chars(text, half), text, text + from);
}

static void draw_text(strbuf *b, const item *x, double y, const char *class, const char *text) {
    strbuf_printf(b, "<text class=\"%s\" x=\"%.0f\" y=\"%.0f\">", class, x->x, y);
    report_escape(b, shortened(b->a, text));
    strbuf_add(b, "</text>");
}

/* One line, or two where the text can be parted at a blank. */
static void draw_two_lines(strbuf *b, const item *x, double y, const char *class, const char *text) {
    size_t at = TEXT_CHARS;
    if (strlen(text) <= TEXT_CHARS) {
        draw_text(b, x, y + 6, class, text);
        return;
    }
    while (at && text[at] != ' ') at--;
    if (!at) at = whole_chars(text, TEXT_CHARS);
    draw_text(b, x, y, class, arena_strndup(b->a, text, at));
    draw_text(b, x, y + 13, class, text + at + (text[at] == ' '));
}

/* Where the kernel ends, in the model's words: its last node that computes, else its last view. */
static const char *last_node(const plan_holds *h) {
    for (uint32_t i = h->n; i-- > 0;)
        if (*h->at[i].loc && !op_is(h->at[i].op, OPF_VIEW)) return h->at[i].loc;
    for (uint32_t i = h->n; i-- > 0;)
        if (*h->at[i].loc) return h->at[i].loc;
    return "";
}

static void draw_launch(strbuf *b, const drawing *d, const item *x, double y, double most_ms) {
    const report_kernel *k = &d->r->kernels[d->r->steps.at[x->index]->kernel];
    double call_ms = report_call_ms(d->r, k);
    double heat = most_ms > 0 && !isnan(k->ms) ? 0.08 + 0.72 * call_ms / most_ms : 0.08;
    uint32_t times = d->r->times[x->index];
    strbuf_printf(b, "<a href=\"#%s\"><title>%s: ", k->k->name, k->k->name);
    report_escape(b, k->k->title ? k->k->title : "");
    strbuf_addc(b, '\n');
    report_escape(b, report_nodes(d->r, k->holds));
    strbuf_printf(b, "\n%s FLOPs, %s read, %s written</title>", report_count(b->a, k->flops),
                  report_bytes(b->a, k->bytes - k->written), report_bytes(b->a, k->written));
    strbuf_printf(
        b, "<rect class=\"%s\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" rx=\"5\" fill-opacity=\"%.2f\"/>",
        k->is_memory_bound ? "memory" : "arithmetic", x->x - (double)BOX_WIDTH / 2, y, BOX_WIDTH, BOX_HEIGHT, heat);
    draw_two_lines(b, x, y + 14, "name", report_operators(d->r, k->k));
    draw_text(b, x, y + 42, "title", last_node(k->holds));
    const char *ms =
        times > 1 ? arena_printf(b->a, "%u x %.3g ms", times, k->ms) : arena_printf(b->a, "%.3g ms", k->ms);
    double share = call_ms / d->r->total.ms * 100;
    draw_text(b, x, y + 55, "title", arena_printf(b->a, "%s, %.1f %%, %s", ms, share, report_bytes(b->a, k->bytes)));
    strbuf_add(b, "</a>\n");
}

/* Around the boxes of one layer that stands for several. */
static void draw_fold(strbuf *b, const drawing *d, const report_fold *f) {
    double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
    for (uint32_t s = f->first; s < f->first + f->n_steps; s++) {
        const item *x = &d->items.at[d->item_of[s]];
        left = fmin(left, x->x - x->width / 2 - FRAME), right = fmax(right, x->x + x->width / 2 + FRAME);
        top = fmin(top, x->layer * (double)ROW - FRAME),
        bottom = fmax(bottom, x->layer * (double)ROW + BOX_HEIGHT + FRAME);
    }
    strbuf_printf(b,
                  "<rect class=\"fold\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" rx=\"8\"/><text "
                  "class=\"fold\" x=\"%.0f\" y=\"%.0f\">&#215; %u</text>\n",
                  left, top, right - left, bottom - top, left + 2, top - 4, f->n_times);
}

static void draw_box(strbuf *b, const drawing *d, const item *x, double y, double most_ms) {
    const graph *g = d->r->p->iface;
    bool is_port = x->kind == ITEM_INPUT || x->kind == ITEM_OUTPUT;
    if (x->kind == ITEM_PASS) return;
    if (!is_port && d->r->steps.at[x->index]->kind == PS_LAUNCH) {
        draw_launch(b, d, x, y, most_ms);
        return;
    }
    strbuf_printf(b, "<rect class=\"port\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" rx=\"14\"/>",
                  x->x - (double)BOX_WIDTH / 2, y, BOX_WIDTH, BOX_HEIGHT);
    const port *p = x->kind == ITEM_INPUT ? &g->inputs.at[x->index] : &g->outputs.at[x->index];
    draw_text(b, x, y + 35, "name", is_port ? p->name : "copy");
    strbuf_addc(b, '\n');
}

static void draw_wire(strbuf *b, const drawing *d, const wire *w, double most_bytes) {
    const item *from = &d->items.at[w->from], *to = &d->items.at[w->to];
    double y0 = from->layer * (double)ROW + (double)BOX_HEIGHT, y1 = to->layer * (double)ROW, mid = (y0 + y1) / 2;
    double bytes = report_buffer_bytes(d->r, w->buf);
    double width = bytes > 0 && most_bytes > 0 ? 1 + 3 * sqrt(bytes / most_bytes) : 1;
    strbuf_printf(b, "<path style=\"stroke-width:%.1f\" d=\"M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f", width, from->x,
                  y0, from->x, mid, to->x, mid, to->x, y1);
    if (to->kind == ITEM_PASS) strbuf_printf(b, "V%.0f", y1 + (double)BOX_HEIGHT);
    strbuf_add(b, "\"><title>");
    report_escape(b, report_buffer_name(d->r, w->buf));
    strbuf_addc(b, ' ');
    report_escape(b, report_shape(d->r, &d->r->p->bufs.at[w->buf]));
    strbuf_printf(b, ", %s</title></path>\n", report_bytes(b->a, bytes));
}

void report_draw_graph(strbuf *b, const report *r) {
    drawing d = {.r = r, .a = r->a};
    double left = INFINITY, right = -INFINITY, most_ms = 0, most_bytes = 0;
    lay_out(&d);
    if (!d.items.n) return;
    for (uint32_t i = 0; i < d.items.n; i++) {
        left = fmin(left, d.items.at[i].x - d.items.at[i].width / 2);
        right = fmax(right, d.items.at[i].x + d.items.at[i].width / 2);
    }
    for (uint32_t i = 0; i < r->p->kernels.n; i++)
        if (report_is_drawn(r, &r->kernels[i])) most_ms = fmax(most_ms, report_call_ms(r, &r->kernels[i]));
    for (uint32_t i = 0; i < d.wires.n; i++) most_bytes = fmax(most_bytes, report_buffer_bytes(r, d.wires.at[i].buf));
    double width = right - left + 2.0 * (double)MARGIN,
           height = (d.n_layers - 1) * (double)ROW + (double)(BOX_HEIGHT + 2 * MARGIN);
    strbuf_printf(b, "<svg class=\"graph\" viewBox=\"%.0f %d %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
                  left - (double)MARGIN, -MARGIN, width, height, width, height);
    for (uint32_t i = 0; i < r->folds.n; i++) draw_fold(b, &d, &r->folds.at[i]);
    for (uint32_t i = 0; i < d.wires.n; i++) draw_wire(b, &d, &d.wires.at[i], most_bytes);
    for (uint32_t i = 0; i < d.items.n; i++)
        draw_box(b, &d, &d.items.at[i], d.items.at[i].layer * (double)ROW, most_ms);
    strbuf_add(b, "</svg>\n");
}
