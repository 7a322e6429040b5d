/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds the note of an artifact in the bytes of a file that may be anything. ELF structs are copied out before they are
 * read: nothing in a hostile file is aligned. */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "base/map.h"
#include "runtime/loader.h"
#include "runtime/runtime.h"

#if defined(__x86_64__)
enum { HERE = EM_X86_64 };
#elif defined(__aarch64__)
enum { HERE = EM_AARCH64 };
#else
enum { HERE = EM_NONE };
#endif

static const char *machine_text(arena *a, uint16_t machine) {
    if (machine == EM_X86_64) return "x86-64";
    return machine == EM_AARCH64 ? "aarch64" : arena_printf(a, "machine %u", machine);
}

bool note_is_elf(const mapped_file *f) { return f->bytes >= SELFMAG && memcmp(f->data, ELFMAG, SELFMAG) == 0; }

static bool is_inside(uint64_t offset, uint64_t bytes, uint64_t limit) {
    return offset <= limit && bytes <= limit - offset;
}

/* The description of our note among the notes of one segment, which lies inside the file. */
static bool find_in_notes(const mapped_file *f, const Elf64_Phdr *segment, uint64_t *out_offset, uint64_t *out_bytes) {
    uint64_t at = segment->p_offset, end = at + segment->p_filesz, align = segment->p_align == 8 ? 8 : 4;
    while (end - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        memcpy(&n, f->data + at, sizeof n);
        uint64_t name = at + sizeof n, description = (name + n.n_namesz + align - 1) / align * align;
        if (description > end || n.n_descsz > end - description) return false;
        bool is_ours = n.n_type == PF_NOTE_TYPE && n.n_namesz == sizeof PF_NOTE_NAME &&
                       memcmp(f->data + name, PF_NOTE_NAME, sizeof PF_NOTE_NAME) == 0;
        *out_offset = description, *out_bytes = n.n_descsz;
        if (is_ours) return true;
        at = (description + n.n_descsz + align - 1) / align * align;
        if (at > end) return false;
    }
    return false;
}

/* Also makes sure that no segment lies beyond the end: a file cut short would be killed by a signal when it runs. */
static frit_status find_note(cx *c, const char *path, const mapped_file *f, const Elf64_Ehdr *h, uint64_t *out_offset,
                             uint64_t *out_bytes) {
    bool is_found = false;
    if (h->e_phentsize != sizeof(Elf64_Phdr) ||
        !is_inside(h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr), f->bytes))
        return FAIL(c, FORMAT, path, "is damaged: its program headers lie outside the file");
    for (uint32_t i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, f->data + h->e_phoff + i * sizeof segment, sizeof segment);
        if (!is_inside(segment.p_offset, segment.p_filesz, f->bytes))
            return FAIL(c, FORMAT, path, "is damaged or cut short: it should have at least %llu bytes",
                        (unsigned long long)(segment.p_offset + segment.p_filesz));
        if (segment.p_type == PT_NOTE && !is_found) is_found = find_in_notes(f, &segment, out_offset, out_bytes);
    }
    return is_found ? FRIT_OK : FAIL(c, FORMAT, path, "is a shared object, but frit did not make it");
}

uint64_t note_code_id(const uint8_t *file, uint64_t code_bytes, uint64_t id_offset) {
    Elf64_Ehdr h;
    memcpy(&h, file, sizeof h);
    uint64_t behind = id_offset + sizeof(uint64_t), id = h.e_phoff << 16 | h.e_phnum;
    id = hash_bytes(file + sizeof h, id_offset - sizeof h, id);
    return hash_bytes(file + behind, code_bytes - behind, id);
}

/* Whether the code is as it was written; plan: the description of the note, at offset in the file. */
static bool is_intact(const mapped_file *f, const pf_header *plan, uint64_t offset) {
    uint64_t id_offset = offset + offsetof(pf_header, code_id);
    bool is_possible = plan->code_bytes <= f->bytes && id_offset >= sizeof(Elf64_Ehdr) &&
                       is_inside(id_offset, sizeof plan->code_id, plan->code_bytes);
    return is_possible && note_code_id(f->data, plan->code_bytes, id_offset) == plan->code_id;
}

static frit_status read_mapped(cx *c, const char *path, const mapped_file *f, artifact_note *out) {
    Elf64_Ehdr h;
    if (!note_is_elf(f)) return FAIL(c, FORMAT, path, "is not an artifact (no ELF file)");
    if (f->bytes < sizeof h) return FAIL(c, FORMAT, path, "is cut short");
    memcpy(&h, f->data, sizeof h);
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_type != ET_DYN)
        return FAIL(c, FORMAT, path, "is not an artifact (no 64-bit little-endian shared object)");
    uint64_t offset = 0, bytes = 0;
    TRY(find_note(c, path, f, &h, &offset, &bytes));
    const pf_header *copy = arena_copy(c->job, f->data + offset, bytes);
    const char *fault = plan_check(copy, bytes);
    if (fault) return FAIL(c, FORMAT, path, "is damaged: %s", fault);
    bool is_cut = !*pf_string(copy, copy->weights_file) && copy->weights_bytes &&
                  !is_inside(copy->weights_position, copy->weights_bytes, f->bytes);
    if (is_cut) return FAIL(c, FORMAT, path, "is damaged: its weights are missing");
    if (!is_intact(f, copy, offset))
        return FAIL(c, FORMAT, path, "is damaged: its bytes are not those that frit wrote; compile it again");
    *out = (artifact_note){copy, machine_text(c->job, h.e_machine), h.e_machine == HERE, f->bytes};
    return FRIT_OK;
}

frit_status note_read(cx *c, const char *path, artifact_note *out) {
    mapped_file f;
    TRY(file_map(c, path, &f));
    frit_status status = read_mapped(c, path, &f, out);
    file_unmap(&f);
    return status;
}
