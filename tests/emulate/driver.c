/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A CUDA driver without a GPU, as libcuda.so.1: kernels of images that tests/emulate/nvrtc.c made are compiled by the
 * system's C++ compiler and run on the CPU. It keeps the rules that code for the real driver can break unseen:
 *   - an allocation or a grid of nothing is refused, as is a copy that leaves its allocation;
 *   - an argument of a kernel has to be device memory, which no one else may touch: pages of device memory can be read
 *     and written in calls of the driver only, and pages without access stand around each allocation;
 *   - new memory holds garbage; bytes behind an allocation's end are watched;
 *   - after a fault every call fails, and nothing works without a live context.
 * FRIT_EMULATED_TEXTS=DIR names the folder where nvrtc.c left all texts: they are compiled together once, which takes a
 * fraction of the time. One thread at a time. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/emulate/image.h"
#include "tests/emulate/source.h"

typedef int result;
typedef unsigned long long pointer;
enum {
    OK = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701,
    LAUNCH_TIMEOUT = 702,
    CONTEXT_IS_DESTROYED = 709
};
enum { PAGE = 4096, ALIGN = 64, GARBAGE = 0xA7, SHARED_WITHOUT_ASKING = 48 * 1024, SHARED_MAX = 227 * 1024 };
enum { ATTRIBUTE_MAJOR = 75, ATTRIBUTE_MINOR = 76, FUNCTION_SHARED_BYTES = 8, MAX_PARAMS = 1024 };

typedef struct allocation {
    struct allocation *next;
    char *map, *at;
    size_t map_bytes, n_bytes; /* what is mapped, and what was asked for */
} allocation;

typedef struct module {
    struct module *next;
    const char *text;
    char tag[IMAGE_TAG_BYTES];
    void *library; /* own, NULL when the texts were compiled together */
} module;

typedef struct function {
    int (*run)(long long blocks, unsigned threads, void **params);
    unsigned n_params, most_threads;
    int shared_bytes; /* most that a launch may ask for */
} function;

static bool is_started, is_retained;
static int n_retained;
static char primary; /* the context: its address is the handle */
static void *current;
static result fault; /* sticky */
static allocation *allocations;
static module *modules;
static void *together[256]; /* libraries of texts that were compiled together */
static unsigned n_together;

/* --- state --- */

static result state(void) {
    if (!is_started) return NOT_INITIALIZED;
    if (!current) return INVALID_CONTEXT;
    return is_retained ? fault : CONTEXT_IS_DESTROYED;
}

static result set_fault(result r, const char *why) {
    fprintf(stderr, "emulated driver: %s\n", why);
    return fault = r;
}

