# run: flatten
func @f(%c: bool[], %x: f32[B]) -> (%y: f32[B]) {
  %r = if %c, %x region(%a: f32[B]) {
    %n = neg %a
    yield %n
  } region(%b: f32[B]) {
    yield %b
  }
  return %r
}
---
func @f(%c: bool[], %x: f32[B]) -> (%y: f32[B]) where B in 1..65536 {
  %n = neg %x : f32[B]
  %r = select %c, %n, %x : f32[B]
  return %r
}
