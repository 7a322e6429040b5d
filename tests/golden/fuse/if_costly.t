# frit: opt %s -p core,fuse
# input: tests/lower/if_costly.fir
---
groups @if_costly {
  group 0 row reducing i < 2 {
    %s = reduce %k {axes = [0]} : f32[]
    %c = lt %s, %zero : bool[]
    stores %c
  }
  group 1 map over i_1 < N, j < 16 {
    %e = exp %x : f32[N, 16]
    stores %e
  }
  group 2 region {
    %y, %z = if %c, %e : f32[N, 16], f32[N]
    stores %y
    stores %z
  }
  group 3 contract over i_2 < N, j_1 < 16 in region 0 of if %y {
    %p = contract %v, %w {lhs = "ij", rhs = "jk", out = "ik"} : f32[N, 16]
    stores %p
  }
  group 4 row over i_3 < N reducing j_2 < 16 in region 0 of if %y {
    %q = reduce %p {axes = [1]} : f32[N]
    stores %q
  }
  group 5 row over i_4 < N reducing j_3 < 16 in region 1 of if %y {
    %t = tanh %x : f32[N, 16]
    %m = reduce %t {kind = max, axes = [1]} : f32[N]
    stores %m
  }
  0 -> 2 %c: an if or a loop takes and gives whole tensors
  1 -> 2 %e: an if or a loop takes and gives whole tensors
  3 -> 4 %p: a reduction of a result needs whole rows of it, which no tile of that kernel holds
}
