# run: decompose
func @f(%x: i32[B], %lo: i32[], %hi: i32[]) -> (%y: i32[B]) {
  %y0 = clip %x, %lo, %hi
  return %y0
}
---
func @f(%x: i32[B], %lo: i32[], %hi: i32[]) -> (%y: i32[B]) where B in 1..65536 {
  %0 = max %x, %lo : i32[B]
  %y0 = min %0, %hi : i32[B]
  return %y0
}
