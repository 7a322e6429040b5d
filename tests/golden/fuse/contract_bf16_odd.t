# frit: opt %s -p core,fuse
# input: tests/lower/contract_bf16_odd.fir
---
groups @odd_k {
  group 0 contract over i < M, j < N {
    %y = contract %x, %w {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, N]
    stores %y
  }
}
