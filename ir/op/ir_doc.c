/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints docs/IR.md from the tables: the grammar of .fir, element types, and every operator with its attributes. */
#include "ir/op/ir_doc.h"

#include "ir/op/ops.h"

static const char head[] =
    "# The graph IR and its text form\n"
    "\n"
    "Written by `FRIT_BLESS=1 build/tests/test_graph_text` from `ir/ops.def` and `ir/attrs.def`; edit those, not this "
    "file.\n"
    "\n"
    "A graph is static single assignment over tensors. Nodes are pure; equal nodes are one. A value has an element "
    "type and a\n"
    "shape of *dims*: integers, symbols, and expressions over them. Printing a graph and parsing the text gives the "
    "same graph.\n"
    "\n"
    "    func @mlp(%x: f32[B, 64]) -> (%y: f32[B, 10]) where B in 1..512 @8 {\n"
    "      %w = const file(\"model.safetensors\", \"fc1.weight\") : f32[64, 10]\n"
    "      %0 = matmul %x, %w : f32[B, 10]\n"
    "      %1 = softmax %0 {axis = 1} : f32[B, 10] loc(\"node_softmax\")\n"
    "      return %1\n"
    "    }\n"
    "\n"
    "## Grammar\n"
    "\n"
    "    func      = \"func\" \"@\" name \"(\" [port {\",\" port}] \")\" \"->\" \"(\" [port {\",\" port}] \")\" "
    "[where] \"{\" body \"return\" values \"}\"\n"
    "    port      = value \":\" type [\"host\"] [\"state\" integer]\n"
    "    where     = \"where\" clause {\",\" clause}\n"
    "    clause    = symbol [\"=\" (value \"[\" integer \"]\" | \"result\")] [\"in\" integer \"..\" integer] [\"@\" "
    "integer]\n"
    "              | \"require\" dim (\"<=\" | \"==\" | \"~\" | \"~>\" | \"~=\") dim [string]\n"
    "    body      = {[value {\",\" value} \"=\"] operator node}\n"
    "    node      = values [attributes] {region} [\":\" type {\",\" type}] [loc]      (const: payload \":\" type "
    "[loc])\n"
    "    payload   = \"dense\" \"<\" elements \">\" | \"dense\" \"<\" \"0x\" hex digits \">\" | \"splat\" \"(\" "
    "element \")\"\n"
    "              | \"random\" \"(\" seed \",\" scale \")\" | \"file\" \"(\" path string \",\" key string \")\"\n"
    "    attributes= \"{\" name \"=\" attribute {\",\" name \"=\" attribute} \"}\"\n"
    "    attribute = integer | number | \"true\" | \"false\" | word | string | \"[\" [item {\",\" item}] \"]\"\n"
    "    region    = \"region\" \"(\" [value \":\" type {\",\" value \":\" type}] \")\" [where] \"{\" body \"yield\" "
    "values \"}\"\n"
    "    type      = element type [\"[\" [dim {\",\" dim}] \"]\"]\n"
    "    dim       = sums, products, \"floordiv\", \"ceildiv\", \"mod\", \"min(..)\", \"max(..)\" over integers and "
    "symbols\n"
    "    value     = \"%\" (number | name [\"#\" number])      values = [value {\",\" value}]      loc = \"loc\" \"(\" "
    "string \")\"\n"
    "    name      = letters, digits, _ and .  |  string\n"
    "\n"
    "Blanks are free; `--` begins a comment that ends with the line. A type behind a node may be left out; when given "
    "it must\n"
    "be the inferred one. In `where`, `S in 1..96 @8` gives a symbol's range and the size to tune for; `N = %n[0]` "
    "binds it to an\n"
    "element of a small integer input, marked `host`, which is read before anything runs; `K = result` is an extent "
    "that an\n"
    "operator finds at run time. `require` states what every call must satisfy besides the ranges: `n ~ m` that "
    "two\n"
    "sizes are equal or one of them 1, `n ~> m` that n is m or 1; `n ~= m` says that the text is only for calls in "
    "which two\n"
    "sizes are equal. In the `where` of a region, which holds nothing else, it states what every run of the region "
    "must satisfy.\n"
    "An input and an output with the same `state` number are one piece of memory that lives from call to call. In "
    "attributes,\n"
    "defaults are left out.\n";

