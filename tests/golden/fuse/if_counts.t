# frit: opt %s -p core,fuse
# input: tests/lower/if_counts.fir
---
groups @if_counts {
  group 0 row reducing i < 2 {
    %sum = reduce %k {axes = [0]} : f32[]
    %c = lt %sum, %zero : bool[]
    stores %c
  }
  group 1 region {
    %y, %s = if %c {dims = [either, 8, either]} : f32[either, 8], f32[either]
    stores %y
    stores %s
  }
  group 2 contract over i_1 < either, j < either {
    %o = contract %y, %y {lhs = "ij", rhs = "kj", out = "ik"} : f32[either, either]
    stores %o
  }
  group 3 row reducing i_2 < N in region 0 of if %y {
    %p = gt %flat, %zero : bool[N]
    %0 = cast %p {to = i64} : i64[N]
    %1 = reduce %0 {axes = [0]} : i64[]
    along %first = slice %x {starts = [0, 0], sizes = [N, 1], steps = [1, 1]} : f32[N, 1]
    along %flat = reshape %first {dims = [N]} : f32[N]
    stores %p
    stores %1
  }
  group 4 stage over i_3 < 1, j_1 < nonzero in region 0 of if %y {
    %at = nonzero %p, %1 {dims = [nonzero]} : i64[1, nonzero]
    stores %at
  }
  group 5 map over i_4 < nonzero, j_2 < 8 in region 0 of if %y, dissolved into its users {
    %rows = gather %x, %at1 {axis = 0} : f32[nonzero, 8]
  }
  group 6 contract over i_5 < nonzero, j_3 < 8 in region 0 of if %y {
    %prod = contract %rows, %w {lhs = "ij", rhs = "jk", out = "ik"} : f32[nonzero, 8]
    along %at1 = reshape %at {dims = [nonzero]} : i64[nonzero]
    along %rows = gather %x, %at1 {axis = 0} : f32[nonzero, 8]
    stores %prod
  }
  group 7 row over i_6 < nonzero reducing j_4 < 8 in region 0 of if %y {
    %m = reduce %prod {kind = max, axes = [1]} : f32[nonzero]
    stores %m
  }
  group 8 row over i_7 < N + 2 reducing j_5 < 8 in region 1 of if %y {
    %pad = pad %x, %zero {lo = [2, 0], hi = [0, 0]} : f32[N + 2, 8]
    %e = exp %pad : f32[N + 2, 8]
    %t = reduce %e {axes = [1]} : f32[N + 2]
    stores %e
    stores %t
  }
  group 9 map over i_8 < 1 {
    copies %n
  }
  0 -> 1 %c: an if or a loop takes and gives whole tensors
  1 -> 2 %y: an if or a loop takes and gives whole tensors
  3 -> 4 %p: a stage of its own kind stands between whole tensors
  3 -> 4 %1: a stage of its own kind stands between whole tensors
  4 -> 6 %at: a stage of its own kind stands between whole tensors
  6 -> 7 %prod: a reduction of a result needs whole rows of it, which no tile of that kernel holds
}
