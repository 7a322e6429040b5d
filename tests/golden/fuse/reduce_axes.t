# frit: opt %s -p core,fuse
# input: tests/lower/reduce_axes.fir
---
groups @r {
  group 0 row over j < S, k < 9 reducing i < B {
    %a = reduce %x {axes = [0]} : f32[S, 9]
    stores %a
  }
  group 1 row over i_1 < B, k_1 < 9 reducing j_1 < S {
    %b = reduce %x {kind = max, axes = [1]} : f32[B, 9]
    %e = reduce %x {kind = argmin, axes = [1]} : i64[B, 9]
    %0 = reduce %x {kind = prod, axes = [1]} : f32[B, 9]
    along %f = reshape %0 {dims = [B, 1, 9]} : f32[B, 1, 9]
    stores %b
    stores %e
    stores %0 as %f
  }
  group 2 row reducing i_2 < B, j_2 < S, k_2 < 9 {
    %c = reduce %x {axes = [0, 1, 2]} : f32[]
    stores %c
  }
  group 3 row over i_3 < B, j_3 < S reducing k_3 < 9 {
    %d = reduce %x {kind = argmax, axes = [2]} : i64[B, S]
    stores %d
  }
}
