/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Links an artifact and puts its weights behind it.
 *
 *     runtime archive + module object + kernel objects  --lld-->  temporary.so
 *     temporary.so, its reserved program header made a PT_LOAD, the plan's header told where | pad | weights  -->  PATH
 *     the weights' hash into the plan's header, the hash of all in front of the weights beside it  -->  PATH's beginning
 *
 * So weights never pass through the linker, and files beyond 4 GB are no special case. What stands there is read by the
 * loader's own rules before it gets its name. All temporary files lie beside PATH, where there must be room anyway, and
 * are registered for removal. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "codegen/link/link.h"
#include "codegen/link/lld.h"
#include "runtime/loader.h"

enum { PAGE_BYTES_X86 = 4096, PAGE_BYTES_ARM = 65536 };

/* Files of one link. */
typedef struct link_job {
    cx *c;
    const plan *p;
    const artifact_options *o;
    const char *path;
    uint16_t machine;
    pf_header *tables;
    file_writer objects, script, linked, side, stubs[N_STUB_LIBRARIES];
} link_job;

/* --- what goes into the linker --- */

static uint16_t machine_of(const cpu_objects *objects) {
    Elf64_Ehdr h = {.e_machine = EM_X86_64};
    if (objects->n_objects && objects->objects[0].n_bytes >= sizeof h) memcpy(&h, objects->objects[0].bytes, sizeof h);
    return h.e_machine;
}

static elf_bytes module_object_of(link_job *j, const cpu_objects *objects) {
    VEC(const char *) functions = {0};
    for (uint32_t k = 0; k < objects->n_kernels; k++)
        for (uint32_t i = 0; i < objects->kernels[k].n_phases; i++)
            vec_push(j->c->job, functions, objects->kernels[k].symbols[i]);
    const char *on_cpu = plan_calls_openblas(j->p) ? "backend_openblas" : "backend_cpu";
    const char *backend = j->o->images ? "backend_cuda" : on_cpu;
    module_object m = {j->machine, j->tables, backend, functions.n, functions.at};
    return elf_module_object(j->c->job, &m);
}

/* One member of an archive, in the format of `ar`: a 60-byte header, the bytes, a newline to even length. */
static frit_status add_member(cx *c, file_writer *w, uint32_t number, elf_bytes member) {
    char header[61], name[17];
    snprintf(name, sizeof name, "m%u.o/", number);
    snprintf(header, sizeof header, "%-16s%-12d%-6d%-6d%-8d%-10zu`\n", name, 0, 0, 0, 644, member.n_bytes);
    TRY(file_write(c, w, header, 60));
    TRY(file_write(c, w, member.bytes, member.n_bytes));
    return file_write(c, w, "\n", member.n_bytes % 2);
}

/* The linker opens files by name: the bytes have to be there, the stream may stay open. */
static frit_status flush(cx *c, file_writer *w) {
    errno = 0;
    bool failed = ferror(w->stream) || fflush(w->stream);
    return failed ? FAIL(c, IO, w->path, "cannot be written: %s", strerror(errno)) : FRIT_OK;
}

/* All objects as one archive: the runtime's, with ours appended. */
static frit_status write_objects(link_job *j, const cpu_objects *objects) {
    cx *c = j->c;
    TRY(file_begin(c, j->path, &j->objects));
    if (!j->objects.temporary) return FAIL(c, IO, j->path, "is not a regular file");
    TRY(file_write(c, &j->objects, runtime_archive, (size_t)(runtime_archive_end - runtime_archive)));
    TRY(add_member(c, &j->objects, 0, module_object_of(j, objects)));
    for (uint32_t i = 0; i < objects->n_objects; i++) {
        elf_bytes object = {objects->objects[i].bytes, objects->objects[i].n_bytes};
        TRY(add_member(c, &j->objects, i + 1, object));
    }
    return flush(c, &j->objects);
}

static frit_status write_small(link_job *j, file_writer *w, elf_bytes content) {
    TRY(file_begin(j->c, j->path, w));
    TRY(file_write(j->c, w, content.bytes, content.n_bytes));
    return flush(j->c, w);
}

