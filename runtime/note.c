/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds the note of an artifact in the bytes of a file that may be anything. ELF structs are copied out before they are
 * read: nothing in a hostile file is aligned. */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "base/par.h"
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
    uint64_t behind = id_offset + sizeof(uint64_t);
    content_hash hash;
    content_init(&hash);
    content_add(&hash, file, id_offset);
    content_add(&hash, file + behind, code_bytes - behind);
    return content_done(&hash);
}

/* --- whether a file is as it was written --- */

#define REMEDY "; copy it again or compile the model again"

/* plan: the description of the note, at offset in the file. */
static frit_status check_code(cx *c, const mapped_file *f, const pf_header *plan, uint64_t offset) {
    uint64_t id_offset = offset + offsetof(pf_header, code_id);
    bool is_possible = plan->code_bytes <= f->bytes && is_inside(id_offset, sizeof plan->code_id, plan->code_bytes);
    if (is_possible && note_code_id(f->data, plan->code_bytes, id_offset) == plan->code_id) return FRIT_OK;
    return FAIL(c, FORMAT, f->path, "is damaged: its code or tables are not those that frit wrote" REMEDY);
}

static bool is_zero(const uint8_t *at, uint64_t n) {
    while (n && *at == 0) at++, n--;
    return n == 0;
}

static bool is_embedded(const pf_header *plan) { return !*pf_string(plan, plan->weights_file) && plan->weights_bytes; }

/* What stands behind the code: nothing but padding and the weights, which lie inside the file. */
static frit_status check_layout(cx *c, const mapped_file *f, const pf_header *plan) {
    uint64_t end = is_embedded(plan) ? plan->weights_position + plan->weights_bytes : plan->code_bytes;
    if (f->bytes != end)
        return FAIL(c, FORMAT, f->path, "is damaged: it has %llu bytes, frit wrote %llu" REMEDY,
                    (unsigned long long)f->bytes, (unsigned long long)end);
    bool is_fine =
        !is_embedded(plan) || (plan->weights_position >= plan->code_bytes &&
                               is_zero(f->data + plan->code_bytes, plan->weights_position - plan->code_bytes));
    if (is_fine) return FRIT_OK;
    return FAIL(c, FORMAT, f->path, "is damaged: the padding between its code and its weights is not empty" REMEDY);
}

/* Weights whose blocks are hashed on all cores. */
typedef struct weights_job {
    const uint8_t *at;
    uint64_t bytes;
    uint64_t *block_ids;
} weights_job;

static void hash_block(void *data, uint32_t block, uint32_t thread) {
    const weights_job *j = data;
    uint64_t at = (uint64_t)block * CONTENT_BLOCK_BYTES, left = j->bytes - at;
    (void)thread;
    j->block_ids[block] = content_block_id(j->at + at, left < CONTENT_BLOCK_BYTES ? (size_t)left : CONTENT_BLOCK_BYTES);
}

static frit_status check_weights(cx *c, const mapped_file *f, uint64_t position, const pf_header *plan) {
    uint64_t n_blocks = (plan->weights_bytes + CONTENT_BLOCK_BYTES - 1) / CONTENT_BLOCK_BYTES;
    arena_mark mark = arena_save(c->scratch);
    weights_job j = {f->data + position, plan->weights_bytes, ARENA_ARRAY(c->scratch, uint64_t, n_blocks + 1)};
    par_for((uint32_t)n_blocks, 0, hash_block, &j);
    bool is_fine = content_join(j.block_ids, plan->weights_bytes) == plan->weights_id;
    arena_release(c->scratch, mark);
    if (is_fine) return FRIT_OK;
    return FAIL(c, FORMAT, f->path, "is damaged: its weights are not those that frit wrote" REMEDY);
}

static frit_status check_side_mapped(cx *c, const mapped_file *f, const pf_header *plan) {
    pf_side expected = {.weights_bytes = plan->weights_bytes, .weights_id = plan->weights_id};
    memcpy(expected.magic, PF_SIDE_MAGIC, sizeof expected.magic);
    bool is_ours = f->bytes >= PF_SIDE_BYTES && f->bytes - PF_SIDE_BYTES == plan->weights_bytes &&
                   memcmp(f->data, &expected, sizeof expected) == 0;
    if (!is_ours)
        return FAIL(c, FORMAT, f->path,
                    "is not the weights file of this artifact, or is damaged; copy both again or compile the model "
                    "again");
    if (!is_zero(f->data + sizeof expected, PF_SIDE_BYTES - sizeof expected))
        return FAIL(c, FORMAT, f->path, "is damaged: the padding in front of its weights is not empty" REMEDY);
    return check_weights(c, f, PF_SIDE_BYTES, plan);
}

/* The side file, in the folder of the artifact `path`. */
static frit_status check_side(cx *c, const char *path, const pf_header *plan) {
    mapped_file f;
    const char *slash = strrchr(path, '/');
    int n_folder = slash ? (int)(slash - path) + 1 : 0;
    TRY(file_map(c, arena_printf(c->job, "%.*s%s", n_folder, path, pf_string(plan, plan->weights_file)), &f));
    frit_status status = check_side_mapped(c, &f, plan);
    file_unmap(&f);
    return status;
}

static frit_status check_content(cx *c, const mapped_file *f, const pf_header *plan, uint64_t offset,
                                 note_trust trust) {
    TRY(check_code(c, f, plan, offset));
    TRY(check_layout(c, f, plan));
    if (!plan->weights_bytes || trust == NOTE_TRUST_WEIGHTS) return FRIT_OK;
    return is_embedded(plan) ? check_weights(c, f, plan->weights_position, plan) : check_side(c, f->path, plan);
}

/* --- reading --- */

static frit_status read_mapped(cx *c, const char *path, const mapped_file *f, note_trust trust, artifact_note *out) {
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
    if (fault) return FAIL(c, FORMAT, path, "is damaged: %s" REMEDY, fault);
    if (is_embedded(copy) && !is_inside(copy->weights_position, copy->weights_bytes, f->bytes))
        return FAIL(c, FORMAT, path, "is damaged: its weights are missing" REMEDY);
    TRY(check_content(c, f, copy, offset, trust));
    *out = (artifact_note){copy, machine_text(c->job, h.e_machine), h.e_machine == HERE, f->bytes};
    return FRIT_OK;
}

frit_status note_read(cx *c, const char *path, note_trust trust, artifact_note *out) {
    mapped_file f;
    TRY(file_map(c, path, &f));
    frit_status status = read_mapped(c, path, &f, trust, out);
    file_unmap(&f);
    return status;
}
