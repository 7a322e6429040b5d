# frit: opt %s -p core,lower
# input: tests/lower/attend_formula_mask.fir
---
plan @att {
  input 0 q: f32[B, 2, S, 16]
  input 1 k: f32[B, 2, S, 16]
  input 3 m: bool[B, S]
  input 2 v: f32[B, 2, S, 16]
  slot 0 b4: f32[B, 2, S, 16]
  output 0 y: f32[B, 2, S, 16]
  slot 0 bytes 128*B*S
  arena bytes 128*B*S
  scratch bytes 25344
  attend_0(q, k, m, v, out b4)    -- attention
  attend_1(b4, k, m, v, out y)    -- attention
}

kernel @attend_0(q: f32[B, 2, S, 16], k: f32[B, 2, S, 16], m_1: bool[B, S], v: f32[B, 2, S, 16], out t: f32[B, 2, S, 16]) where B in 1..65536, S in 1..65536 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 140*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64)*min(S, 64) + 14*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64) + 32*B*((S + 63) floordiv 64)*((min(S, 64) + 15) floordiv 16)*min(S, 16) + 36*B*((S + 63) floordiv 64)*min(S, 64)
  bytes 513*B*S
  tile qt: f32[4, 16, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 16]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i_2 < B, j_2 < 2, ib < (S + 63) floordiv 64, jb < (S + 63) floordiv 64, d < 16, z < 8*((min(S - 64*ib, 64) + 7) floordiv 8) - 8*(min(S - 64*ib, 64) floordiv 8), d_1 < 16, p < (min(S - 64*ib, 64) + 15) floordiv 16, c < min(-16*p + min(S - 64*ib, 64), 16), i_4 < min(S - 64*ib, 64), i_5 < min(S - 64*ib, 64), e < 16, row < min(S - 64*jb, 64), col < min(S - 64*ib, 64), kk < 16, i_6 < min(S - 64*ib, 64), j_4 < min(S - 64*jb, 64), i_7 < min(S - 64*ib, 64), j_5 < min(S - 64*jb, 64), row_1 < min(S - 64*ib, 64), col_1 < 16, kk_1 < min(S - 64*jb, 64), i_8 < min(S - 64*ib, 64), e_1 < 16, i_9 < min(S - 64*ib, 64)
  phase {
    par i_2 < B {
      par j_2 < 2 {
        par ib < (S + 63) floordiv 64 {
          vec z < 8*((min(S - 64*ib, 64) + 7) floordiv 8) - 8*(min(S - 64*ib, 64) floordiv 8) by 8 x 1 {
            seq d_1 < 16 {
              qt[min(S - 64*ib, 64) floordiv 16, d_1, z + 8*((min(S - 64*ib, 64) floordiv 8) mod 2)] = 0.0
            }
          }
          seq d < 16 {
            seq p < (min(S - 64*ib, 64) + 15) floordiv 16 {
              vec c < min(-16*p + min(S - 64*ib, 64), 16) by 8 x 1 {
                qt[p, d, c] = q[i_2, j_2, c + 64*ib + 16*p, d] * 0.25
              }
            }
          }
          vec i_4 < min(S - 64*ib, 64) by 8 x 1 {
            m[i_4] = -inf
            l[i_4] = 0.0
          }
          seq i_5 < min(S - 64*ib, 64) {
            vec e < 16 by 8 x 1 {
              o[i_5, e] = 0.0
            }
          }
          seq jb < (S + 63) floordiv 64 {
            leaf row < min(S - 64*jb, 64), col < min(S - 64*ib, 64) max 64, kk < 16, padded 8, walks, panels 16: s[row, col] = k[i_2, j_2, 64*jb + row, kk] * qt[col floordiv 16, kk, col mod 16]
            vec i_6 < min(S - 64*ib, 64) by 8 x 1 {
              acc most: number_max f32
              seq j_4 < min(S - 64*jb, 64) {
                let score = s[j_4, i_6] + (index(j_4 + 64*jb) <= index(i_6 + 64*ib) & m_1[i_2, j_4 + 64*jb] ? 0.0 : -1e+03)
                s[j_4, i_6] = score
                most <- score
              }
              let old = m[i_6]
              let now = most > old ? most : old
              alpha[i_6] = now == -inf ? 1.0 : exp(old - now)
              m[i_6] = now
            }
            vec i_7 < min(S - 64*ib, 64) by 8 x 1 {
              let base = m[i_7] == -inf ? 0.0 : m[i_7]
              acc sum: sum f32
              seq j_5 < min(S - 64*jb, 64) {
                let weight = exp(s[j_5, i_7] - base)
                s[j_5, i_7] = weight
                sum <- weight
              }
              l[i_7] = l[i_7] * alpha[i_7] + sum
            }
            leaf row_1 < min(S - 64*ib, 64), col_1 < 16 max 16, kk_1 < min(S - 64*jb, 64), streams: o[row_1, col_1] times (alpha[row_1]) += s[kk_1, row_1] * v[i_2, j_2, 64*jb + kk_1, col_1]
          }
          vec i_9 < min(S - 64*ib, 64) by 8 x 1 {
            alpha[i_9] = l[i_9] == 0.0 ? 0.0 : 1.0 / l[i_9]
          }
          seq i_8 < min(S - 64*ib, 64) {
            vec e_1 < 16 by 8 x 1 {
              t[i_2, j_2, i_8 + 64*ib, e_1] = o[i_8, e_1] * alpha[i_8]
            }
          }
        }
      }
    }
  }
}