/* Operators by what later stages do with them, in the order of the table. */
typedef struct op_group {
    const char *title;
    unsigned with, without;
} op_group;
static const op_group groups[] = {
    {"Core: elementwise", OPF_CORE | OPF_EW, 0},
    {"Core: views (they move no data)", OPF_CORE | OPF_VIEW, 0},
    {"Core: control flow", OPF_CORE | OPF_REGION, 0},
    {"Core: everything else", OPF_CORE, OPF_EW | OPF_VIEW | OPF_REGION},
    {"Model: elementwise, by template", OPF_EW, OPF_CORE},
    {"Model: decomposed by `passes/decompose`", 0, OPF_CORE | OPF_EW},
};

static void print_default(strbuf *b, const attr_field *f) {
    switch (f->kind) {
    case FK_INT:
    case FK_F64:
        strbuf_printf(b, " = %s", str_from_f64(b->a, f->default_value));
        return;
    case FK_BOOL:
        strbuf_add(b, f->default_value != 0 ? " = true" : " = false");
        return;
    case FK_ENUM:
        for (uint32_t i = 0; f->enum_names[i]; i++) strbuf_printf(b, "%s%s", i ? " \\| " : " = ", f->enum_names[i]);
        return;
    case FK_DTYPE:
        strbuf_add(b, ": element type");
        return;
    case FK_INTS:
        strbuf_add(b, ": integers");
        return;
    case FK_FLOATS:
        strbuf_add(b, ": numbers");
        return;
    case FK_DIMS:
        strbuf_add(b, ": dims");
        return;
    case FK_STR:
        strbuf_add(b, ": string");
        return;
    case FK_CONST:
        strbuf_add(b, ": payload");
        return;
    }
}

static void print_operands(strbuf *b, const op_info *info) {
    if (info->n_in_max == 0)
        strbuf_printf(b, info->n_in_min ? "%u+" : "any", info->n_in_min);
    else if (info->n_in_min == info->n_in_max)
        strbuf_printf(b, "%u", info->n_in_min);
    else
        strbuf_printf(b, "%u..%u", info->n_in_min, info->n_in_max);
}

static void print_types(strbuf *b, unsigned flags) {
    const char *text = flags & OPF_FLT     ? "floats"
                       : flags & OPF_INTG  ? "integers"
                       : flags & OPF_LOGIC ? "bool, integers"
                                           : "";
    strbuf_add(b, text);
    if (flags & OPF_CMP) strbuf_add(b, *text ? "; gives bool" : "gives bool");
}

static void print_op(strbuf *b, const op_info *info) {
    strbuf_printf(b, "| `%s` | ", info->name);
    print_operands(b, info);
    strbuf_add(b, " | ");
    for (uint32_t i = 0; i < info->attrs->n_fields; i++) {
        strbuf_printf(b, "%s%s", i ? "; " : "", info->attrs->fields[i].name);
        print_default(b, &info->attrs->fields[i]);
    }
    strbuf_add(b, " | ");
    print_types(b, info->flags);
    strbuf_add(b, " | ");
    for (const char *p = info->doc; *p; p++) {
        if (*p == '|') strbuf_addc(b, '\\');
        strbuf_addc(b, *p);
    }
    if (info->template_text[0]) strbuf_printf(b, " `%s`", info->template_text);
    strbuf_add(b, " |\n");
}

void ir_doc_print(strbuf *b) {
    strbuf_add(b, head);
    strbuf_add(b, "\n## Element types\n\n");
    const char *lead = "";
#define DTYPE_ROW(name, code, text, bits, kind)                                                                        \
    strbuf_printf(b, "%s`%s`", lead, text);                                                                            \
    lead = ", ";
    FRIT_DTYPE_LIST(DTYPE_ROW)
#undef DTYPE_ROW
    strbuf_add(b, ".\n\n## Operators\n\nElementwise operators broadcast their operands as numpy does; of two symbols "
                  "that are not "
                  "known to be equal\neither may be 1: the result's extent is then `max(n, m) * min(n, m, 1)`. A model "
                  "operator with a template means that expression.\n");
    for (size_t i = 0; i < countof(groups); i++) {
        strbuf_printf(b, "\n### %s\n\n| operator | operands | attributes | types | meaning |\n|---|---|---|---|---|\n",
                      groups[i].title);
        for (uint32_t op = 0; op < N_OPS; op++) {
            const op_info *info = op_info_of((op_code)op);
            bool fits = (info->flags & groups[i].with) == groups[i].with && !(info->flags & groups[i].without);
            if (fits) print_op(b, info);
        }
    }
}
