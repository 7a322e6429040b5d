# run: canonicalize
func @f(%x: i32[B]) -> (%z: i64[B]) {
  %a = cast %x {to = u32}
  %b = cast %a {to = i64}
  return %b
}
---
func @f(%x: i32[B]) -> (%z: i64[B]) where B in 1..65536 {
  %a = cast %x {to = u32} : u32[B]
  %b = cast %a {to = i64} : i64[B]
  return %b
}
