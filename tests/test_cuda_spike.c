/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The hand-written tensor-core product of tests/gpu/spike under the CPU emulation: every tiling of tiles.def, compiled
 * behind tests/emulate/cuda.h, against sums of integers, which are exact in f32, so that the result must be their
 * nearest bf16 bit by bit. The layouts that its comment names stand in layouts.def; here they are counted out. */
#include <check.h>
#include <math.h>

#include "cuda_emulated.h"

typedef struct tiling {
    const char *name;
    unsigned m, n, k, warps_m, warps_n, warps_k, stages;
} tiling;

static const tiling tilings[] = {
#define TILES(name, m, n, k, warps_m, warps_n, warps_k, stages, blocks)                                                \
    {#name, m, n, k, warps_m, warps_n, warps_k, stages},
#include "tests/gpu/spike/tiles.def"
#undef TILES
};

static const char *const constants[] = {
#define TILES(name, m, n, k, warps_m, warps_n, warps_k, stages, blocks)                                                \
    "enum { TILE_M = " #m ", TILE_N = " #n ", TILE_K = " #k ", WARPS_M = " #warps_m ", WARPS_N = " #warps_n            \
    ", WARPS_K = " #warps_k ", STAGES = " #stages ", BLOCKS = " #blocks " };\n",
#include "tests/gpu/spike/tiles.def"
#undef TILES
};

static arena job, scratch;
static cx c;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

static const char *read_text(const char *path) {
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    strbuf b = {.a = &job};
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f));) strbuf_addn(&b, part, n);
    fclose(f);
    return strbuf_text(&b);
}

/* One namespace for each tiling, with a function run_NUMBER. */
static const char *source_of_all(void) {
    static const char linkage[] = "extern \"C\" ";
    const char *text = read_text(FRIT_SOURCE "/tests/gpu/spike/matmul_bf16.cu");
    const char *entry = strstr(text, linkage);
    ck_assert_msg(entry != NULL, "matmul_bf16.cu has no entry");
    strbuf b = {.a = &job};
    emulated_begin(&b);
    for (size_t i = 0; i < countof(tilings); i++) {
        strbuf_printf(&b, "namespace k%zu {\n%s", i, constants[i]);
        strbuf_addn(&b, text, (size_t)(entry - text));
        strbuf_add(&b, entry + strlen(linkage));
        strbuf_printf(&b,
                      "static void body(void **p) { emulate_call(matmul_bf16, p); }\n}\n"
                      "extern \"C\" int run_%zu(long long blocks, unsigned threads, void **p)\n"
                      "{\n    return emulate_launch(k%zu::body, blocks, threads, p);\n}\n",
                      i, i);
    }
    return strbuf_text(&b);
}

static uint16_t bf16_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Integers from -8 to 8, each a bf16, in `numbers` too. 16-byte aligned. */
static uint16_t *random_matrix(size_t n, uint32_t *seed, int **out_numbers) {
    uint16_t *x = arena_alloc(&job, n * sizeof *x + 16);
    x = (uint16_t *)(((uintptr_t)x + 15) & ~(uintptr_t)15);
    *out_numbers = ARENA_ARRAY(&job, int, n);
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 1664525 + 1013904223;
        (*out_numbers)[i] = (int)(*seed >> 16) % 17 - 8;
        x[i] = bf16_of((float)(*out_numbers)[i]);
    }
    return x;
}

static void check_product(void *library, size_t number, int64_t m, int64_t n, int64_t k) {
    const tiling *t = &tilings[number];
    uint32_t seed = (uint32_t)(m + 3 * n + 7 * k);
    int *a_numbers, *b_numbers, *unused;
    uint16_t *a = random_matrix((size_t)(m * k), &seed, &a_numbers);
    uint16_t *b = random_matrix((size_t)(k * n), &seed, &b_numbers);
    uint16_t *product = random_matrix((size_t)(m * n + 1), &seed, &unused);
    for (int64_t i = 0; i <= m * n; i++) product[i] = 0x7fc1;
    const long long sizes[] = {m, n, k}, *dims = sizes;
    void *params[] = {&a, &b, &product, &dims};
    emulated_fn *run;
    *(void **)&run = dlsym(library, arena_printf(&job, "run_%zu", number));
    ck_assert(run != NULL);
    const long long blocks = (m + t->m - 1) / t->m * ((n + t->n - 1) / t->n);
    ck_assert_int_eq(run(blocks, t->warps_m * t->warps_n * t->warps_k * 32, params), 0);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            int sum = 0;
            for (int64_t l = 0; l < k; l++) sum += a_numbers[i * k + l] * b_numbers[l * n + j];
            ck_assert_msg(product[i * n + j] == bf16_of((float)sum), "%s %lldx%lldx%lld [%lld, %lld]: %04x for %d",
                          t->name, (long long)m, (long long)n, (long long)k, (long long)i, (long long)j,
                          product[i * n + j], sum);
        }
    ck_assert_uint_eq(product[m * n], 0x7fc1); /* nothing behind the matrix */
}

