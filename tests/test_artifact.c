/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runtime, linker and file format on a plan made by hand, with kernels from a C compiler: y = fmod(2 (x + w), 100) for
 * up to 8 rows, y = (x + w) B for more. */
#define _GNU_SOURCE /* RTLD_NOLOAD */
#include <check.h>
#include <dlfcn.h>
#include <elf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "codegen/cpu/cpu.h"
#include "codegen/cuda/cuda.h"
#include "codegen/link/link.h"
#include "runtime/loader.h"

static arena job, scratch;
static cx c;
static char folder[64];

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
    strcpy(folder, "/tmp/frit-artifact-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void) {
    ck_assert_int_eq(rmdir(folder), 0); /* each test leaves the folder empty */
    arena_fini(&job), arena_fini(&scratch);
}

static char *in_folder(const char *name) { return arena_printf(&job, "%s/%s", folder, name); }

#define OK(expr) ck_assert_msg((expr) == FRIT_OK, "%s", c.message)

/* --- the plan --- */

enum { X, W, T, Y, N_BUFFERS };

static kernel *row_kernel(plan *p, const char *name, dim rows, uint32_t n_params, uint32_t written) {
    dim_table *d = p->iface->dims;
    kernel *k = kernel_new(&job, name, d);
    dim shape[2] = {rows, dim_const(d, 4)};
    for (uint32_t i = 0; i < n_params; i++)
        kernel_param(k, arena_printf(&job, "p%u", i), FRIT_DT_F32, 2, shape, i == written);
    klist phase = {0};
    sym_id row;
    dim_is_sym(d, dim_axis(d, "r", rows), &row);
    kstmt_loop(k, &phase, KL_PAR, row, 1, 1);
    vec_push(&job, k->phases, phase.first);
    vec_push(&job, p->kernels, k);
    k->title = name;
    k->flops = k->bytes = DIM_BAD;
    return k;
}

static void add_buffer(plan *p, const char *name, pbuf_kind kind, uint32_t index, dim bytes) {
    vec_push(&job, p->bufs, (pbuf){.name = name, .kind = kind, .index = index, .dt = FRIT_DT_F32, .bytes = bytes});
}

static pstep launch_step(uint32_t kernel_number, uint32_t n_args, const pbuf_id *args) {
    return (pstep){.kind = PS_LAUNCH,
                   .kernel = kernel_number,
                   .n_args = n_args,
                   .args = arena_copy(&job, args, n_args * sizeof *args),
                   .loc = "here"};
}

static plan *small_plan(void) {
    plan *p = ARENA_NEW(&job, plan);
    dim_table *d = dim_table_new(&job);
    graph *g = graph_new(&job, "small", d);
    dim rows = dim_sym(d, "B"), shape[2] = {rows, dim_const(d, 4)}, bytes = dim_mul(d, rows, dim_const(d, 16));
    sym_id b;
    dim_is_sym(d, rows, &b);
    dim_sym_info(d, b)->hi = 1000;
    value_id x = graph_input(g, "x", FRIT_DT_F32, 2, shape);
    graph_output(g, "y", x);
    p->a = &job, p->iface = g;

    row_kernel(p, "add", rows, 3, 2);
    row_kernel(p, "double", rows, 2, 1);
    row_kernel(p, "power", rows, 2, 1);
    add_buffer(p, "x", PB_INPUT, 0, bytes);
    add_buffer(p, "w", PB_CONST, 0, dim_const(d, 16));
    add_buffer(p, "t", PB_ARENA, 0, bytes);
    add_buffer(p, "y", PB_OUTPUT, 0, bytes);
    vec_push(&job, p->slots, dim_align(d, bytes, 64));
    static const float w[4] = {1, 2, 3, 4};
    static const int64_t four = 4;
    const_data *data = ARENA_NEW(&job, const_data);
    *data = (const_data){.kind = CONST_DENSE, .dt = FRIT_DT_F32, .dims = {1, &four}, .bytes = w};
    vec_push(&job, p->consts, data);
    p->scratch = dim_const(d, 64);

    pstep *alternatives = ARENA_ARRAY(&job, pstep, 2), *steps = ARENA_ARRAY(&job, pstep, 2);
    alternatives[0] = launch_step(1, 2, (pbuf_id[]){T, Y});
    alternatives[1] = launch_step(2, 2, (pbuf_id[]){T, Y});
    steps[0] = launch_step(0, 3, (pbuf_id[]){X, W, T});
    steps[1] = (pstep){.kind = PS_CHOICE, .n_alts = 2, .alts = ARENA_ARRAY(&job, struct palt, 2)};
    steps[1].alts[0] = (struct palt){rows, dim_const(d, 8), {1, &alternatives[0]}};
    steps[1].alts[1] = (struct palt){DIM_BAD, DIM_BAD, {1, &alternatives[1]}};
    p->steps = (pstep_list){2, steps};
    return p;
}

