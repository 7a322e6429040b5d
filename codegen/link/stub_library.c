/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared libraries with symbols and no code, to link against instead of the system's: so the link needs no libc on the
 * machine that compiles, its bytes do not depend on which one is there, and any other symbol stays undefined, which the
 * linker reports. Only what a linker reads is there: section headers, no program headers. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codegen/link/link.h"

typedef struct stub_symbol {
    stub_library library;
    const char *name, *version;
} stub_symbol;
static const stub_symbol stub_symbols[] = {
#define LIBC_SYMBOL(library, name, version) {STUB_##library, #name, version},
#include "codegen/link/libc.def"
};
static const char *const sonames[N_STUB_LIBRARIES] = {
    [STUB_LIBC] = "libc.so.6", [STUB_LIBM] = "libm.so.6", [STUB_OPENBLAS] = PF_OPENBLAS};

enum { S_NULL, S_TEXT, S_DYNSYM, S_DYNSTR, S_VERSYM, S_VERDEF, S_DYNAMIC, N_SECTIONS };
enum { MAX_VERSIONS = 16, NO_VERSION = 1 /* the file itself; 0 is local */, FIRST_VERSION };

typedef struct stub {
    arena *a;
    stub_library library;
    uint16_t machine;
    strbuf bytes, strings;
    const char *versions[MAX_VERSIONS];
    uint32_t n_versions, n_symbols;
    Elf64_Shdr sections[N_SECTIONS];
} stub;

static uint32_t string_at(strbuf *b, const char *s) {
    uint32_t at = (uint32_t)b->n;
    strbuf_addn(b, s, strlen(s) + 1);
    return at;
}

/* AArch64 came with glibc 2.17: all that is older has that version there. */
static const char *version_on(uint16_t machine, const char *version) {
    if (!*version) return version;
    long minor = strtol(version + strlen("GLIBC_2."), NULL, 10);
    return machine == EM_AARCH64 && minor < 17 ? "GLIBC_2.17" : version;
}

static uint16_t version_index(stub *s, const char *version) {
    if (!*version) return NO_VERSION;
    for (uint32_t i = 0; i < s->n_versions; i++)
        if (strcmp(s->versions[i], version) == 0) return (uint16_t)(FIRST_VERSION + i);
    ASSERT(s->n_versions < MAX_VERSIONS);
    s->versions[s->n_versions] = version;
    return (uint16_t)(FIRST_VERSION + s->n_versions++);
}

static void add_section(stub *s, int which, Elf64_Shdr header, const void *data, size_t n) {
    while (s->bytes.n % 8) strbuf_addc(&s->bytes, 0);
    header.sh_offset = s->bytes.n;
    header.sh_size = n;
    header.sh_addralign = 8;
    s->sections[which] = header;
    strbuf_addn(&s->bytes, data, n);
}

static void add_symbols(stub *s) {
    Elf64_Sym *symbols = ARENA_ARRAY(s->a, Elf64_Sym, countof(stub_symbols) + 1);
    uint16_t *versions = ARENA_ARRAY(s->a, uint16_t, countof(stub_symbols) + 1);
    uint32_t n = 1;
    for (size_t i = 0; i < countof(stub_symbols); i++) {
        const stub_symbol *from = &stub_symbols[i];
        if (from->library != s->library) continue;
        symbols[n] = (Elf64_Sym){.st_name = string_at(&s->strings, from->name),
                                 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                 .st_shndx = S_TEXT};
        versions[n++] = version_index(s, version_on(s->machine, from->version));
    }
    s->n_symbols = n;
    add_section(s, S_TEXT, (Elf64_Shdr){.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR}, "", 1);
    add_section(s, S_DYNSYM,
                (Elf64_Shdr){.sh_type = SHT_DYNSYM,
                             .sh_flags = SHF_ALLOC,
                             .sh_link = S_DYNSTR,
                             .sh_info = 1,
                             .sh_entsize = sizeof *symbols},
                symbols, n * sizeof *symbols);
    add_section(
        s, S_VERSYM,
        (Elf64_Shdr){
            .sh_type = SHT_GNU_versym, .sh_flags = SHF_ALLOC, .sh_link = S_DYNSYM, .sh_entsize = sizeof *versions},
        versions, n * sizeof *versions);
}

static uint32_t elf_hash(const char *name) {
    uint32_t h = 0;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        h = (h << 4) + *p;
        uint32_t high = h & 0xf0000000;
        h ^= high >> 24;
        h &= ~high;
    }
    return h;
}

static void add_versions(stub *s) {
    typedef struct entry {
        Elf64_Verdef def;
        Elf64_Verdaux aux;
    } entry;
    uint32_t n = s->n_versions + 1;
    entry *entries = ARENA_ARRAY(s->a, entry, n);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = i ? s->versions[i - 1] : sonames[s->library];
        entries[i].def = (Elf64_Verdef){.vd_version = VER_DEF_CURRENT,
                                        .vd_flags = i ? 0 : VER_FLG_BASE,
                                        .vd_ndx = (Elf64_Half)(i + 1),
                                        .vd_cnt = 1,
                                        .vd_hash = elf_hash(name),
                                        .vd_aux = sizeof(Elf64_Verdef),
                                        .vd_next = i + 1 < n ? sizeof(entry) : 0};
        entries[i].aux = (Elf64_Verdaux){.vda_name = string_at(&s->strings, name)};
    }
    add_section(s, S_VERDEF,
                (Elf64_Shdr){.sh_type = SHT_GNU_verdef, .sh_flags = SHF_ALLOC, .sh_link = S_DYNSTR, .sh_info = n},
                entries, n * sizeof *entries);
}

elf_bytes stub_library_bytes(arena *a, stub_library which, uint16_t machine) {
    stub s = {.a = a, .library = which, .machine = machine, .bytes = {.a = a}, .strings = {.a = a}};
    static const Elf64_Ehdr no_header;
    strbuf_addn(&s.bytes, (const char *)&no_header, sizeof no_header);
    string_at(&s.strings, "");
    add_symbols(&s);
    add_versions(&s);
    Elf64_Dyn dynamic[] = {{.d_tag = DT_SONAME, .d_un.d_val = string_at(&s.strings, sonames[which])},
                           {.d_tag = DT_NULL}};
    add_section(&s, S_DYNAMIC,
                (Elf64_Shdr){.sh_type = SHT_DYNAMIC,
                             .sh_flags = SHF_ALLOC | SHF_WRITE,
                             .sh_link = S_DYNSTR,
                             .sh_entsize = sizeof *dynamic},
                dynamic, sizeof dynamic);
    add_section(&s, S_DYNSTR, (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_flags = SHF_ALLOC}, s.strings.at, s.strings.n);
    while (s.bytes.n % 8) strbuf_addc(&s.bytes, 0);
    Elf64_Ehdr h = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = ET_DYN,
                    .e_machine = machine,
                    .e_version = EV_CURRENT,
                    .e_shoff = s.bytes.n,
                    .e_ehsize = sizeof h,
                    .e_shentsize = sizeof(Elf64_Shdr),
                    .e_shnum = N_SECTIONS,
                    .e_shstrndx = S_DYNSTR}; /* sections have no names */
    strbuf_addn(&s.bytes, (const char *)s.sections, sizeof s.sections);
    memcpy(s.bytes.at, &h, sizeof h);
    return (elf_bytes){s.bytes.at, s.bytes.n};
}
