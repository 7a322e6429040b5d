# frit: opt %s
# exit: 1
func @f(%q: f32[2, 4, 8], %k: f32[2, 4, 8], %v: f32[2, 4, 8], %m: i32[4, 4]) -> (%y: f32[4]) {
  %y = attend %q, %k, %v, %m
  return %y
}
---
frit: INPUT:4:15: attend: the mask is i32, neither bool nor f32