static frit_status write_padding(cx *c, file_writer *w, uint64_t bytes) {
    static const char zeros[4096];
    for (; bytes; bytes -= bytes < sizeof zeros ? bytes : sizeof zeros)
        TRY(file_write(c, w, zeros, bytes < sizeof zeros ? (size_t)bytes : sizeof zeros));
    return FRIT_OK;
}

/* LLD maps its output, so a full disk would kill us by a signal. What it writes is no larger than what it reads, and
 * some padding: as much is written here first, to see that there is room, and given back. */
static frit_status claim_space(link_job *j) {
    cx *c = j->c;
    enum { PADDING_BYTES = 256 << 10 };
    long n_objects = ftell(j->objects.stream);
    TRY(file_begin(c, j->path, &j->linked));
    TRY(write_padding(c, &j->linked, (uint64_t)n_objects + PADDING_BYTES));
    TRY(flush(c, &j->linked));
    if (ftruncate(fileno(j->linked.stream), 0)) return FAIL(c, IO, j->path, "cannot be written: %s", strerror(errno));
    return FRIT_OK;
}

static frit_status link_objects(link_job *j, const cpu_objects *objects) {
    cx *c = j->c;
    static const char exports[] = "{ global: frit_artifact_table; local: *; };\n";
    TRY(write_objects(j, objects));
    TRY(write_small(j, &j->script, (elf_bytes){exports, sizeof exports - 1}));
    size_t n_stubs = plan_calls_openblas(j->p) ? N_STUB_LIBRARIES : STUB_OPENBLAS;
    for (size_t i = 0; i < n_stubs; i++)
        TRY(write_small(j, &j->stubs[i], stub_library_bytes(c->job, (stub_library)i, j->machine)));
    TRY(claim_space(j));
    const char *script = arena_printf(c->job, "--version-script=%s", j->script.temporary);
    const char *args[] = {"-shared",
                          "--no-undefined",
                          "--threads=1",
                          "--build-id=none",
                          "--hash-style=gnu",
                          "--gc-sections",
                          "-O1",
                          "-zrelro",
                          "-znow",
                          "-znoexecstack",
                          "--as-needed",
                          script,
                          "-ufrit_artifact_table",
                          "-o",
                          j->linked.temporary,
                          j->objects.temporary,
                          j->stubs[STUB_LIBC].temporary,
                          j->stubs[STUB_LIBM].temporary,
                          j->stubs[STUB_OPENBLAS].temporary};
    return lld_link(c, j->path, args, countof(args) - (N_STUB_LIBRARIES - n_stubs));
}

/* --- what comes out of it --- */

/* The linked file, to be changed in place. */
typedef struct linked_file {
    uint8_t *bytes;
    size_t n_bytes;
    Elf64_Phdr *segments; /* in bytes */
    uint32_t n_segments;
} linked_file;

static frit_status open_linked(link_job *j, linked_file *f) {
    mapped_file file;
    Elf64_Ehdr h;
    TRY(file_map(j->c, j->linked.temporary, &file));
    *f = (linked_file){.bytes = arena_copy(j->c->job, file.data, file.bytes), .n_bytes = file.bytes};
    file_unmap(&file);
    ASSERT(f->n_bytes >= sizeof h); /* LLD wrote it just now */
    memcpy(&h, f->bytes, sizeof h);
    ASSERT(h.e_phoff + (size_t)h.e_phnum * sizeof(Elf64_Phdr) <= f->n_bytes);
    f->segments = (Elf64_Phdr *)(void *)(f->bytes + h.e_phoff);
    f->n_segments = h.e_phnum;
    return FRIT_OK;
}

/* The segment whose first note is ours and of the given type. */
static Elf64_Phdr *note_segment(const linked_file *f, uint32_t type) {
    for (uint32_t i = 0; i < f->n_segments; i++) {
        Elf64_Phdr *s = &f->segments[i];
        if (s->p_type != PT_NOTE || s->p_filesz < PF_NOTE_BYTES) continue;
        const Elf64_Nhdr *n = (const void *)(f->bytes + s->p_offset);
        bool is_ours = n->n_namesz == sizeof PF_NOTE_NAME && memcmp(n + 1, PF_NOTE_NAME, sizeof PF_NOTE_NAME) == 0;
        if (is_ours && n->n_type == type) return s;
    }
    return NULL;
}