static cpu_objects test_objects(mapped_file *f) {
    OK(file_map(&c, FRIT_TEST_KERNELS, f));
    static const char *const symbols[] = {"k_add", "k_double", "k_power"};
    cpu_objects o = {.n_objects = 1, .n_kernels = 3};
    o.objects = ARENA_NEW(&job, cpu_object);
    o.objects[0] = (cpu_object){.bytes = f->data, .n_bytes = f->bytes};
    o.kernels = ARENA_ARRAY(&job, cpu_kernel, 3);
    for (uint32_t i = 0; i < 3; i++) o.kernels[i] = (cpu_kernel){0, 1, &symbols[i]};
    return o;
}

static frit_status write_plan(const plan *p, const char *path, const char *cpu, bool side) {
    mapped_file f;
    cpu_objects objects = test_objects(&f);
    target t = {.kind = TARGET_CPU, .cpu = cpu, .features = ""};
    artifact_options o = {.target = &t, .side_weights = side};
    frit_status status = artifact_write(&c, p, &objects, &o, path);
    file_unmap(&f);
    return status;
}

static frit_status write_small(const char *path, const char *cpu, bool side) {
    return write_plan(small_plan(), path, cpu, side);
}

/* --- calls --- */

static void fill(float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] = (float)(i % 97) * 0.75f;
}

static void check_result(const float *x, const float *y, int64_t rows) {
    for (int64_t i = 0; i < 4 * rows; i++) {
        float t = x[i] + (float)(i % 4 + 1);
        ck_assert_float_eq(y[i], rows <= 8 ? fmodf(2 * t, 100) : t * (float)rows);
    }
}

static frit_status run_rows(const frit_artifact *a, frit_context *context, int64_t rows) {
    float x[4000], y[4000];
    int64_t dims[2] = {rows, 4};
    fill(x, 4 * rows);
    frit_tensor in = {x, FRIT_DT_F32, 2, dims, NULL}, out = {y, FRIT_DT_F32, 2, dims, NULL};
    frit_status status = a->run(context, &in, &out);
    if (status == FRIT_OK) check_result(x, y, rows);
    return status;
}

static frit_context *create(const frit_artifact *a, frit_options o) {
    o.struct_bytes = sizeof o;
    frit_context *context;
    char message[256];
    frit_status status = a->create(a, &o, &context, message, sizeof message);
    ck_assert_msg(status == FRIT_OK, "%s", message);
    return context;
}

/* What the loader would refuse gets no name: an older artifact and its weights stay as they are. */
START_TEST(writes_nothing_that_it_would_not_load) {
    char *so = in_folder("small.so"), *weights = in_folder("small.so.weights");
    for (int k = 0; k < 6; k++) {
        bool side = k % 2, has_older = k >= 4;
        if (has_older) OK(write_small(so, "x86-64-v2", side));
        plan *p = small_plan();
        if (k < 2) p->bufs.at[T].index = 7; /* a slot that does not exist */
        if (k == 2 || k == 3) p->steps.at[0].args = NULL, p->steps.at[0].n_args = 0;
        if (has_older) p->steps.at[1].n_alts = 0;
        ck_assert_int_eq(write_plan(p, so, "x86-64-v2", side), FRIT_INTERNAL);
        ck_assert_msg(strstr(c.message, "would not load") && strstr(c.message, "is damaged"), "%s", c.message);
        cx_clear(&c);
        ck_assert_int_eq(access(so, F_OK) == 0, has_older);
        ck_assert_int_eq(access(weights, F_OK) == 0, has_older && side);
        if (!has_older) continue;
        loaded_artifact loaded;
        OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
        frit_context *context = create(loaded.table, (frit_options){.n_threads = 1});
        OK(run_rows(loaded.table, context, 3));
        loaded.table->destroy(context);
        loader_close(&loaded);
        unlink(so), unlink(weights);
    }
}
END_TEST