kernel @attend_1(t: f32[B, 2, S, 16], k: f32[B, 2, S, 16], m_1: bool[B, S], v: f32[B, 2, S, 16], out y: f32[B, 2, S, 16]) where B in 1..65536, S in 1..65536 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 140*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64)*min(S, 64) + 14*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64) + 32*B*((S + 63) floordiv 64)*((min(S, 64) + 15) floordiv 16)*min(S, 16) + 36*B*((S + 63) floordiv 64)*min(S, 64)
  bytes 513*B*S
  tile qt: f32[4, 16, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 16]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i_3 < B, j_3 < 2, ib_1 < (S + 63) floordiv 64, jb_1 < (S + 63) floordiv 64, d_2 < 16, z_1 < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8), d_3 < 16, p_1 < (min(S - 64*ib_1, 64) + 15) floordiv 16, c_1 < min(-16*p_1 + min(S - 64*ib_1, 64), 16), i_10 < min(S - 64*ib_1, 64), i_11 < min(S - 64*ib_1, 64), e_2 < 16, row_2 < min(S - 64*jb_1, 64), col_2 < min(S - 64*ib_1, 64), kk_2 < 16, i_12 < min(S - 64*ib_1, 64), j_6 < min(S - 64*jb_1, 64), i_13 < min(S - 64*ib_1, 64), j_7 < min(S - 64*jb_1, 64), row_3 < min(S - 64*ib_1, 64), col_3 < 16, kk_3 < min(S - 64*jb_1, 64), i_14 < min(S - 64*ib_1, 64), e_3 < 16, i_15 < min(S - 64*ib_1, 64)
  phase {
    par i_3 < B {
      par j_3 < 2 {
        par ib_1 < (S + 63) floordiv 64 {
          vec z_1 < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8) by 8 x 1 {
            seq d_3 < 16 {
              qt[min(S - 64*ib_1, 64) floordiv 16, d_3, z_1 + 8*((min(S - 64*ib_1, 64) floordiv 8) mod 2)] = 0.0
            }
          }
          seq d_2 < 16 {
            seq p_1 < (min(S - 64*ib_1, 64) + 15) floordiv 16 {
              vec c_1 < min(-16*p_1 + min(S - 64*ib_1, 64), 16) by 8 x 1 {
                qt[p_1, d_2, c_1] = t[i_3, j_3, c_1 + 64*ib_1 + 16*p_1, d_2] * 0.25
              }
            }
          }
          vec i_10 < min(S - 64*ib_1, 64) by 8 x 1 {
            m[i_10] = -inf
            l[i_10] = 0.0
          }
          seq i_11 < min(S - 64*ib_1, 64) {
            vec e_2 < 16 by 8 x 1 {
              o[i_11, e_2] = 0.0
            }
          }
          seq jb_1 < (S + 63) floordiv 64 {
            leaf row_2 < min(S - 64*jb_1, 64), col_2 < min(S - 64*ib_1, 64) max 64, kk_2 < 16, padded 8, walks, panels 16: s[row_2, col_2] = k[i_3, j_3, 64*jb_1 + row_2, kk_2] * qt[col_2 floordiv 16, kk_2, col_2 mod 16]
            vec i_12 < min(S - 64*ib_1, 64) by 8 x 1 {
              acc most: number_max f32
              seq j_6 < min(S - 64*jb_1, 64) {
                let score = s[j_6, i_12] + (index(j_6 + 64*jb_1) <= index(i_12 + 64*ib_1) & m_1[i_3, j_6 + 64*jb_1] ? 0.0 : -1e+03)
                s[j_6, i_12] = score
                most <- score
              }
              let old = m[i_12]
              let now = most > old ? most : old
              alpha[i_12] = now == -inf ? 1.0 : exp(old - now)
              m[i_12] = now
            }
            vec i_13 < min(S - 64*ib_1, 64) by 8 x 1 {
              let base = m[i_13] == -inf ? 0.0 : m[i_13]
              acc sum: sum f32
              seq j_7 < min(S - 64*jb_1, 64) {
                let weight = exp(s[j_7, i_13] - base)
                s[j_7, i_13] = weight
                sum <- weight
              }
              l[i_13] = l[i_13] * alpha[i_13] + sum
            }
            leaf row_3 < min(S - 64*ib_1, 64), col_3 < 16 max 16, kk_3 < min(S - 64*jb_1, 64), streams: o[row_3, col_3] times (alpha[row_3]) += s[kk_3, row_3] * v[i_3, j_3, 64*jb_1 + kk_3, col_3]
          }
          vec i_15 < min(S - 64*ib_1, 64) by 8 x 1 {
            alpha[i_15] = l[i_15] == 0.0 ? 0.0 : 1.0 / l[i_15]
          }
          seq i_14 < min(S - 64*ib_1, 64) {
            vec e_3 < 16 by 8 x 1 {
              y[i_3, j_3, i_14 + 64*ib_1, e_3] = o[i_14, e_3] * alpha[i_14]
            }
          }
        }
      }
    }
  }
}
