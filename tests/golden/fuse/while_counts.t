# frit: opt %s -p core,fuse
# input: tests/lower/while_counts.fir
---
groups @while_counts {
  group 0 row reducing i < N {
    %r = reduce %k {kind = max, axes = [0]} : i64[]
    %count = add %r, %three : i64[]
    stores %count
  }
  group 1 region {
    %a, %all, %n = while %count, %yes, %x {n_carried = 1, trips = [trips]} : f32[N, 6], f32[trips, N, 6], i64[trips]
    stores %a
    stores %all
    stores %n
  }
  group 2 row reducing i_1 < N, j < 6 in region 0 of while %a {
    %w = mul %v, %half : f32[N, 6]
    %s = add %w, %u : f32[N, 6]
    %sum = reduce %s {kind = max, axes = [0, 1]} : f32[]
    %on = lt %sum, %limit : bool[]
    along %f = cast %i {to = f32} : f32[]
    along %u = add %x, %f : f32[N, 6]
    stores %w
    stores %s
    stores %on
  }
  group 3 map in region 0 of while %a, dissolved into its users {
    %f = cast %i {to = f32} : f32[]
  }
  group 4 map over i_2 < N, j_1 < 6 in region 0 of while %a, dissolved into its users {
    %u = add %x, %f : f32[N, 6]
  }
  group 5 map in region 0 of while %a {
    copies %i
  }
  0 -> 1 %count: an if or a loop takes and gives whole tensors
}
