# frit: opt %s -p core,lower
# input: tests/lower/attend_masked_rows.fir
---
plan @att {
  input 0 q: f32[B, 2, S, 8]
  input 1 k: f32[B, 2, T, 8]
  input 3 m: bool[B, 1, S, 1]
  input 2 v: f32[B, 2, T, 5]
  output 0 y: f32[B, 2, S, 5]
  output 1 z: f32[B, 2, S, 5]
  arena bytes 0
  scratch bytes 20480
  attend_0(q, k, m, v, out y)    -- attention
  attend_1(q, k, m, v, out z)    -- attention
}

kernel @attend_0(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], m_1: bool[B, 1, S, 1], v: f32[B, 2, T, 5], out y: f32[B, 2, S, 5]) where T in 0..65536, B in 1..65536, S in 1..65536 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 62*B*((S + 63) floordiv 64)*((T + 63) floordiv 64)*min(S, 64)*min(T, 64) + 14*B*((S + 63) floordiv 64)*((T + 63) floordiv 64)*min(S, 64) + 16*B*((S + 63) floordiv 64)*((min(S, 64) + 15) floordiv 16)*min(S, 16) + 14*B*((S + 63) floordiv 64)*min(S, 64)
  bytes 105*B*S + 104*B*T
  tile qt: f32[4, 8, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 5]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i < B, j < 2, ib < (S + 63) floordiv 64, jb < (T + 63) floordiv 64, d < 8, z < 8*((min(S - 64*ib, 64) + 7) floordiv 8) - 8*(min(S - 64*ib, 64) floordiv 8), d_1 < 8, p < (min(S - 64*ib, 64) + 15) floordiv 16, c < min(-16*p + min(S - 64*ib, 64), 16), i_2 < min(S - 64*ib, 64), i_3 < min(S - 64*ib, 64), e < 5, row < min(T - 64*jb, 64), col < min(S - 64*ib, 64), kk < 8, i_4 < min(S - 64*ib, 64), j_2 < min(T - 64*jb, 64), i_5 < min(S - 64*ib, 64), j_3 < min(T - 64*jb, 64), row_1 < min(S - 64*ib, 64), col_1 < 5, kk_1 < min(T - 64*jb, 64), i_6 < min(S - 64*ib, 64), e_1 < 5, i_7 < min(S - 64*ib, 64)
  phase {
    par i < B {
      par j < 2 {
        par ib < (S + 63) floordiv 64 {
          vec z < 8*((min(S - 64*ib, 64) + 7) floordiv 8) - 8*(min(S - 64*ib, 64) floordiv 8) by 8 x 1 {
            seq d_1 < 8 {
              qt[min(S - 64*ib, 64) floordiv 16, d_1, z + 8*((min(S - 64*ib, 64) floordiv 8) mod 2)] = 0.0
            }
          }
          seq d < 8 {
            seq p < (min(S - 64*ib, 64) + 15) floordiv 16 {
              vec c < min(-16*p + min(S - 64*ib, 64), 16) by 8 x 1 {
                qt[p, d, c] = q[i, j, c + 64*ib + 16*p, d] * 0.3535533845424652
              }
            }
          }
          vec i_2 < min(S - 64*ib, 64) by 8 x 1 {
            m[i_2] = -inf
            l[i_2] = 0.0
          }
          seq i_3 < min(S - 64*ib, 64) {
            vec e < 5 by 8 x 1 {
              o[i_3, e] = 0.0
            }
          }
          seq jb < (T + 63) floordiv 64 {
            leaf row < min(T - 64*jb, 64), col < min(S - 64*ib, 64) max 64, kk < 8, padded 8, walks, panels 16: s[row, col] = k[i, j, 64*jb + row, kk] * qt[col floordiv 16, kk, col mod 16]
            vec i_4 < min(S - 64*ib, 64) by 8 x 1 {
              acc most: number_max f32
              seq j_2 < min(T - 64*jb, 64) {
                let score = m_1[i, 0, i_4 + 64*ib, 0] ? s[j_2, i_4] : -inf
                s[j_2, i_4] = score
                most <- score
              }
              let old = m[i_4]
              let now = most > old ? most : old
              alpha[i_4] = now == -inf ? 1.0 : exp(old - now)
              m[i_4] = now
            }
            vec i_5 < min(S - 64*ib, 64) by 8 x 1 {
              let base = m[i_5] == -inf ? 0.0 : m[i_5]
              acc sum: sum f32
              seq j_3 < min(T - 64*jb, 64) {
                let weight = exp(s[j_3, i_5] - base)
                s[j_3, i_5] = weight
                sum <- weight
              }
              l[i_5] = l[i_5] * alpha[i_5] + sum
            }
            leaf row_1 < min(S - 64*ib, 64), col_1 < 5 max 5, kk_1 < min(T - 64*jb, 64), streams: o[row_1, col_1] times (alpha[row_1]) += s[kk_1, row_1] * v[i, j, 64*jb + kk_1, col_1]
          }
          vec i_7 < min(S - 64*ib, 64) by 8 x 1 {
            alpha[i_7] = l[i_7] == 0.0 ? 0.0 : 1.0 / l[i_7]
          }
          seq i_6 < min(S - 64*ib, 64) {
            vec e_1 < 5 by 8 x 1 {
              y[i, j, i_6 + 64*ib, e_1] = o[i_6, e_1] * alpha[i_6]
            }
          }
        }
      }
    }
  }
}

