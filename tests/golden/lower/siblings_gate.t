# frit: opt %s -p core,lower
# input: tests/lower/siblings_gate.fir
---
plan @gate {
  input 0 x: f32[M, 300]
  const 0 packed: f32[6, 300, 16]
  const 1 packed_1: f32[6, 300, 16]
  output 0 y: f32[M, 90]
  arena bytes 0
  scratch bytes 49152
  contract_0(x, packed, packed_1, out y)    -- contract + neg + exp + add + div + mul + contract + mul
}

kernel @contract_0(x: f32[M, 300], const packed: f32[6, 300, 16], const packed_1: f32[6, 300, 16], out y: f32[M, 90]) where M in 1..65536 {
  title "contract + neg + exp + add + div + mul + contract + mul"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 128
  flops 108540*((M + 95) floordiv 96)*min(M, 96)
  bytes 1560*M + 230400
  tile c: f32[96, 64]
  tile c_1: f32[96, 64]
  axis ib < (M + 95) floordiv 96, jb < 2, kb < 3, row < min(M - 96*ib, 96), col < min(-64*jb + 90, 64), kk < min(-128*kb + 300, 128), i_3 < min(M - 96*ib, 96), j_1 < min(-64*jb + 90, 64)
  phase {
    par ib < (M + 95) floordiv 96 {
      par jb < 2 {
        seq kb < 3 {
          leaf row < min(M - 96*ib, 96), col < min(-64*jb + 90, 64) max 64, kk < min(-128*kb + 300, 128), padded 8, streams, panels 16: c[row, col] += x[96*ib + row, 128*kb + kk] * packed[4*jb + col floordiv 16, 128*kb + kk, col mod 16] if index(kb) > 0
          leaf row < min(M - 96*ib, 96), col < min(-64*jb + 90, 64) max 64, kk < min(-128*kb + 300, 128), padded 8, streams, panels 16: c_1[row, col] += x[96*ib + row, 128*kb + kk] * packed_1[4*jb + col floordiv 16, 128*kb + kk, col mod 16] if index(kb) > 0
        }
        seq i_3 < min(M - 96*ib, 96) {
          vec j_1 < min(-64*jb + 90, 64) by 8 x 4 {
            y[i_3 + 96*ib, j_1 + 64*jb] = c[i_3, j_1] * (1.0 / (1.0 + exp(-c[i_3, j_1]))) * c_1[i_3, j_1]
          }
        }
      }
    }
  }
}
