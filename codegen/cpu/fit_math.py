# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where the coefficients of cpu_math*.c come from: minimax polynomials by the Remez exchange in high precision, then rounded
to the target format from the lowest order up, refitting the rest each time. Needs mpmath; run it to print them all."""

import struct
import sys

from mpmath import mp, mpf, exp, expm1, log, sin, cos, atan, sqrt, pi, erf, erfc, matrix, lu_solve, tan

mp.prec = 300


def remez(f, weight, lo, hi, n_terms, power):
    """Coefficients c of sum(c[i] * x**power(i)) with the least largest |weight(x) * (p(x) - f(x))| on [lo, hi]."""
    lo, hi = mpf(lo), mpf(hi)
    n = n_terms + 1
    xs = [(lo + hi) / 2 - (hi - lo) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    coefficients, best = None, None
    for _ in range(30):
        a, b = matrix(n, n), matrix(n, 1)
        for i, x in enumerate(xs):
            for j in range(n_terms):
                a[i, j] = x ** power(j)
            a[i, n_terms] = (-1) ** i / weight(x)
            b[i] = f(x)
        solved = lu_solve(a, b)
        coefficients = [solved[j] for j in range(n_terms)]

        def error(x):
            return weight(x) * (sum(c * x ** power(j) for j, c in enumerate(coefficients)) - f(x))

        grid = [lo + (hi - lo) * i / 1200 for i in range(1201)]
        values = [error(x) for x in grid]
        extrema = []
        for i, v in enumerate(values):
            is_edge = i in (0, len(values) - 1)
            if is_edge or (abs(v) >= abs(values[i - 1]) and abs(v) >= abs(values[i + 1])):
                if extrema and (extrema[-1][1] > 0) == (v > 0):
                    if abs(v) > abs(extrema[-1][1]):
                        extrema[-1] = (grid[i], v)
                else:
                    extrema.append((grid[i], v))
        while len(extrema) > n:
            extrema.pop(0 if abs(extrema[0][1]) < abs(extrema[-1][1]) else -1)
        best = max(abs(v) for v in values)
        if len(extrema) < n or best / min(abs(v) for _, v in extrema) < 1.001:
            break
        xs = [x for x, _ in extrema]
    return coefficients, best


def to_format(x, single):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0]) if single else mpf(float(x))


def fit(name, f, weight, lo, hi, n_terms, power=lambda j: j, single=True):
    """Rounds coefficient after coefficient, refitting those that follow."""
    fixed, c = [], None
    for done in range(n_terms):
        rest = lambda x: f(x) - sum(c * x ** power(j) for j, c in enumerate(fixed))
        if done == 0 or lo >= 0:  # powers from 1 on have no unique best fit around 0
            c, _ = remez(rest, weight, lo, hi, n_terms - done, lambda j: power(j + done))
        else:
            c = c[1:]
        fixed.append(to_format(c[0], single))
    error = max(abs(weight(x) * (sum(c * x ** power(j) for j, c in enumerate(fixed)) - f(x)))
                for x in (mpf(lo) + (mpf(hi) - lo) * i / 2000 for i in range(2001)))
    digits = ", ".join(("%.9g" if single else "%.17g") % float(c) for c in fixed)
    print("%s: error 2^%.1f\n    {%s}" % (name, float(log(error, 2)), digits))
    sys.stdout.flush()


def small(f, series):
    """f, with its limit near 0, where f itself cancels."""
    return lambda x: series if abs(x) < mpf(10) ** -35 else f(x)


HALF_LN2 = log(2) / 2 * mpf("1.0005")
EIGHTH = tan(pi / 8) * mpf("1.0005")
QUARTER = pi / 4 * mpf("1.0005")
ERFC_LOG = lambda x: -log(erfc(x))
EVEN = lambda x: mpf(1)

EXP = small(lambda r: (expm1(r) - r) / r**2, mpf("0.5"))
LOG = small(lambda f: (log(1 + f) - f + f * f / 2) / f**3, mpf(1) / 3)
ODD = lambda g: (lambda z: (g(sqrt(z)) / sqrt(z) - 1) / z)
SINW = lambda z: sqrt(z) * z / sin(sqrt(z)) 
COS = lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2
COSW = lambda z: z**2 / cos(sqrt(z)) 
ATANW = lambda z: sqrt(z) * z / atan(sqrt(z)) 
ATANH = lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2) / z
ERF = lambda z: erf(sqrt(z)) / sqrt(z)
ERFW = lambda z: sqrt(z) / erf(sqrt(z))
SMALL = mpf(10) ** -12

if __name__ == "__main__":
    for single, suffix in ((True, "f32"), (False, "f64")):
        pick = lambda a, b: a if single else b
        if single:
            fit("exp by table f32", EXP, EVEN, -HALF_LN2 / 16, HALF_LN2 / 16, 2)
        fit("exp " + suffix, EXP, EVEN, -HALF_LN2, HALF_LN2, pick(5, 10), single=single)
        fit("expm1 " + suffix, EXP, EVEN, -HALF_LN2, HALF_LN2, pick(6, 11), single=single)
        if single:
            fit("log f32", LOG, EVEN, sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1, 8)
        else:
            z = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2
            fit("log f64 (of s*s)", ATANH, lambda z: z, SMALL, z, 7, single=False)
        fit("sin " + suffix, ODD(sin), SINW, SMALL, QUARTER**2, pick(3, 6), single=single)
        fit("cos " + suffix, COS, COSW, SMALL, QUARTER**2, pick(3, 6), single=single)
        fit("atan " + suffix, ODD(atan), ATANW, SMALL, EIGHTH**2, pick(4, 11), single=single)
        fit("erf below 1 " + suffix, ERF, ERFW, SMALL, 1, pick(6, 12), single=single)
        fit("-log(erfc) " + suffix, ERFC_LOG, erfc, pick(mpf("0.95"), mpf("0.95")), pick(mpf("4.0"), mpf("6.0")), pick(7, 21), single=single)
