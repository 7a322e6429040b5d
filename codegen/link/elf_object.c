/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes one relocatable ELF file by hand:
 *
 *   .note.frit          the plan, as a note that readers find without loading anything
 *   .note.frit.weights  a note that reserves a program header; artifact.c turns that into the weights' PT_LOAD
 *   .data.rel.ro        struct module of runtime/runtime.h, then the table of kernel functions
 *
 * The linker gives each run of notes of one alignment a header of its own: hence 8 for the plan and 4 for the other. */
#include <elf.h>
#include <string.h>

#include "base/str.h"
#include "codegen/link/link.h"

enum { S_NULL, S_PLAN, S_RESERVE, S_DATA, S_RELA, S_SYMTAB, S_STRTAB, S_STACK, N_SECTIONS };
static const char *const section_names[N_SECTIONS] = {
    "",        ".note.frit", ".note.frit.weights", ".data.rel.ro", ".rela.data.rel.ro",
    ".symtab", ".strtab",    ".note.GNU-stack"};

/* First symbols; kernel functions follow. */
enum { Y_NULL, Y_PLAN_SECTION, Y_DATA_SECTION, Y_FIRST_GLOBAL, Y_MODULE = Y_FIRST_GLOBAL, Y_BACKEND, Y_FIRST_FUNCTION };
enum { MODULE_WORDS = 4 }; /* plan, functions, backend, weights */

typedef struct object {
    arena *a;
    strbuf bytes, strings;
    Elf64_Shdr sections[N_SECTIONS];
} object;

static uint32_t string_at(strbuf *b, const char *s) {
    uint32_t at = (uint32_t)b->n;
    strbuf_addn(b, s, strlen(s) + 1);
    return at;
}

static void add_section(object *o, int which, Elf64_Shdr header, const void *data, size_t n) {
    while (o->bytes.n % 8) strbuf_addc(&o->bytes, 0);
    header.sh_name = string_at(&o->strings, section_names[which]);
    header.sh_offset = o->bytes.n;
    header.sh_size = n;
    o->sections[which] = header;
    if (n) strbuf_addn(&o->bytes, data, n);
}

static elf_bytes note(arena *a, uint32_t type, const void *description, size_t n) {
    Elf64_Nhdr header = {.n_namesz = sizeof PF_NOTE_NAME, .n_descsz = (uint32_t)n, .n_type = type};
    strbuf b = {.a = a};
    strbuf_addn(&b, (const char *)&header, sizeof header);
    strbuf_addn(&b, PF_NOTE_NAME, sizeof PF_NOTE_NAME);
    while (b.n % 8) strbuf_addc(&b, 0);
    strbuf_addn(&b, description, n);
    return (elf_bytes){b.at, b.n};
}

static void add_symbols(object *o, const module_object *m) {
    uint32_t n = Y_FIRST_FUNCTION + m->n_functions;
    Elf64_Sym *s = ARENA_ARRAY(o->a, Elf64_Sym, n);
    s[Y_PLAN_SECTION] = (Elf64_Sym){.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION), .st_shndx = S_PLAN};
    s[Y_DATA_SECTION] = (Elf64_Sym){.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION), .st_shndx = S_DATA};
    s[Y_MODULE] = (Elf64_Sym){.st_name = string_at(&o->strings, "frit_module"),
                              .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                              .st_other = STV_HIDDEN,
                              .st_shndx = S_DATA,
                              .st_size = MODULE_WORDS * sizeof(Elf64_Addr)};
    for (uint32_t i = Y_BACKEND; i < n; i++) {
        const char *name = i == Y_BACKEND ? m->backend : m->functions[i - Y_FIRST_FUNCTION];
        s[i] = (Elf64_Sym){.st_name = string_at(&o->strings, name),
                           .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
                           .st_other = STV_HIDDEN};
    }
    Elf64_Shdr h = {.sh_type = SHT_SYMTAB,
                    .sh_link = S_STRTAB,
                    .sh_info = Y_FIRST_GLOBAL,
                    .sh_addralign = 8,
                    .sh_entsize = sizeof *s};
    add_section(o, S_SYMTAB, h, s, n * sizeof *s);
}

