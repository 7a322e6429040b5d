# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = neg %x : f32[4] loc("a\q")
  return %y
}
---
frit: INPUT:4:31: unknown escape in a string
