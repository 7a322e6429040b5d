# frit: opt %s -p broadcast_operands,decompose,canonicalize_core,lower
func @f(%p: f32[past, 3], %x: f32[s, 3], %m: f32[total, 1]) -> (%z: f32[past + s, 3]) {
  %k = concat %p, %x {axis = 0}
  %z = mul %k, %m
  return %z
}
---
plan @f {
  input 0 p: f32[past, 3]
  input 1 x: f32[s, 3]
  input 2 m: f32[total, 1]
  output 0 z: f32[past + s, 3]
  arena bytes 0
  scratch bytes 0
  if -min(total, past + s) + max(total, past + s) <= 0 {
    concat_0(p, x, m, out z)    -- concat + mul
  } else {
    concat_1(p, x, m, out z)    -- concat + mul
  }
}

kernel @concat_0(p: f32[past, 3], x: f32[s, 3], m: f32[past + s, 1], out z: f32[past + s, 3]) where past in 1..65536, s in 1..65536 {
  title "concat + mul"
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 6*((past + s + 4095) floordiv 4096)*min(past + s, 4096)
  bytes 28*past + 28*s
  axis i_2 < 3, b < (past + s + 4095) floordiv 4096, i_4 < min(-4096*b + past + s, 4096)
  phase {
    par i_2 < 3 {
      par b < (past + s + 4095) floordiv 4096 {
        vec i_4 < min(-4096*b + past + s, 4096) by 8 x 2 {
          $1 = index(4096*b + i_4 - past) >= 0
          z[4096*b + i_4, i_2] = ($1 ? x[4096*b + i_4 - past, i_2 if $1 else 0.0] : p[4096*b + i_4, i_2 if index(4096*b + i_4) < index(past) else 0.0]) * m[4096*b + i_4, 0]
        }
      }
    }
  }
}

kernel @concat_1(p: f32[past, 3], x: f32[s, 3], m: f32[total, 1], out z: f32[past + s, 3]) where past in 1..65536, s in 1..65536, total in 1..65536 {
  title "concat + mul"
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 6*((past + s + 4095) floordiv 4096)*min(past + s, 4096)
  bytes 24*past + 24*s + 4*total
  axis i_7 < 3, b_1 < (past + s + 4095) floordiv 4096, i_9 < min(-4096*b_1 + past + s, 4096)
  phase {
    par i_7 < 3 {
      par b_1 < (past + s + 4095) floordiv 4096 {
        vec i_9 < min(-4096*b_1 + past + s, 4096) by 8 x 2 {
          $1 = index(4096*b_1 + i_9 - past) >= 0
          z[4096*b_1 + i_9, i_7] = ($1 ? x[4096*b_1 + i_9 - past, i_7 if $1 else 0.0] : p[4096*b_1 + i_9, i_7 if index(4096*b_1 + i_9) < index(past) else 0.0]) * m[min(total - 1, 4096*b_1 + i_9), 0]
        }
      }
    }
  }
}
