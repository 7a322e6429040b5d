/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* base/file: nothing half-written is left, and no name from a model leads out of its folder. */
#define _GNU_SOURCE
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static arena job;
static cx c;
static char folder[] = "/tmp/frit-file-XXXXXX";

static char *in_folder(const char *name) { return arena_printf(&job, "%s/%s", folder, name); }

static void setup(void) {
    arena_init(&job);
    c = (cx){.job = &job, .scratch = &job};
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int n_entries(void) {
    int n = 0;
    DIR *d = opendir(folder);
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static void teardown(void) {
    ck_assert_int_eq(system(arena_printf(&job, "rm -rf %s", folder)), 0);
    arena_fini(&job);
}

static void write_text(const char *path, const char *text) {
    file_writer w;
    ck_assert_int_eq(file_begin(&c, path, &w), FRIT_OK);
    ck_assert_int_eq(file_write(&c, &w, text, strlen(text)), FRIT_OK);
    ck_assert_int_eq(file_commit(&c, &w), FRIT_OK);
}

static void check_text(const char *path, const char *text) {
    mapped_file f;
    ck_assert_int_eq(file_map(&c, path, &f), FRIT_OK);
    ck_assert_uint_eq(f.bytes, strlen(text));
    ck_assert_ptr_nonnull(f.data);
    if (f.bytes) ck_assert_mem_eq(f.data, text, f.bytes);
    file_unmap(&f);
}

START_TEST(write_then_map) {
    write_text(in_folder("a"), "hello");
    check_text(in_folder("a"), "hello");
    write_text(in_folder("a"), "");
    check_text(in_folder("a"), "");
    ck_assert_int_eq(n_entries(), 1);
    ck_assert_int_eq(symlink("a", in_folder("link")), 0);
    write_text(in_folder("link"), "through the link");
    check_text(in_folder("a"), "through the link");
    struct stat st;
    ck_assert(lstat(in_folder("link"), &st) == 0 && S_ISLNK(st.st_mode));
}
END_TEST

START_TEST(abort_leaves_nothing_and_keeps_the_old_file) {
    write_text(in_folder("a"), "old");
    file_writer w;
    ck_assert_int_eq(file_begin(&c, in_folder("a"), &w), FRIT_OK);
    ck_assert_int_eq(file_write(&c, &w, "new", 3), FRIT_OK);
    ck_assert_int_eq(n_entries(), 2);
    file_abort(&w);
    file_abort(&w);
    ck_assert_int_eq(n_entries(), 1);
    check_text(in_folder("a"), "old");
}
END_TEST

START_TEST(a_fatal_signal_can_remove_the_temporaries) {
    file_writer w[3], done;
    for (int i = 0; i < 3; i++) ck_assert_int_eq(file_begin(&c, in_folder("same"), &w[i]), FRIT_OK);
    ck_assert_int_eq(file_begin(&c, in_folder("done"), &done), FRIT_OK);
    ck_assert_int_eq(file_commit(&c, &done), FRIT_OK);
    ck_assert_int_eq(n_entries(), 4);
    file_remove_temporaries();
    ck_assert_int_eq(n_entries(), 1); /* what was committed stays */
    for (int i = 0; i < 3; i++) file_abort(&w[i]);
}
END_TEST

START_TEST(many_writers_at_once_outgrow_the_removal_table) {
    enum { N = 100 };
    file_writer w[N];
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(file_begin(&c, in_folder(arena_printf(&job, "f%d", i)), &w[i]), FRIT_OK);
    for (int i = 0; i < N; i++) ck_assert_int_eq(file_commit(&c, &w[i]), FRIT_OK);
    ck_assert_int_eq(n_entries(), N);
}
END_TEST

START_TEST(a_full_disk_is_reported) {
    file_writer w;
    char block[70000] = {0};
    ck_assert_int_eq(file_begin(&c, "/dev/full", &w), FRIT_OK);
    frit_status status = file_write(&c, &w, block, sizeof block);
    if (status == FRIT_OK)
        status = file_commit(&c, &w);
    else
        file_abort(&w);
    ck_assert_int_eq(status, FRIT_IO);
    ck_assert_ptr_nonnull(strstr(c.message, "No space left"));
    cx_clear(&c);
    ck_assert_int_eq(file_begin(&c, "/dev/full", &w), FRIT_OK); /* small enough to fail only when flushed */
    ck_assert_int_eq(file_write(&c, &w, block, 10), FRIT_OK);
    ck_assert_int_eq(file_commit(&c, &w), FRIT_IO);
    ck_assert(access("/dev/full", F_OK) == 0);
}
END_TEST

START_TEST(unusable_paths_are_named) {
    file_writer w;
    mapped_file f;
    static const char *const unwritable[] = {"/no/such/folder/x", "/tmp", "", "/proc/nothing"};
    for (size_t i = 0; i < countof(unwritable); i++) {
        ck_assert_int_eq(file_begin(&c, unwritable[i], &w), FRIT_IO);
        ck_assert_ptr_nonnull(strstr(c.message, unwritable[i]));
        file_abort(&w);
        cx_clear(&c);
    }
    ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600), 0);
    const char *unreadable[] = {"/no/such", "/tmp", in_folder("fifo"), "/dev/zero"};
    for (size_t i = 0; i < countof(unreadable); i++) {
        ck_assert_int_eq(file_map(&c, unreadable[i], &f), FRIT_IO);
        ck_assert_ptr_nonnull(strstr(c.message, unreadable[i]));
        cx_clear(&c);
    }
}
END_TEST

