# frit: opt %s -p core,fuse
# input: tests/lower/siblings_gate.fir
---
groups @gate {
  group 0 contract over i < M, j < 90 {
    %g = contract %x, %wg {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 90]
    %1 = neg %g : f32[M, 90]
    %2 = exp %1 : f32[M, 90]
    %3 = add %0, %2 : f32[M, 90]
    %s = div %0, %3 : f32[M, 90]
    %t = mul %g, %s : f32[M, 90]
    %u = contract %x, %wu {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 90]
    %y = mul %t, %u : f32[M, 90]
    stores %y
  }
}