START_TEST(runs_what_it_wrote) {
    char *so = in_folder("small.so");
    OK(write_small(so, "x86-64-v2", false));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    for (uint32_t threads = 1; threads <= 3; threads++) {
        frit_context *context = create(loaded.table, (frit_options){.n_threads = threads});
        for (int64_t rows = 1; rows <= 1000; rows += rows < 12 ? 1 : 123)
            ck_assert_msg(run_rows(loaded.table, context, rows) == FRIT_OK, "%s", loaded.table->error(context));
        loaded.table->destroy(context);
    }
    loader_close(&loaded);
    unlink(so);
}
END_TEST

START_TEST(bytes_do_not_depend_on_the_path) {
    char *so[2] = {in_folder("a.so"), in_folder("other_name.so")};
    uint8_t digest[2][32];
    for (int i = 0; i < 2; i++) {
        OK(write_small(so[i], "x86-64-v3", false));
        mapped_file f;
        sha256 s;
        OK(file_map(&c, so[i], &f));
        sha256_init(&s), sha256_add(&s, f.data, f.bytes), sha256_done(&s, digest[i]);
        for (size_t at = 0; at + 9 < f.bytes; at++)
            ck_assert_msg(memcmp(f.data + at, "/tmp/frit", 9) != 0, "the file names a path at %zu", at);
        file_unmap(&f), unlink(so[i]);
    }
    ck_assert_mem_eq(digest[0], digest[1], 32);
}
END_TEST

START_TEST(weights_beside_the_artifact) {
    char *so = in_folder("side.so"), *weights = in_folder("side.so.weights");
    OK(write_small(so, "x86-64-v2", true));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    frit_context *context = create(loaded.table, (frit_options){.n_threads = 1});
    ck_assert_int_eq(run_rows(loaded.table, context, 5), FRIT_OK);
    loaded.table->destroy(context);

    ck_assert_int_eq(truncate(weights, 4096 + 8), 0);
    char message[256];
    frit_options o = {.struct_bytes = sizeof o};
    ck_assert_int_eq(loaded.table->create(loaded.table, &o, &context, message, sizeof message), FRIT_FORMAT);
    ck_assert_ptr_nonnull(strstr(message, "side.so.weights: is not the weights file"));
    unlink(weights);
    ck_assert_int_eq(loaded.table->create(loaded.table, &o, &context, message, sizeof message), FRIT_IO);
    loader_close(&loaded);
    unlink(so);
}
END_TEST

START_TEST(caller_brings_memory_pool_and_weights) {
    char *so = in_folder("small.so"), message[256];
    OK(write_small(so, "x86-64-v2", false));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    const frit_artifact *a = loaded.table;
    int64_t most = 100;
    frit_options o = {.struct_bytes = sizeof o, .max_symbols = &most, .pool = a->pool_create(3)};
    frit_memory need = {.struct_bytes = sizeof need};
    ck_assert_int_eq(a->memory(a, &o, &need, message, sizeof message), FRIT_OK);
    ck_assert_uint_eq(need.n_threads, 3);
    ck_assert_uint_eq(need.arena_bytes, 1600);
    ck_assert_uint_eq(need.scratch_bytes, 3 * 128);
    ck_assert_uint_eq(need.n_stacks, 0);
    o.memory = aligned_alloc(64, (need.context_bytes + 63) / 64 * 64);
    o.memory_bytes = need.context_bytes - 1;
    frit_context *context;
    ck_assert_int_eq(a->create(a, &o, &context, message, sizeof message), FRIT_MEMORY);
    o.memory_bytes++;
    ck_assert_int_eq(a->create(a, &o, &context, message, sizeof message), FRIT_OK);
    ck_assert_int_eq(run_rows(a, context, 100), FRIT_OK);
    ck_assert_int_eq(run_rows(a, context, 101), FRIT_RANGE);
    ck_assert_str_eq(a->error(context), "B = 101 is more than the 100 of this context");
    a->destroy(context);

    float w[4] = {1, 2, 3, 4};
    o.weights = w, o.weights_bytes = 12;
    ck_assert_int_eq(a->create(a, &o, &context, message, sizeof message), FRIT_SHAPE);
    o.weights_bytes = 16;
    ck_assert_int_eq(a->create(a, &o, &context, message, sizeof message), FRIT_OK);
    ck_assert_int_eq(run_rows(a, context, 9), FRIT_OK);
    a->destroy(context);
    a->pool_destroy((frit_pool *)(uintptr_t)o.pool);
    free(o.memory);
    loader_close(&loaded);
    unlink(so);
}
END_TEST

