# frit: opt %s
# exit: 1
func @f(%x: f32[4], %c: bool[]) -> (%y: f32[4]) {
  %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c region() { %y = if %c
  return %y
}
---
frit: INPUT:4:724: regions nest more than 32 deep
