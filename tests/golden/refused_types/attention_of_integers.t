# frit: opt %s
# exit: 1
func @f(%q: i32[2, 4, 8], %k: i32[2, 4, 8], %v: i32[2, 4, 8]) -> (%y: f32[4]) {
  %y = attend %q, %k, %v
  return %y
}
---
frit: INPUT:4:15: attend: needs a float type, got i32
