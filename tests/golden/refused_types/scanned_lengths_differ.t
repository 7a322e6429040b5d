# frit: opt %s
# exit: 1
func @f(%x: f32[4], %w: f32[5]) -> (%y: f32[4]) {
  %z = scan_loop %x, %w {n_carried = 0, in_axes = [0, 0], out_axes = [0]} region(%v: f32[], %u: f32[]) {
    yield %v
  }
  return %y
}
---
frit: INPUT:4:18: scan_loop: scanned lengths 4 and 5 differ
