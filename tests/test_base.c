/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* base: arenas, errors, text, maps, hashes, parallel loops and narrow floats. Files are in test_file.c. */
#include <check.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/float.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/par.h"
#include "base/str.h"

static arena a;

static void setup(void) { arena_init(&a); }
static void teardown(void) { arena_fini(&a); }

/* --- arena --- */

START_TEST(arena_memory_is_zero_and_aligned_even_when_reused) {
    for (int round = 0; round < 3; round++) {
        arena_mark mark = arena_save(&a);
        for (size_t n = 0; n < 3000; n = n * 2 + 1) {
            unsigned char *p = arena_alloc(&a, n);
            ck_assert_uint_eq((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < n; i++) ck_assert_uint_eq(p[i], 0);
            memset(p, 0xff, n);
        }
        ck_assert_uint_eq((uintptr_t)arena_alloc_aligned(&a, 10, 4096) % 4096, 0);
        unsigned char *big = arena_alloc(&a, 5 << 20);
        ck_assert_uint_eq(big[0] | big[(5 << 20) - 1], 0);
        big[0] = 1;
        arena_release(&a, mark);
    }
}
END_TEST

START_TEST(arena_grow_keeps_contents_and_extends_in_place) {
    char *p = arena_alloc(&a, 8);
    strcpy(p, "seven..");
    char *q = arena_grow(&a, p, 8, 800);
    ck_assert_ptr_eq(p, q);
    ck_assert_str_eq(q, "seven..");
    ck_assert_int_eq(q[799], 0);
    arena_alloc(&a, 1);
    char *r = arena_grow(&a, q, 800, 1600);
    ck_assert_ptr_ne(q, r);
    ck_assert_str_eq(r, "seven..");
    ck_assert_int_eq(r[1599], 0);
    VEC(int) v = {0};
    for (int i = 0; i < 10000; i++) vec_push(&a, v, i);
    for (int i = 0; i < 10000; i++) ck_assert_int_eq(v.at[i], i);
}
END_TEST

START_TEST(arena_release_goes_back_over_blocks) {
    char *kept = arena_strdup(&a, "kept");
    arena_mark mark = arena_save(&a);
    char *first = arena_strdup(&a, "first");
    for (int i = 0; i < 100; i++) arena_alloc(&a, 1 << 16);
    arena_release(&a, mark);
    ck_assert_str_eq(kept, "kept");
    ck_assert_ptr_eq(arena_strdup(&a, "again"), first);
}
END_TEST

START_TEST(arena_try_alloc_gives_null_and_goes_on) {
    char *kept = arena_strdup(&a, "kept");
    size_t before = a.total_bytes;
    ck_assert_ptr_null(arena_try_alloc(&a, SIZE_MAX / 4 + 1, 64));
    ck_assert_uint_eq(a.total_bytes, before);
    char *p = arena_try_alloc(&a, 100, 64);
    ck_assert_uint_eq((uintptr_t)p % 64, 0);
    ck_assert(p[0] == 0 && p[99] == 0);
    ck_assert_str_eq(kept, "kept");
}
END_TEST

START_TEST(arena_formats_text_of_any_length) {
    char *s = arena_printf(&a, "%0*d", 100000, 7);
    ck_assert_uint_eq(strlen(s), 100000);
    ck_assert_int_eq(s[99999], '7');
    ck_assert_str_eq(arena_strndup(&a, "abcdef", 3), "abc");
}
END_TEST

/* --- diag --- */

START_TEST(first_failure_is_kept_and_prefixed) {
    atomic_int stop = 0;
    cx c = {.job = &a, .scratch = &a, .stop = &stop};
    ck_assert_int_eq(cx_poll(&c), FRIT_OK);
    ck_assert_int_eq(FAIL(&c, SHAPE, "node 'fc1'", "sizes %d and %d differ", 3, 4), FRIT_SHAPE);
    ck_assert_int_eq(FAIL(&c, IO, NULL, "later"), FRIT_IO);
    ck_assert_int_eq(c.status, FRIT_SHAPE);
    cx_prefix(&c, "m.onnx");
    ck_assert_str_eq(c.message, "m.onnx: node 'fc1': sizes 3 and 4 differ");
    cx_clear(&c);
    stop = 1;
    ck_assert_int_eq(cx_poll(&c), FRIT_CANCELLED);
    ck_assert_str_eq(frit_status_text(FRIT_SHAPE), "shapes disagree");
    ck_assert_ptr_nonnull(frit_status_text((frit_status)9999));
}
END_TEST

/* --- str --- */

/* Whatever the names in a hostile file hold, a message is one line of bounded length that steers no terminal. */
START_TEST(messages_are_printable) {
    cx c = {.job = &a, .scratch = &a};
    cx_fail(&c, FRIT_FORMAT, "a\nb", "\x1b[31m\xc2\x85\xe2\x80\xa8 \xff\xc3 \xed\xa0\x80 \xc3\xa9\xf0\x9f\x98\x80");
    ck_assert_str_eq(c.message, "a?b: ?[31m????? ?? ??? \xc3\xa9\xf0\x9f\x98\x80");
    cx_prefix(&c, "p\n");
    ck_assert_int_eq(strncmp(c.message, "p?: a?b: ", 9), 0);
    cx_clear(&c);
    cx_fail(&c, FRIT_IO, "", "gone");
    ck_assert_str_eq(c.message, "'': gone");
    cx_clear(&c);
    char *word = arena_alloc(&a, 100001);
    memset(word, 'x', 100000);
    cx_fail(&c, FRIT_FORMAT, NULL, "%s", word);
    ck_assert_uint_eq(strlen(c.message), 4096);
    ck_assert_ptr_nonnull(strstr(c.message, "x..."));
}
END_TEST

START_TEST(numbers_parse_whole_or_not_at_all) {
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-17", -17},
                {"+5", 5},
                {"0x1f", 31},
                {"-0x10", -16},
                {"010", 10},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < countof(good); i++) {
        int64_t v = 99;
        ck_assert_msg(str_parse_i64(good[i].text, &v) && v == good[i].value, "%s", good[i].text);
    }
    static const char *const bad[] = {"",    " 1",  "1 ", "1.0", "--1", "0x", "x", "9223372036854775808",
                                      "1e3", "- 1", "0xg"};
    for (size_t i = 0; i < countof(bad); i++) {
        int64_t v = 99;
        ck_assert_msg(!str_parse_i64(bad[i], &v) && v == 99, "%s", bad[i]);
    }
    double d = 0;
    ck_assert(str_parse_f64("1e-3", &d) && d == 1e-3);
    ck_assert(str_parse_f64("-inf", &d) && isinf(d));
    ck_assert(!str_parse_f64("", &d) && !str_parse_f64("1,5", &d) && !str_parse_f64("1 ", &d));
}
END_TEST

