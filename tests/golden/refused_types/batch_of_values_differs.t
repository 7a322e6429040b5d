# frit: opt %s
# exit: 1
func @f(%q: f32[2, 2, 4, 8], %k: f32[2, 2, 4, 8], %v: f32[3, 2, 4, 8]) -> (%y: f32[4]) {
  %y = attend %q, %k, %v
  return %y
}
---
frit: INPUT:4:15: attend: batch sizes of q and v 2 and 3 differ
