/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Threads that take parts of a job. A job has n parts; each part is claimed once, by whichever thread comes first, and
 * a thread starts with the part of its own number. The caller takes parts like everybody and waits only for parts that
 * a running thread has claimed: threads that sleep, were never started, or did not survive a fork cost it nothing but
 * their help. That is also why no mutex is needed:
 *
 *   caller   job = {fn, data}; unfinished = n; claim[i] = epoch for i < n; published = epoch; wake sleepers
 *   anyone   compare-and-swap claim[i] from the epoch it saw to 0; only the winner reads job, then unfinished--
 *   caller   returns when unfinished is 0; so job stays as it is while any winner is at work
 *
 * A thread that comes late finds no claim of its epoch and goes back to waiting: it spins for SPIN_NS, then sleeps in a
 * futex on `published`. Sleeping is announced in n_asleep before `published` is read a last time, and the caller writes
 * `published` before it reads n_asleep, so that no wake-up is lost. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/par.h"
#include "runtime/runtime.h"

enum { SPIN_NS = 30000, SPINS_PER_CLOCK = 32, LINE_BYTES = 64 };

typedef struct pool pool;

/* What concerns one part, on a cache line of its own. */
typedef struct pool_slot {
    _Alignas(LINE_BYTES) _Atomic uint64_t claim; /* epoch of the job whose part is free to take, 0 none */
    pthread_t thread;                            /* from slot 1 on, when it was started */
    pool *owner;
    uint32_t index;
} pool_slot;

struct pool {
    frit_pool face; /* what the host sees; state points back at this */
    void *pin;      /* handle that keeps this code mapped while threads live */
    pid_t process;  /* that the threads belong to */
    uint32_t n_slots, n_started;
    _Alignas(LINE_BYTES) _Atomic uint64_t published; /* epoch of the newest job */
    atomic_uint n_asleep;
    atomic_bool stop;
    _Alignas(LINE_BYTES) atomic_uint unfinished; /* parts of the job that have not returned */
    atomic_bool is_busy;
    void (*fn)(void *data, uint32_t i);
    void *data;
    pool_slot slots[];
};

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* published is a futex through its low half, where little-endian machines keep the bits that change. */
static void futex(pool *p, int op, uint32_t value) {
    syscall(SYS_futex, (uint32_t *)(void *)&p->published, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Takes free parts of job `epoch`, beginning with part `first`. */
static void take_parts(pool *p, uint64_t epoch, uint32_t first) {
    for (uint32_t k = 0; k < p->n_slots; k++) {
        uint32_t i = first + k < p->n_slots ? first + k : first + k - p->n_slots;
        _Atomic uint64_t *claim = &p->slots[i].claim;
        uint64_t expected = epoch;
        if (atomic_load_explicit(claim, memory_order_relaxed) != epoch) continue;
        if (!atomic_compare_exchange_strong_explicit(claim, &expected, 0, memory_order_acquire, memory_order_relaxed))
            continue;
        p->fn(p->data, i);
        atomic_fetch_sub_explicit(&p->unfinished, 1, memory_order_release);
    }
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The next epoch after seen: spins a while, then sleeps. */
static uint64_t wait_for_job(pool *p, uint64_t seen) {
    int64_t end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < SPINS_PER_CLOCK; i++) {
            uint64_t e = atomic_load_explicit(&p->published, memory_order_acquire);
            if (e != seen) return e;
            relax();
        }
    } while (now_ns() < end);
    for (;;) {
        atomic_fetch_add(&p->n_asleep, 1);
        uint64_t e = atomic_load(&p->published);
        if (e == seen) futex(p, FUTEX_WAIT, (uint32_t)seen);
        atomic_fetch_sub(&p->n_asleep, 1);
        e = atomic_load_explicit(&p->published, memory_order_acquire);
        if (e != seen) return e;
    }
}

static void *worker(void *data) {
    const pool_slot *self = data;
    pool *p = self->owner;
    uint64_t seen = 0;
    while (!atomic_load_explicit(&p->stop, memory_order_acquire)) {
        seen = wait_for_job(p, seen);
        take_parts(p, seen, self->index);
    }
    return NULL;
}

static void publish(pool *p) {
    atomic_fetch_add(&p->published, 1);
    uint32_t n_asleep = atomic_load(&p->n_asleep);
    if (n_asleep) futex(p, FUTEX_WAKE, n_asleep);
}

static void parallel(void *state, uint32_t n, void (*fn)(void *data, uint32_t i), void *data) {
    pool *p = state;
    bool is_sharable = n > 1 && n <= p->n_slots;
    /* Busy: another caller has the threads, or this is a part of a job. Nobody waits for that. */
    if (!is_sharable || atomic_exchange_explicit(&p->is_busy, true, memory_order_acquire)) {
        for (uint32_t i = 0; i < n; i++) fn(data, i);
        return;
    }
    p->fn = fn, p->data = data;
    uint64_t epoch = atomic_load_explicit(&p->published, memory_order_relaxed) + 1;
    atomic_store_explicit(&p->unfinished, n, memory_order_relaxed);
    for (uint32_t i = 0; i < n; i++) atomic_store_explicit(&p->slots[i].claim, epoch, memory_order_release);
    publish(p);
    take_parts(p, epoch, 0);
    while (atomic_load_explicit(&p->unfinished, memory_order_acquire)) relax();
    atomic_store_explicit(&p->is_busy, false, memory_order_release);
}

uint64_t pool_bytes(uint32_t n_threads) { return sizeof(pool) + (uint64_t)n_threads * sizeof(pool_slot); }

/* Threads block all signals: handlers of the host run on the host's threads. */
static void start_threads(pool *p) {
    sigset_t all, before;
    pthread_attr_t attr;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, POOL_STACK_BYTES);
    for (uint32_t i = 1; i < p->n_slots; i++) {
        if (pthread_create(&p->slots[i].thread, &attr, worker, &p->slots[i])) break; /* fewer threads, same results */
        p->n_started = i;
    }
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

frit_pool *pool_start(void *memory, uint32_t n_threads) {
    pool *p = memory;
    *p = (pool){.face = {sizeof(frit_pool), n_threads, p, parallel}, .process = getpid(), .n_slots = n_threads};
    for (uint32_t i = 0; i < n_threads; i++) p->slots[i] = (pool_slot){.owner = p, .index = i};
    Dl_info here;
    if (dladdr((const void *)(uintptr_t)&worker, &here) && here.dli_fname)
        p->pin = dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    start_threads(p);
    return &p->face;
}

void pool_stop(frit_pool *face) {
    pool *p = face->state;
    if (p->process == getpid()) { /* a forked child has none of the threads */
        atomic_store(&p->stop, true);
        publish(p);
        for (uint32_t i = 1; i <= p->n_started; i++) pthread_join(p->slots[i].thread, NULL);
    }
    if (p->pin) dlclose(p->pin);
}

frit_pool *pool_create(uint32_t n_threads) {
    if (n_threads == 0) n_threads = par_default_threads();
    if (n_threads > POOL_MAX_THREADS) return NULL;
    void *memory = memory_new(pool_bytes(n_threads));
    return memory ? pool_start(memory, n_threads) : NULL;
}

void pool_destroy(frit_pool *face) {
    if (!face) return;
    pool_stop(face);
    memory_free(face);
}
