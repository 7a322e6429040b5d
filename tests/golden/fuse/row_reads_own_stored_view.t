# frit: opt %s -p core,fuse
# input: tests/lower/row_reads_own_stored_view.fir
---
groups @f {
  group 0 row over i < A reducing j < 17, k < 6, l < 5 {
    %0 = reduce %x {axes = [1, 2, 3]} : f32[A]
    %1 = exp %0 : f32[A]
    %4 = le %2, %3 : bool[A, 1]
    along %2 = reshape %1 {dims = [A, 1]} : f32[A, 1]
    stores %1 as %2
    stores %4
  }
  group 1 row over i_1 < A, j_1 < 17 reducing k_1 < 6, l_1 < 5 {
    %5 = reduce %x {kind = max, axes = [2, 3]} : f32[A, 17]
    stores %5
  }
}
