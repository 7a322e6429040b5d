/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The emulated driver refuses what the real one refuses, and sees what the real one cannot be relied on to see. */
#include <check.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/cuda_api.h"
#include "tests/emulate/image.h"

#ifdef __SANITIZE_ADDRESS__
/* Tests here end by the signal itself, which the sanitizer would turn into an exit. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "handle_segv=0:handle_sigbus=0"; }
#endif

enum { INVALID_VALUE = 1, INVALID_IMAGE = 200, ILLEGAL_ADDRESS = 700, OUT_OF_RESOURCES = 701, DESTROYED = 709 };

/* Stores 7 to element dims[0] of x. */
static const char image[] = IMAGE_MAGIC "extern \"C\" __global__ void __launch_bounds__(32)\n"
                                        "put(unsigned char *__restrict__ x, const long long *dims)\n"
                                        "{\n    if (threadIdx.x == 0) x[dims[0]] = 7;\n}\n";

static cuda_api api;
static void *function;
static cuda_pointer x, dims; /* 16 bytes; one number */

static void setup(void) {
    char text[200];
    void *context, *module;
    ck_assert_msg(cuda_api_open(&api, text, sizeof text), "%s", text);
    ck_assert_int_eq(api.primary_retain(&context, 0), 0);
    ck_assert_int_eq(api.context_set(context), 0);
    ck_assert_int_eq(api.module_load(&module, image), 0);
    ck_assert_int_eq(api.module_function(&function, module, "put"), 0);
    ck_assert_int_eq(api.memory_alloc(&x, 16), 0);
    ck_assert_int_eq(api.memory_alloc(&dims, 8), 0);
}

static void teardown(void) { api.primary_release(0); }

static cuda_result put_at(int64_t place, cuda_pointer to, unsigned blocks, unsigned threads, unsigned shared) {
    void *params[2] = {&to, &dims};
    ck_assert_int_eq(api.copy_to(dims, &place, sizeof place, NULL), 0);
    return api.launch(function, blocks, 1, 1, threads, 1, 1, shared, NULL, params, NULL);
}

START_TEST(runs_kernels) {
    unsigned char got[16];
    ck_assert_int_eq(put_at(15, x, 1, 32, 0), 0);
    ck_assert_int_eq(api.copy_from(got, x, 16, NULL), 0);
    ck_assert_int_eq(got[15], 7);
    ck_assert_int_ne(got[0], 0); /* nobody wrote it */
}
END_TEST

START_TEST(refuses_nothing) {
    cuda_pointer at;
    ck_assert_int_eq(api.memory_alloc(&at, 0), INVALID_VALUE);
    ck_assert_int_eq(put_at(0, x, 0, 32, 0), INVALID_VALUE);
    ck_assert_int_eq(put_at(0, x, 1, 0, 0), INVALID_VALUE);
    ck_assert_int_eq(api.copy_to(x, &at, 0, NULL), 0);
}
END_TEST

START_TEST(refuses_what_is_too_large) {
    char host[17] = {0};
    ck_assert_int_eq(api.copy_to(x, host, 17, NULL), INVALID_VALUE);
    ck_assert_int_eq(api.copy_from(host, x + 1, 16, NULL), INVALID_VALUE);
    ck_assert_int_eq(put_at(0, x, 1, 33, 0), OUT_OF_RESOURCES);
    ck_assert_int_eq(put_at(0, x, 1, 32, 48 * 1024 + 1), INVALID_VALUE);
    ck_assert_int_eq(api.function_set(function, CUDA_FUNCTION_SHARED_BYTES, 64 * 1024), 0);
    ck_assert_int_eq(put_at(0, x, 1, 32, 64 * 1024), 0);
}
END_TEST

START_TEST(knows_whose_memory_it_is) {
    char host[16] = {0};
    ck_assert_int_eq(api.copy_to((cuda_pointer)(uintptr_t)host, host, 8, NULL), INVALID_VALUE);
    ck_assert_int_eq(api.copy_from(host, (cuda_pointer)(uintptr_t)host, 8, NULL), INVALID_VALUE);
    ck_assert_int_eq(put_at(0, (cuda_pointer)(uintptr_t)host, 1, 32, 0), ILLEGAL_ADDRESS);
    ck_assert_int_eq(api.stream_wait(NULL), ILLEGAL_ADDRESS); /* every call after a fault */
}
END_TEST

START_TEST(sees_bytes_behind_an_allocation) { ck_assert_int_eq(put_at(16, x, 1, 32, 0), ILLEGAL_ADDRESS); }
END_TEST

/* Ends by a signal, as do the two below. */
START_TEST(stops_at_the_page_behind) { put_at(64, x, 1, 32, 0); }
END_TEST

START_TEST(stops_at_the_page_before) { put_at(-4096, x, 1, 32, 0); }
END_TEST

START_TEST(hides_device_memory_from_the_host) { *(volatile char *)(uintptr_t)x = 1; }
END_TEST

START_TEST(takes_no_foreign_image) {
    void *module;
    ck_assert_int_eq(api.module_load(&module, "\177ELF"), INVALID_IMAGE);
}
END_TEST

START_TEST(ends_with_the_context) {
    ck_assert_int_eq(api.primary_release(0), 0);
    ck_assert_int_eq(api.stream_wait(NULL), DESTROYED);
    void *context;
    ck_assert_int_eq(api.primary_retain(&context, 0), 0);
    ck_assert_int_eq(api.memory_free(x), INVALID_VALUE);
}
END_TEST

int main(void) {
    Suite *s = suite_create("cuda_driver");
    TCase *t = tcase_create("cuda_driver");
    /* Found by its name from here on, as the real one would be. */
    if (!dlopen(FRIT_EMULATED_DRIVER, RTLD_NOW)) return fprintf(stderr, "%s\n", dlerror()), 1;
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, runs_kernels);
    tcase_add_test(t, refuses_nothing);
    tcase_add_test(t, refuses_what_is_too_large);
    tcase_add_test(t, knows_whose_memory_it_is);
    tcase_add_test(t, sees_bytes_behind_an_allocation);
    tcase_add_test_raise_signal(t, stops_at_the_page_behind, SIGSEGV);
    tcase_add_test_raise_signal(t, stops_at_the_page_before, SIGSEGV);
    tcase_add_test_raise_signal(t, hides_device_memory_from_the_host, SIGSEGV);
    tcase_add_test(t, takes_no_foreign_image);
    tcase_add_test(t, ends_with_the_context);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
