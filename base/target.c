/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Targets by name, from targets.def, and what this machine's CPU can do. Uses CPUID itself, so that artifacts can ask
 * without LLVM. */
#include "base/target.h"

#include <string.h>

#include "base/str.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

typedef enum feature_id {
#define CPU_FEATURE(name, ...) FEATURE_##name,
#include "base/targets.def"
    N_FEATURES
} feature_id;
_Static_assert(N_FEATURES <= 31, "a set of features is an int");

/* Sets of features. */
typedef enum feature_set {
#define CPU_FEATURE(name, ...)      name = 1 << FEATURE_##name,
#define CPU_LEVEL(name, feature_or) name = feature_or,
#include "base/targets.def"
} feature_set;

typedef enum cpuid_register { EAX, EBX, ECX, EDX } cpuid_register;
typedef struct feature_row {
    const char *text;
    unsigned leaf, subleaf;
    cpuid_register reg;
    unsigned bit;
} feature_row;
static const feature_row feature_rows[] = {
#define CPU_FEATURE(name, text, leaf, subleaf, reg, bit) {text, leaf, subleaf, reg, bit},
#include "base/targets.def"
};

typedef enum cpu_vendor { ANY, AMD, INTEL } cpu_vendor;
typedef struct cpu_row {
    const char *name;
    cpu_vendor vendor;
    unsigned features; /* feature_set */
    uint32_t l1_bytes, l2_bytes;
} cpu_row;
static const cpu_row cpu_rows[] = {
#define CPU(name, vendor, features, l1, l2) {name, vendor, features, l1, l2},
#include "base/targets.def"
};
static const char *const gpu_rows[] = {
#define GPU(arch) arch,
#include "base/targets.def"
};

#if defined(__x86_64__)
/* Bits of XCR0 that the operating system must have set for the upper halves of the registers to be kept. */
enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xe6, XCR0_AMX = 0x60000, TILE_DATA = 18 };

static unsigned xcr0(void) {
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return 0;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* Whether the system lets processes ask for the registers of the matrix unit: some containers do not. */
static bool system_has_amx(void) {
#if defined(__linux__)
    enum { GET_SUPPORTED = 0x1021 }; /* ARCH_GET_XCOMP_SUPP of Linux 5.16 */
    unsigned long supported = 0;
    return syscall(SYS_arch_prctl, GET_SUPPORTED, &supported) == 0 && supported >> TILE_DATA & 1;
#else
    return false;
#endif
}

static unsigned features_here(void) {
    unsigned have = 0;
    for (unsigned i = 0; i < N_FEATURES; i++) {
        const feature_row *f = &feature_rows[i];
        unsigned r[4];
        if (!__get_cpuid_count(f->leaf, f->subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX])) continue;
        if (r[f->reg] >> f->bit & 1) have |= 1u << i;
    }
    unsigned kept = xcr0(), wide = ICELAKE | AVX512BF16 | AVX512FP16 | VP2INTERSECT;
    unsigned avx = AVX | FMA | F16C | AVX2 | AVXVNNI | VPCLMUL;
    if ((kept & XCR0_AVX) != XCR0_AVX) have &= ~avx;
    if ((kept & XCR0_AVX512) != XCR0_AVX512) have &= ~(wide & ~(unsigned)(V3 | ADX | GFNI | VPCLMUL));
    if ((kept & XCR0_AMX) != XCR0_AMX || !system_has_amx()) have &= ~(unsigned)AMX;
    return have;
}

static cpu_vendor vendor_here(void) {
    unsigned eax, name[3];
    if (!__get_cpuid(0, &eax, &name[0], &name[2], &name[1])) return ANY;
    if (memcmp(name, "AuthenticAMD", sizeof name) == 0) return AMD;
    return memcmp(name, "GenuineIntel", sizeof name) == 0 ? INTEL : ANY;
}
#else
static unsigned features_here(void) { return 0; }
static cpu_vendor vendor_here(void) { return ANY; }
#endif