START_TEST(floats_print_shortest_and_read_back) {
    static const struct {
        double x;
        const char *text;
    } rows[] = {{1, "1"},
                {0.1, "0.1"},
                {1e-05, "1e-05"},
                {-0.0, "-0"},
                {INFINITY, "inf"},
                {-INFINITY, "-inf"},
                {NAN, "nan"},
                {1.0 / 3, "0.3333333333333333"},
                {DBL_MIN, "2.2250738585072014e-308"},
                {5e-324, "5e-324"}};
    for (size_t i = 0; i < countof(rows); i++) ck_assert_str_eq(str_from_f64(&a, rows[i].x), rows[i].text);
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        seed = hash_bytes(&seed, sizeof seed, 0);
        double x, back;
        memcpy(&x, &seed, sizeof x);
        if (isnan(x)) continue;
        ck_assert(str_parse_f64(str_from_f64(&a, x), &back) && back == x);
    }
}
END_TEST

START_TEST(numbers_do_not_depend_on_the_host_locale) {
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
        puts("skip: numbers_do_not_depend_on_the_host_locale: no locale with a decimal comma is installed");
        return;
    }
    double d = 0;
    ck_assert(str_parse_f64("1.5", &d) && d == 1.5);
    ck_assert_str_eq(str_from_f64(&a, 1.5), "1.5");
    setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(suggestions_are_near_or_absent) {
    static const char *const names[] = {"softmax", "matmul", "relu", NULL, "layer_norm"};
    ck_assert_str_eq(str_nearest("sofmax", names, countof(names)), "softmax");
    ck_assert_str_eq(str_nearest("layernorm", names, countof(names)), "layer_norm");
    ck_assert_ptr_null(str_nearest("zzzz", names, countof(names)));
    ck_assert_ptr_null(str_nearest("", names, countof(names)));
    char *huge = arena_printf(&a, "%0500d", 0);
    ck_assert_ptr_null(str_nearest(huge, names, countof(names)));
}
END_TEST

START_TEST(builder_and_small_helpers) {
    strbuf b = {.a = &a};
    ck_assert_str_eq(strbuf_text(&b), "");
    for (int i = 0; i < 1000; i++) strbuf_printf(&b, "%d,", i);
    strbuf_add(&b, "end"), strbuf_addc(&b, '.'), strbuf_addn(&b, "xyz", 0);
    ck_assert_uint_eq(b.n, strlen(strbuf_text(&b)));
    ck_assert(str_ends(strbuf_text(&b), "999,end.") && str_starts(strbuf_text(&b), "0,1,2,"));
    ck_assert(str_equal(NULL, NULL) && !str_equal(NULL, "") && str_equal("a", "a"));
    ck_assert_str_eq(str_sanitize(&a, "a/b c:0\n..-é"), "a_b_c_0_..-__");
}
END_TEST

