# run: flatten
func @f(%x: f32[B]) -> (%y: f32[B], %s: f32[3, B]) {
  %n = const splat(3) : i64[]
  %go = const splat(true) : bool[]
  %r, %all = while %n, %go, %x {n_carried = 1} region(%i: i64[], %c: bool[], %v: f32[B]) {
    %f = cast %i {to = f32}
    %w = add %v, %f
    %t = const splat(true) : bool[]
    yield %t, %w, %v
  }
  return %r, %all
}
---
func @f(%x: f32[B]) -> (%y: f32[B], %s: f32[3, B]) where B in 1..65536 {
  %0 = const splat(0) : i64[]
  %f = cast %0 {to = f32} : f32[]
  %w = add %x, %f : f32[B]
  %1 = const splat(1) : i64[]
  %f#1 = cast %1 {to = f32} : f32[]
  %w#1 = add %w, %f#1 : f32[B]
  %2 = const splat(2) : i64[]
  %f#2 = cast %2 {to = f32} : f32[]
  %w#2 = add %w#1, %f#2 : f32[B]
  %3 = reshape %x {dims = [1, B]} : f32[1, B]
  %4 = reshape %w {dims = [1, B]} : f32[1, B]
  %5 = reshape %w#1 {dims = [1, B]} : f32[1, B]
  %all = concat %3, %4, %5 {axis = 0} : f32[3, B]
  return %w#2, %all
}
