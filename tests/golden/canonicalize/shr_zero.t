# run: canonicalize
func @f(%x: i32[B, 3], %y: i32[B, 3]) -> (%z: i32[B, 3]) {
  %c = const splat(0) : i32[]
  %a = shr %x, %c
  %r = max %a, %y
  return %r
}
---
func @f(%x: i32[B, 3], %y: i32[B, 3]) -> (%z: i32[B, 3]) where B in 1..65536 {
  %r = max %x, %y : i32[B, 3]
  return %r
}
