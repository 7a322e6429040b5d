# frit: opt %s -p core --const i=nowhere.npy
# exit: 1
func @rows(%x: f32[8, 4], %i: i64[N]) -> (%y: f32[N, 4]) {
  %y = gather %x, %i {axis = 0} : f32[N, 4]
  return %y
}
---
frit: nowhere.npy: No such file or directory
