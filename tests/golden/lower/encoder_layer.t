# frit: opt %s -p core,lower
# input: tests/lower/encoder_layer.fir
---
plan @layer {
  input 0 x: f32[B, S, 32]
  input 1 wqkv: f32[32, 96]
  input 2 bqkv: f32[96]
  slot 0 b3: f32[3, B, 4, S, 8]
  slot 1 r: f32[B, S, 32]
  input 3 wo: f32[32, 32]
  slot 0 h: f32[B, S, 32]
  input 4 g: f32[32]
  input 5 b: f32[32]
  slot 1 n: f32[B, S, 32]
  input 6 w1: f32[32, 80]
  input 7 b1: f32[80]
  slot 0 ge: f32[B, S, 80]
  input 8 w2: f32[80, 32]
  output 0 y: f32[B, S, 32]
  slot 0 bytes 384*B*S
  slot 1 bytes 128*B*S
  arena bytes 512*B*S
  scratch bytes 24576
  contract_0(x, wqkv, bqkv, out b3)    -- contract + add
  attend_1(b3, out r)    -- attention
  contract_2(r, wo, x, out h)    -- contract + add
  reduce_3(h, g, b, out n)    -- reduce + mul + sub + mul + reduce + mul + add + sqrt + div + 2 x mul + add
  contract_4(n, w1, b1, out ge)    -- contract + add + 2 x mul + erf + add + mul
  contract_5(ge, w2, n, out y)    -- contract + add
}

kernel @contract_0(x: f32[B, S, 32], wqkv: f32[32, 96], bqkv: f32[96], out t: f32[3, B, 4, S, 8]) where B in 1..65536, S in 1..65536 {
  title "contract + add"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 32
  flops 6240*((B*S + 95) floordiv 96)*min(B*S, 96)
  bytes 512*B*S + 12672
  tile c: f32[96, 64]
  axis ib < (B*S + 95) floordiv 96, jb < 2, row < min(B*S - 96*ib, 96), col < min(-64*jb + 96, 64), kk < 32, i_10 < min(B*S - 96*ib, 96), j_6 < min(-64*jb + 96, 64)
  phase {
    par jb < 2 {
      par ib < (B*S + 95) floordiv 96 {
        leaf row < min(B*S - 96*ib, 96), col < min(-64*jb + 96, 64) max 64, kk < 32: c[row, col] = x[(96*ib + row) floordiv S, -S*((96*ib + row) floordiv S) + 96*ib + row, kk] * wqkv[kk, col + 64*jb]
        seq i_10 < min(B*S - 96*ib, 96) {
          vec j_6 < min(-64*jb + 96, 64) by 8 x 4 {
            t[2*jb + j_6 floordiv 32, (i_10 + 96*ib) floordiv S, (j_6 floordiv 8) mod 4, -S*((i_10 + 96*ib) floordiv S) + i_10 + 96*ib, j_6 mod 8] = c[i_10, j_6] + bqkv[j_6 + 64*jb]
          }
        }
      }
    }
  }
}

