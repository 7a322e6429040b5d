/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The frame of reports as pages: style, script, and text of a model made harmless. */
#include <string.h>

#include "driver/report.h"

static const char style[] =
    ":root{color-scheme:light dark;--line:#8884;--ink:#1d2126;--faint:#667;--paper:#fff;--pane:#f6f7f9;--cool:#2b7fd4;"
    "--warm:#d9622b}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#dde;--faint:#99a;--paper:#16181c;--pane:#1e2126}}\n"
    "body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:1.5em "
    "auto;max-width:1320px;padding:0 1em}\n"
    "h1{font-size:1.5em;margin:.2em 0;overflow-wrap:anywhere}h2{font-size:1.15em;margin:2em 0 .3em}\n"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25em .6em;border-bottom:1px solid "
    "var(--line);text-align:right;vertical-align:top;white-space:nowrap}\n"
    "th{color:var(--faint);font-weight:600}td.text,th.text{text-align:left;white-space:normal;overflow-wrap:anywhere}"
    "td.word,th.word{text-align:left}\n"
    "th[data-sort]{cursor:pointer}tr:target{background:#ffd54f55}tr.fold td{background:var(--pane);font-weight:600;"
    "text-align:left}\n"
    "td.in-fold:first-child{border-left:4px solid var(--cool)}\n"
    "td.bar{min-width:70px;background:linear-gradient(#2b7fd455,#2b7fd455) no-repeat left/var(--share) 100%}\n"
    ".small{font-size:.85em;color:var(--faint)}.scroll{overflow:auto;border:1px solid "
    "var(--line);background:var(--pane)}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:.7em;margin:1em 0}.tiles div{background:var(--pane);border:1px solid "
    "var(--line);border-radius:6px;padding:.5em .9em}.tiles b{display:block;font-size:1.35em}\n"
    "details{margin:.8em 0}summary{cursor:pointer}button{font:inherit}\n"
    "svg text{font:11px system-ui,sans-serif;fill:var(--ink);text-anchor:middle}svg text.name{font-weight:600}\n"
    "svg text.title{font-size:10px}svg text.fold{font-size:15px;font-weight:700;text-anchor:start;"
    "fill:var(--cool)}\n"
    "svg rect{stroke:var(--ink);stroke-width:1;stroke-opacity:.5}rect.memory{fill:var(--cool)}rect.arithmetic{fill:"
    "var(--warm)}rect.port{fill:none;stroke-dasharray:4 3}\n"
    "rect.fold{fill:#2b7fd410;stroke:var(--cool);stroke-dasharray:7 4}\n"
    "svg.graph{display:block;margin:auto}svg.graph path{fill:none;stroke:var(--ink);stroke-opacity:.45}svg "
    "a{text-decoration:none}\n"
    "svg.chart{max-width:100%;height:auto}svg path.axis{stroke:var(--line);fill:none}svg text.axis{text-anchor:end}svg "
    "text.life{text-anchor:start;fill:#111}rect.life{stroke:#0006}\n"
    "svg path.live,svg path.roof{fill:none;stroke:var(--ink);stroke-width:2}svg path.roof.cache{stroke-dasharray:5 4}\n"
    "svg text.left{text-anchor:start}svg "
    "circle{stroke:var(--ink);stroke-opacity:.6;fill:var(--warm);fill-opacity:.6}\n";

/* Tables sort by the heading that was clicked: numbers by data-v, words by text; rows of folds go away then. Pictures in
 * .zoom fit their frame's width at first; the buttons above change their scale. */
static const char script[] =
    "for(const th of document.querySelectorAll('th[data-sort]'))th.onclick=()=>{const "
    "t=th.closest('table'),b=t.tBodies[0],"
    "i=th.cellIndex,s=th.dataset.sort=='down'?1:-1;th.dataset.sort=s<0?'down':'up';for(const f of "
    "b.querySelectorAll('tr.fold'))f.remove();const v=r=>{const c=r.cells[i];return "
    "c.dataset.v===undefined?c.textContent:+c.dataset.v};"
    "[...b.rows].sort((p,q)=>{const x=v(p),y=v(q);return s*(x<y?-1:x>y?1:0)}).forEach(r=>b.append(r))};\n"
    "for(const z of document.querySelectorAll('.zoom')){const g=z.querySelector('svg');if(!g)continue;"
    "const w=+g.getAttribute('width'),h=+g.getAttribute('height');let k=1;"
    "const put=x=>{k=Math.min(4,Math.max(.05,x));g.setAttribute('width',w*k);g.setAttribute('height',h*k)},"
    "wide=()=>put(Math.min(1,(z.clientWidth-4)/w)),whole=()=>put(Math.min(1,(z.clientWidth-4)/w,innerHeight*.85/h));"
    "const say=(t,f)=>{const b=document.createElement('button');b.textContent=t;b.onclick=f;z.before(b,' ')};"
    "say('fit width',wide);say('fit "
    "all',whole);say('1:1',()=>put(1));say('+',()=>put(k*1.25));say('\\u2212',()=>put(k/1.25));"
    "z.style.maxHeight='85vh';wide()}\n";

static void escape(strbuf *b, const char *text, bool may_break) {
    for (const char *p = text; *p; p++) {
        unsigned char ch = (unsigned char)*p;
        if (ch == '<')
            strbuf_add(b, "&lt;");
        else if (ch == '>')
            strbuf_add(b, "&gt;");
        else if (ch == '&')
            strbuf_add(b, "&amp;");
        else if (ch == '"')
            strbuf_add(b, "&quot;");
        else
            strbuf_addc(b, ch < ' ' || ch == 0x7f ? '?' : *p);
        if (may_break && strchr("._/", ch) && p[1] && p[1] != ' ') strbuf_add(b, "<wbr>");
    }
}

void report_escape(strbuf *b, const char *text) { escape(b, text, false); }
void report_escape_breaking(strbuf *b, const char *text) { escape(b, text, true); }

void report_begin_page(strbuf *b, const char *title) {
    strbuf_add(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    report_escape(b, title);
    strbuf_printf(b, "</title><style>\n%s</style></head><body>\n<h1>", style);
    report_escape(b, title);
    strbuf_add(b, "</h1>\n");
}

void report_end_page(strbuf *b) { strbuf_printf(b, "<script>\n%s</script>\n</body></html>\n", script); }
