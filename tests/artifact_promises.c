/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Holds a compiled model to what frit_artifact.h promises. Built and run by tests/test_promises.sh:
 *
 *     artifact_promises MODEL.so RUNS NAME=FILE.npy...      axis 0 of every input and output is the batch
 *
 * - outputs have the same bits at 1, 2 and 3 threads, with threads of the context's own and with a given pool
 * - each row of a batch of 8 has the bits that it gets alone
 * - run allocates nothing, maps nothing, starts no thread, takes no lock (calls are counted by functions of the same
 * name)
 * - create allocates exactly the context_bytes that memory() said, and no byte beyond them is touched
 * - no byte beyond inputs and outputs is touched: all of them end at an unmapped page */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frit_artifact.h"

enum { ROWS = 8, MAX_PORTS = 8, MAX_SYMBOLS = 16, MAX_THREADS = 3, ALIGNMENT = 64, MESSAGE_BYTES = 256 };

/* --- the interposer: this program's functions win over libc's, in the artifact too --- */

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_long n_calls; /* calls of any function below */
static atomic_long n_bytes; /* bytes asked for */
static atomic_int is_counting;

static void count(size_t bytes) {
    if (!atomic_load(&is_counting)) return;
    atomic_fetch_add(&n_calls, 1);
    atomic_fetch_add(&n_bytes, (long)bytes);
}

void *malloc(size_t n) {
    count(n);
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
    count(n * size);
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
    count(n);
    return __libc_realloc(p, n);
}
void free(void *p) {
    count(0);
    __libc_free(p);
}
void *aligned_alloc(size_t alignment, size_t n) {
    count(n);
    return __libc_memalign(alignment, n);
}
int posix_memalign(void **out, size_t alignment, size_t n) {
    count(n);
    *out = __libc_memalign(alignment, n);
    return *out ? 0 : 12;
}

/* Functions that are counted and passed on to libc's own. */
#define PASS_ON(result, name, parameters, arguments, bytes)                                                            \
    result name parameters {                                                                                           \
        static result(*next) parameters;                                                                               \
        if (!next) {                                                                                                   \
            void *found = dlsym(RTLD_NEXT, #name);                                                                     \
            memcpy(&next, &found, sizeof next);                                                                        \
        }                                                                                                              \
        count(bytes);                                                                                                  \
        return next arguments;                                                                                         \
    }
PASS_ON(void *, mmap, (void *at, size_t n, int access, int flags, int file, off_t offset),
        (at, n, access, flags, file, offset), n)
PASS_ON(int, munmap, (void *at, size_t n), (at, n), 0)
PASS_ON(int, pthread_mutex_lock, (pthread_mutex_t * lock), (lock), 0)
PASS_ON(int, pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *d), (t, a, f, d), 0)

/* --- inputs --- */

typedef struct subject {
    const frit_artifact *a;
    int n_runs; /* at each number of threads */
    uint32_t n_inputs, n_outputs;
    frit_port inputs[MAX_PORTS], outputs[MAX_PORTS];
} subject;

/* Tensors of one batch; every buffer ends at an unmapped page. */
typedef struct batch {
    frit_tensor in[MAX_PORTS], out[MAX_PORTS];
    int64_t in_dims[MAX_PORTS][FRIT_MAX_RANK], out_dims[MAX_PORTS][FRIT_MAX_RANK];
    size_t in_bytes[MAX_PORTS], out_bytes[MAX_PORTS];
    int64_t symbols[MAX_SYMBOLS];
} batch;

static void die(const char *what, const char *why) {
    fprintf(stderr, "artifact_promises: %s: %s\n", what, why);
    exit(1);
}

static size_t bits_of(int32_t dtype) {
    switch (dtype) {
#define ROW(name, code, text, bits, kind)                                                                              \
    case code:                                                                                                         \
        return bits;
        FRIT_DTYPE_LIST(ROW)
#undef ROW
    default:
        die("dtype", "unknown");
        return 0;
    }
}