kernel @attend_1(t: f32[3, B, 4, S, 8], out r: f32[B, S, 32]) where B in 1..65536, S in 1..65536 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 144*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64)*min(S, 64) + 28*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64) + 32*B*((S + 63) floordiv 64)*((min(S, 64) + 15) floordiv 16)*min(S, 16) + 40*B*((S + 63) floordiv 64)*min(S, 64)
  bytes 512*B*S
  tile qt: f32[4, 8, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 8]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i_1 < B, j_1 < 4, ib_1 < (S + 63) floordiv 64, jb_1 < (S + 63) floordiv 64, d < 8, z < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8), d_1 < 8, p < (min(S - 64*ib_1, 64) + 15) floordiv 16, c < min(-16*p + min(S - 64*ib_1, 64), 16), i_11 < min(S - 64*ib_1, 64), i_12 < min(S - 64*ib_1, 64), e < 8, row_1 < min(S - 64*jb_1, 64), col_1 < min(S - 64*ib_1, 64), kk_1 < 8, i_13 < min(S - 64*ib_1, 64), j_7 < min(S - 64*jb_1, 64), i_14 < min(S - 64*ib_1, 64), j_8 < min(S - 64*jb_1, 64), row_2 < min(S - 64*ib_1, 64), col_2 < 8, kk_2 < min(S - 64*jb_1, 64), i_15 < min(S - 64*ib_1, 64), e_1 < 8, i_16 < min(S - 64*ib_1, 64)
  phase {
    par i_1 < B {
      par j_1 < 4 {
        par ib_1 < (S + 63) floordiv 64 {
          vec z < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8) by 8 x 1 {
            seq d_1 < 8 {
              qt[min(S - 64*ib_1, 64) floordiv 16, d_1, z + 8*((min(S - 64*ib_1, 64) floordiv 8) mod 2)] = 0.0
            }
          }
          seq d < 8 {
            seq p < (min(S - 64*ib_1, 64) + 15) floordiv 16 {
              vec c < min(-16*p + min(S - 64*ib_1, 64), 16) by 8 x 1 {
                qt[p, d, c] = t[0, i_1, j_1, c + 64*ib_1 + 16*p, d] * 0.3535533845424652
              }
            }
          }
          vec i_11 < min(S - 64*ib_1, 64) by 8 x 1 {
            m[i_11] = -inf
            l[i_11] = 0.0
          }
          seq i_12 < min(S - 64*ib_1, 64) {
            vec e < 8 by 8 x 1 {
              o[i_12, e] = 0.0
            }
          }
          seq jb_1 < (S + 63) floordiv 64 {
            leaf row_1 < min(S - 64*jb_1, 64), col_1 < min(S - 64*ib_1, 64) max 64, kk_1 < 8, padded 8, walks, panels 16: s[row_1, col_1] = t[1, i_1, j_1, 64*jb_1 + row_1, kk_1] * qt[col_1 floordiv 16, kk_1, col_1 mod 16]
            vec i_13 < min(S - 64*ib_1, 64) by 8 x 4 {
              acc most: number_max f32
              seq j_7 < min(S - 64*jb_1, 64) {
                let score = s[j_7, i_13]
                s[j_7, i_13] = score
                most <- score
              }
              let old = m[i_13]
              let now = most > old ? most : old
              alpha[i_13] = now == -inf ? 1.0 : exp(old - now)
              m[i_13] = now
            }
            vec i_14 < min(S - 64*ib_1, 64) by 8 x 2 {
              let base = m[i_14] == -inf ? 0.0 : m[i_14]
              acc sum: sum f32
              seq j_8 < min(S - 64*jb_1, 64) {
                let weight = exp(s[j_8, i_14] - base)
                s[j_8, i_14] = weight
                sum <- weight
              }
              l[i_14] = l[i_14] * alpha[i_14] + sum
            }
            leaf row_2 < min(S - 64*ib_1, 64), col_2 < 8 max 8, kk_2 < min(S - 64*jb_1, 64), streams: o[row_2, col_2] times (alpha[row_2]) += s[kk_2, row_2] * t[2, i_1, j_1, 64*jb_1 + kk_2, col_2]
          }
          vec i_16 < min(S - 64*ib_1, 64) by 8 x 1 {
            alpha[i_16] = l[i_16] == 0.0 ? 0.0 : 1.0 / l[i_16]
          }
          seq i_15 < min(S - 64*ib_1, 64) {
            vec e_1 < 8 by 8 x 1 {
              r[i_1, i_15 + 64*ib_1, e_1 + 8*j_1] = o[i_15, e_1] * alpha[i_15]
            }
          }
        }
      }
    }
  }
}

kernel @contract_2(r: f32[B, S, 32], wo: f32[32, 32], x: f32[B, S, 32], out h: f32[B, S, 32]) where B in 1..65536, S in 1..65536 {
  title "contract + add"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 32
  flops 2080*((B*S + 95) floordiv 96)*min(B*S, 96)
  bytes 384*B*S + 4096
  tile c: f32[96, 64]
  axis ib_2 < (B*S + 95) floordiv 96, row_3 < min(B*S - 96*ib_2, 96), col_3 < 32, kk_3 < 32, i_21 < min(B*S - 96*ib_2, 96), j_9 < 32
  phase {
    par ib_2 < (B*S + 95) floordiv 96 {
      leaf row_3 < min(B*S - 96*ib_2, 96), col_3 < 32 max 64, kk_3 < 32: c[row_3, col_3] = r[(96*ib_2 + row_3) floordiv S, -S*((96*ib_2 + row_3) floordiv S) + 96*ib_2 + row_3, kk_3] * wo[kk_3, col_3]
      seq i_21 < min(B*S - 96*ib_2, 96) {
        vec j_9 < 32 by 8 x 4 {
          h[(i_21 + 96*ib_2) floordiv S, -S*((i_21 + 96*ib_2) floordiv S) + i_21 + 96*ib_2, j_9] = c[i_21, j_9] + x[(i_21 + 96*ib_2) floordiv S, -S*((i_21 + 96*ib_2) floordiv S) + i_21 + 96*ib_2, j_9]
        }
      }
    }
  }
}

