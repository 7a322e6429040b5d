# frit: opt %s -p core,fuse
# input: tests/lower/if_counts_in_loop.fir
---
groups @if_counts_in_loop {
  group 0 region {
    %a, %t = while %seven, %yes, %x {n_carried = 1, trips = [7]} : f32[N, 4], f32[7]
    stores %a
    stores %t
  }
  group 1 map in region 0 of while %a {
    %rest = rem %i, %two : i64[]
    %even = cast %rest {to = bool} : bool[]
    stores %even
  }
  group 2 region in region 0 of while %a {
    %r = if %even {dims = [either, 4]} : f32[either, 4]
    stores %r
  }
  group 3 row reducing i < either, j < 4 in region 0 of while %a {
    %total = reduce %r {axes = [0, 1]} : f32[]
    %part = mul %total, %small : f32[]
    stores %total
    stores %part
  }
  group 4 map over i_1 < N, j_1 < 4 in region 0 of while %a {
    %w = sub %v, %part : f32[N, 4]
    stores %w
  }
  group 5 row over i_2 < N reducing j_2 < 4 in region 0 of if %r {
    %p = reduce %v {kind = max, axes = [1]} : f32[N]
    %q = gt %p, %zero : bool[N]
    stores %q
  }
  group 6 row reducing i_3 < N in region 0 of if %r {
    %1 = reduce %0 {axes = [0]} : i64[]
    along %0 = cast %q {to = i64} : i64[N]
    stores %1
  }
  group 7 stage over i_4 < 1, j_3 < nonzero in region 0 of if %r {
    %at = nonzero %q, %1 {dims = [nonzero]} : i64[1, nonzero]
    stores %at
  }
  group 8 map over i_5 < nonzero, j_4 < 4 in region 0 of if %r {
    %rows = gather %v, %at1 {axis = 0} : f32[nonzero, 4]
    along %at1 = reshape %at {dims = [nonzero]} : i64[nonzero]
    stores %rows
  }
  group 9 map over i_6 < 2*N, j_5 < 4 in region 1 of if %r {
    %both = concat %v, %x {axis = 0} : f32[2*N, 4]
    stores %both
  }
  1 -> 2 %even: an if or a loop takes and gives whole tensors
  2 -> 3 %r: an if or a loop takes and gives whole tensors
  3 -> 4 %part: the reader's elements do not map one to one to the writer's
  5 -> 6 %q: they reduce over other axes, so that no row holds what both need
  5 -> 7 %q: a stage of its own kind stands between whole tensors
  6 -> 7 %1: a stage of its own kind stands between whole tensors
  7 -> 8 %at: a stage of its own kind stands between whole tensors
}
