# frit: opt %s
# exit: 1
func @f(%x: f32[4]) -> (%y: f32[4]) {
  %y = scan_loop %x {n_carried = 0, in_axes = [0], out_axes = [0]} region(%v: f32[], %w: f32[]) {
    yield %v
  }
  return %y
}
---
frit: INPUT:4:18: scan_loop: body of 2 parameters and 1 results does not fit 1 operands, 0 carried, 1 scanned in, 1 out
