# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) with {
  return %x
}
---
frit: INPUT:3:37: expected 'where' or '{'
