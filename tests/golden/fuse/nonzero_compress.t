# frit: opt %s -p core,fuse
# input: tests/lower/nonzero_compress.fir
---
groups @nonzero_compress {
  group 0 row reducing i < N, j < M {
    %p = gt %x, %zero : bool[N, M]
    %0 = cast %p {to = i64} : i64[N, M]
    %1 = reduce %0 {axes = [0, 1]} : i64[]
    stores %p
    stores %1
  }
  group 1 stage over i_1 < 2, j_1 < nonzero {
    %i = nonzero %p, %1 {dims = [nonzero]} : i64[2, nonzero]
    stores %i
  }
  group 2 row reducing i_2 < nonzero {
    %v = gather_nd %x, %t : f32[nonzero]
    %y = exp %v : f32[nonzero]
    %s = reduce %y {axes = [0]} : f32[]
    along %t = transpose %i {perm = [1, 0]} : i64[nonzero, 2]
    stores %y
    stores %s
  }
  group 3 map over i_3 < 1 {
    copies %n
  }
  0 -> 1 %p: a stage of its own kind stands between whole tensors
  0 -> 1 %1: a stage of its own kind stands between whole tensors
  1 -> 2 %i: a stage of its own kind stands between whole tensors
}
