# run: flatten
func @f(%x: f32[]) -> (%y: f32[]) {
  %n = const splat(3) : i64[]
  %go = const splat(true) : bool[]
  %r = while %n, %go, %x {n_carried = 1} region(%i: i64[], %c: bool[], %v: f32[]) {
    %w = add %v, %v
    %t = lt %w, %x
    yield %t, %w
  }
  return %r
}
---
func @f(%x: f32[]) -> (%y: f32[]) {
  %n = const splat(3) : i64[]
  %go = const splat(true) : bool[]
  %r = while %n, %go, %x {n_carried = 1} region(%i: i64[], %c: bool[], %v: f32[]) {
    %w = add %v, %v : f32[]
    %t = lt %w, %x : bool[]
    yield %t, %w
  } : f32[]
  return %r
}
