# frit: opt %s -p core,fuse
# input: tests/lower/contract_bf16.fir
---
groups @rounded {
  group 0 map over i < B, j < M, k < 37 {
    %e = add %x, %x : f32[B, M, 37]
    %a = cast %e {to = bf16} : bf16[B, M, 37]
    stores %a
  }
  group 1 contract over i_1 < B, j_1 < M, k_1 < 70 {
    %p = contract %a, %w {lhs = "bmk", rhs = "kn", out = "bmn"} : f32[B, M, 70]
    %y = add %p, %b : f32[B, M, 70]
    stores %y
  }
  0 -> 1 %a: a product reads each element of its operands many times, and computing this one again costs more than memory
}
