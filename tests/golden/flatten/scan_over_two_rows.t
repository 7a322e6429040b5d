# run: flatten
func @f(%h: f32[3], %x: f32[3, 2], %k: f32[]) -> (%y: f32[3], %s: f32[3, 2]) {
  %r, %all = scan_loop %h, %x, %k {n_carried = 1, in_axes = [1], out_axes = [1], in_reverse = [1]} region(%a: f32[3], %e: f32[3], %q: f32[]) {
    %m = mul %e, %q
    %w = add %a, %m
    yield %w, %m
  }
  return %r, %all
}
---
func @f(%h: f32[3], %x: f32[3, 2], %k: f32[]) -> (%y: f32[3], %s: f32[3, 2]) {
  %0 = slice %x {starts = [0, 1], sizes = [3, 1], steps = [1, 1]} : f32[3, 1]
  %1 = reshape %0 {dims = [3]} : f32[3]
  %m = mul %1, %k : f32[3]
  %w = add %h, %m : f32[3]
  %2 = slice %x {starts = [0, 0], sizes = [3, 1], steps = [1, 1]} : f32[3, 1]
  %3 = reshape %2 {dims = [3]} : f32[3]
  %m#1 = mul %3, %k : f32[3]
  %w#1 = add %w, %m#1 : f32[3]
  %4 = reshape %m {dims = [3, 1]} : f32[3, 1]
  %5 = reshape %m#1 {dims = [3, 1]} : f32[3, 1]
  %all = concat %4, %5 {axis = 1} : f32[3, 2]
  return %w#1, %all
}
