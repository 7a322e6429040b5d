# frit: opt %s -p core,fuse
# input: tests/lower/contract_of_gathered_rows.fir
---
groups @f {
  group 0 map over i < 5, j < 39, dissolved into its users {
    %0 = gather_elements %t, %i {axis = 0} : f32[5, 39]
  }
  group 1 contract over i_1 < 5, j_1 < 34 {
    %1 = contract %0, %w {lhs = "mk", rhs = "kn", out = "mn"} : f32[5, 34]
    along %0 = gather_elements %t, %i {axis = 0} : f32[5, 39]
    stores %1
  }
}
