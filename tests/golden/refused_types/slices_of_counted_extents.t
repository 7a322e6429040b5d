# frit: opt %s
# exit: 1
func @f(%x: f32[4, 3]) -> (%y: f32[4]) {
  %z = scan_loop %x {n_carried = 0, in_axes = [0], out_axes = [0]} region(%v: f32[3]) {
    %i = nonzero %v
    yield %i
  }
  return %y
}
---
frit: INPUT:4:18: scan_loop: collects slices of [1, nonzero], of which every iteration counts nonzero anew
