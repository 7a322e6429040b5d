# frit: opt %s -p core,fuse
# input: tests/lower/attend_of_gathered_keys.fir
---
groups @attend_of_gathered_keys {
  group 0 map over i < T, dissolved into its users {
    %1 = add %i, %0 : i64[T]
  }
  group 1 map over i_1 < 2, j < T, k < 4, dissolved into its users {
    %2 = gather %table, %1 {axis = 1} : f32[2, T, 4]
  }
  group 2 attend over i_2 < 2, j_1 < S, k_1 < 4 {
    %3 = attend %q, %2, %2 : f32[2, S, 4]
    along %1 = add %i, %0 : i64[T]
    along %2 = gather %table, %1 {axis = 1} : f32[2, T, 4]
    stores %3
  }
}
