# frit: opt %s -p core,fuse
# input: tests/lower/attend_formula_mask.fir
---
groups @att {
  group 0 map over i < S, j < S, dissolved into its users {
    %c = le %j, %i : bool[S, S]
  }
  group 1 map over i_1 < B, j_1 < 1, k < S, l < S, dissolved into its users {
    %a = and %c, %m4 : bool[B, 1, S, S]
    %f = select %a, %zero, %low : f32[B, 1, S, S]
  }
  group 2 attend over i_2 < B, j_2 < 2, k_1 < S, l_1 < 16 {
    %0 = attend %q, %k, %v, %f : f32[B, 2, S, 16]
    along %i = iota {dims = [S, 1], to = i64} : i64[S, 1]
    along %j = iota {dims = [1, S], axis = 1, to = i64} : i64[1, S]
    along %c = le %j, %i : bool[S, S]
    along %m4 = reshape %m {dims = [B, 1, 1, S]} : bool[B, 1, 1, S]
    along %a = and %c, %m4 : bool[B, 1, S, S]
    along %f = select %a, %zero, %low : f32[B, 1, S, S]
    stores %0
  }
  group 3 attend over i_3 < B, j_3 < 2, k_2 < S, l_2 < 16 {
    %y = attend %0, %k, %v, %f : f32[B, 2, S, 16]
    along %i = iota {dims = [S, 1], to = i64} : i64[S, 1]
    along %j = iota {dims = [1, S], axis = 1, to = i64} : i64[1, S]
    along %c = le %j, %i : bool[S, S]
    along %m4 = reshape %m {dims = [B, 1, 1, S]} : bool[B, 1, 1, S]
    along %a = and %c, %m4 : bool[B, 1, S, S]
    along %f = select %a, %zero, %low : f32[B, 1, S, S]
    stores %y
  }
  2 -> 3 %0: a product reads each element of its operands many times, and computing this one again costs more than memory
}
