# frit: opt %s -p core,lower --direct-convs
func @net(%x: f32[B, 15, 18, 16]) -> (%y: f32[B, 15, 18, 24]) {
  %step = const splat(0.7) : f32[]
  %i = iota {dims = [3456], axis = 0, to = f32}
  %a = mul %i, %step
  %s = sin %a
  %w = reshape %s {dims = [24, 16, 3, 3]}
  %0 = transpose %x {perm = [0, 3, 1, 2]}
  %1 = conv %0, %w {strides = [1, 1], pads = [1, 1, 1, 1], dilations = [1, 1]}
  %y = transpose %1 {perm = [0, 2, 3, 1]}
  return %y
}
---
plan @net {
  input 0 x: f32[B, 15, 18, 16]
  const 0 packed: f32[2, 144, 16]
  output 0 y: f32[B, 15, 18, 24]
  arena bytes 0
  scratch bytes 73728
  contract_0(x, packed, out y)    -- contract
}

kernel @contract_0(x: f32[B, 15, 18, 16], const packed: f32[2, 144, 16], out y: f32[B, 15, 18, 24]) where B in 1..65536 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 128
  flops 1327104*B + 663552*((13*B + 15) floordiv 16)
  bytes 43200*B + 18432
  tile c: f32[96, 64]
  tile at: f32[96, 128]
  axis ib < 2*B + (13*B + 15) floordiv 16, kb < 2, r < min(270*B - 96*ib, 96), c < min(-128*kb + 144, 128), row < min(270*B - 96*ib, 96), col < 24, kk < min(-128*kb + 144, 128), i_22 < min(270*B - 96*ib, 96), j_2 < 24
  phase {
    par ib < 2*B + (13*B + 15) floordiv 16 {
      seq kb < 2 {
        seq r < min(270*B - 96*ib, 96) {
          vec c < min(-128*kb + 144, 128) by 8 x 1 {
            at[r, c] = x[(96*ib + r) floordiv 270, 5*ib + (c + 2*kb) floordiv 3 - 3*((c + 2*kb) floordiv 9) + (6*ib + r) floordiv 18 - 15*((96*ib + r) floordiv 270) - 1, c + 6*ib + 2*kb + r - 3*((c + 2*kb) floordiv 3) - 18*((6*ib + r) floordiv 18) - 1, 14*kb + (c + 2*kb) floordiv 9 if index(5*ib + (c + 2*kb) floordiv 3 - 3*((c + 2*kb) floordiv 9) + (6*ib + r) floordiv 18 - 15*((96*ib + r) floordiv 270) - 1) >= 0 & index(5*ib + (c + 2*kb) floordiv 3 - 3*((c + 2*kb) floordiv 9) + (6*ib + r) floordiv 18 - 15*((96*ib + r) floordiv 270) - 1) < 15 & (index(c + 6*ib + 2*kb + r - 3*((c + 2*kb) floordiv 3) - 18*((6*ib + r) floordiv 18) - 1) >= 0 & index(c + 6*ib + 2*kb + r - 3*((c + 2*kb) floordiv 3) - 18*((6*ib + r) floordiv 18) - 1) < 18) else 0.0]
          }
        }
        leaf row < min(270*B - 96*ib, 96), col < 24 max 64, kk < min(-128*kb + 144, 128), padded 8, streams, panels 16: c[row, col] += at[row, kk] * packed[col floordiv 16, 128*kb + kk, col mod 16] if index(kb) > 0
      }
      seq i_22 < min(270*B - 96*ib, 96) {
        vec j_2 < 24 by 8 x 4 {
          y[(i_22 + 96*ib) floordiv 270, 5*ib + (i_22 + 6*ib) floordiv 18 - 15*((i_22 + 96*ib) floordiv 270), i_22 + 6*ib - 18*((i_22 + 6*ib) floordiv 18), j_2] = c[i_22, j_2]
        }
      }
    }
  }
}
