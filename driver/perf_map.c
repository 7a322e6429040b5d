/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The symbols of a loaded artifact as a perf map. perf itself finds them in the file; this is for what does not. */
#define _GNU_SOURCE /* dladdr */
#include "driver/perf_map.h"

#include <dlfcn.h>
#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "driver/cli.h"

static bool is_inside(const mapped_file *f, uint64_t offset, uint64_t bytes) {
    return offset <= f->bytes && bytes <= f->bytes - offset;
}

/* A copy of section i's header; zeros when there is none. */
static Elf64_Shdr section(const mapped_file *f, const Elf64_Ehdr *h, uint32_t i) {
    Elf64_Shdr s = {0};
    uint64_t at = h->e_shoff + (uint64_t)i * sizeof s;
    if (i < h->e_shnum && h->e_shentsize == sizeof s && is_inside(f, at, sizeof s)) memcpy(&s, f->data + at, sizeof s);
    return is_inside(f, s.sh_offset, s.sh_size) ? s : (Elf64_Shdr){0};
}

static void add_functions(strbuf *b, const mapped_file *f, const Elf64_Shdr *symbols, const Elf64_Shdr *strings,
                          uint64_t base) {
    for (uint64_t i = 0; i + sizeof(Elf64_Sym) <= symbols->sh_size; i += sizeof(Elf64_Sym)) {
        Elf64_Sym y;
        memcpy(&y, f->data + symbols->sh_offset + i, sizeof y);
        if (ELF64_ST_TYPE(y.st_info) != STT_FUNC || !y.st_size || y.st_name >= strings->sh_size) continue;
        const char *name = (const char *)f->data + strings->sh_offset + y.st_name;
        size_t n = strnlen(name, (size_t)(strings->sh_size - y.st_name));
        strbuf_printf(b, "%llx %llx %.*s\n", (unsigned long long)(base + y.st_value), (unsigned long long)y.st_size,
                      (int)n, name);
    }
}

frit_status perf_map_write(cx *c, const char *artifact, const void *inside, const char *path) {
    Dl_info where;
    mapped_file f;
    if (!dladdr(inside, &where)) return FAIL(c, INTERNAL, artifact, "is not where it was loaded");
    TRY(file_map(c, artifact, &f));
    strbuf b = {.a = c->job};
    Elf64_Ehdr h = {.e_shnum = 0};
    if (f.bytes >= sizeof h) memcpy(&h, f.data, sizeof h);
    for (uint32_t i = 0; i < h.e_shnum; i++) {
        Elf64_Shdr symbols = section(&f, &h, i), strings = section(&f, &h, symbols.sh_link);
        if (symbols.sh_type == SHT_SYMTAB)
            add_functions(&b, &f, &symbols, &strings, (uint64_t)(uintptr_t)where.dli_fbase);
    }
    file_unmap(&f);
    if (!b.n) return FAIL(c, FORMAT, artifact, "has no symbols");
    const char *to = *path ? path : arena_printf(c->job, "/tmp/perf-%d.map", (int)getpid());
    return cli_write_text(c, to, strbuf_text(&b));
}