static void open_memory(bool is_open) {
    for (allocation *a = allocations; a; a = a->next)
        mprotect(a->map + PAGE, a->map_bytes - 2 * PAGE, is_open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

/* The allocation that holds all of [at, at + n). */
static allocation *find(pointer at, size_t n) {
    const char *p = (const char *)(uintptr_t)at;
    for (allocation *a = allocations; a; a = a->next)
        if (p >= a->at && p + n <= a->at + a->n_bytes) return a;
    return NULL;
}

/* The bytes between an allocation's end and the page behind it still hold what alloc put there. */
static result check_ends(void) {
    for (allocation *a = allocations; a; a = a->next)
        for (const char *p = a->at + a->n_bytes; p < a->map + a->map_bytes - PAGE; p++)
            if ((unsigned char)*p != GARBAGE)
                return set_fault(ILLEGAL_ADDRESS, "bytes behind an allocation are written");
    return OK;
}

static void free_allocation(allocation *a) {
    munmap(a->map, a->map_bytes);
    free(a);
}

result cuInit(unsigned flags) {
    is_started = true;
    return flags ? INVALID_VALUE : OK;
}

result cuDriverGetVersion(int *out) {
    *out = 13000;
    return OK;
}

result cuGetErrorString(result r, const char **out) {
    *out = r == INVALID_VALUE             ? "invalid argument"
           : r == OUT_OF_MEMORY           ? "out of memory"
           : r == NOT_INITIALIZED         ? "initialization error"
           : r == INVALID_IMAGE           ? "device kernel image is invalid"
           : r == INVALID_CONTEXT         ? "invalid device context"
           : r == INVALID_HANDLE          ? "invalid resource handle"
           : r == NOT_FOUND               ? "named symbol not found"
           : r == ILLEGAL_ADDRESS         ? "an illegal memory access was encountered"
           : r == LAUNCH_OUT_OF_RESOURCES ? "too many resources requested for launch"
           : r == LAUNCH_TIMEOUT          ? "the launch timed out and was terminated"
           : r == CONTEXT_IS_DESTROYED    ? "context is destroyed"
                                          : "unknown";
    return OK;
}

result cuDeviceGet(int *out, int number) {
    *out = 0;
    return !is_started ? NOT_INITIALIZED : number ? INVALID_VALUE : OK;
}

result cuDeviceGetAttribute(int *out, int attribute, int device) {
    *out = attribute == ATTRIBUTE_MAJOR ? 9 : 0;
    return device || (attribute != ATTRIBUTE_MAJOR && attribute != ATTRIBUTE_MINOR) ? INVALID_VALUE : OK;
}

result cuCtxGetCurrent(void **out) {
    *out = current;
    return is_started ? OK : NOT_INITIALIZED;
}

result cuCtxGetDevice(int *out) {
    *out = 0;
    return state();
}

result cuCtxSetCurrent(void *context) {
    if (context && context != &primary) return INVALID_CONTEXT;
    current = context;
    return OK;
}

result cuDevicePrimaryCtxRetain(void **out, int device) {
    if (!is_started || device) return is_started ? INVALID_VALUE : NOT_INITIALIZED;
    n_retained++;
    is_retained = true;
    *out = &primary;
    return OK;
}

/* The last release frees everything. */
result cuDevicePrimaryCtxRelease_v2(int device) {
    if (device || n_retained == 0) return INVALID_CONTEXT;
    if (--n_retained) return OK;
    is_retained = false;
    fault = OK;
    for (allocation *a; (a = allocations);) {
        allocations = a->next;
        free_allocation(a);
    }
    return OK;
}

/* --- memory --- */

result cuMemAlloc_v2(pointer *out, size_t n) {
    result r = state();
    if (r) return r;
    if (n == 0) return INVALID_VALUE;
    if (n > (size_t)1 << 40) return OUT_OF_MEMORY;
    size_t room = (n + PAGE - 1) / PAGE * PAGE;
    allocation *a = malloc(sizeof *a);
    *a = (allocation){.next = allocations, .map_bytes = room + 2 * PAGE, .n_bytes = n};
    a->map = mmap(NULL, a->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a->map == MAP_FAILED) return free(a), OUT_OF_MEMORY;
    a->at = a->map + PAGE + room - (n + ALIGN - 1) / ALIGN * ALIGN;
    mprotect(a->map + PAGE, room, PROT_READ | PROT_WRITE);
    memset(a->map + PAGE, GARBAGE, room);
    mprotect(a->map + PAGE, room, PROT_NONE);
    allocations = a;
    *out = (pointer)(uintptr_t)a->at;
    return OK;
}

result cuMemFree_v2(pointer at) {
    result r = state();
    if (r || !at) return r;
    open_memory(true);
    r = check_ends();
    open_memory(false);
    for (allocation **link = &allocations; *link; link = &(*link)->next) {
        allocation *a = *link;
        if (a->at != (char *)(uintptr_t)at) continue;
        *link = a->next;
        free_allocation(a);
        return r;
    }
    return INVALID_VALUE;
}

static result copy(void *to, const void *from, size_t n, bool to_device, bool from_device) {
    result r = state();
    if (r || n == 0) return r;
    bool has_to = find((pointer)(uintptr_t)to, n), has_from = find((pointer)(uintptr_t)from, n);
    if (has_to != to_device || has_from != from_device) return INVALID_VALUE;
    open_memory(true);
    memmove(to, from, n);
    open_memory(false);
    return OK;
}

result cuMemcpyHtoDAsync_v2(pointer to, const void *from, size_t n, void *stream) {
    (void)stream;
    return copy((void *)(uintptr_t)to, from, n, true, false);
}

result cuMemcpyDtoHAsync_v2(void *to, pointer from, size_t n, void *stream) {
    (void)stream;
    return copy(to, (const void *)(uintptr_t)from, n, false, true);
}

result cuMemcpyDtoDAsync_v2(pointer to, pointer from, size_t n, void *stream) {
    (void)stream;
    return copy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, n, true, true);
}

result cuStreamSynchronize(void *stream) {
    (void)stream;
    return state();
}

/* --- compiling --- */

/* Compiles n texts to DIR/NAME.so, beside whatever else runs; wait for it. */
static void compile_some(const char *dir, const char *name, unsigned n, char *const *texts, FILE *script) {
    char path[4000];
    snprintf(path, sizeof path, "%s/%s.cpp", dir, name);
    FILE *f = fopen(path, "w");
    if (!f) return;
    emulate_source_begin(f);
    for (unsigned i = 0; i < n; i++) {
        char tag[IMAGE_TAG_BYTES];
        image_tag(texts[i], tag);
        emulate_source_add(f, texts[i], tag);
    }
    fclose(f);
    fprintf(script, EMULATE_COMPILER " -o %s/%s.tmp %s/%s.cpp && mv %s/%s.tmp %s/%s.so &\n", dir, name, dir, name, dir,
            name, dir, name);
}

static char *read_text(const char *path) {
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t n = 0;
    if (!f) return NULL;
    FILE *out = open_memstream(&text, &n);
    for (int ch; (ch = getc(f)) != EOF;) putc(ch, out);
    fclose(out);
    fclose(f);
    return text;
}

static int is_text(const struct dirent *e) { return strstr(e->d_name, ".cu") != NULL; }

/* All texts of the folder, a few compilers at a time. */
static void compile_folder(const char *dir) {
    enum { EACH = 60, AT_A_TIME = 2 };
    struct dirent **found;
    int n = scandir(dir, &found, is_text, alphasort);
    char path[4000], *texts[EACH];
    snprintf(path, sizeof path, "%s/compile.sh", dir);
    FILE *script = fopen(path, "w");
    if (!script) return;
    for (int first = 0, batch = 0; first < n; first += EACH, batch++) {
        int some = n - first < EACH ? n - first : EACH;
        char name[40];
        for (int i = 0; i < some; i++) {
            char text[4000];
            snprintf(text, sizeof text, "%s/%s", dir, found[first + i]->d_name);
            texts[i] = read_text(text);
        }
        snprintf(name, sizeof name, "batch%03d", batch);
        compile_some(dir, name, (unsigned)some, texts, script);
        if (batch % AT_A_TIME == AT_A_TIME - 1) fprintf(script, "wait\n");
        for (int i = 0; i < some; i++) free(texts[i]);
    }
    fprintf(script, "wait\ntouch %s/complete\n", dir);
    fclose(script);
    char command[4100];
    snprintf(command, sizeof command, "sh %s", path);
    if (system(command) != 0) fprintf(stderr, "emulated driver: %s fails\n", command);
}

/* Opens the libraries of the folder's texts, compiled by the first process that comes here. */
static void open_together(void) {
    const char *dir = getenv("FRIT_EMULATED_TEXTS");
    char path[4000];
    if (!dir || n_together) return;
    snprintf(path, sizeof path, "%s/lock", dir);
    FILE *lock = fopen(path, "w");
    if (!lock) return;
    flock(fileno(lock), LOCK_EX);
    snprintf(path, sizeof path, "%s/complete", dir);
    if (access(path, F_OK) != 0) compile_folder(dir);
    fclose(lock);
    for (unsigned i = 0; i < sizeof together / sizeof *together; i++) {
        snprintf(path, sizeof path, "%s/batch%03u.so", dir, i);
        if (access(path, F_OK) != 0) break;
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!library) fprintf(stderr, "emulated driver: %s\n", dlerror());
        if (library) together[n_together++] = library;
    }
}

