# frit: opt %s -p broadcast_operands,decompose,canonicalize_core,lower
func @f(%x: f32[n, 3], %y: f32[m, 3]) -> (%z: f32[max(m, n), 3]) {
  %z = add %x, %y
  return %z
}
---
plan @f {
  input 0 x: f32[n, 3]
  input 1 y: f32[m, 3]
  output 0 z: f32[max(m, n), 3]
  arena bytes 0
  scratch bytes 0
  if -min(m, n) + max(m, n) <= 0 {
    add_0(x, y, out z)    -- add
  } else {
    add_1(x, y, out z)    -- add
  }
}

kernel @add_0(x: f32[n, 3], y: f32[n, 3], out z: f32[n, 3]) where n in 1..65536 {
  title "add"
  schedule cpu lanes 8 unroll 2 grain 4096
  flops ((3*n + 4095) floordiv 4096)*min(3*n, 4096)
  bytes 36*n
  axis b < (3*n + 4095) floordiv 4096, i_4 < min(-4096*b + 3*n, 4096)
  phase {
    par b < (3*n + 4095) floordiv 4096 {
      vec i_4 < min(-4096*b + 3*n, 4096) by 8 x 2 {
        z[1365*b + (b + i_4) floordiv 3, b + i_4 - 3*((b + i_4) floordiv 3)] = x[1365*b + (b + i_4) floordiv 3, b + i_4 - 3*((b + i_4) floordiv 3)] + y[1365*b + (b + i_4) floordiv 3, b + i_4 - 3*((b + i_4) floordiv 3)]
      }
    }
  }
}

kernel @add_1(x: f32[n, 3], y: f32[m, 3], out z: f32[max(m, n), 3]) where n in 1..65536, m in 1..65536 {
  title "add"
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 3*((max(m, n) + 4095) floordiv 4096)*min(max(m, n), 4096)
  bytes 12*m + 12*n + 12*max(m, n)
  axis i_7 < 3, b_1 < (max(m, n) + 4095) floordiv 4096, i_9 < min(-4096*b_1 + max(m, n), 4096)
  phase {
    par i_7 < 3 {
      par b_1 < (max(m, n) + 4095) floordiv 4096 {
        vec i_9 < min(-4096*b_1 + max(m, n), 4096) by 8 x 2 {
          z[4096*b_1 + i_9, i_7] = x[min(n - 1, 4096*b_1 + i_9), i_7] + y[min(m - 1, 4096*b_1 + i_9), i_7]
        }
      }
    }
  }
}