START_TEST(says_what_does_not_fit) {
    char *so = in_folder("small.so"), message[256] = "";
    OK(write_small(so, "x86-64-v2", false));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    const frit_artifact *a = loaded.table;
    float x[16] = {0}, y[16];
    int64_t dims[2] = {2, 4}, bad[2] = {2, 5}, strides[2] = {1, 2}, b;
    static const struct wrong {
        int32_t dtype, rank;
        int64_t dims[2];
        const char *text;
    } wrongs[] = {{FRIT_DT_F64, 2, {2, 4}, "input 'x': is f64, should be f32"},
                  {FRIT_DT_F32, 1, {2, 4}, "input 'x': has 1 dims, should have 2: [2] for [B, 4]"},
                  {FRIT_DT_F32, 2, {2, 5}, "input 'x': dim 1 is 5, should be 4: [2, 5] for [B, 4]"},
                  {FRIT_DT_F32, 2, {-2, 4}, "input 'x': dim 0 is -2"},
                  {FRIT_DT_F32, 2, {0, 4}, "input 'x': dim 0 makes B = 0, which is not in 1..1000"},
                  {FRIT_DT_F32, 2, {1001, 4}, "input 'x': dim 0 makes B = 1001, which is not in 1..1000"},
                  {FRIT_DT_F32, 2, {INT64_MAX, 4}, "input 'x': too many elements"}};
    for (size_t i = 0; i < countof(wrongs); i++) {
        frit_tensor t = {x, wrongs[i].dtype, wrongs[i].rank, wrongs[i].dims, NULL};
        ck_assert_int_ne(a->bind(a, &t, &b, message, sizeof message), FRIT_OK);
        ck_assert_str_eq(message, wrongs[i].text);
    }
    frit_context *context = create(a, (frit_options){.n_threads = 1});
    frit_tensor in = {x, FRIT_DT_F32, 2, dims, strides}, out = {y, FRIT_DT_F32, 2, dims, NULL};
    ck_assert_int_eq(a->run(context, &in, &out), FRIT_UNSUPPORTED);
    in.strides = NULL, out.dims = bad;
    ck_assert_int_eq(a->run(context, &in, &out), FRIT_SHAPE);
    ck_assert_str_eq(a->error(context), "output 'y': dim 1 is 5, should be 4");
    out.dims = dims, out.data = NULL;
    ck_assert_int_eq(a->run(context, &in, &out), FRIT_MISSING);
    out.data = (char *)y + 1;
    ck_assert_int_eq(a->run(context, &in, &out), FRIT_RANGE);
    a->destroy(context);
    loader_close(&loaded);
    unlink(so);
}
END_TEST

START_TEST(says_which_instructions_are_missing) {
    char *so = in_folder("small.so"), message[256];
    OK(write_small(so, "no-such-cpu", false));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    frit_context *context;
    ck_assert_int_eq(loaded.table->create(loaded.table, NULL, &context, message, sizeof message), FRIT_TARGET);
    ck_assert_ptr_nonnull(strstr(message, "no-such-cpu"));
    loader_close(&loaded);
    unlink(so);
}
END_TEST

START_TEST(runs_in_a_forked_child_and_stays_mapped) {
    char *so = in_folder("small.so");
    OK(write_small(so, "x86-64-v2", false));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    const frit_artifact *a = loaded.table;
    frit_context *context = create(a, (frit_options){.n_threads = 3});
    ck_assert_int_eq(run_rows(a, context, 900), FRIT_OK);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 50; i++)
            if (run_rows(a, context, 900) != FRIT_OK) _exit(1);
        a->destroy(context);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    dlclose(loaded.handle); /* its threads still live in it */
    usleep(2000);
    ck_assert_int_eq(run_rows(a, context, 900), FRIT_OK);
    void *again = dlopen(so, RTLD_NOW | RTLD_NOLOAD);
    ck_assert_ptr_nonnull(again);
    a->destroy(context);
    dlclose(again);
    unlink(so);
}
END_TEST

