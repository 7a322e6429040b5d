# run: flatten
func @f(%x: f32[B]) -> (%y: f32[]) {
  %c = const splat(false) : bool[]
  %r = if %c, %x region(%a: f32[B]) {
    %n = reduce %a {axes = [0]}
    yield %n
  } region(%b: f32[B]) {
    %m = reduce %b {kind = max, axes = [0]}
    yield %m
  }
  return %r
}
---
func @f(%x: f32[B]) -> (%y: f32[]) where B in 1..65536 {
  %m = reduce %x {kind = max, axes = [0]} : f32[]
  return %m
}
