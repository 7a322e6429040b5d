# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %c = const dense<0x00> : f32[1]
  return %y
}
---
frit: INPUT:4:22: the payload has 2 hex digits, its type needs 8
