/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit check DIR...: each folder in a process of its own, so that a crash or a hang is that folder's verdict and no
 * more.
 *
 * The child writes its verdict as the last line of its pipe, behind a byte that no other text begins with; what else it
 * says (an assertion, a sanitizer's report) goes to the same pipe and is passed on when it dies. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/par.h"
#include "driver/check.h"
#include "driver/cli.h"

enum { VERDICT_MARK = 1, MAX_CHILDREN = 256, LAST_WORDS = 300 };

/* A folder's check: not begun, running, or done. */
typedef struct task {
    const char *folder;
    pid_t child; /* 0 when none runs */
    int pipe;    /* read end */
    double deadline;
    bool is_done;
    strbuf said;
    check_result result;
} task;

typedef struct checking {
    cx *c;
    check_options options;
    double limit_s;
    uint32_t n_children;
    uint32_t n, next, n_printed, n_running;
    uint32_t counts[3]; /* by check_verdict */
    task *tasks;
} checking;

/* --- in the child --- */

_Noreturn static void be_child(checking *k, const task *t, int pipe) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* Ctrl-C on frit ends the children too */
    dup2(pipe, 1);
    dup2(pipe, 2);
    close(pipe);
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < countof(numbers); i++) signal(numbers[i], SIG_DFL);
    check_result r = check_folder(k->c, t->folder, &k->options);
    printf("\n%c%d%s\n", VERDICT_MARK, (int)r.verdict, r.text);
    fflush(stdout);
    _exit(0);
}

/* --- in the parent --- */

static frit_status start_task(checking *k, task *t) {
    int ends[2];
    if (pipe(ends)) return FAIL(k->c, IO, NULL, "no pipe: %s", strerror(errno));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(k, t, ends[1]);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return FAIL(k->c, IO, NULL, "no process for '%s': %s", t->folder, strerror(errno));
    }
    t->child = child;
    t->pipe = ends[0];
    t->deadline = seconds_now() + k->limit_s;
    k->n_running++;
    return FRIT_OK;
}

/* One line of the child's dying words. */
static const char *last_words(arena *a, const char *said) {
    size_t n = strlen(said);
    while (n && strchr("\n\r ", said[n - 1])) n--;
    size_t from = n;
    while (from && said[from - 1] != '\n') from--;
    if (n - from > LAST_WORDS) n = from + LAST_WORDS;
    return arena_strndup(a, said + from, n - from);
}

static check_result read_verdict(checking *k, const task *t, int status) {
    arena *a = k->c->job;
    const char *said = strbuf_text(&t->said), *mark = strrchr(said, VERDICT_MARK);
    bool is_clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (is_clean && mark && mark[1] >= '0' && mark[1] <= '2')
        return (check_result){(check_verdict)(mark[1] - '0'), arena_strndup(a, mark + 2, strcspn(mark + 2, "\n"))};
    const char *words = last_words(a, said);
    if (WIFEXITED(status) && str_starts(words, "frit: out of memory")) return (check_result){CHECK_FAIL, words + 6};
    if (*said) fprintf(stderr, "%s", said);
    if (WIFSIGNALED(status))
        return (check_result){CHECK_FAIL, arena_printf(a, "crashed: %s %s", strsignal(WTERMSIG(status)), words)};
    return (check_result){CHECK_FAIL, arena_printf(a, "crashed: exit status %d %s", WEXITSTATUS(status), words)};
}

static void end_task(checking *k, task *t) {
    int status = 0;
    while (waitpid(t->child, &status, 0) < 0 && errno == EINTR) {
    }
    close(t->pipe);
    t->child = 0;
    t->is_done = true;
    k->n_running--;
    t->result = read_verdict(k, t, status);
}

static void stop_late(checking *k, task *t) {
    kill(t->child, SIGKILL);
    end_task(k, t);
    t->result = (check_result){CHECK_FAIL, arena_printf(k->c->job, "hung: not done after %g s", k->limit_s)};
}

static void read_some(checking *k, task *t) {
    char bytes[4096];
    ssize_t n = read(t->pipe, bytes, sizeof bytes);
    if (n > 0)
        strbuf_addn(&t->said, bytes, (size_t)n);
    else if (n == 0 || errno != EINTR)
        end_task(k, t);
}

/* Waits until one of the running children says something, ends, or is late. */
static void wait_some(checking *k) {
    struct pollfd polls[MAX_CHILDREN];
    task *of[MAX_CHILDREN];
    nfds_t n = 0;
    double now = seconds_now(), first = now + k->limit_s;
    for (uint32_t i = k->n_printed; i < k->next; i++) {
        task *t = &k->tasks[i];
        if (!t->child) continue;
        polls[n] = (struct pollfd){.fd = t->pipe, .events = POLLIN};
        of[n++] = t;
        if (t->deadline < first) first = t->deadline;
    }
    int wait_ms = first > now ? (int)((first - now) * 1e3) + 1 : 0;
    if (poll(polls, n, wait_ms) < 0) return;
    now = seconds_now();
    for (nfds_t i = 0; i < n; i++) {
        if (polls[i].revents)
            read_some(k, of[i]);
        else if (of[i]->deadline < now)
            stop_late(k, of[i]);
    }
}

static void print_done(checking *k) {
    static const char *const words[] = {[CHECK_PASS] = "pass", [CHECK_FAIL] = "fail", [CHECK_SKIP] = "skip"};
    for (; k->n_printed < k->n && k->tasks[k->n_printed].is_done; k->n_printed++) {
        const task *t = &k->tasks[k->n_printed];
        const char *text = t->result.text;
        printf("%s %s%s%s\n", words[t->result.verdict], t->folder, *text ? ": " : "", text);
        fflush(stdout);
        k->counts[t->result.verdict]++;
    }
}

static frit_status check_all(checking *k) {
    while (k->n_printed < k->n) {
        while (k->n_running < k->n_children && k->next < k->n) TRY(start_task(k, &k->tasks[k->next++]));
        if (k->n_running) wait_some(k);
        print_done(k);
    }
    printf("%u passed, %u failed, %u skipped\n", k->counts[CHECK_PASS], k->counts[CHECK_FAIL], k->counts[CHECK_SKIP]);
    if (k->counts[CHECK_FAIL]) return FAIL(k->c, RANGE, NULL, "%u of %u folders failed", k->counts[CHECK_FAIL], k->n);
    return FRIT_OK;
}

frit_status cmd_check(cx *c, const args *a) {
    checking k = {.c = c, .n = a->n_files};
    int64_t limit_s, n_children;
    TRY(cli_compile_options(c, a, NULL, &k.options.compile));
    TRY(args_f64(c, a, OPT_RTOL, 1e-3, &k.options.rtol));
    TRY(args_f64(c, a, OPT_ATOL, 1e-7, &k.options.atol));
    TRY(args_int(c, a, OPT_TIMEOUT, 1, 86400, 300, &limit_s));
    TRY(args_int(c, a, OPT_JOBS, 1, MAX_CHILDREN, par_default_threads(), &n_children));
    k.limit_s = (double)limit_s;
    k.n_children = (uint32_t)(n_children < MAX_CHILDREN ? n_children : MAX_CHILDREN);
    k.options.compile.n_threads = k.n > 1 && k.n_children > 1 ? 1 : 0;
    k.tasks = ARENA_ARRAY(c->job, task, k.n);
    for (uint32_t i = 0; i < k.n; i++) k.tasks[i] = (task){.folder = a->files[i], .said = {.a = c->job}};
    return check_all(&k);
}
