# frit: opt %s -p core,fuse
# input: tests/lower/nested_loops.fir
---
groups @nested_loops {
  group 0 region {
    %o, %g, %ys, %rev = scan_loop %h, %h, %x {n_carried = 2, in_axes = [0], out_axes = [0, 0], in_reverse = [1], out_reverse = [0, 1]} : f32[5], f32[5], f32[S, 5, T], f32[S, T]
    stores %o
    stores %g
    stores %ys
    stores %rev
  }
  group 1 region in region 0 of scan_loop %o {
    %d, %inner, %s = scan_loop %a, %row {n_carried = 1, in_axes = [0], out_axes = [1, 0], in_reverse = [0], out_reverse = [0, 0]} : f32[5], f32[5, T], f32[T]
    stores %d
    stores %inner
    stores %s
  }
  group 2 row reducing i < 5 in region 0 of scan_loop %d {
    %m = mul %p, %q : f32[5]
    %c = cos %m : f32[5]
    %w = add %c, %b : f32[5]
    %r = reduce %w {axes = [0]} : f32[]
    stores %w
    stores %r
  }
  group 3 map over i_1 < 5 in region 0 of scan_loop %d {
    copies %p
  }
  group 4 map over i_2 < 5, i_3 < T in region 0 of scan_loop %o {
    copies %inner
  }
  group 5 map over i_4 < T in region 0 of scan_loop %o {
    copies %s
  }
  3 -> 2 %p: it is read by several kernels, or at more points than it has elements
}