static void *symbol(const module *m, const char *kind, const char *name) {
    char text[500];
    snprintf(text, sizeof text, "%s_%s_%s", kind, m->tag, name);
    void *found = m->library ? dlsym(m->library, text) : NULL;
    for (unsigned i = 0; i < n_together && !found; i++) found = dlsym(together[i], text);
    return found;
}

static void *compile_alone(const char *text) {
    char dir[] = "/tmp/frit_driver_XXXXXX", path[100], command[200], *texts[1] = {(char *)(uintptr_t)text};
    if (!mkdtemp(dir)) return NULL;
    snprintf(path, sizeof path, "%s/compile.sh", dir);
    FILE *script = fopen(path, "w");
    compile_some(dir, "alone", 1, texts, script);
    fprintf(script, "wait\n");
    fclose(script);
    snprintf(command, sizeof command, "sh %s", path);
    if (system(command) != 0) return NULL;
    snprintf(path, sizeof path, "%s/alone.so", dir);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) == 0 ? library : NULL;
}

result cuModuleLoadData(void **out, const void *image) {
    result r = state();
    if (r) return r;
    if (strncmp(image, IMAGE_MAGIC, strlen(IMAGE_MAGIC)) != 0) return INVALID_IMAGE;
    module *m = calloc(1, sizeof *m);
    m->text = strdup((const char *)image + strlen(IMAGE_MAGIC));
    image_tag(m->text, m->tag);
    m->next = modules;
    modules = m;
    open_together();
    *out = m;
    return OK;
}

