# run: canonicalize
func @f(%x: i32[B, 3], %y: i32[B, 3]) -> (%z: i32[B, 3]) {
  %a = sub %x, %x
  %r = max %a, %y
  return %r
}
---
func @f(%x: i32[B, 3], %y: i32[B, 3]) -> (%z: i32[B, 3]) where B in 1..65536 {
  %0 = const splat(0) : i32[]
  %r = max %0, %y : i32[B, 3]
  return %r
}
