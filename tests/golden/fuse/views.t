# frit: opt %s -p core,fuse
# input: tests/lower/views.fir
---
groups @v {
  group 0 map over i < B, j < S, k < 6, dissolved into its users {
    %n = neg %x : f32[B, S, 6]
  }
  group 1 map over i_1 < B, j_1 < S, k_1 < 12 {
    %c = concat %x, %n {axis = 2} : f32[B, S, 12]
    along %n = neg %x : f32[B, S, 6]
    stores %c
  }
  group 2 map over i_2 < B, j_2 < B, k_2 < 6 {
    %d = gather %x, %0 {axis = 1} : f32[B, B, 6]
    along %0 = broadcast %z {dims = [B]} : i64[B]
    stores %d
  }
  group 3 map over i_3 < B, j_3 < S, k_3 < 10 {
    %e = pad %x {lo = [0, 0, 1], hi = [0, 0, 3]} : f32[B, S, 10]
    stores %e
  }
  group 4 map over i_4 < B, j_4 < S, k_4 < 6 {
    %1 = exp %x : f32[B, S, 6]
    stores %1
  }
  group 5 map over i_5 < 6, i_6 < S, i_7 < B {
    copies %a
  }
  group 6 map over i_8 < B, i_9 < S, i_10 < 2, i_11 < 3 {
    copies %b
  }
  group 7 map over i_12 < B, i_13 < S, i_14 < 6 {
    copies %f
  }
}
