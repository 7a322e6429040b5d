# run: layout,canonicalize_core
func @f(%x: f32[1, 96, 14, 14]) -> (%y: f32[1, 96, 14, 14]) {
  %w = const random(1, 0.1) : f32[96, 7, 7]
  %m = const random(2, 0.1) : f32[96, 96]
  %p = const random(3, 0.1) : f32[96, 96]
  %i = contract %x, %p {lhs = "ncpq", rhs = "oc", out = "nopq"}
  %v = window %i {axes = [2, 3], sizes = [7, 7], strides = [1, 1], dilations = [1, 1], pads = [3, 3, 3, 3], out = [14, 14]}
  %d = contract %v, %w {lhs = "ngpqrs", rhs = "grs", out = "ngpq"}
  %l = transpose %d {perm = [0, 2, 3, 1]}
  %n = contract %l, %m {lhs = "npqc", rhs = "co", out = "npqo"}
  %b = transpose %n {perm = [0, 3, 1, 2]}
  %s = add %i, %b
  %y = contract %s, %p {lhs = "ncpq", rhs = "oc", out = "nopq"}
  return %y
}
---
func @f(%x: f32[1, 96, 14, 14]) -> (%y: f32[1, 96, 14, 14]) {
  %w = const random(1, 0.1) : f32[96, 7, 7]
  %m = const random(2, 0.1) : f32[96, 96]
  %p = const random(3, 0.1) : f32[96, 96]
  %0 = contract %x, %p {lhs = "ncpq", rhs = "oc", out = "npqo"} : f32[1, 14, 14, 96]
  %1 = window %0 {axes = [1, 2], sizes = [7, 7], strides = [1, 1], dilations = [1, 1], pads = [3, 3, 3, 3], out = [14, 14]} : f32[1, 14, 14, 96, 7, 7]
  %l = contract %1, %w {lhs = "npqgrs", rhs = "grs", out = "npqg"} : f32[1, 14, 14, 96]
  %n = contract %l, %m {lhs = "npqc", rhs = "co", out = "npqo"} : f32[1, 14, 14, 96]
  %2 = add %0, %n : f32[1, 14, 14, 96]
  %y = contract %2, %p {lhs = "npqc", rhs = "oc", out = "nopq"} : f32[1, 96, 14, 14]
  return %y
}
