/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Element types: packing, conversion rules, operator tables. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/op/ops.h"

START_TEST(names_and_sizes) {
    dtype dt;
    ck_assert(dtype_parse("bf16", &dt) && dt == FRIT_DT_BF16);
    ck_assert(!dtype_parse("float", &dt) && !dtype_parse("", &dt));
    ck_assert_str_eq(dtype_name(FRIT_DT_NONE), "none");
    ck_assert_uint_eq(dtype_bytes(FRIT_DT_I4, 3), 2);
    ck_assert_uint_eq(dtype_bytes(FRIT_DT_U2, 5), 2);
    ck_assert_uint_eq(dtype_bytes(FRIT_DT_F64, 3), 24);
    ck_assert_int_eq(dtype_compute(FRIT_DT_BF16), FRIT_DT_F32);
    ck_assert_int_eq(dtype_compute(FRIT_DT_U4), FRIT_DT_U32);
    ck_assert_int_eq(dtype_compute(FRIT_DT_I64), FRIT_DT_I64);
}
END_TEST

START_TEST(packed_elements) {
    uint8_t bytes[3] = {0};
    for (int i = 0; i < 5; i++) dtype_store(FRIT_DT_I4, bytes, (size_t)i, (scalar){.i = i - 3});
    ck_assert_uint_eq(bytes[0], 0xed); /* -3 in the low half, -2 above it */
    for (int i = 0; i < 5; i++) ck_assert_int_eq(dtype_load(FRIT_DT_I4, bytes, (size_t)i).i, i - 3);
    dtype_store(FRIT_DT_I4, bytes, 0, (scalar){.i = 7});
    ck_assert_int_eq(dtype_load(FRIT_DT_I4, bytes, 1).i, -2);
    dtype_store(FRIT_DT_U2, bytes, 3, (scalar){.u = 3});
    ck_assert_uint_eq(dtype_load(FRIT_DT_U2, bytes, 3).u, 3);
    float unaligned[2];
    char *at = (char *)unaligned + 1;
    dtype_store(FRIT_DT_F32, at, 0, (scalar){.f = 1.5});
    ck_assert(dtype_load(FRIT_DT_F32, at, 0).f == 1.5);
}
END_TEST

static int64_t to_int(dtype to, double x) { return dtype_convert(FRIT_DT_F64, to, (scalar){.f = x}, true).i; }

START_TEST(conversions) {
    ck_assert_int_eq(to_int(FRIT_DT_I8, 300.7), 127);
    ck_assert_int_eq(to_int(FRIT_DT_I8, -300.7), -128);
    ck_assert_int_eq(to_int(FRIT_DT_I32, -1.9), -1);
    ck_assert_int_eq(to_int(FRIT_DT_I64, 1e30), INT64_MAX);
    ck_assert_int_eq(to_int(FRIT_DT_I64, -1e30), INT64_MIN);
    ck_assert_int_eq(to_int(FRIT_DT_U8, -5), 0);
    ck_assert_int_eq(to_int(FRIT_DT_I32, (double)NAN), 0);
    ck_assert_int_eq(to_int(FRIT_DT_BOOL, 0.25), 1);
    ck_assert_int_eq(dtype_convert(FRIT_DT_I32, FRIT_DT_I8, (scalar){.i = 300}, true).i, 44);
    ck_assert_uint_eq(dtype_convert(FRIT_DT_I32, FRIT_DT_U8, (scalar){.i = -1}, true).u, 255);
    ck_assert_int_eq(dtype_convert(FRIT_DT_U8, FRIT_DT_I8, (scalar){.u = 255}, true).i, -1);
    ck_assert(dtype_convert(FRIT_DT_F32, FRIT_DT_F8E4M3, (scalar){.f = 1e6}, true).f == 448);
    ck_assert(isnan(dtype_convert(FRIT_DT_F32, FRIT_DT_F8E4M3, (scalar){.f = 1e6}, false).f));
    ck_assert(isinf(dtype_convert(FRIT_DT_F32, FRIT_DT_F16, (scalar){.f = 1e6}, true).f));
    ck_assert(dtype_convert(FRIT_DT_I64, FRIT_DT_F32, (scalar){.i = 16777217}, true).f == 16777216);
    ck_assert(dtype_to_f64(FRIT_DT_U64, dtype_from_f64(FRIT_DT_U64, 1e19)) == 1e19);
}
END_TEST

START_TEST(operator_table) {
    arena a;
    arena_init(&a);
    for (unsigned i = 0; i < N_OPS; i++) {
        op_code op;
        ck_assert(op_parse(op_name((op_code)i), &op) && op == (op_code)i);
    }
    const attr_pool *pool = attrs_new(&a, OP_max_pool);
    ck_assert(pool->sizes.n == 0 && !pool->ceil);
    const attr_norm *norm = attrs_new(&a, OP_layer_norm);
    ck_assert(norm->axis == -1 && norm->eps == 1e-5);
    const attr_type *resize = op_info_of(OP_resize)->attrs;
    ck_assert_str_eq(resize->fields[1].name, "mode");
    ck_assert_str_eq(resize->fields[1].enum_names[1], "linear");
    ck_assert_uint_eq(op_info_of(OP_relu)->attrs->n_fields, 0);
    arena_fini(&a);
}
END_TEST

int main(void) {
    Suite *s = suite_create("dtype");
    TCase *k = tcase_create("dtype");
    tcase_add_test(k, names_and_sizes);
    tcase_add_test(k, packed_elements);
    tcase_add_test(k, conversions);
    tcase_add_test(k, operator_table);
    suite_add_tcase(s, k);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
