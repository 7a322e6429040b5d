# frit: opt %s -p core,lower
# input: tests/lower/conv_taps.fir
---
plan @net {
  input 0 x: f32[B, 20, 5, 4]
  slot 0 b1: f32[B, 7, 6, 20]
  const 0 packed: f32[2, 180, 16]
  slot 1 b3: f32[B, 3, 2, 17]
  const 1 packed: f32[9, 17, 16]
  slot 0 b5: f32[B, 3, 2, 130]
  const 2 packed: f32[2, 780, 16]
  output 0 y: f32[B, 17, 3, 2]
  const 3 s: f32[5, 3, 5, 5]
  input 1 d: f32[1, 3, 11, 9]
  output 1 z: f32[1, 5, 6, 5]
  slot 0 bytes 3328*B + 64*((B + 1) floordiv 2)
  slot 1 bytes 384*B + 64*((3*B + 7) floordiv 8)
  arena bytes 3712*B + 64*((B + 1) floordiv 2) + 64*((3*B + 7) floordiv 8)
  scratch bytes 24576
  pad_0(x, out b1)    -- pad
  contract_1(b1, packed, out b3)    -- contract + max
  contract_2(b3, packed, out b5)    -- contract
  contract_3(b5, packed, b3, out y)    -- contract + add
  contract_4(s, d, out z)    -- contract
}

kernel @pad_0(x: f32[B, 20, 5, 4], out t: f32[B, 7, 6, 20]) where B in 1..65536 {
  title "pad"
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 4960*B
  axis i_8 < B, i_9 < 7, i_10 < 6, i_11 < 20
  phase {
    par i_8 < B {
      par i_9 < 7 {
        seq i_10 < 6 {
          vec i_11 < 20 by 8 x 2 {
            t[i_8, i_9, i_10, i_11] = x[i_8, i_11, i_9 - 1, i_10 - 1 if index(i_9 - 1) >= 0 & index(i_9 - 1) < 5 & (index(i_10 - 1) >= 0 & index(i_10 - 1) < 4) else 0.0]
          }
        }
      }
    }
  }
}

kernel @contract_1(t: f32[B, 7, 6, 20], const packed: f32[2, 180, 16], out t_1: f32[B, 3, 2, 17]) where B in 1..65536 {
  title "contract + max"
  schedule cpu lanes 8 tile_m 96 tile_n 64 tile_k 120
  flops 6137*((B + 15) floordiv 16)*min(6*B, 96)
  bytes 3768*B + 23040
  tile c: f32[96, 64]
  axis ib < (B + 15) floordiv 16, tb < 2, row < min(6*B - 96*ib, 96), col < 17, kk < 60, tap < min(-2*tb + 3, 2), i_34 < min(6*B - 96*ib, 96), j_8 < 17
  phase {
    par ib < (B + 15) floordiv 16 {
      seq tb < 2 {
        leaf row < min(6*B - 96*ib, 96), col < 17 max 64, kk < 60, taps tap < min(-2*tb + 3, 2), padded 8, streams, panels 16: c[row, col] += t[16*ib + row floordiv 6, tap + 2*tb + 2*(row floordiv 2) - 6*(row floordiv 6), 2*row + kk floordiv 20 - 4*(row floordiv 2), kk - 20*(kk floordiv 20)] where (index(tap + 2*tb + 2*(row floordiv 2) - 6*(row floordiv 6)) >= 0 & index(tap + 2*tb + 2*(row floordiv 2) - 6*(row floordiv 6)) < 7) * packed[col floordiv 16, kk + 60*tap + 120*tb, col mod 16] if index(tb) > 0
      }
      seq i_34 < min(6*B - 96*ib, 96) {
        vec j_8 < 17 by 8 x 4 {
          t_1[16*ib + i_34 floordiv 6, i_34 floordiv 2 - 3*(i_34 floordiv 6), i_34 - 2*(i_34 floordiv 2), j_8] = max(c[i_34, j_8], 0.0)
        }
      }
    }
  }
}

kernel @contract_2(t: f32[B, 3, 2, 17], const packed: f32[9, 17, 16], out t_1: f32[B, 3, 2, 130]) where B in 1..65536 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 17
  flops 4420*((B + 15) floordiv 16)*min(6*B, 96)
  bytes 3528*B + 9792
  tile c: f32[96, 64]
  axis ib_1 < (B + 15) floordiv 16, jb < 3, row_1 < min(6*B - 96*ib_1, 96), col_1 < min(-64*jb + 130, 64), kk_1 < 17, i_41 < min(6*B - 96*ib_1, 96), j_9 < min(-64*jb + 130, 64)
  phase {
    par ib_1 < (B + 15) floordiv 16 {
      par jb < 3 {
        leaf row_1 < min(6*B - 96*ib_1, 96), col_1 < min(-64*jb + 130, 64) max 64, kk_1 < 17, padded 8, streams, panels 16: c[row_1, col_1] = t[16*ib_1 + row_1 floordiv 6, row_1 floordiv 2 - 3*(row_1 floordiv 6), row_1 - 2*(row_1 floordiv 2), kk_1] * packed[4*jb + col_1 floordiv 16, kk_1, col_1 mod 16]
        seq i_41 < min(6*B - 96*ib_1, 96) {
          vec j_9 < min(-64*jb + 130, 64) by 8 x 4 {
            t_1[16*ib_1 + i_41 floordiv 6, i_41 floordiv 2 - 3*(i_41 floordiv 6), i_41 - 2*(i_41 floordiv 2), j_9 + 64*jb] = c[i_41, j_9]
          }
        }
      }
    }
  }
}