/* --- map and hashes --- */

START_TEST(map_keeps_insertion_order_through_growth) {
    map m = {.a = &a};
    uint32_t v = 0;
    ck_assert(!map_get_str(&m, "nothing", &v));
    for (uint32_t i = 0; i < 5000; i++) map_set_str(&m, arena_printf(&a, "key%u", i), i);
    map_set_str(&m, "key7", 70);
    map_set(&m, "", 0, 1);
    map_set(&m, "key7", 5, 2); /* the terminator makes it another key */
    ck_assert_uint_eq(m.n, 5002);
    for (uint32_t i = 0; i < 5000; i++) {
        ck_assert(map_get_str(&m, arena_printf(&a, "key%u", i), &v));
        ck_assert_uint_eq(v, i == 7 ? 70 : i);
        ck_assert_uint_eq(m.entries[i].value, v);
    }
    ck_assert(map_get(&m, "", 0, &v) && v == 1);
    ck_assert(!map_get_str(&m, "key5000", &v));
}
END_TEST

START_TEST(sha256_meets_the_standard) {
    static const struct {
        const char *text;
        int times;
        const char *hex;
    } rows[] = {{"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
                {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
    for (size_t i = 0; i < countof(rows); i++) {
        sha256 s;
        uint8_t digest[32];
        char hex[65];
        sha256_init(&s);
        for (int t = 0; t < rows[i].times; t++) sha256_add(&s, rows[i].text, strlen(rows[i].text));
        sha256_done(&s, digest);
        sha256_hex(digest, hex);
        ck_assert_str_eq(hex, rows[i].hex);
    }
}
END_TEST

START_TEST(content_hash_sees_every_change) {
    enum { MOST = 2 * CONTENT_BLOCK_BYTES + 300 };
    static uint8_t bytes[MOST];
    for (size_t i = 0; i < MOST; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    static const size_t sizes[] = {
        0, 1, 7, 8, 63, 64, 65, 300, CONTENT_BLOCK_BYTES - 1, CONTENT_BLOCK_BYTES, CONTENT_BLOCK_BYTES + 1, MOST};
    for (size_t i = 0; i < countof(sizes); i++) {
        size_t n = sizes[i];
        uint64_t id = content_id(bytes, n);
        for (size_t step = 1; step < CONTENT_BLOCK_BYTES * 2; step = step * 5 + 3) { /* pieces of any size */
            content_hash h;
            content_init(&h);
            for (size_t at = 0; at < n; at += step) content_add(&h, bytes + at, n - at < step ? n - at : step);
            ck_assert_uint_eq(content_done(&h), id);
        }
        uint64_t blocks[3] = {0};
        for (size_t at = 0; at < n; at += CONTENT_BLOCK_BYTES)
            blocks[at / CONTENT_BLOCK_BYTES] =
                content_block_id(bytes + at, n - at < CONTENT_BLOCK_BYTES ? n - at : CONTENT_BLOCK_BYTES);
        ck_assert_uint_eq(content_join(blocks, n), id);
        for (size_t at = 0; at < n; at += n < 400 ? 1 : n / 41) {
            bytes[at] ^= (uint8_t)(1 << at % 8);
            ck_assert_uint_ne(content_id(bytes, n), id);
            bytes[at] ^= (uint8_t)(1 << at % 8);
        }
        if (n + 1 >= MOST) continue;
        bytes[n] = 0; /* a zero more is another content */
        ck_assert_uint_ne(content_id(bytes, n + 1), id);
    }
}
END_TEST

/* --- par --- */

static void count_item(void *data, uint32_t item, uint32_t thread) {
    ck_assert_uint_lt(thread, 8);
    ((uint32_t *)data)[item] += item;
}

START_TEST(par_for_visits_each_item_once) {
    for (uint32_t threads = 0; threads <= 8; threads++) {
        uint32_t seen[1000] = {0};
        par_for(countof(seen), threads > 8 ? 8 : threads, count_item, seen);
        for (uint32_t i = 0; i < countof(seen); i++) ck_assert_uint_eq(seen[i], i);
    }
    par_for(0, 4, count_item, NULL);
    ck_assert_uint_ge(par_default_threads(), 1);
}
END_TEST

/* --- float --- */

static const float_format *const formats[] = {&float_f16,        &float_bf16,       &float_f8e4m3, &float_f8e5m2,
                                              &float_f8e4m3fnuz, &float_f8e5m2fnuz, &float_f8e8m0, &float_f4e2m1};

static uint32_t n_codes(const float_format *f) { return 1u << (f->exponent_bits + f->mantissa_bits + !f->is_unsigned); }

START_TEST(every_narrow_value_survives_the_round_trip) {
    const float_format *f = formats[_i];
    for (uint32_t bits = 0; bits < n_codes(f); bits++) {
        double x = float_decode(f, bits);
        uint32_t back = float_encode(f, x, false);
        if (isnan(x))
            ck_assert(isnan(float_decode(f, back)));
        else
            ck_assert_msg(back == bits, "%x -> %g -> %x", bits, x, back);
    }
}
END_TEST

/* Between neighbours a and b: just below the middle goes to a, just above to b, the middle to the even code. */
START_TEST(rounding_is_to_nearest_even) {
    const float_format *f = formats[_i];
    for (uint32_t bits = 0; bits + 1 < n_codes(f) / (f->is_unsigned ? 1 : 2); bits++) {
        double low = float_decode(f, bits), high = float_decode(f, bits + 1);
        if (!isfinite(low) || !isfinite(high)) continue;
        double middle = low + (high - low) / 2;
        ck_assert_uint_eq(float_encode(f, nextafter(middle, low), false), bits);
        ck_assert_uint_eq(float_encode(f, nextafter(middle, high), false), bits + 1);
        ck_assert_uint_eq(float_encode(f, middle, false), bits + (bits & 1));
    }
}
END_TEST

START_TEST(floats_out_of_range) {
    ck_assert_uint_eq(float_encode(&float_f16, 65520, false), 0x7c00);
    ck_assert_uint_eq(float_encode(&float_f16, 65519.99, false), 0x7bff);
    ck_assert_uint_eq(float_encode(&float_f16, -1e300, true), 0xfbff);
    ck_assert_uint_eq(float_encode(&float_bf16, INFINITY, false), 0x7f80);
    ck_assert_uint_eq(float_encode(&float_f8e4m3, 464, false), 0x7e);
    ck_assert_uint_eq(float_encode(&float_f8e4m3, 465, false), 0x7f);
    ck_assert_uint_eq(float_encode(&float_f8e4m3, 465, true), 0x7e);
    ck_assert_uint_eq(float_encode(&float_f8e4m3, -INFINITY, true), 0xfe);
    ck_assert_uint_eq(float_encode(&float_f8e5m2, 1e9, false), 0x7c);
    ck_assert_uint_eq(float_encode(&float_f8e5m2, 1e9, true), 0x7b);
    ck_assert_uint_eq(float_encode(&float_f8e4m3fnuz, 1e9, false), 0x80);
    ck_assert_uint_eq(float_encode(&float_f8e4m3fnuz, -0.0, false), 0);
    ck_assert_uint_eq(float_encode(&float_f8e4m3fnuz, -1e-9, false), 0);
    ck_assert_uint_eq(float_encode(&float_f8e8m0, 1e-300, false), 0);
    ck_assert_uint_eq(float_encode(&float_f8e8m0, -2, false), 0xff);
    ck_assert_uint_eq(float_encode(&float_f4e2m1, 100, false), 7);
    ck_assert_uint_eq(float_encode(&float_f16, 5e-324, false), 0);
    ck_assert_uint_eq(float_encode(&float_f16, -5e-324, false), 0x8000);
    ck_assert(isnan(float_decode(&float_f8e5m2, 0x7d)) && isinf(float_decode(&float_f8e5m2, 0xfc)));
}
END_TEST

int main(void) {
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, arena_memory_is_zero_and_aligned_even_when_reused);
    tcase_add_test(t, arena_grow_keeps_contents_and_extends_in_place);
    tcase_add_test(t, arena_release_goes_back_over_blocks);
    tcase_add_test(t, arena_try_alloc_gives_null_and_goes_on);
    tcase_add_test(t, arena_formats_text_of_any_length);
    tcase_add_test(t, first_failure_is_kept_and_prefixed);
    tcase_add_test(t, messages_are_printable);
    tcase_add_test(t, numbers_parse_whole_or_not_at_all);
    tcase_add_test(t, floats_print_shortest_and_read_back);
    tcase_add_test(t, numbers_do_not_depend_on_the_host_locale);
    tcase_add_test(t, suggestions_are_near_or_absent);
    tcase_add_test(t, builder_and_small_helpers);
    tcase_add_test(t, map_keeps_insertion_order_through_growth);
    tcase_add_test(t, sha256_meets_the_standard);
    tcase_add_test(t, content_hash_sees_every_change);
    tcase_add_test(t, par_for_visits_each_item_once);
    tcase_add_loop_test(t, every_narrow_value_survives_the_round_trip, 0, countof(formats));
    tcase_add_loop_test(t, rounding_is_to_nearest_even, 0, countof(formats));
    tcase_add_test(t, floats_out_of_range);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
