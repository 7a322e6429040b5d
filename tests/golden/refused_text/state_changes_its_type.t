# frit: opt %s
# exit: 1
func @f(%x: f32[4] state 0) -> (%y: f16[4] state 0) {
  %y = cast %x {to = f16}
  return %y
}
---
frit: f: state 0: input 'x' and output 'y' differ in type