/* n bytes, aligned to `alignment`, that end at (or less than `alignment` before) a page that cannot be touched. */
static void *guarded(size_t n, size_t alignment) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (n + alignment + page - 1) / page;
    char *p = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + pages * page, page, PROT_NONE) != 0) die("memory", "not enough");
    return p + pages * page - (n + alignment - 1) / alignment * alignment;
}

/* Reads rows of a version-1 .npy file: dims with the batch first, and the data of all of it. */
static char *read_npy(const char *path, uint32_t rank, int64_t *out_dims) {
    FILE *f = fopen(path, "rb");
    unsigned char start[10];
    static char header[1024];
    if (!f || fread(start, 1, sizeof start, f) != sizeof start) die(path, "cannot be read");
    const size_t header_bytes = start[8] + 256U * start[9];
    if (header_bytes >= sizeof header || fread(header, 1, header_bytes, f) != header_bytes) die(path, "is cut short");
    header[header_bytes] = 0;
    char *at = strstr(header, "'shape': (");
    if (!at) die(path, "has no shape");
    at += strlen("'shape': (");
    for (uint32_t i = 0; i < rank; i++) {
        out_dims[i] = strtoll(at, &at, 10);
        at += strspn(at, ", ");
    }
    const long data = ftell(f);
    fseek(f, 0, SEEK_END);
    const size_t bytes = (size_t)(ftell(f) - data);
    char *values = malloc(bytes + 1);
    fseek(f, data, SEEK_SET);
    if (!values || fread(values, 1, bytes, f) != bytes) die(path, "cannot be read");
    fclose(f);
    return values;
}

static void open_subject(const char *path, subject *s) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) die(path, dlerror());
    void *symbol = dlsym(library, FRIT_ARTIFACT_SYMBOL);
    frit_artifact_table_fn *table;
    memcpy(&table, &symbol, sizeof table);
    s->a = symbol ? table(FRIT_ARTIFACT_ABI) : NULL;
    if (!s->a) die(path, "no artifact of this version");
    frit_artifact_info info = {.struct_bytes = sizeof info};
    s->a->info(s->a, &info);
    s->n_inputs = info.n_inputs, s->n_outputs = info.n_outputs;
    if (info.n_inputs > MAX_PORTS || info.n_outputs > MAX_PORTS || info.n_symbols > MAX_SYMBOLS)
        die(path, "too many inputs, outputs or symbols for this test");
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        s->inputs[i].struct_bytes = sizeof s->inputs[i];
        s->a->input(s->a, i, &s->inputs[i]);
    }
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        s->outputs[i].struct_bytes = sizeof s->outputs[i];
        s->a->output(s->a, i, &s->outputs[i]);
    }
}

static size_t bytes_of(int32_t dtype, const int64_t *dims, uint32_t rank) {
    size_t n = bits_of(dtype) / 8;
    for (uint32_t i = 0; i < rank; i++) n *= (size_t)dims[i];
    return n;
}

/* Binds the inputs and gives the outputs their memory. */
static void make_outputs(const subject *s, batch *b) {
    char message[MESSAGE_BYTES] = "";
    if (s->a->bind(s->a, b->in, b->symbols, message, sizeof message) != FRIT_OK) die("bind", message);
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        const frit_port *p = &s->outputs[i];
        s->a->output_dims(s->a, b->symbols, i, b->out_dims[i]);
        b->out_bytes[i] = bytes_of(p->dtype, b->out_dims[i], p->rank);
        void *data = guarded(b->out_bytes[i], bits_of(p->dtype) / 8);
        b->out[i] = (frit_tensor){data, p->dtype, (int32_t)p->rank, b->out_dims[i], NULL};
    }
}

