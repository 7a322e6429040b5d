/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LLD in process: links, complains through cx, and can do it all again. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "codegen/link/lld.h"

static arena job, scratch;
static cx c;
static char folder[] = "/tmp/frit-lld-XXXXXX";

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void) {
    ck_assert_int_eq(rmdir(folder), 0); /* each test leaves the folder empty */
    arena_fini(&job), arena_fini(&scratch);
}

static char *in_folder(const char *name) { return arena_printf(&job, "%s/%s", folder, name); }

static void write_archive(const char *path) {
    file_writer w;
    ck_assert_int_eq(file_begin(&c, path, &w), FRIT_OK);
    ck_assert_int_eq(file_write(&c, &w, runtime_archive, (size_t)(runtime_archive_end - runtime_archive)), FRIT_OK);
    ck_assert_int_eq(file_commit(&c, &w), FRIT_OK);
}

/* Two links of sha256 out of the embedded archive give the same bytes, whatever their names and order. */
START_TEST(links_the_embedded_archive_reproducibly) {
    char *archive = in_folder("runtime.a"), *so[2] = {in_folder("a.so"), in_folder("b.so")};
    write_archive(archive);
    mapped_file f[2];
    for (int i = 0; i < 2; i++) {
        const char *args[] = {"-shared", "--threads=1", "-u", "sha256_init", "-o", so[i], archive};
        frit_status status = lld_link(&c, so[i], args, countof(args));
        ck_assert_msg(status == FRIT_OK, "%s", c.message);
        ck_assert_int_eq(file_map(&c, so[i], &f[i]), FRIT_OK);
    }
    ck_assert_uint_gt(f[0].bytes, 1000);
    ck_assert_mem_eq(f[0].data, "\177ELF", 4);
    ck_assert_uint_eq(f[0].bytes, f[1].bytes);
    ck_assert_mem_eq(f[0].data, f[1].data, f[0].bytes);
    for (int i = 0; i < 2; i++) file_unmap(&f[i]), unlink(so[i]);
    unlink(archive);
}
END_TEST

START_TEST(reports_and_recovers) {
    char *archive = in_folder("runtime.a"), *so = in_folder("a.so");
    write_archive(archive);
    for (int i = 0; i < 3; i++) {
        const char *bad[] = {"-shared", "-o", so, "/no/such/object.o"};
        ck_assert_int_eq(lld_link(&c, so, bad, countof(bad)), FRIT_INTERNAL);
        ck_assert_ptr_nonnull(strstr(c.message, "/no/such/object.o"));
        ck_assert_ptr_null(strchr(c.message, '\n'));
        cx_clear(&c);
    }
    const char *unwritable[] = {"-shared", "-u", "sha256_init", "-o", "/no/such/folder/a.so", archive};
    ck_assert_int_eq(lld_link(&c, "/no/such/folder/a.so", unwritable, countof(unwritable)), FRIT_IO);
    cx_clear(&c);
    const char *good[] = {"-shared", "-u", "sha256_init", "-o", so, archive};
    ck_assert_int_eq(lld_link(&c, so, good, countof(good)), FRIT_OK);
    unlink(so), unlink(archive);
}
END_TEST

START_TEST(undefined_symbols_are_named) {
    char *archive = in_folder("runtime.a"), *so = in_folder("a.so");
    write_archive(archive);
    const char *args[] = {"-shared", "--no-undefined", "-u", "sha256_init", "-o", so, archive};
    ck_assert_int_eq(lld_link(&c, so, args, countof(args)), FRIT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(c.message, "undefined symbol"));
    unlink(archive);
}
END_TEST

int main(void) {
    Suite *s = suite_create("lld");
    TCase *t = tcase_create("link");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, links_the_embedded_archive_reproducibly);
    tcase_add_test(t, reports_and_recovers);
    tcase_add_test(t, undefined_symbols_are_named);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
