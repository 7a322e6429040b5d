# frit: opt %s
# exit: 1
func @f(%q: f32[2, 4, 8], %k: f32[2, 4, 6], %v: f32[2, 4, 8]) -> (%y: f32[4]) {
  %y = attend %q, %k, %v
  return %y
}
---
frit: INPUT:4:15: attend: inner sizes of q and k 8 and 6 differ