START_TEST(product_on_tensor_cores) {
    void *library = emulated_compile(&c, source_of_all());
    ck_assert_msg(library != NULL, "%s", c.message);
    for (size_t i = 0; i < countof(tilings); i++) {
        const tiling *t = &tilings[i];
        check_product(library, i, 1, 8, 8);              /* less than a tile of each */
        check_product(library, i, t->m, t->n, t->k * 2); /* whole tiles, an even number of k */
        check_product(library, i, t->m - 3, t->n + 8, t->k * (t->stages + 1) + 8); /* odd numbers, more than stages */
    }
    const tiling *small = &tilings[countof(tilings) - 1];
    check_product(library, countof(tilings) - 1, small->m * 19 + 5, small->n * 3,
                  40); /* a band of fewer rows of tiles */
    dlclose(library);
}
END_TEST

/* wgmma.def's schedules, one namespace each. */
static const char *const warpgroup_constants[] = {
#define WGMMA(name, stages, band) "enum { STAGES = " #stages ", BAND = " #band " };\n",
#include "tests/gpu/spike/wgmma.def"
#undef WGMMA
};

/* As struct emulate_map of tests/emulate/hopper.h, in the size of a map. */
typedef struct box_map {
    const uint16_t *data;
    int rows, columns, box_rows, box_columns;
    char rest[128 - sizeof(void *) - 4 * sizeof(int)];
} box_map;

static void *compile_warpgroups(void) {
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    fputs("#include \"tests/emulate/hopper.h\"\n", f);
    for (size_t i = 0; i < countof(warpgroup_constants); i++)
        emulate_source_add(
            f,
            arena_printf(&job, "%s%s", warpgroup_constants[i], read_text(FRIT_SOURCE "/tests/gpu/spike/wgmma_bf16.cu")),
            arena_printf(&job, "%zu", i));
    fclose(f);
    void *library = emulated_compile(&c, text);
    free(text);
    ck_assert_msg(library != NULL, "%s", c.message);
    return library;
}

static void check_warpgroups(void *library, size_t number, int m, int n, int k, long long blocks) {
    uint32_t seed = (uint32_t)(m + 3 * n + 7 * k);
    int *a_numbers, *b_numbers, *unused;
    uint16_t *a = random_matrix((size_t)(m * k), &seed, &a_numbers);
    uint16_t *b = random_matrix((size_t)(k * n), &seed, &b_numbers);
    uint16_t *product = random_matrix((size_t)(m * n + 1), &seed, &unused);
    for (int i = 0; i <= m * n; i++) product[i] = 0x7fc1;
    const box_map both[] = {{.data = a, .rows = m, .columns = k, .box_rows = 128, .box_columns = 64},
                            {.data = b, .rows = k, .columns = n, .box_rows = 64, .box_columns = 64}},
                  *maps = both;
    const long long sizes[] = {m, n, k, blocks}, *dims = sizes;
    void *params[] = {&maps, &product, &dims};
    emulated_fn *run;
    *(void **)&run = dlsym(library, arena_printf(&job, "run_%zu_wgmma_bf16", number));
    ck_assert(run != NULL);
    ck_assert_int_eq(run(blocks, 384, params), 0);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            int sum = 0;
            for (int l = 0; l < k; l++) sum += a_numbers[i * k + l] * b_numbers[l * n + j];
            ck_assert_msg(product[i * n + j] == bf16_of((float)sum), "%dx%dx%d [%d, %d]: %04x for %d", m, n, k, i, j,
                          product[i * n + j], sum);
        }
    ck_assert_uint_eq(product[m * n], 0x7fc1);
}

START_TEST(product_of_warpgroups) {
    void *library = compile_warpgroups();
    for (size_t i = 0; i < countof(warpgroup_constants); i++) {
        check_warpgroups(library, i, 1, 8, 8, 1);
        check_warpgroups(library, i, 128 * 2 + 5, 256 + 72, 64 * 5 + 8, 2); /* several tiles of a block */
    }
    dlclose(library);
}
END_TEST

typedef enum place { element, reg, lane, warp, N_PLACES } place;
typedef enum axis { row, column, N_AXES } axis;
typedef struct digit {
    place of;
    axis along;
    unsigned step, n; /* n 0 ends a list */
} digit;
typedef struct layout {
    const char *name;
    unsigned extents[N_AXES];
    digit digits[8];
} layout;

