# frit: opt %s -p core,fuse
# input: tests/lower/scan_cell.fir
---
groups @scan_cell {
  group 0 map over i < 8, j < 8 {
    %w1 = mul %w, %tenth : f32[8, 8]
    stores %w1
  }
  group 1 region {
    %h, %y = scan_loop %h0, %x {n_carried = 1, in_axes = [0], out_axes = [0], in_reverse = [0], out_reverse = [0]} : f32[B, 8], f32[S, B, 8]
    stores %h
    stores %y
  }
  group 2 contract over i_1 < B, j_1 < 8 in region 0 of scan_loop %h {
    %p = contract %a, %w1 {lhs = "ij", rhs = "jk", out = "ik"} : f32[B, 8]
    %s = add %p, %b : f32[B, 8]
    %t = tanh %s : f32[B, 8]
    stores %t
  }
  0 -> 2 %w1: a product reads each element of its operands many times, and computing this one again costs more than memory
}
