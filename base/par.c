/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Threads are started for each loop: a compile has a handful of loops of milliseconds each, and a library should not
 * keep threads that its host did not ask for. Items are handed out one by one from a shared counter. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/par.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 64, STACK_BYTES = 8 << 20 };

typedef struct loop {
    atomic_uint next;
    uint32_t n;
    par_fn *fn;
    void *data;
} loop;

typedef struct worker {
    loop *loop;
    uint32_t thread;
    pthread_t id;
} worker;

static void *work(void *data) {
    const worker *w = data;
    loop *l = w->loop;
    for (uint32_t i; (i = atomic_fetch_add(&l->next, 1)) < l->n;) l->fn(l->data, i, w->thread);
    return NULL;
}

void par_for(uint32_t n, uint32_t n_threads, par_fn *fn, void *data) {
    if (n_threads == 0) n_threads = par_default_threads();
    if (n_threads > n) n_threads = n;
    if (n_threads > MAX_THREADS) n_threads = MAX_THREADS;
    loop l = {.n = n, .fn = fn, .data = data};
    worker workers[MAX_THREADS] = {{.loop = &l}};
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    uint32_t n_started = 1;
    for (; n_started < n_threads; n_started++) {
        worker *w = &workers[n_started];
        *w = (worker){.loop = &l, .thread = n_started};
        if (pthread_create(&w->id, &attr, work, w)) break; /* fewer threads, same result */
    }
    pthread_attr_destroy(&attr);
    work(&workers[0]);
    for (uint32_t t = 1; t < n_started; t++) pthread_join(workers[t].id, NULL);
}

/* The number at *text, moved past it and what stands before it; -1 when there is none. Not scanf: this also runs inside
 * artifacts, which have to start under old versions of libc. */
static int64_t next_number(const char **text) {
    const char *p = *text;
    while (*p == ' ') p++;
    if (*p < '0' || *p > '9') return -1;
    int64_t n = 0;
    for (; *p >= '0' && *p <= '9' && n < INT32_MAX; p++) n = n * 10 + (*p - '0');
    *text = p;
    return n;
}

enum { PATH_BYTES = 4096 };

/* Reads the start of a file; "" when there is none. */
static const char *read_text(const char *path, char *out, size_t n_bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, n_bytes - 1);
    if (fd >= 0) close(fd);
    out[n > 0 ? n : 0] = 0;
    return out;
}

static uint32_t whole_cores(int64_t quota, int64_t period) {
    if (quota <= 0 || period <= 0) return UINT32_MAX;
    return quota < period ? 1 : (uint32_t)(quota / period);
}

/* Version 1: one file each. */
static uint32_t version1_cores(void) {
    char text[64];
    const char *at = read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof text);
    int64_t quota = next_number(&at);
    at = read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", text, sizeof text);
    return whole_cores(quota, next_number(&at));
}

/* Version 2: "QUOTA PERIOD" or "max PERIOD". */
static uint32_t group_cores(const char *folder, size_t n) {
    static const char file[] = "/cpu.max";
    char path[2 * PATH_BYTES], text[64];
    memcpy(path, folder, n);
    memcpy(path + n, file, sizeof file);
    const char *at = read_text(path, text, sizeof text);
    int64_t quota = next_number(&at);
    return whole_cores(quota, next_number(&at));
}

/* The least of this process's group and those around it. */
static uint32_t version2_cores(void) {
    static const char root[] = "/sys/fs/cgroup";
    enum { ROOT_BYTES = sizeof root - 1 };
    char groups[PATH_BYTES], path[PATH_BYTES + ROOT_BYTES];
    const char *group = strstr(read_text("/proc/self/cgroup", groups, sizeof groups), "0::/");
    size_t end = ROOT_BYTES, n_group = group ? strcspn(group + 3, "\n") : 0;
    memcpy(path, root, ROOT_BYTES);
    if (n_group) memcpy(path + ROOT_BYTES, group + 3, n_group);
    uint32_t least = UINT32_MAX;
    for (end += n_group;; end--) {
        if (end > ROOT_BYTES && end < ROOT_BYTES + n_group && path[end] != '/') continue;
        uint32_t cores = group_cores(path, end);
        if (cores < least) least = cores;
        if (end == ROOT_BYTES) return least;
    }
}

uint32_t par_default_threads(void) {
    cpu_set_t set;
    uint32_t n = sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
    uint32_t v1 = version1_cores(), v2 = version2_cores(), quota = v1 < v2 ? v1 : v2;
    if (quota < n) n = quota;
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}