static uint64_t align_up(uint64_t x, uint64_t to) { return (x + to - 1) / to * to; }

static pf_header *plan_of(const linked_file *f, const Elf64_Phdr *tables) {
    return (pf_header *)(void *)(f->bytes + tables->p_offset + PF_NOTE_BYTES);
}

/* Turns the reserved header into the weights' segment, and tells the plan. */
static bool add_segment(link_job *j, linked_file *f) {
    Elf64_Phdr *at = note_segment(f, PF_NOTE_RESERVE), *tables = note_segment(f, PF_NOTE_TYPE);
    if (!at || !tables) return false;
    pf_header *h = plan_of(f, tables);
    h->weights_id = j->tables->weights_id;
    h->weights_position = j->tables->weights_position;
    if (j->o->side_weights || h->weights_bytes == 0) return true;

    uint64_t page = j->machine == EM_AARCH64 ? PAGE_BYTES_ARM : PAGE_BYTES_X86, end = 0;
    for (uint32_t i = 0; i < f->n_segments; i++) {
        const Elf64_Phdr *s = &f->segments[i];
        if (s->p_type == PT_LOAD && s->p_vaddr + s->p_memsz > end) end = s->p_vaddr + s->p_memsz;
        if (s->p_type == PT_LOAD && s > at) return false; /* loaders want segments in order */
    }
    uint64_t address = align_up(end, page), tables_address = tables->p_vaddr + PF_NOTE_BYTES;
    *at = (Elf64_Phdr){.p_type = PT_LOAD,
                       .p_flags = PF_R,
                       .p_offset = align_up(f->n_bytes, page),
                       .p_vaddr = address,
                       .p_paddr = address,
                       .p_filesz = h->weights_bytes,
                       .p_memsz = h->weights_bytes,
                       .p_align = page};
    h->weights_position = at->p_offset;
    h->weights_delta = (int64_t)(address - tables_address);
    return true;
}

/* The last change of all: the hash by which readers tell that the file is as it was written. */
static void seal(linked_file *f) {
    pf_header *h = plan_of(f, note_segment(f, PF_NOTE_TYPE));
    h->code_bytes = f->n_bytes;
    h->code_id = note_code_id(f->bytes, f->n_bytes, (uint64_t)((uint8_t *)&h->code_id - f->bytes));
}

/* Whether the loader would take the file as it stands under its temporary name: an artifact that nobody can load is a
 * bug of ours, which shows here and not where the artifact is deployed. */
static frit_status check_as_loader(link_job *j, file_writer *w) {
    artifact_note note;
    cx reader = {.job = j->c->job, .scratch = j->c->scratch};
    TRY(flush(j->c, w));
    if (note_read(&reader, w->temporary, NOTE_TRUST_WEIGHTS, &note) == FRIT_OK) return FRIT_OK;
    return FAIL(j->c, INTERNAL, j->path, "frit would not load what it has just written, so nothing is written: %s",
                reader.message);
}

/* Weights go where their segment says. Their hash is known only then, and stands in front of them. */
static frit_status write_weights(link_job *j, linked_file *f, file_writer *w) {
    uint64_t page = j->machine == EM_AARCH64 ? PAGE_BYTES_ARM : PAGE_BYTES_X86;
    TRY(write_padding(j->c, w, align_up(f->n_bytes, page)));
    return weights_write(j->c, j->p, w, &plan_of(f, note_segment(f, PF_NOTE_TYPE))->weights_id);
}

