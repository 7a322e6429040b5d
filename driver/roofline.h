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
} roofline;

/* Takes about a quarter of a second. False when memory lacks. */
bool roofline_measure(uint32_t n_threads, roofline *out);
/* Least milliseconds that work of so many operations and bytes takes. */
double roofline_ms(const roofline *r, double flops, double bytes);

#endif
