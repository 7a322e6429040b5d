# frit: opt %s -p core,fuse
# input: tests/lower/siblings_qkv.fir
---
groups @qkv {
  group 0 contract over i < B, j < S, k < 64 {
    %0 = contract %x, %wq {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 64]
    %2 = add %0, %1 : f32[B, S, 64]
    %3 = contract %x, %wk {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 64]
    %4 = contract %x, %wv {lhs = "Amk", rhs = "kn", out = "Amn"} : f32[B, S, 64]
    along %q4 = reshape %2 {dims = [B, S, 4, 16]} : f32[B, S, 4, 16]
    along %k4 = reshape %3 {dims = [B, S, 4, 16]} : f32[B, S, 4, 16]
    along %v4 = reshape %4 {dims = [B, S, 4, 16]} : f32[B, S, 4, 16]
    along %q = transpose %q4 {perm = [0, 2, 1, 3]} : f32[B, 4, S, 16]
    along %k = transpose %k4 {perm = [0, 2, 1, 3]} : f32[B, 4, S, 16]
    along %v = transpose %v4 {perm = [0, 2, 1, 3]} : f32[B, 4, S, 16]
    stores %2 as %q
    stores %3 as %k
    stores %4 as %v
  }
  group 1 attend over i_1 < B, j_1 < 4, k_1 < S, l < 16 {
    %a = attend %q, %k, %v : f32[B, 4, S, 16]
    along %t = transpose %a {perm = [0, 2, 1, 3]} : f32[B, S, 4, 16]
    along %y = reshape %t {dims = [B, S, 64]} : f32[B, S, 64]
    stores %a as %y
  }
  0 -> 1 %q: a product reads each element of its operands many times, and computing this one again costs more than memory
  0 -> 1 %k: a product reads each element of its operands many times, and computing this one again costs more than memory
  0 -> 1 %v: a product reads each element of its operands many times, and computing this one again costs more than memory
}