kernel @attend_1(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], m_1: bool[B, 1, S, 1], v: f32[B, 2, T, 5], out z: f32[B, 2, S, 5]) where T in 0..65536, B in 1..65536, S in 1..65536 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 62*B*((S + 63) floordiv 64)*((T + 63) floordiv 64)*min(S, 64)*min(T, 64) + 14*B*((S + 63) floordiv 64)*((T + 63) floordiv 64)*min(S, 64) + 16*B*((S + 63) floordiv 64)*((min(S, 64) + 15) floordiv 16)*min(S, 16) + 18*B*((S + 63) floordiv 64)*min(S, 64)
  bytes 105*B*S + 104*B*T
  tile qt: f32[4, 8, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 5]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i_1 < B, j_1 < 2, ib_1 < (S + 63) floordiv 64, jb_1 < (T + 63) floordiv 64, d_2 < 8, z_1 < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8), d_3 < 8, p_1 < (min(S - 64*ib_1, 64) + 15) floordiv 16, c_1 < min(-16*p_1 + min(S - 64*ib_1, 64), 16), i_8 < min(S - 64*ib_1, 64), i_9 < min(S - 64*ib_1, 64), e_2 < 5, row_2 < min(T - 64*jb_1, 64), col_2 < min(S - 64*ib_1, 64), kk_2 < 8, i_10 < min(S - 64*ib_1, 64), j_4 < min(T - 64*jb_1, 64), i_11 < min(S - 64*ib_1, 64), j_5 < min(T - 64*jb_1, 64), row_3 < min(S - 64*ib_1, 64), col_3 < 5, kk_3 < min(T - 64*jb_1, 64), i_12 < min(S - 64*ib_1, 64), e_3 < 5, i_13 < min(S - 64*ib_1, 64)
  phase {
    par i_1 < B {
      par j_1 < 2 {
        par ib_1 < (S + 63) floordiv 64 {
          vec z_1 < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8) by 8 x 1 {
            seq d_3 < 8 {
              qt[min(S - 64*ib_1, 64) floordiv 16, d_3, z_1 + 8*((min(S - 64*ib_1, 64) floordiv 8) mod 2)] = 0.0
            }
          }
          seq d_2 < 8 {
            seq p_1 < (min(S - 64*ib_1, 64) + 15) floordiv 16 {
              vec c_1 < min(-16*p_1 + min(S - 64*ib_1, 64), 16) by 8 x 1 {
                qt[p_1, d_2, c_1] = q[i_1, j_1, c_1 + 64*ib_1 + 16*p_1, d_2] * 0.3535533845424652
              }
            }
          }
          vec i_8 < min(S - 64*ib_1, 64) by 8 x 1 {
            m[i_8] = -inf
            l[i_8] = 0.0
          }
          seq i_9 < min(S - 64*ib_1, 64) {
            vec e_2 < 5 by 8 x 1 {
              o[i_9, e_2] = 0.0
            }
          }
          seq jb_1 < (T + 63) floordiv 64 {
            leaf row_2 < min(T - 64*jb_1, 64), col_2 < min(S - 64*ib_1, 64) max 64, kk_2 < 8, padded 8, walks, panels 16: s[row_2, col_2] = k[i_1, j_1, 64*jb_1 + row_2, kk_2] * qt[col_2 floordiv 16, kk_2, col_2 mod 16]
            vec i_10 < min(S - 64*ib_1, 64) by 8 x 1 {
              acc most: number_max f32
              seq j_4 < min(T - 64*jb_1, 64) {
                let score = m_1[i_1, 0, i_10 + 64*ib_1, 0] ? s[j_4, i_10] : -inf
                s[j_4, i_10] = score
                most <- score
              }
              let old = m[i_10]
              let now = most > old ? most : old
              alpha[i_10] = now == -inf ? 1.0 : exp(old - now)
              m[i_10] = now
            }
            vec i_11 < min(S - 64*ib_1, 64) by 8 x 1 {
              let base = m[i_11] == -inf ? 0.0 : m[i_11]
              acc sum: sum f32
              seq j_5 < min(T - 64*jb_1, 64) {
                let weight = exp(s[j_5, i_11] - base)
                s[j_5, i_11] = weight
                sum <- weight
              }
              l[i_11] = l[i_11] * alpha[i_11] + sum
            }
            leaf row_3 < min(S - 64*ib_1, 64), col_3 < 5 max 5, kk_3 < min(T - 64*jb_1, 64), streams: o[row_3, col_3] times (alpha[row_3]) += s[kk_3, row_3] * v[i_1, j_1, 64*jb_1 + kk_3, col_3]
          }
          vec i_13 < min(S - 64*ib_1, 64) by 8 x 1 {
            alpha[i_13] = l[i_13] == 0.0 ? (f32(index(T)) == 0.0 ? 0.0 : inf) : 1.0 / l[i_13]
          }
          seq i_12 < min(S - 64*ib_1, 64) {
            vec e_3 < 5 by 8 x 1 {
              z[i_1, j_1, i_12 + 64*ib_1, e_3] = o[i_12, e_3] * alpha[i_12]
            }
          }
        }
      }
    }
  }
}
