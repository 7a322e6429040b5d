# run: flatten
func @f(%c: bool[], %x: f32[B]) -> (%y: f32[]) {
  %r = if %c, %x region(%a: f32[B]) {
    %n = reduce %a {axes = [0]}
    yield %n
  } region(%b: f32[B]) {
    %n = reduce %b {kind = max, axes = [0]}
    yield %n
  }
  return %r
}
---
func @f(%c: bool[], %x: f32[B]) -> (%y: f32[]) where B in 1..65536 {
  %r = if %c, %x region(%a: f32[B]) {
    %n = reduce %a {axes = [0]} : f32[]
    yield %n
  } region(%b: f32[B]) {
    %n#1 = reduce %b {kind = max, axes = [0]} : f32[]
    yield %n#1
  } : f32[]
  return %r
}
