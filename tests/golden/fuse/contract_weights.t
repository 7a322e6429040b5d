# frit: opt %s -p core,fuse
# input: tests/lower/contract_weights.fir
---
groups @weights {
  group 0 map over i < 70, j < 100, dissolved into its users {
    %fa = cast %qa {to = f32} : f32[70, 100]
    %wa = mul %fa, %sa : f32[70, 100]
  }
  group 1 contract over i_1 < M, j_1 < 100 {
    %a = contract %x, %wa {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 100]
    along %fa = cast %qa {to = f32} : f32[70, 100]
    along %wa = mul %fa, %sa : f32[70, 100]
    stores %a
  }
  group 2 map over i_2 < 130, j_2 < 3, dissolved into its users {
    %fz = cast %z {to = f32} : f32[130, 3]
  }
  group 3 map over i_3 < 130, j_3 < 3, k < 32, dissolved into its users {
    %fb = cast %qb {to = f32} : f32[130, 3, 32]
    %db = sub %fb, %z3 : f32[130, 3, 32]
    %eb = mul %db, %sb : f32[130, 3, 32]
  }
  group 4 contract over i_4 < M, j_4 < 130 {
    %b = contract %x, %wb {lhs = "mk", rhs = "nk", out = "mn"} : f32[M, 130]
    along %fz = cast %z {to = f32} : f32[130, 3]
    along %z3 = reshape %fz {dims = [130, 3, 1]} : f32[130, 3, 1]
    along %fb = cast %qb {to = f32} : f32[130, 3, 32]
    along %db = sub %fb, %z3 : f32[130, 3, 32]
    along %eb = mul %db, %sb : f32[130, 3, 32]
    along %gb = reshape %eb {dims = [130, 96]} : f32[130, 96]
    along %wb = slice %gb {starts = [0, 0], sizes = [130, 70], steps = [1, 1]} : f32[130, 70]
    stores %b
  }
  group 5 map over i_5 < 70, j_5 < 64, dissolved into its users {
    %fc = cast %qc {to = f32} : f32[70, 64]
    %ic = mul %hc, %sc : f32[7, 10, 64]
  }
  group 6 contract over i_6 < M, j_6 < 64 {
    %c = contract %x, %wc {lhs = "mk", rhs = "kn", out = "mn"} : f32[M, 64]
    along %fc = cast %qc {to = f32} : f32[70, 64]
    along %hc = reshape %fc {dims = [7, 10, 64]} : f32[7, 10, 64]
    along %ic = mul %hc, %sc : f32[7, 10, 64]
    along %wc = reshape %ic {dims = [70, 64]} : f32[70, 64]
    stores %c
  }
}