kernel @contract_3(t: f32[B, 3, 2, 130], const packed: f32[2, 780, 16], t_1: f32[B, 3, 2, 17], out y: f32[B, 17, 3, 2]) where B in 1..65536 {
  title "contract + add"
  schedule cpu lanes 8 tile_m 96 tile_n 64 tile_k 128
  flops 26537*((B + 15) floordiv 16)*min(6*B, 96)
  bytes 3936*B + 99840
  tile c: f32[96, 64]
  axis ib_2 < (B + 15) floordiv 16, kb < 2, tb_1 < 6, row_2 < min(6*B - 96*ib_2, 96), col_2 < 17, kk_2 < min(-128*kb + 130, 128), tap_1 < 1, i_62 < min(6*B - 96*ib_2, 96), j_10 < 17
  phase {
    par ib_2 < (B + 15) floordiv 16 {
      seq tb_1 < 6 {
        seq kb < 2 {
          leaf row_2 < min(6*B - 96*ib_2, 96), col_2 < 17 max 64, kk_2 < min(-128*kb + 130, 128), taps tap_1 < 1, padded 8, streams, panels 16: c[row_2, col_2] += t[16*ib_2 + row_2 floordiv 6, row_2 floordiv 2 - 3*(row_2 floordiv 6) + 2*((tap_1 + tb_1) floordiv 2) - 2, row_2 - 2*(row_2 floordiv 2) + 2*((tap_1 + tb_1) mod 2) - 1, 128*kb + kk_2] where (index(row_2 floordiv 2 - 3*(row_2 floordiv 6) + 2*((tap_1 + tb_1) floordiv 2) - 2) >= 0 & index(row_2 floordiv 2 - 3*(row_2 floordiv 6) + 2*((tap_1 + tb_1) floordiv 2) - 2) < 3 & (index(row_2 - 2*(row_2 floordiv 2) + 2*((tap_1 + tb_1) mod 2) - 1) >= 0 & index(row_2 - 2*(row_2 floordiv 2) + 2*((tap_1 + tb_1) mod 2) - 1) < 2)) * packed[col_2 floordiv 16, 128*kb + kk_2 + 130*tap_1 + 130*tb_1, col_2 mod 16] if index(tb_1) > 0 | index(kb) > 0
        }
      }
      seq i_62 < min(6*B - 96*ib_2, 96) {
        vec j_10 < 17 by 8 x 4 {
          y[16*ib_2 + i_62 floordiv 6, j_10, i_62 floordiv 2 - 3*(i_62 floordiv 6), i_62 - 2*(i_62 floordiv 2)] = c[i_62, j_10] + t_1[16*ib_2 + i_62 floordiv 6, i_62 floordiv 2 - 3*(i_62 floordiv 6), i_62 - 2*(i_62 floordiv 2), j_10]
        }
      }
    }
  }
}

kernel @contract_4(s: f32[5, 3, 5, 5], d: f32[1, 3, 11, 9], out z: f32[1, 5, 6, 5]) {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 5 tile_n 64 tile_k 75
  flops 22500
  bytes 3288
  tile c: f32[5, 64]
  tile bt: f32[75, 64]
  axis r < 75, c < 30, z < 8, r_1 < 75, row_3 < 5, col_3 < 30, kk_3 < 75, i_69 < 5, j_11 < 30
  phase {
    vec z < 8 by 8 x 1 {
      seq r_1 < 75 {
        bt[r_1, z + 24] = 0.0
      }
    }
    seq r < 75 {
      vec c < 30 by 8 x 1 {
        bt[r, c] = d[0, r floordiv 25, 2*(c floordiv 5) + r floordiv 5 - 5*(r floordiv 25) - 2, 2*c + r - 10*(c floordiv 5) - 5*(r floordiv 5) - 2 if index(2*(c floordiv 5) + r floordiv 5 - 5*(r floordiv 25) - 2) >= 0 & index(2*(c floordiv 5) + r floordiv 5 - 5*(r floordiv 25) - 2) < 11 & (index(2*c + r - 10*(c floordiv 5) - 5*(r floordiv 5) - 2) >= 0 & index(2*c + r - 10*(c floordiv 5) - 5*(r floordiv 5) - 2) < 9) else 0.0]
      }
    }
    leaf row_3 < 5, col_3 < 30 max 64, kk_3 < 75, padded 8: c[row_3, col_3] = s[row_3, kk_3 floordiv 25, kk_3 floordiv 5 - 5*(kk_3 floordiv 25), kk_3 - 5*(kk_3 floordiv 5)] * bt[kk_3, col_3]
    seq i_69 < 5 {
      vec j_11 < 30 by 8 x 4 {
        z[0, i_69, j_11 floordiv 5, j_11 - 5*(j_11 floordiv 5)] = c[i_69, j_11]
      }
    }
  }
}
