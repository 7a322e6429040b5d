# frit: opt %s -p core,lower
# input: tests/lower/rows_overlap_blocks.fir
---
plan @block {
  input 0 x: f32[A, B, 64]
  const 0 w: f32[64, 48]
  slot 0 b2: f32[A, B, 48]
  input 1 scale: f32[48]
  input 2 bias: f32[48]
  slot 1 b5: f32[A, B, 48]
  output 0 b6: f32[A, B, 48]
  output 1 b7: f32[48]
  slot 0 bytes 192*A*B
  slot 1 bytes 192*A*B
  arena bytes 384*A*B
  scratch bytes 24576
  contract_0(x, w, out b2)    -- contract + 2 x mul + erf + add + mul
  reduce_1(b2, scale, bias, out b5, out b6)    -- reduce + div + sub + mul + reduce + div + add + sqrt + div + 2 x mul + add + reduce + sub + exp + reduce + div + mul
  reduce_2(b5, out b7)    -- reduce
}

kernel @contract_0(x: f32[A, B, 64], w: f32[64, 48], out t: f32[A, B, 48]) where A in 1..64, B in 1..1000 {
  title "contract + 2 x mul + erf + add + mul"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 64
  flops 6384*((A*B + 95) floordiv 96)*min(A*B, 96)
  bytes 448*A*B + 12288
  tile c: f32[96, 64]
  axis ib < (A*B + 95) floordiv 96, row < min(A*B - 96*ib, 96), col < 48, kk < 64, i_7 < min(A*B - 96*ib, 96), j_3 < 48
  phase {
    par ib < (A*B + 95) floordiv 96 {
      leaf row < min(A*B - 96*ib, 96), col < 48 max 64, kk < 64: c[row, col] = x[(96*ib + row) floordiv B, -B*((96*ib + row) floordiv B) + 96*ib + row, kk] * w[kk, col]
      seq i_7 < min(A*B - 96*ib, 96) {
        vec j_3 < 48 by 8 x 4 {
          t[(i_7 + 96*ib) floordiv B, -B*((i_7 + 96*ib) floordiv B) + i_7 + 96*ib, j_3] = 0.5 * c[i_7, j_3] * (1.0 + erf(c[i_7, j_3] * 0.7071067690849304))
        }
      }
    }
  }
}

