# frit: opt %s -p core,fuse
# input: tests/lower/if_demands.fir
---
groups @if_demands {
  group 0 map over i < 1 {
    %same = eq %n, %m : bool[1]
    along %n = from_dims {dims = [N]} : i64[1]
    along %m = from_dims {dims = [M]} : i64[1]
    along %c = reshape %same : bool[]
    stores %same as %c
  }
  group 1 region {
    %y = if %c : f32[N, 4]
    stores %y
  }
  group 2 contract over i_1 < N, j < 4 in region 0 of if %y {
    %s = contract %x, %z {lhs = "ab", rhs = "ab", out = "ab"} : f32[N, 4]
    stores %s
  }
  group 3 map over i_2 < N, j_1 < 4 in region 1 of if %y {
    %e = exp %x : f32[N, 4]
    stores %e
  }
  0 -> 1 %c: an if or a loop takes and gives whole tensors
}
