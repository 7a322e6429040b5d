/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* .npy files: what NumPy writes is read, what frit writes is read back, what is neither is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "driver/npy.h"

static arena job, scratch;
static cx c;
static char path[] = "/tmp/frit-npy-XXXXXX";

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
    strcpy(path, "/tmp/frit-npy-XXXXXX");
    close(mkstemp(path));
}

static void teardown(void) {
    unlink(path);
    arena_fini(&job), arena_fini(&scratch);
}

/* A version 1 file with the given dict and elements. */
static void write_file(const char *dict, const void *elements, size_t n_bytes) {
    file_writer w;
    size_t n = strlen(dict);
    char prefix[10] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)n, 0};
    ck_assert_int_eq(file_begin(&c, path, &w), FRIT_OK);
    ck_assert_int_eq(file_write(&c, &w, prefix, 10), FRIT_OK);
    ck_assert_int_eq(file_write(&c, &w, dict, n), FRIT_OK);
    ck_assert_int_eq(file_write(&c, &w, elements, n_bytes), FRIT_OK);
    ck_assert_int_eq(file_commit(&c, &w), FRIT_OK);
}

START_TEST(reads_back_what_it_writes) {
    static const dtype types[] = {FRIT_DT_F32, FRIT_DT_BF16, FRIT_DT_F8E4M3, FRIT_DT_I64, FRIT_DT_I4, FRIT_DT_U2};
    for (size_t i = 0; i < countof(types); i++) {
        int64_t shape[3] = {3, 1, 5};
        tensor t, back;
        ck_assert_int_eq(tensor_alloc(&c, &job, types[i], 3, shape, &t), FRIT_OK);
        for (size_t k = 0; k < 15; k++) dtype_store(t.dt, t.data, k, dtype_from_f64(t.dt, (double)(k % 4) - 1));
        ck_assert_int_eq(npy_write(&c, path, &t), FRIT_OK);
        ck_assert_msg(npy_read(&c, path, types[i], &back) == FRIT_OK, "%s", c.message);
        ck_assert_uint_eq(back.rank, 3);
        ck_assert_mem_eq(back.shape, shape, sizeof shape);
        for (size_t k = 0; k < 15; k++)
            ck_assert_int_eq(dtype_load(t.dt, back.data, k).i, dtype_load(t.dt, t.data, k).i);
    }
}
END_TEST

START_TEST(reads_scalars_vectors_and_columns) {
    static const float x[6] = {0, 1, 2, 3, 4, 5}, rows[6] = {0, 2, 4, 1, 3, 5};
    tensor t;
    write_file("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", x, 4);
    ck_assert_int_eq(npy_read(&c, path, FRIT_DT_F32, &t), FRIT_OK);
    ck_assert_uint_eq(t.rank, 0);
    write_file("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }\n", x, 24);
    ck_assert_int_eq(npy_read(&c, path, FRIT_DT_NONE, &t), FRIT_OK);
    ck_assert_int_eq(t.dt, FRIT_DT_F32);
    ck_assert_int_eq(t.shape[0], 6);
    write_file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", x, 24);
    ck_assert_int_eq(npy_read(&c, path, FRIT_DT_F32, &t), FRIT_OK);
    ck_assert_mem_eq(t.data, rows, sizeof rows);
    write_file("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }\n", "\0\2\1", 3);
    ck_assert_int_eq(npy_read(&c, path, FRIT_DT_BOOL, &t), FRIT_OK);
    ck_assert_mem_eq(t.data, "\0\1\1", 3);
}
END_TEST

START_TEST(refuses_what_does_not_fit) {
    static const struct bad {
        const char *dict;
        frit_status status;
    } bads[] = {{"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n", FRIT_TYPE},
                {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n", FRIT_UNSUPPORTED},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", FRIT_FORMAT},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n", FRIT_FORMAT},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9, 3), }\n", FRIT_FORMAT},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", FRIT_FORMAT},
                {"{'descr': '<f4', 'shape': (1,), }\n", FRIT_FORMAT},
                {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", FRIT_TYPE},
                {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", FRIT_TYPE},
                {"{'descr': '", FRIT_FORMAT},
                {"", FRIT_FORMAT}};
    tensor t;
    for (size_t i = 0; i < countof(bads); i++) {
        write_file(bads[i].dict, "abcdefgh", 8);
        ck_assert_msg(npy_read(&c, path, FRIT_DT_F32, &t) == bads[i].status, "%s: %s", bads[i].dict, c.message);
        ck_assert_ptr_nonnull(strstr(c.message, path));
        cx_clear(&c);
    }
    ck_assert_int_eq(npy_read(&c, "/no/such.npy", FRIT_DT_F32, &t), FRIT_IO);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("npy");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, reads_back_what_it_writes);
    tcase_add_test(tests, reads_scalars_vectors_and_columns);
    tcase_add_test(tests, refuses_what_does_not_fit);
    Suite *suite = suite_create("npy");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed != 0;
}