/* NULL where something is needed is an error like any other. */
START_TEST(nothing_in_place_of_something) {
    char *so = in_folder("small.so"), message[256] = "";
    OK(write_small(so, "x86-64-v2", false));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    const frit_artifact *a = loaded.table;
    float x[8] = {0}, y[8];
    int64_t dims[2] = {2, 4}, b = 2;
    frit_tensor in = {x, FRIT_DT_F32, 2, dims, NULL}, out = {y, FRIT_DT_F32, 2, dims, NULL};
    frit_context *context = NULL;
    frit_pool lame = {.struct_bytes = sizeof lame, .n_threads = 2};
    ck_assert_int_eq(a->info(a, NULL), FRIT_USAGE);
    ck_assert_int_eq(a->input(a, 0, NULL), FRIT_USAGE);
    ck_assert_int_eq(a->bind(a, NULL, &b, message, sizeof message), FRIT_USAGE);
    ck_assert_str_eq(message, "there are no inputs: NULL was given");
    ck_assert_int_eq(a->bind(a, &in, NULL, message, sizeof message), FRIT_USAGE);
    ck_assert_int_eq(a->output_dims(a, NULL, 0, dims), FRIT_USAGE);
    ck_assert_int_eq(a->output_dims(a, &b, 0, NULL), FRIT_USAGE);
    ck_assert_int_eq(a->memory(a, NULL, NULL, message, sizeof message), FRIT_USAGE);
    ck_assert_int_eq(a->create(a, NULL, NULL, message, sizeof message), FRIT_USAGE);
    frit_options o = {.struct_bytes = sizeof o, .pool = &lame};
    ck_assert_int_eq(a->create(a, &o, &context, message, sizeof message), FRIT_USAGE);
    ck_assert_str_eq(message, "the pool given has no struct_bytes, no function or no threads");
    frit_trace mute = {.struct_bytes = sizeof mute};
    o = (frit_options){.struct_bytes = sizeof o, .trace = &mute};
    ck_assert_int_eq(a->create(a, &o, &context, message, sizeof message), FRIT_USAGE);
    ck_assert_str_eq(message, "the trace given has no struct_bytes, or lacks a function");
    ck_assert_int_eq(a->run(NULL, &in, &out), FRIT_USAGE);
    ck_assert_str_eq(a->error(NULL), "there is no context");
    context = create(a, (frit_options){.n_threads = 1});
    ck_assert_int_eq(a->result_dims(NULL, 0, dims), FRIT_USAGE);
    ck_assert_int_eq(a->run(context, NULL, &out), FRIT_USAGE);
    ck_assert_int_eq(a->run(context, &in, NULL), FRIT_USAGE);
    ck_assert_str_eq(a->error(context), "there are no outputs: NULL was given");
    ck_assert_int_eq(a->run(context, &in, &out), FRIT_OK);
    a->destroy(context);
    loader_close(&loaded);
    unlink(so);
}
END_TEST

static void write_bytes(const char *path, const void *bytes, size_t n) {
    file_writer w;
    OK(file_begin(&c, path, &w));
    OK(file_write(&c, &w, bytes, n));
    OK(file_commit(&c, &w));
}

/* A size that was forgotten is an error in every struct that has one. */
START_TEST(structs_say_their_size) {
    char *so = in_folder("small.so"), memory_text[256], create_text[256];
    OK(write_small(so, "x86-64-v2", false));
    loaded_artifact loaded;
    OK(loader_open(&c, so, NOTE_TRUST_NOTHING, &loaded));
    const frit_artifact *a = loaded.table;
    frit_options o = {.n_threads = 1};
    frit_memory need = {.struct_bytes = sizeof need}, no_need = {0};
    frit_context *context = NULL;
    ck_assert_int_eq(a->memory(a, &o, &need, memory_text, sizeof memory_text), FRIT_USAGE);
    ck_assert_int_eq(a->create(a, &o, &context, create_text, sizeof create_text), FRIT_USAGE);
    ck_assert_str_eq(memory_text, "struct_bytes of the options is not set: it is sizeof(frit_options)");
    ck_assert_str_eq(create_text, memory_text);
    o.struct_bytes = sizeof o;
    ck_assert_int_eq(a->memory(a, &o, &no_need, NULL, 0), FRIT_USAGE);
    frit_pool *pool = a->pool_create(2), no_pool = *pool;
    no_pool.struct_bytes = 0;
    o.pool = &no_pool;
    ck_assert_int_eq(a->create(a, &o, &context, NULL, 0), FRIT_USAGE);
    a->pool_destroy(pool);
    ck_assert_int_eq(a->info(a, &(frit_artifact_info){0}), FRIT_USAGE);
    ck_assert_int_eq(a->symbol(a, 0, &(frit_symbol){0}), FRIT_USAGE);
    frit_port side = {0};
    ck_assert(a->input(a, 0, &side) == FRIT_USAGE && a->output(a, 0, &side) == FRIT_USAGE);
    ck_assert_int_eq(a->kernel(a, 0, &(frit_kernel_info){0}), FRIT_USAGE);
    loader_close(&loaded);
    unlink(so);
}
END_TEST