START_TEST(names_from_a_model_stay_in_its_folder) {
    ck_assert_int_eq(path_make_dir(&c, in_folder("model/deep//er")), FRIT_OK);
    ck_assert_int_eq(path_make_dir(&c, in_folder("model/deep")), FRIT_OK);
    write_text(in_folder("secret"), "x");
    write_text(in_folder("model/w.bin"), "x");
    write_text(in_folder("model/deep/..w"), "x");
    write_text(in_folder("modelx"), "x");
    ck_assert_int_eq(symlink("../secret", in_folder("model/out")), 0);
    ck_assert_int_eq(symlink("..", in_folder("model/up")), 0);
    ck_assert_int_eq(symlink("../modelx", in_folder("model/prefix")), 0);
    ck_assert_int_eq(symlink("w.bin", in_folder("model/in")), 0);
    const char *model = in_folder("model/m.onnx");
    char *path = NULL;
    static const char *const good[] = {"w.bin", "./w.bin", "in", "deep/..w", "deep/./..w"};
    for (size_t i = 0; i < countof(good); i++) {
        ck_assert_msg(path_beside(&c, model, good[i], &path) == FRIT_OK, "%s", c.message);
        check_text(path, "x");
    }
    static const char *const outside[] = {
        "../secret", "/etc/passwd", "deep/../../secret", "..", "out", "up/secret", "prefix", "", "deep/.."};
    for (size_t i = 0; i < countof(outside); i++) {
        ck_assert_msg(path_beside(&c, model, outside[i], &path) == FRIT_FORMAT, "'%s'", outside[i]);
        cx_clear(&c);
    }
    ck_assert_int_eq(path_beside(&c, model, "missing.bin", &path), FRIT_IO);
    cx_clear(&c);
    ck_assert_int_eq(path_make_dir(&c, in_folder("model/w.bin/x")), FRIT_IO);
    cx_clear(&c);
    ck_assert_int_eq(path_make_dir(&c, in_folder("model/w.bin")), FRIT_IO);
}
END_TEST

/* A cache that keeps contents apart from the names that link to them. */
START_TEST(names_from_a_linked_model_stay_in_its_cache) {
    ck_assert_int_eq(path_make_dir(&c, in_folder("cache/snapshots/1/onnx")), FRIT_OK);
    ck_assert_int_eq(path_make_dir(&c, in_folder("cache/blobs")), FRIT_OK);
    write_text(in_folder("cache/blobs/aa"), "model");
    write_text(in_folder("cache/blobs/bb"), "x");
    write_text(in_folder("cache/secret"), "x");
    ck_assert_int_eq(symlink("../../../blobs/aa", in_folder("cache/snapshots/1/onnx/m.onnx")), 0);
    ck_assert_int_eq(symlink("../../../blobs/bb", in_folder("cache/snapshots/1/onnx/w.bin")), 0);
    ck_assert_int_eq(symlink("../../../secret", in_folder("cache/snapshots/1/onnx/out")), 0);
    ck_assert_int_eq(symlink("../../../blobs/bb", in_folder("cache/snapshots/1/onnx/plain.onnx")), 0);
    const char *model = in_folder("cache/snapshots/1/onnx/m.onnx");
    char *path = NULL;
    ck_assert_msg(path_beside(&c, model, "w.bin", &path) == FRIT_OK, "%s", c.message);
    check_text(path, "x");
    ck_assert_int_eq(path_beside(&c, model, "out", &path), FRIT_FORMAT);
    ck_assert_ptr_nonnull(strstr(c.message, "copy that file into the folder"));
    cx_clear(&c);
    ck_assert_int_eq(path_beside(&c, model, "../../../blobs/bb", &path), FRIT_FORMAT);
    cx_clear(&c);
    /* The contents' names are not those of the model: what the cache does not link to is not there. */
    ck_assert_int_eq(path_beside(&c, in_folder("cache/blobs/aa"), "../secret", &path), FRIT_FORMAT);
}
END_TEST

START_TEST(paths_split) {
    ck_assert_str_eq(path_dirname(&job, "a/b/c"), "a/b");
    ck_assert_str_eq(path_dirname(&job, "c"), ".");
    ck_assert_str_eq(path_dirname(&job, "/c"), "/");
    ck_assert_str_eq(path_basename("a/b/c.onnx"), "c.onnx");
    ck_assert_str_eq(path_basename("c"), "c");
    ck_assert(path_is_dir("/tmp") && !path_is_dir("/dev/null") && !path_is_dir("/no/such"));
}
END_TEST

int main(void) {
    Suite *s = suite_create("file");
    TCase *t = tcase_create("file");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, write_then_map);
    tcase_add_test(t, abort_leaves_nothing_and_keeps_the_old_file);
    tcase_add_test(t, a_fatal_signal_can_remove_the_temporaries);
    tcase_add_test(t, many_writers_at_once_outgrow_the_removal_table);
    tcase_add_test(t, a_full_disk_is_reported);
    tcase_add_test(t, unusable_paths_are_named);
    tcase_add_test(t, names_from_a_model_stay_in_its_folder);
    tcase_add_test(t, names_from_a_linked_model_stay_in_its_cache);
    tcase_add_test(t, paths_split);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
