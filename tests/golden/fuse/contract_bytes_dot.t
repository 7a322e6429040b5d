# frit: opt %s -p core,fuse
# input: tests/lower/contract_bytes_dot.fir
---
groups @dots {
  group 0 contract over i < B {
    %y = contract %x, %w {lhs = "bk", rhs = "bk", out = "b"} : i32[B]
    stores %y
  }
}
