/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What this machine can do at most, measured at the start of frit bench: the limits that kernels are held against. */
#ifndef FRIT_DRIVER_ROOFLINE_H
#define FRIT_DRIVER_ROOFLINE_H

#include <stdbool.h>
#include <stdint.h>

/* Rates of all threads together. */
typedef struct roofline {
    uint32_t n_threads;
    double read_gb_s;  /* reading 64 MiB per thread from memory */
    double copy_gb_s;  /* copying as much, bytes read and bytes written both counted */
    double cache_gb_s; /* reading 128 KiB per thread again and again */
    double gflop_s;    /* f32 multiply-adds in registers, two operations each */
    /* The same of bf16 and of bytes, by the widest instruction there is, on the matrix unit where this process may use
     * it; 0: there is none. */
    double bf16_gflop_s, int8_gop_s;
} roofline;

/* Takes about a quarter of a second. False when memory lacks. */
bool roofline_measure(uint32_t n_threads, roofline *out);
/* Least milliseconds that work of so many operations and bytes takes; product_group as in frit_kernel_info. */
double roofline_ms(const roofline *r, uint32_t product_group, double flops, double bytes);

#endif
