# frit: opt %s -p core,fuse
# input: tests/lower/quantised_block.fir
---
groups @block {
  group 0 contract over i < N, j < 32 {
    %p = contract %x, %w {lhs = "nk", rhs = "ko", out = "no"} : i32[N, 32]
    %f = cast %p {to = f32} : f32[N, 32]
    %g = mul %f, %s : f32[N, 32]
    %m = max %g, %lo : f32[N, 32]
    %c = min %m, %hi : f32[N, 32]
    %q = cast %c {to = u8} : u8[N, 32]
    %a = cast %q {to = f32} : f32[N, 32]
    %b = sub %a, %z : f32[N, 32]
    %e = mul %b, %s : f32[N, 32]
    %h = add %e, %n : f32[N, 32]
    %d = mul %h, %r : f32[N, 32]
    stores %q
    stores %d
  }
  group 1 contract over i_1 < N, j_1 < 16 {
    %t = contract %q, %v {lhs = "nk", rhs = "ko", out = "no"} : i32[N, 16]
    stores %t
  }
  group 2 row over i_2 < N reducing j_2 < 32 {
    %k = reduce %r {axes = [1]} : f32[N]
    along %n = reshape %k {dims = [N, 1]} : f32[N, 1]
    stores %k as %n
  }
  2 -> 0 %n: that kernel is built around another node and reads this one as a finished tensor
  0 -> 1 %q: a product reads each element of its operands many times, and computing this one again costs more than memory
}