static const layout layouts[] = {
#define DIGIT(of, along, step, n)           {of, along, step, n},
#define LAYOUT(name, rows, columns, digits) {#name, {rows, columns}, {digits{0}}},
#include "tests/gpu/spike/layouts.def"
#undef LAYOUT
#undef DIGIT
};

/* How many places of a kind there are. */
static unsigned n_of(const layout *l, place of) {
    unsigned n = 1;
    for (const digit *d = l->digits; d->n; d++)
        if (d->of == of) n *= d->n;
    return n;
}

static void find_element(const layout *l, const unsigned *places, unsigned *out) {
    unsigned rest[N_PLACES];
    memcpy(rest, places, sizeof rest);
    out[row] = out[column] = 0;
    for (const digit *d = l->digits; d->n; d++) {
        out[d->along] += rest[d->of] % d->n * d->step;
        rest[d->of] /= d->n;
    }
}

/* The next combination of places; false behind the last. */
static bool next_places(const layout *l, unsigned *places) {
    for (place p = element; p < N_PLACES; p++) {
        if (++places[p] < n_of(l, p)) return true;
        places[p] = 0;
    }
    return false;
}

START_TEST(layouts_cover_each_element_once) {
    for (size_t i = 0; i < countof(layouts); i++) {
        const layout *l = &layouts[i];
        unsigned char *seen = ARENA_ARRAY(&job, unsigned char, l->extents[row] * l->extents[column]);
        unsigned places[N_PLACES] = {0}, at[N_AXES], n = 0;
        do {
            find_element(l, places, at);
            ck_assert_msg(at[row] < l->extents[row] && at[column] < l->extents[column], "%s leaves its matrix",
                          l->name);
            ck_assert_msg(!seen[at[row] * l->extents[column] + at[column]]++, "%s has [%u, %u] twice", l->name, at[row],
                          at[column]);
            n++;
        } while (next_places(l, places));
        ck_assert_msg(n == l->extents[row] * l->extents[column], "%s has %u elements", l->name, n);
        ck_assert_uint_eq(n_of(l, lane), 32);
    }
}
END_TEST

/* The formulas of matmul_bf16.cu's comment, which its emulated run shows to be right. */
START_TEST(layouts_are_those_of_the_kernel) {
    for (size_t i = 0; i < 3; i++) {
        const layout *l = &layouts[i];
        unsigned places[N_PLACES] = {0}, at[N_AXES];
        do {
            const unsigned g = places[lane] / 4, t = places[lane] % 4, r = places[reg], e = places[element];
            const unsigned meant[][N_AXES] = {
                {g + 8 * (r % 2), 2 * t + e + 8 * (r / 2)}, {2 * t + e + 8 * r, g}, {g + 8 * (r / 2), 2 * t + r % 2}};
            find_element(l, places, at);
            ck_assert_uint_eq(at[row], meant[i][row]);
            ck_assert_uint_eq(at[column], meant[i][column]);
        } while (next_places(l, places));
    }
}
END_TEST

/* A tile of rows of n chunks of 16 bytes: each chunk has a place of its own, and one chunk of 8 neighbouring rows lies
 * in 8 different groups of 4 banks. */
START_TEST(swizzles_avoid_bank_conflicts) {
    for (unsigned n = 1; n <= 32; n *= 2) {
        unsigned char seen[64 * 32] = {0};
        for (unsigned r = 0; r < 64; r++)
            for (unsigned chunk = 0; chunk < n; chunk++) {
                const unsigned turn = n >= 8 ? r % 8 : r / (8 / n) % n, at = r * n + (chunk ^ turn);
                ck_assert(at < 64 * n && !seen[at]++);
            }
        for (unsigned r = 0; r < 64; r += 8)
            for (unsigned chunk = 0; chunk < n; chunk++) {
                unsigned banks = 0;
                for (unsigned j = r; j < r + 8; j++)
                    banks |= 1u << (j * n + (chunk ^ (n >= 8 ? j % 8 : j / (8 / n) % n))) % 8;
                ck_assert_uint_eq(banks, 0xff);
            }
    }
}
END_TEST

int main(void) {
    TCase *t = tcase_create("cuda_spike");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 240);
    tcase_add_test(t, product_on_tensor_cores);
    tcase_add_test(t, product_of_warpgroups);
    tcase_add_test(t, layouts_cover_each_element_once);
    tcase_add_test(t, layouts_are_those_of_the_kernel);
    tcase_add_test(t, swizzles_avoid_bank_conflicts);
    Suite *s = suite_create("cuda_spike");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
