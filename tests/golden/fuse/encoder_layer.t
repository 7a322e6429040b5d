# frit: opt %s -p core,fuse
# input: tests/lower/encoder_layer.fir
---
groups @layer {
  group 0 contract over i < B, j < S, k < 96 {
    %0 = contract %x, %wqkv {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 96]
    %1 = add %0, %bqkv : f32[B, S, 96]
    along %2 = reshape %1 {dims = [B, S, 3, 4, 8]} : f32[B, S, 3, 4, 8]
    along %3 = transpose %2 {perm = [2, 0, 3, 1, 4]} : f32[3, B, 4, S, 8]
    stores %1 as %3
  }
  group 1 attend over i_1 < B, j_1 < 4, k_1 < S, l < 8 {
    %a = attend %q, %k, %v : f32[B, 4, S, 8]
    along %q0 = slice %3 {starts = [0, 0, 0, 0, 0], sizes = [1, B, 4, S, 8], steps = [1, 1, 1, 1, 1]} : f32[1, B, 4, S, 8]
    along %k0 = slice %3 {starts = [1, 0, 0, 0, 0], sizes = [1, B, 4, S, 8], steps = [1, 1, 1, 1, 1]} : f32[1, B, 4, S, 8]
    along %v0 = slice %3 {starts = [2, 0, 0, 0, 0], sizes = [1, B, 4, S, 8], steps = [1, 1, 1, 1, 1]} : f32[1, B, 4, S, 8]
    along %q = reshape %q0 {dims = [B, 4, S, 8]} : f32[B, 4, S, 8]
    along %k = reshape %k0 {dims = [B, 4, S, 8]} : f32[B, 4, S, 8]
    along %v = reshape %v0 {dims = [B, 4, S, 8]} : f32[B, 4, S, 8]
    along %t = transpose %a {perm = [0, 2, 1, 3]} : f32[B, S, 4, 8]
    along %r = reshape %t {dims = [B, S, 32]} : f32[B, S, 32]
    stores %a as %r
  }
  group 2 contract over i_2 < B, j_2 < S, k_2 < 32 {
    %p = contract %r, %wo {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 32]
    %h = add %p, %x : f32[B, S, 32]
    stores %h
  }
  group 3 row over i_3 < B, j_3 < S reducing k_3 < 32 {
    %4 = reduce %h {axes = [2]} : f32[B, S]
    %7 = mul %5, %6 : f32[B, S, 1]
    %8 = sub %h, %7 : f32[B, S, 32]
    %9 = mul %8, %8 : f32[B, S, 32]
    %10 = reduce %9 {axes = [2]} : f32[B, S]
    %12 = mul %11, %6 : f32[B, S, 1]
    %14 = add %12, %13 : f32[B, S, 1]
    %15 = sqrt %14 : f32[B, S, 1]
    %17 = div %16, %15 : f32[B, S, 1]
    %18 = mul %8, %17 : f32[B, S, 32]
    %19 = mul %18, %g : f32[B, S, 32]
    %n = add %19, %b : f32[B, S, 32]
    along %5 = reshape %4 {dims = [B, S, 1]} : f32[B, S, 1]
    along %11 = reshape %10 {dims = [B, S, 1]} : f32[B, S, 1]
    stores %n
  }
  group 4 contract over i_4 < B, j_4 < S, k_4 < 80 {
    %u = contract %n, %w1 {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 80]
    %ub = add %u, %b1 : f32[B, S, 80]
    %21 = mul %20, %ub : f32[B, S, 80]
    %23 = mul %ub, %22 : f32[B, S, 80]
    %24 = erf %23 : f32[B, S, 80]
    %25 = add %16, %24 : f32[B, S, 80]
    %ge = mul %21, %25 : f32[B, S, 80]
    stores %ge
  }
  group 5 contract over i_5 < B, j_5 < S, k_5 < 32 {
    %d = contract %ge, %w2 {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 32]
    %y = add %d, %n : f32[B, S, 32]
    stores %y
  }
  0 -> 1 %3: a product reads each element of its operands many times, and computing this one again costs more than memory
  1 -> 2 %r: a product reads each element of its operands many times, and computing this one again costs more than memory
  2 -> 3 %h: a reduction of a result needs whole rows of it, which no tile of that kernel holds
  3 -> 4 %n: a product reads each element of its operands many times, and computing this one again costs more than memory
  4 -> 5 %ge: a product reads each element of its operands many times, and computing this one again costs more than memory
  3 -> 5 %n: that kernel is built around another node and reads this one as a finished tensor
}