/* One byte changed anywhere: not loaded, as its code could do anything. Only weights may be trusted. */
START_TEST(changed_bytes_are_not_run) {
    char *so = in_folder("small.so"), *bad = in_folder("bad.so");
    OK(write_small(so, "x86-64-v2", false));
    artifact_note note;
    mapped_file f;
    OK(note_read(&c, so, NOTE_TRUST_NOTHING, &note));
    OK(file_map(&c, so, &f));
    uint8_t *copy = arena_copy(&job, f.data, f.bytes);
    size_t n_code = note.plan->code_bytes, weights = note.plan->weights_position;
    for (size_t at = 0; at < f.bytes; at += at + 97 < n_code ? 97 : at < n_code || at >= weights ? 1 : 61) {
        copy[at] ^= 0x10;
        write_bytes(bad, copy, f.bytes);
        ck_assert_msg(note_read(&c, bad, NOTE_TRUST_NOTHING, &note) == FRIT_FORMAT, "byte %zu", at);
        cx_clear(&c);
        frit_status trusting = note_read(&c, bad, NOTE_TRUST_WEIGHTS, &note);
        ck_assert_msg(trusting == (at < weights ? FRIT_FORMAT : FRIT_OK), "byte %zu", at);
        cx_clear(&c);
        copy[at] ^= 0x10;
    }
    file_unmap(&f), unlink(so), unlink(bad);
}
END_TEST

/* A host that asks for it learns of damage to weights in create; else they are mapped and no more. */
START_TEST(create_checks_weights_where_asked) {
    for (int side = 0; side < 2; side++) {
        char *so = in_folder("small.so"), *weights = in_folder("small.so.weights"), message[256];
        OK(write_small(so, "x86-64-v2", side));
        mapped_file f;
        OK(file_map(&c, side ? weights : so, &f));
        uint8_t *copy = arena_copy(&job, f.data, f.bytes);
        size_t n = f.bytes;
        file_unmap(&f);
        for (int is_damaged = 0; is_damaged < 2; is_damaged++) {
            copy[n - 1] ^= (uint8_t)is_damaged;
            write_bytes(side ? weights : so, copy, n);
            loaded_artifact loaded;
            OK(loader_open(&c, so, NOTE_TRUST_WEIGHTS, &loaded));
            frit_context *context = create(loaded.table, (frit_options){.n_threads = 1});
            loaded.table->destroy(context);
            frit_options o = {.struct_bytes = sizeof o, .check_weights = 1};
            frit_status status = loaded.table->create(loaded.table, &o, &context, message, sizeof message);
            ck_assert_int_eq(status, is_damaged ? FRIT_FORMAT : FRIT_OK);
            if (is_damaged) ck_assert_ptr_nonnull(strstr(message, "the weights are not those that frit wrote"));
            loaded.table->destroy(context);
            float w[4] = {1, 2, 3, 4}; /* the caller's own */
            o.weights = w, o.weights_bytes = sizeof w;
            ck_assert_int_eq(loaded.table->create(loaded.table, &o, &context, message, sizeof message), FRIT_OK);
            loaded.table->destroy(context);
            loader_close(&loaded);
        }
        unlink(so), unlink(weights);
    }
}
END_TEST