/* The row of this machine, NULL when it is older than every row. */
static const cpu_row *native_row(void) {
    unsigned have = features_here();
    cpu_vendor vendor = vendor_here();
    for (size_t i = 0; i < countof(cpu_rows); i++) {
        const cpu_row *row = &cpu_rows[i];
        if ((row->vendor == ANY || row->vendor == vendor) && (row->features & ~have) == 0) return row;
    }
    return NULL;
}

static const cpu_row *row_named(const char *name) {
    for (size_t i = 0; i < countof(cpu_rows); i++)
        if (strcmp(cpu_rows[i].name, name) == 0) return &cpu_rows[i];
    return NULL;
}

static void target_fill(const cpu_row *row, target *out) {
    bool has_avx512 = row->features & AVX512VL;
    *out = (target){
        .kind = TARGET_CPU,
        .cpu = row->name,
        .features = "",
        .vector_bytes = has_avx512             ? 64
                        : row->features & AVX2 ? 32
                                               : 16,
        .n_vector_regs = has_avx512 ? 32 : 16,
        .has_fma = row->features & FMA,
        .has_masks = has_avx512,
        .has_bf16_dot = row->features & AVX512BF16,
        .has_vnni = row->features & AVX512VNNI,
        .has_f16c = row->features & F16C,
        .has_amx = (row->features & AMX) == AMX,
        .l1_bytes = row->l1_bytes,
        .l2_bytes = row->l2_bytes,
        .arch = "",
    };
}

frit_status target_cpu(cx *c, const char *name, target *out) {
    const cpu_row *row = str_equal(name, "native") ? native_row() : row_named(name);
    if (row) {
        target_fill(row, out);
        return FRIT_OK;
    }
    if (str_equal(name, "native"))
        return FAIL(c, TARGET, "native", "this CPU is older than x86-64-v2; name the CPU to compile for with --cpu");
    const char *names[countof(cpu_rows) + 1] = {"native"};
    for (size_t i = 0; i < countof(cpu_rows); i++) names[i + 1] = cpu_rows[i].name;
    const char *near = str_nearest(name, names, countof(names));
    if (near) return FAIL(c, TARGET, name, "unknown CPU; did you mean %s?", near);
    return FAIL(c, TARGET, name, "unknown CPU; --cpu=help lists those that there are");
}

const char *target_cpu_name(size_t i) { return i < countof(cpu_rows) ? cpu_rows[i].name : NULL; }

const char *target_missing(const char *name, bool uses_amx) {
    const cpu_row *row = row_named(name);
    if (!row) return name;
    unsigned missing = row->features & ~features_here();
    if (!uses_amx) missing &= ~(unsigned)AMX;
    for (unsigned i = 0; i < N_FEATURES; i++)
        if (missing >> i & 1) return feature_rows[i].text;
    return NULL;
}

bool target_ask_for_amx(void) {
#if defined(__x86_64__) && defined(__linux__)
    enum { ASK_FOR_STATE = 0x1023 }; /* ARCH_REQ_XCOMP_PERM */
    return syscall(SYS_arch_prctl, ASK_FOR_STATE, TILE_DATA) == 0;
#else
    return false;
#endif
}

frit_status target_cuda(cx *c, const char *arch, target *out) {
    for (size_t i = 0; i < countof(gpu_rows); i++) {
        if (!str_equal(arch, gpu_rows[i])) continue;
        *out = (target){.kind = TARGET_CUDA, .cpu = "", .features = "", .vector_bytes = 16, .arch = gpu_rows[i]};
        return FRIT_OK;
    }
    const char *near = str_nearest(arch, gpu_rows, countof(gpu_rows));
    if (near) return FAIL(c, TARGET, arch, "unknown GPU architecture; did you mean %s?", near);
    return FAIL(c, TARGET, arch, "unknown GPU architecture; use one such as sm_80, sm_90a or sm_100");
}
