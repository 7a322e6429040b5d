# run: canonicalize
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) {
  %c = const splat(2.5) : f32[4, 3]
  %s = slice %y {starts = [0, 0], sizes = [4, 3]}
  %a = mul %s, %c
  %t = reduce %a {axes = [0]}
  %r = add %x, %t
  return %r
}
---
func @f(%x: f32[B, 3], %y: f32[B, 3]) -> (%z: f32[B, 3]) where B in 4..65536, require 4 <= B "slice: elements 0..3 of axis 0 lie outside its extent B" {
  %s = slice %y {starts = [0, 0], sizes = [4, 3], steps = [1, 1]} : f32[4, 3]
  %0 = const splat(2.5) : f32[]
  %a = mul %s, %0 : f32[4, 3]
  %t = reduce %a {axes = [0]} : f32[3]
  %r = add %x, %t : f32[B, 3]
  return %r
}