static void add_relocations(object *o, const module_object *m, size_t plan_offset) {
    uint32_t type = m->machine == EM_AARCH64 ? R_AARCH64_ABS64 : R_X86_64_64;
    uint32_t n = 3 + m->n_functions; /* module's weights stay NULL */
    Elf64_Rela *r = ARENA_ARRAY(o->a, Elf64_Rela, n);
    r[0] = (Elf64_Rela){0, ELF64_R_INFO((uint64_t)Y_PLAN_SECTION, type), (int64_t)plan_offset};
    r[1] = (Elf64_Rela){8, ELF64_R_INFO((uint64_t)Y_DATA_SECTION, type), MODULE_WORDS * 8};
    r[2] = (Elf64_Rela){16, ELF64_R_INFO((uint64_t)Y_BACKEND, type), 0};
    for (uint32_t i = 0; i < m->n_functions; i++)
        r[3 + i] =
            (Elf64_Rela){8 * (MODULE_WORDS + (uint64_t)i), ELF64_R_INFO((uint64_t)(Y_FIRST_FUNCTION + i), type), 0};
    Elf64_Shdr h = {.sh_type = SHT_RELA,
                    .sh_flags = SHF_INFO_LINK,
                    .sh_link = S_SYMTAB,
                    .sh_info = S_DATA,
                    .sh_addralign = 8,
                    .sh_entsize = sizeof *r};
    add_section(o, S_RELA, h, r, n * sizeof *r);
}

/* The section headers go last, behind the strings that name them; the file header in front learns where. */
static void finish(object *o, uint16_t machine) {
    add_section(o, S_STACK, (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_addralign = 1}, NULL, 0);
    uint32_t name = string_at(&o->strings, section_names[S_STRTAB]);
    add_section(o, S_STRTAB, (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_addralign = 1}, o->strings.at, o->strings.n);
    o->sections[S_STRTAB].sh_name = name;
    while (o->bytes.n % 8) strbuf_addc(&o->bytes, 0);
    Elf64_Ehdr h = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = ET_REL,
                    .e_machine = machine,
                    .e_version = EV_CURRENT,
                    .e_shoff = o->bytes.n,
                    .e_ehsize = sizeof h,
                    .e_shentsize = sizeof(Elf64_Shdr),
                    .e_shnum = N_SECTIONS,
                    .e_shstrndx = S_STRTAB};
    strbuf_addn(&o->bytes, (const char *)o->sections, sizeof o->sections);
    memcpy(o->bytes.at, &h, sizeof h);
}

elf_bytes elf_module_object(arena *a, const module_object *m) {
    object o = {.a = a, .bytes = {.a = a}, .strings = {.a = a}};
    static const Elf64_Ehdr no_header;
    strbuf_addn(&o.bytes, (const char *)&no_header, sizeof no_header);
    string_at(&o.strings, "");

    elf_bytes tables = note(a, PF_NOTE_TYPE, m->plan, (size_t)m->plan->total_bytes);
    add_section(&o, S_PLAN, (Elf64_Shdr){.sh_type = SHT_NOTE, .sh_flags = SHF_ALLOC, .sh_addralign = 8}, tables.bytes,
                tables.n_bytes);
    elf_bytes reserve = note(a, PF_NOTE_RESERVE, "", 0);
    add_section(&o, S_RESERVE, (Elf64_Shdr){.sh_type = SHT_NOTE, .sh_flags = SHF_ALLOC, .sh_addralign = 4},
                reserve.bytes, reserve.n_bytes);
    size_t n_data = (MODULE_WORDS + (size_t)m->n_functions) * sizeof(Elf64_Addr);
    add_section(&o, S_DATA, (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE, .sh_addralign = 8},
                arena_alloc(a, n_data), n_data);
    add_relocations(&o, m, tables.n_bytes - (size_t)m->plan->total_bytes);
    add_symbols(&o, m);
    finish(&o, m->machine);
    return (elf_bytes){o.bytes.at, o.bytes.n};
}