kernel @reduce_3(h: f32[B, S, 32], g: f32[32], b: f32[32], out n: f32[B, S, 32]) where B in 1..65536, S in 1..65536 {
  title "reduce + mul + sub + mul + reduce + mul + add + sqrt + div + 2 x mul + add"
  schedule cpu lanes 1 unroll 4
  flops 261*((B*S + 63) floordiv 64)*min(B*S, 64)
  bytes 256*B*S + 256
  axis r < 32, b < (B*S + 63) floordiv 64, i_25 < min(B*S - 64*b, 64)
  phase {
    par b < (B*S + 63) floordiv 64 {
      vec i_25 < min(B*S - 64*b, 64) by 8 x 1 {
        acc acc_: sum f32
        seq r < 32 {
          acc_ <- h[(64*b + i_25) floordiv S, -S*((64*b + i_25) floordiv S) + 64*b + i_25, r]
        }
        let v = acc_ * 0.03125
        acc acc__1: sum f32
        seq r < 32 {
          $1 = h[(64*b + i_25) floordiv S, -S*((64*b + i_25) floordiv S) + 64*b + i_25, r] - v
          acc__1 <- $1 * $1
        }
        let v_1 = acc__1 * 0.03125
        let v_2 = v_1 + 9.999999747378752e-06
        let v_3 = sqrt(v_2)
        let v_4 = 1.0 / v_3
        seq r < 32 {
          n[(64*b + i_25) floordiv S, -S*((64*b + i_25) floordiv S) + 64*b + i_25, r] = (h[(64*b + i_25) floordiv S, -S*((64*b + i_25) floordiv S) + 64*b + i_25, r] - v) * v_4 * g[r] + b[r]
        }
      }
    }
  }
}

kernel @contract_4(n: f32[B, S, 32], w1: f32[32, 80], b1: f32[80], out ge: f32[B, S, 80]) where B in 1..65536, S in 1..65536 {
  title "contract + add + 2 x mul + erf + add + mul"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 32
  flops 5600*((B*S + 95) floordiv 96)*min(B*S, 96)
  bytes 448*B*S + 10560
  tile c: f32[96, 64]
  axis ib_3 < (B*S + 95) floordiv 96, jb_2 < 2, row_4 < min(B*S - 96*ib_3, 96), col_4 < min(-64*jb_2 + 80, 64), kk_4 < 32, i_30 < min(B*S - 96*ib_3, 96), j_10 < min(-64*jb_2 + 80, 64)
  phase {
    par jb_2 < 2 {
      par ib_3 < (B*S + 95) floordiv 96 {
        leaf row_4 < min(B*S - 96*ib_3, 96), col_4 < min(-64*jb_2 + 80, 64) max 64, kk_4 < 32: c[row_4, col_4] = n[(96*ib_3 + row_4) floordiv S, -S*((96*ib_3 + row_4) floordiv S) + 96*ib_3 + row_4, kk_4] * w1[kk_4, col_4 + 64*jb_2]
        seq i_30 < min(B*S - 96*ib_3, 96) {
          vec j_10 < min(-64*jb_2 + 80, 64) by 8 x 4 {
            $1 = c[i_30, j_10] + b1[j_10 + 64*jb_2]
            ge[(i_30 + 96*ib_3) floordiv S, -S*((i_30 + 96*ib_3) floordiv S) + i_30 + 96*ib_3, j_10 + 64*jb_2] = 0.5 * $1 * (1.0 + erf($1 * 0.7071067690849304))
          }
        }
      }
    }
  }
}

kernel @contract_5(ge: f32[B, S, 80], w2: f32[80, 32], n: f32[B, S, 32], out y: f32[B, S, 32]) where B in 1..65536, S in 1..65536 {
  title "contract + add"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 80
  flops 5152*((B*S + 95) floordiv 96)*min(B*S, 96)
  bytes 576*B*S + 10240
  tile c: f32[96, 64]
  axis ib_4 < (B*S + 95) floordiv 96, row_5 < min(B*S - 96*ib_4, 96), col_5 < 32, kk_5 < 80, i_35 < min(B*S - 96*ib_4, 96), j_11 < 32
  phase {
    par ib_4 < (B*S + 95) floordiv 96 {
      leaf row_5 < min(B*S - 96*ib_4, 96), col_5 < 32 max 64, kk_5 < 80: c[row_5, col_5] = ge[(96*ib_4 + row_5) floordiv S, -S*((96*ib_4 + row_5) floordiv S) + 96*ib_4 + row_5, kk_5] * w2[kk_5, col_5]
      seq i_35 < min(B*S - 96*ib_4, 96) {
        vec j_11 < 32 by 8 x 4 {
          y[(i_35 + 96*ib_4) floordiv S, -S*((i_35 + 96*ib_4) floordiv S) + i_35 + 96*ib_4, j_11] = c[i_35, j_11] + n[(i_35 + 96*ib_4) floordiv S, -S*((i_35 + 96*ib_4) floordiv S) + i_35 + 96*ib_4, j_11]
        }
      }
    }
  }
}