/* A batch of ROWS rows: the rows of the files, over and over. */
static void make_batch(const subject *s, char **files, int n_files, batch *b) {
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const frit_port *p = &s->inputs[i];
        const size_t length = strlen(p->name);
        const char *path = NULL;
        for (int k = 0; k < n_files; k++)
            if (strncmp(files[k], p->name, length) == 0 && files[k][length] == '=') path = files[k] + length + 1;
        if (!path) die(p->name, "no file given");
        char *values = read_npy(path, p->rank, b->in_dims[i]);
        const int64_t rows = b->in_dims[i][0];
        b->in_dims[i][0] = ROWS;
        b->in_bytes[i] = bytes_of(p->dtype, b->in_dims[i], p->rank);
        const size_t row_bytes = b->in_bytes[i] / ROWS;
        char *data = guarded(b->in_bytes[i], bits_of(p->dtype) / 8);
        for (int64_t r = 0; r < ROWS; r++)
            memcpy(data + (size_t)r * row_bytes, values + (size_t)(r % rows) * row_bytes, row_bytes);
        b->in[i] = (frit_tensor){data, p->dtype, (int32_t)p->rank, b->in_dims[i], NULL};
        free(values);
    }
    make_outputs(s, b);
}

/* Row number `row` of a batch as a batch of one. */
static void take_row(const subject *s, const batch *from, size_t row, batch *b) {
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        memcpy(b->in_dims[i], from->in_dims[i], sizeof b->in_dims[i]);
        b->in_dims[i][0] = 1;
        b->in_bytes[i] = from->in_bytes[i] / ROWS;
        char *data = guarded(b->in_bytes[i], bits_of(s->inputs[i].dtype) / 8);
        memcpy(data, (const char *)from->in[i].data + row * b->in_bytes[i], b->in_bytes[i]);
        b->in[i] = from->in[i];
        b->in[i].data = data;
        b->in[i].dims = b->in_dims[i];
    }
    make_outputs(s, b);
}

/* --- promises --- */

/* A context in guarded memory of exactly the promised size. */
static frit_context *open_context(const subject *s, const batch *b, uint32_t n_threads, const frit_pool *pool) {
    char message[MESSAGE_BYTES] = "";
    frit_options options = {
        .struct_bytes = sizeof options, .n_threads = n_threads, .max_symbols = b->symbols, .pool = pool};
    frit_memory need = {.struct_bytes = sizeof need};
    if (s->a->memory(s->a, &options, &need, message, sizeof message) != FRIT_OK) die("memory", message);
    options.memory = guarded(need.context_bytes, ALIGNMENT);
    options.memory_bytes = need.context_bytes;
    frit_context *context = NULL;
    if (s->a->create(s->a, &options, &context, message, sizeof message) != FRIT_OK) die("create", message);
    return context;
}

/* Runs and says how many counted calls that made. */
static long run_counted(const subject *s, frit_context *context, const batch *b) {
    for (uint32_t i = 0; i < s->n_outputs; i++) memset(b->out[i].data, 0xA5, b->out_bytes[i]);
    atomic_store(&n_calls, 0);
    atomic_store(&is_counting, 1);
    const frit_status status = s->a->run(context, b->in, b->out);
    atomic_store(&is_counting, 0);
    if (status != FRIT_OK) die("run", s->a->error(context));
    return atomic_load(&n_calls);
}

/* The bits of all outputs, one after the other, in fresh memory. */
static char *keep_outputs(const subject *s, const batch *b) {
    size_t total = 0;
    for (uint32_t i = 0; i < s->n_outputs; i++) total += b->out_bytes[i];
    char *all = malloc(total + 1), *at = all;
    if (!all) die("memory", "not enough");
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        memcpy(at, b->out[i].data, b->out_bytes[i]);
        at += b->out_bytes[i];
    }
    return all;
}

static int is_equal(const subject *s, const batch *b, const char *kept) {
    for (uint32_t i = 0; i < s->n_outputs; i++) {
        if (memcmp(b->out[i].data, kept, b->out_bytes[i]) != 0) return 0;
        kept += b->out_bytes[i];
    }
    return 1;
}

static void hold_bits_and_calls(const subject *s, const batch *b, const char *expected, uint32_t n_threads,
                                frit_pool *pool) {
    frit_context *context = open_context(s, b, n_threads, pool);
    for (int i = 0; i < s->n_runs; i++) {
        if (run_counted(s, context, b) != 0) die("run", "allocated, mapped, locked or started a thread");
        if (!is_equal(s, b, expected)) die("run", "other bits at another thread count or in another run");
    }
    s->a->destroy(context);
}

