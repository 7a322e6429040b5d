# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %c = const dense<-1> : u8[1]
  return %y
}
---
frit: INPUT:4:20: '-1' is not a value of u8
