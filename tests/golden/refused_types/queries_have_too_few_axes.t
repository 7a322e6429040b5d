# frit: opt %s
# exit: 1
func @f(%q: f32[4, 8], %k: f32[4, 8], %v: f32[4, 8]) -> (%y: f32[4]) {
  %y = attend %q, %k, %v
  return %y
}
---
frit: INPUT:4:15: attend: q is [4, 8], its rank must be 3 or more
