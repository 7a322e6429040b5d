# run: canonicalize
func @f(%x: f32[20, 9]) -> (%z: f32[3, 2]) {
  %a = slice %x {starts = [18, 1], sizes = [9, 8], steps = [-2, 1]}
  %b = slice %a {starts = [1, 7], sizes = [3, 2], steps = [3, -4]}
  return %b
}
---
func @f(%x: f32[20, 9]) -> (%z: f32[3, 2]) {
  %b = slice %x {starts = [16, 8], sizes = [3, 2], steps = [-6, -4]} : f32[3, 2]
  return %b
}