/* An artifact for another machine is told about, not loaded. */
START_TEST(another_machine_is_named) {
    char *so = in_folder("small.so"), *arm = in_folder("arm.so");
    OK(write_small(so, "x86-64-v2", false));
    mapped_file f;
    OK(file_map(&c, so, &f));
    uint8_t *copy = arena_copy(&job, f.data, f.bytes), *at = copy;
    ((Elf64_Ehdr *)(void *)copy)->e_machine = EM_AARCH64;
    while (memcmp(at, PF_MAGIC, 8) != 0) at += 8;
    pf_header *h = (pf_header *)(void *)at;
    h->code_id = note_code_id(copy, h->code_bytes, (uint64_t)((uint8_t *)&h->code_id - copy));
    write_bytes(arm, copy, f.bytes);
    artifact_note note;
    loaded_artifact loaded;
    OK(note_read(&c, arm, NOTE_TRUST_NOTHING, &note));
    ck_assert_str_eq(note.machine, "aarch64");
    ck_assert_int_eq(loader_open(&c, arm, NOTE_TRUST_NOTHING, &loaded), FRIT_TARGET);
    ck_assert_ptr_nonnull(strstr(c.message, "is made for aarch64, not for this machine"));
    file_unmap(&f), unlink(so), unlink(arm);
}
END_TEST

/* Every damaged copy is refused or read; none crashes. */
START_TEST(damaged_files_are_refused) {
    char *so = in_folder("small.so"), *bad = in_folder("bad.so");
    OK(write_small(so, "x86-64-v2", false));
    mapped_file f;
    OK(file_map(&c, so, &f));
    uint8_t *copy = arena_copy(&job, f.data, f.bytes);
    artifact_note note;
    uint64_t seed = 1;
    int n_refused = 0;
    for (int i = 0; i < 3000; i++) {
        arena_mark mark = arena_save(&job);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t limit = i % 3 ? 4096 : 200, at = (size_t)(seed >> 33) % limit, size = f.bytes;
        uint8_t before = copy[at];
        copy[at] = (uint8_t)(i % 2 ? 0xff : seed >> 20);
        if (i % 10 == 0) size = (size_t)(seed >> 13) % f.bytes;
        write_bytes(bad, copy, size);
        if (note_read(&c, bad, NOTE_TRUST_NOTHING, &note) != FRIT_OK) {
            n_refused++;
            ck_assert_ptr_nonnull(c.message);
            cx_clear(&c);
        }
        copy[at] = before;
        arena_release(&job, mark);
    }
    ck_assert_int_gt(n_refused, 500);
    file_unmap(&f), unlink(so), unlink(bad);
}
END_TEST

START_TEST(unwritable_places_are_named) {
    ck_assert_int_eq(write_small("/no/such/folder/a.so", "x86-64-v2", false), FRIT_IO);
    ck_assert_ptr_nonnull(strstr(c.message, "/no/such/folder/a.so"));
    cx_clear(&c);
    ck_assert_int_eq(write_small("/dev/null", "x86-64-v2", false), FRIT_IO);
    cx_clear(&c);
    ck_assert_int_eq(write_small(folder, "x86-64-v2", true), FRIT_IO);
    ck_assert_int_ne(access(arena_printf(&job, "%s.weights", folder), F_OK), 0); /* no weights without an artifact */
    cx_clear(&c);
    ck_assert_int_eq(write_small(folder, "x86-64-v2", false), FRIT_IO);
    cx_clear(&c);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("artifact");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, runs_what_it_wrote);
    tcase_add_test(tests, writes_nothing_that_it_would_not_load);
    tcase_add_test(tests, bytes_do_not_depend_on_the_path);
    tcase_add_test(tests, weights_beside_the_artifact);
    tcase_add_test(tests, caller_brings_memory_pool_and_weights);
    tcase_add_test(tests, says_what_does_not_fit);
    tcase_add_test(tests, says_which_instructions_are_missing);
    tcase_add_test(tests, runs_in_a_forked_child_and_stays_mapped);
    tcase_add_test(tests, nothing_in_place_of_something);
    tcase_add_test(tests, structs_say_their_size);
    tcase_add_test(tests, changed_bytes_are_not_run);
    tcase_add_test(tests, create_checks_weights_where_asked);
    tcase_add_test(tests, another_machine_is_named);
    tcase_add_test(tests, damaged_files_are_refused);
    tcase_add_test(tests, unwritable_places_are_named);
    Suite *suite = suite_create("artifact");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed != 0;
}