static frit_status write_artifact(link_job *j, linked_file *f, file_writer *w) {
    cx *c = j->c;
    TRY(file_begin(c, j->path, w));
    bool is_inside = !j->o->side_weights && j->tables->weights_bytes;
    if (is_inside) TRY(write_weights(j, f, w));
    seal(f);
    if (fseek(w->stream, 0, SEEK_SET)) return FAIL(c, IO, j->path, "cannot be written: %s", strerror(errno));
    TRY(file_write(c, w, f->bytes, f->n_bytes));
    TRY(check_as_loader(j, w));
    if (j->o->side_weights) TRY(file_commit(c, &j->side)); /* only now: an older artifact keeps its weights till then */
    return file_commit(c, w);
}

static frit_status finish_artifact(link_job *j) {
    linked_file f;
    TRY(open_linked(j, &f));
    if (!add_segment(j, &f)) return FAIL(j->c, INTERNAL, j->path, "the linker laid the file out in an unexpected way");
    file_writer w = {.slot = -1};
    frit_status status = write_artifact(j, &f, &w);
    file_abort(&w);
    return status;
}

/* --- side files --- */

/* Writes the weights beside the artifact, under a temporary name until the artifact is there, too. */
static frit_status write_side(link_job *j, const char *path) {
    cx *c = j->c;
    TRY(file_begin(c, path, &j->side));
    pf_side side = {.weights_bytes = j->tables->weights_bytes};
    memcpy(side.magic, PF_SIDE_MAGIC, sizeof side.magic);
    TRY(write_padding(c, &j->side, PF_SIDE_BYTES));
    TRY(weights_write(c, j->p, &j->side, &side.weights_id));
    if (fseek(j->side.stream, 0, SEEK_SET)) return FAIL(c, IO, path, "cannot be written: %s", strerror(errno));
    TRY(file_write(c, &j->side, &side, sizeof side));
    TRY(flush(c, &j->side));
    j->tables->weights_id = side.weights_id;
    j->tables->weights_position = PF_SIDE_BYTES;
    return FRIT_OK;
}

static frit_status link_and_finish(link_job *j, const cpu_objects *objects) {
    TRY(link_objects(j, objects));
    return finish_artifact(j);
}

void link_add_images(plan *p, const cuda_modules *modules, link_images *out) {
    dim_table *t = p->iface->dims;
    *out = (link_images){modules, p->bufs.n};
    for (uint32_t i = 0; i < modules->n_modules; i++) {
        const cuda_module *m = &modules->modules[i];
        int64_t *extent = ARENA_NEW(p->a, int64_t);
        const_data *d = ARENA_NEW(p->a, const_data);
        *extent = (int64_t)m->n_bytes;
        *d = (const_data){.kind = CONST_DENSE, .dt = FRIT_DT_U8, .dims = {1, extent}, .bytes = m->cubin};
        dim n = dim_const(t, *extent);
        pbuf b = {.name = "cubin",
                  .kind = PB_CONST,
                  .index = p->consts.n,
                  .dt = FRIT_DT_U8,
                  .rank = 1,
                  .shape = arena_copy(p->a, &n, sizeof n),
                  .bytes = n,
                  .data = d};
        vec_push(p->a, p->consts, d);
        vec_push(p->a, p->bufs, b);
    }
}

frit_status artifact_write(cx *c, const plan *p, const cpu_objects *objects, const artifact_options *o,
                           const char *path) {
    link_job j = {.c = c, .p = p, .o = o, .path = path, .machine = machine_of(objects)};
    file_writer *all[] = {
        &j.objects, &j.script, &j.linked, &j.side, &j.stubs[STUB_LIBC], &j.stubs[STUB_LIBM], &j.stubs[STUB_OPENBLAS]};
    for (size_t i = 0; i < countof(all); i++) *all[i] = (file_writer){.slot = -1};
    const char *side = o->side_weights ? arena_printf(c->job, "%s.weights", path) : "";
    TRY(plan_encode(c, p, o, path_basename(side), &j.tables));
    for (uint32_t i = 0; i < objects->n_objects; i++) j.tables->uses_amx |= objects->objects[i].uses_amx;
    frit_status status = o->side_weights ? write_side(&j, side) : FRIT_OK;
    if (status == FRIT_OK) status = link_and_finish(&j, objects);
    for (size_t i = 0; i < countof(all); i++) file_abort(all[i]);
    return status;
}