kernel @reduce_1(t: f32[A, B, 48], scale: f32[48], bias: f32[48], out t_1: f32[A, B, 48], out t_2: f32[A, B, 48]) where A in 1..64, B in 1..1000 {
  title "reduce + div + sub + mul + reduce + div + add + sqrt + div + 2 x mul + add + reduce + sub + exp + reduce + div + mul"
  schedule cpu lanes 32 unroll 4 grain 32
  flops 1014*((A*B + 31) floordiv 32)*min(A*B, 32) + 4056*((A*B + 31) floordiv 32)
  bytes 576*A*B + 384
  tile rows: f32[8]
  tile rows_1: f32[8]
  tile rows_2: f32[8]
  tile rows_3: f32[8]
  tile rows_4: f32[8]
  tile rows_5: f32[8]
  tile rows_6: f32[8]
  tile rows_7: f32[8]
  tile row: f32[2, 48] strides [320, 1]
  tile rows_8: f32[8]
  tile rows_9: f32[8]
  axis r < 48, b < (A*B + 31) floordiv 32, t < min(A*B - 32*b, 32) + 4, z < 8, z_1 < 8, z_2 < 8, z_3 < 8, z_4 < 8, z_5 < 8, z_6 < 8, z_7 < 8, z_8 < 8, z_9 < 8
  phase {
    par b < (A*B + 31) floordiv 32 {
      vec z < 8 by 8 x 1 {
        rows[z] = 0.0
      }
      vec z_1 < 8 by 8 x 1 {
        rows_1[z_1] = 0.0
      }
      vec z_2 < 8 by 8 x 1 {
        rows_2[z_2] = 0.0
      }
      vec z_3 < 8 by 8 x 1 {
        rows_3[z_3] = 0.0
      }
      vec z_4 < 8 by 8 x 1 {
        rows_4[z_4] = 0.0
      }
      vec z_5 < 8 by 8 x 1 {
        rows_5[z_5] = 0.0
      }
      vec z_6 < 8 by 8 x 1 {
        rows_6[z_6] = 0.0
      }
      vec z_7 < 8 by 8 x 1 {
        rows_7[z_7] = 0.0
      }
      vec z_8 < 8 by 8 x 1 {
        rows_8[z_8] = 0.0
      }
      vec z_9 < 8 by 8 x 1 {
        rows_9[z_9] = 0.0
      }
      seq t < min(A*B - 32*b, 32) + 4 prefetch 32 {
        acc acc_: sum f32 lanes 32
        let v = rows[(t + 7) mod 8]
        let v_1 = rows_1[(t + 7) mod 8]
        acc acc__1: sum f32 lanes 32
        let v_2 = rows[(t + 6) mod 8]
        let v_3 = rows_1[(t + 6) mod 8]
        let v_4 = rows_2[(t + 6) mod 8]
        let v_5 = rows_3[(t + 6) mod 8]
        let v_6 = rows_4[(t + 6) mod 8]
        let v_7 = rows_5[(t + 6) mod 8]
        let v_8 = rows_6[(t + 6) mod 8]
        acc acc__2: max f32 lanes 32
        let v_9 = rows[(t + 5) mod 8]
        let v_10 = rows_1[(t + 5) mod 8]
        let v_11 = rows_2[(t + 5) mod 8]
        let v_12 = rows_3[(t + 5) mod 8]
        let v_13 = rows_4[(t + 5) mod 8]
        let v_14 = rows_5[(t + 5) mod 8]
        let v_15 = rows_6[(t + 5) mod 8]
        let v_16 = rows_7[(t + 5) mod 8]
        acc acc__3: sum f32 lanes 32
        let v_17 = rows[(t + 4) mod 8]
        let v_18 = rows_1[(t + 4) mod 8]
        let v_19 = rows_2[(t + 4) mod 8]
        let v_20 = rows_3[(t + 4) mod 8]
        let v_21 = rows_4[(t + 4) mod 8]
        let v_22 = rows_5[(t + 4) mod 8]
        let v_23 = rows_6[(t + 4) mod 8]
        let v_24 = rows_7[(t + 4) mod 8]
        let v_25 = rows_8[(t + 4) mod 8]
        let v_26 = rows_9[(t + 4) mod 8]
        vec r < 48 by 8 x 4 {
          if index(t) < index(min(A*B - 32*b, 32)) {
            acc_ <- t[(32*b + t) floordiv B, -B*((32*b + t) floordiv B) + 32*b + t, r]
          }
          if index(t - 1) >= 0 & index(t - 1) < index(min(A*B - 32*b, 32)) {
            $1 = t[(32*b + t - 1) floordiv B, -B*((32*b + t - 1) floordiv B) + 32*b + t - 1, r] - v_1
            acc__1 <- $1 * $1
          }
          if index(t - 2) >= 0 & index(t - 2) < index(min(A*B - 32*b, 32)) {
            t_1[(32*b + t - 2) floordiv B, -B*((32*b + t - 2) floordiv B) + 32*b + t - 2, r] = (t[(32*b + t - 2) floordiv B, -B*((32*b + t - 2) floordiv B) + 32*b + t - 2, r] - v_3) * v_8 * scale[r] + bias[r]
            acc__2 <- (t[(32*b + t - 2) floordiv B, -B*((32*b + t - 2) floordiv B) + 32*b + t - 2, r] - v_3) * v_8 * scale[r] + bias[r]
          }
          if index(t - 3) >= 0 & index(t - 3) < index(min(A*B - 32*b, 32)) {
            let e = exp((t[(32*b + t - 3) floordiv B, -B*((32*b + t - 3) floordiv B) + 32*b + t - 3, r] - v_10) * v_15 * scale[r] + bias[r] - v_16)
            row[(t + 1) mod 2, r] = e
            acc__3 <- e
          }
          if index(t - 4) >= 0 {
            t_2[(32*b + t - 4) floordiv B, -B*((32*b + t - 4) floordiv B) + 32*b + t - 4, r] = row[t mod 2, r] * v_26
          }
        }
        if index(t) < index(min(A*B - 32*b, 32)) {
          rows[t mod 8] = acc_
          let v_27 = acc_ / 48.0
          rows_1[t mod 8] = v_27
        }
        if index(t - 1) >= 0 & index(t - 1) < index(min(A*B - 32*b, 32)) {
          rows_2[(t + 7) mod 8] = acc__1
          let v_28 = acc__1 / 48.0
          rows_3[(t + 7) mod 8] = v_28
          let v_29 = v_28 + 9.999999747378752e-06
          rows_4[(t + 7) mod 8] = v_29
          let v_30 = sqrt(v_29)
          rows_5[(t + 7) mod 8] = v_30
          let v_31 = 1.0 / v_30
          rows_6[(t + 7) mod 8] = v_31
        }
        if index(t - 2) >= 0 & index(t - 2) < index(min(A*B - 32*b, 32)) {
          rows_7[(t + 6) mod 8] = acc__2
        }
        if index(t - 3) >= 0 & index(t - 3) < index(min(A*B - 32*b, 32)) {
          rows_8[(t + 5) mod 8] = acc__3
          let v_32 = 1.0 / acc__3
          rows_9[(t + 5) mod 8] = v_32
        }
      }
    }
  }
}

kernel @reduce_2(t: f32[A, B, 48], out t_1: f32[48]) where A in 1..64, B in 1..1000 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 48*A*B
  bytes 192*A*B + 192
  axis i_12 < A*B, b_1 < 1, i_13 < -64*b_1 + 48
  phase {
    par b_1 < 1 {
      vec i_13 < -64*b_1 + 48 by 8 x 1 {
        acc acc_: sum f32
        seq i_12 < A*B {
          acc_ <- t[i_12 floordiv B, -B*(i_12 floordiv B) + i_12, 64*b_1 + i_13]
        }
        t_1[64*b_1 + i_13] = acc_
      }
    }
  }
}
