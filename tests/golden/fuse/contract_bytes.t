# frit: opt %s -p core,fuse
# input: tests/lower/contract_bytes.fir
---
groups @integer_matmul {
  group 0 contract over i < B, j < M, k < 70 {
    %p = contract %x, %w {lhs = "bmk", rhs = "kn", out = "bmn"} : i32[B, M, 70]
    %d = sub %p, %zi : i32[B, M, 70]
    %f = cast %d {to = f32} : f32[B, M, 70]
    %y = mul %f, %s : f32[B, M, 70]
    along %zi = cast %z {to = i32} : i32[]
    stores %y
  }
  group 1 map, dissolved into its users {
    %zi = cast %z {to = i32} : i32[]
  }
}