static void hold_rows(const subject *s, const batch *all) {
    for (size_t row = 0; row < ROWS; row++) {
        static batch one;
        take_row(s, all, row, &one);
        frit_context *context = open_context(s, &one, 1, NULL);
        run_counted(s, context, &one);
        for (uint32_t i = 0; i < s->n_outputs; i++)
            if (memcmp(one.out[i].data, (const char *)all->out[i].data + row * one.out_bytes[i], one.out_bytes[i]) != 0)
                die(s->outputs[i].name, "a row of the batch has other bits than alone");
        s->a->destroy(context);
    }
}

/* create without memory of ours, threads lent by a pool: what it asks for is what memory() said. */
static void hold_context_bytes(const subject *s, const batch *b, const frit_pool *pool) {
    char message[MESSAGE_BYTES] = "", text[MESSAGE_BYTES];
    const frit_options options = {.struct_bytes = sizeof options, .max_symbols = b->symbols, .pool = pool};
    frit_memory need = {.struct_bytes = sizeof need};
    if (s->a->memory(s->a, &options, &need, message, sizeof message) != FRIT_OK) die("memory", message);
    frit_context *context = NULL;
    atomic_store(&n_bytes, 0);
    atomic_store(&is_counting, 1);
    const frit_status status = s->a->create(s->a, &options, &context, message, sizeof message);
    atomic_store(&is_counting, 0);
    if (status != FRIT_OK) die("create", message);
    const long asked = atomic_load(&n_bytes);
    snprintf(text, sizeof text, "took %ld bytes, memory() said %llu", asked, (unsigned long long)need.context_bytes);
    if (asked != (long)need.context_bytes) die("create", text);
    s->a->destroy(context);
}

/* The sizes that open_context found to be enough, and the options with which `frit info` has to say the same. */
static void print_context_bytes(const subject *s, const batch *b) {
    frit_artifact_info info = {.struct_bytes = sizeof info};
    s->a->info(s->a, &info);
    for (uint32_t n = 1; n <= MAX_THREADS; n++) {
        const frit_options options = {.struct_bytes = sizeof options, .n_threads = n, .max_symbols = b->symbols};
        frit_memory need = {.struct_bytes = sizeof need};
        if (s->a->memory(s->a, &options, &need, NULL, 0) != FRIT_OK) die("memory", "");
        printf("context %llu --threads %u", (unsigned long long)need.context_bytes, n);
        for (uint32_t i = 0; i < info.n_symbols; i++) {
            frit_symbol symbol = {.struct_bytes = sizeof symbol};
            s->a->symbol(s->a, i, &symbol);
            if (symbol.kind < FRIT_SYMBOL_UNUSED) printf(" --dim %s=%lld", symbol.name, (long long)b->symbols[i]);
        }
        printf("\n");
    }
}

int main(int argc, char **argv) {
    static subject s;
    static batch all;
    if (argc < 4) die("usage", "artifact_promises MODEL.so RUNS NAME=FILE.npy...");
    s.n_runs = atoi(argv[2]);
    open_subject(argv[1], &s);
    make_batch(&s, argv + 3, argc - 3, &all);
    frit_context *context = open_context(&s, &all, 1, NULL);
    run_counted(&s, context, &all);
    char *expected = keep_outputs(&s, &all);
    s.a->destroy(context);
    frit_pool *pool = s.a->pool_create(MAX_THREADS);
    if (!pool) die("pool_create", "gave none");
    for (uint32_t n = 1; n <= MAX_THREADS; n++) hold_bits_and_calls(&s, &all, expected, n, NULL);
    hold_bits_and_calls(&s, &all, expected, 0, pool);
    hold_rows(&s, &all);
    hold_context_bytes(&s, &all, pool);
    s.a->pool_destroy(pool);
    free(expected);
    print_context_bytes(&s, &all);
    printf("same bits in %d runs at 1 to %d threads and with a pool, rows of %d as alone, nothing allocated by run\n",
           s.n_runs * (MAX_THREADS + 1), MAX_THREADS, ROWS);
    return 0;
}