result cuModuleUnload(void *handle) {
    for (module **link = &modules; *link; link = &(*link)->next) {
        module *m = *link;
        if (m != handle) continue;
        *link = m->next;
        if (m->library) dlclose(m->library);
        free((char *)(uintptr_t)m->text);
        free(m);
        return state();
    }
    return INVALID_HANDLE;
}

/* The N of __launch_bounds__(N) in front of the kernel. */
static unsigned bounds_of(const char *text, const char *name) {
    static const char entry[] = "__launch_bounds__(";
    size_t n = strlen(name);
    for (const char *s = text; (s = strstr(s, entry));) {
        s += strlen(entry);
        const char *line = strchr(s, '\n');
        if (line && !strncmp(line + 1, name, n) && line[1 + n] == '(') return (unsigned)strtoul(s, NULL, 10);
    }
    return 0;
}

/* Functions live as long as the process: few, small. */
result cuModuleGetFunction(void **out, void *handle, const char *name) {
    module *m = handle;
    result r = state();
    if (r) return r;
    unsigned most_threads = bounds_of(m->text, name);
    if (!most_threads) return NOT_FOUND;
    if (!symbol(m, "run", name)) m->library = compile_alone(m->text);
    function *f = calloc(1, sizeof *f);
    void *run = symbol(m, "run", name);
    const unsigned *n_params = symbol(m, "params", name);
    if (!run || !n_params) return free(f), NOT_FOUND;
    memcpy(&f->run, &run, sizeof run);
    f->n_params = *n_params;
    f->most_threads = most_threads;
    f->shared_bytes = SHARED_WITHOUT_ASKING;
    *out = f;
    return OK;
}

result cuFuncSetAttribute(void *handle, int attribute, int value) {
    function *f = handle;
    if (attribute != FUNCTION_SHARED_BYTES || value < 0 || value > SHARED_MAX) return INVALID_VALUE;
    f->shared_bytes = value;
    return state();
}

/* --- launching --- */

/* Every argument is nothing or an address of device memory; the end of an allocation may be an empty buffer. */
static result check_params(const function *f, void **params) {
    if (f->n_params > MAX_PARAMS) return INVALID_VALUE;
    for (unsigned i = 0; i < f->n_params; i++) {
        pointer at;
        memcpy(&at, params[i], sizeof at);
        if (!at || find(at, 0)) continue;
        return set_fault(ILLEGAL_ADDRESS, "an argument of a kernel is not device memory");
    }
    return OK;
}

result cuLaunchKernel(void *handle, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned threads_y,
                      unsigned threads_z, unsigned shared, void *stream, void **params, void **extra) {
    const function *f = handle;
    result r = state();
    (void)stream;
    if (r) return r;
    if (!f) return INVALID_HANDLE;
    bool is_valid = x && x <= INT32_MAX && y == 1 && z == 1 && threads && threads <= 1024 && threads_y == 1 &&
                    threads_z == 1 && !extra && shared <= (unsigned)f->shared_bytes;
    if (!is_valid) return INVALID_VALUE;
    if (threads > f->most_threads) return LAUNCH_OUT_OF_RESOURCES;
    r = check_params(f, params);
    if (r) return r;
    open_memory(true);
    if (f->run(x, threads, params) != 0) r = set_fault(LAUNCH_TIMEOUT, "threads wait for ever");
    if (!r) r = check_ends();
    open_memory(false);
    return r;
}
