# frit: opt %s -p core,lower
# input: tests/lower/attend_grouped_heads.fir
---
plan @att {
  input 0 q: f32[B, 6, S, 32]
  input 1 k: f32[B, 2, T, 32]
  input 3 m: f32[B, 6, S, T]
  input 2 v: f32[B, 2, T, 48]
  output 0 y: f32[B, S, 288]
  input 4 r: f32[7, S, 16]
  input 5 p: f32[1, T, 16]
  input 6 u: f32[1, T, 16]
  output 1 z: f32[S, 7, 16]
  arena bytes 0
  scratch bytes 37632
  attend_0(q, k, m, v, out y)    -- attention
  attend_1(r, p, u, out z)    -- attention
}

kernel @attend_0(q: f32[B, 6, S, 32], k: f32[B, 2, T, 32], m_1: f32[B, 6, S, T], v: f32[B, 2, T, 48], out y: f32[B, S, 288]) where B in 1..3, S in 1..150, T in 1..200 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 996*B*((S + 20) floordiv 21)*min(S, 21)*min(T, 64)*max((-S + T + min(S, 21) + 63) floordiv 64, 0) + 64*B*((S + 20) floordiv 21)*((3*min(S, 21) + 15) floordiv 16)*min(3*min(S, 21), 16) + 42*B*((S + 20) floordiv 21)*min(S, 21)*max((-S + T + min(S, 21) + 63) floordiv 64, 0) + 300*B*((S + 20) floordiv 21)*min(S, 21)
  bytes 24*B*S*T + 1920*B*S + 640*B*T
  tile qt: f32[4, 32, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 48]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i < B, h < 2, ib < (S + 20) floordiv 21, jb < max((-S + T + 21*ib + min(S - 21*ib, 21) + 63) floordiv 64, 0), d < 32, z < 8*((3*min(S - 21*ib, 21) + 7) floordiv 8) - 8*((3*min(S - 21*ib, 21)) floordiv 8), d_1 < 32, p < (3*min(S - 21*ib, 21) + 15) floordiv 16, c < min(-16*p + 3*min(S - 21*ib, 21), 16), i_2 < 3*min(S - 21*ib, 21), i_3 < 3*min(S - 21*ib, 21), e < 48, row < min(T - 64*jb, 64), col < 3*min(S - 21*ib, 21), kk < 32, i_4 < 3*min(S - 21*ib, 21), j_2 < min(T - 64*jb, 64), i_5 < 3*min(S - 21*ib, 21), j_3 < min(T - 64*jb, 64), row_1 < 3*min(S - 21*ib, 21), col_1 < 48, kk_1 < min(T - 64*jb, 64), i_6 < 3*min(S - 21*ib, 21), e_1 < 48, i_7 < 3*min(S - 21*ib, 21)
  phase {
    par i < B {
      par h < 2 {
        par ib < (S + 20) floordiv 21 {
          vec z < 8*((3*min(S - 21*ib, 21) + 7) floordiv 8) - 8*((3*min(S - 21*ib, 21)) floordiv 8) by 8 x 1 {
            seq d_1 < 32 {
              qt[(3*min(S - 21*ib, 21)) floordiv 16, d_1, z + 8*(((3*min(S - 21*ib, 21)) floordiv 8) mod 2)] = 0.0
            }
          }
          seq d < 32 {
            seq p < (3*min(S - 21*ib, 21) + 15) floordiv 16 {
              vec c < min(-16*p + 3*min(S - 21*ib, 21), 16) by 8 x 1 {
                qt[p, d, c] = q[i, 3*h + (c + p) mod 3, 21*ib + 5*p + (c + p) floordiv 3, d] * 0.1767766922712326
              }
            }
          }
          vec i_2 < 3*min(S - 21*ib, 21) by 8 x 1 {
            m[i_2] = -inf
            l[i_2] = 0.0
          }
          seq i_3 < 3*min(S - 21*ib, 21) {
            vec e < 48 by 8 x 1 {
              o[i_3, e] = 0.0
            }
          }
          seq jb < max((-S + T + 21*ib + min(S - 21*ib, 21) + 63) floordiv 64, 0) {
            leaf row < min(T - 64*jb, 64), col < 3*min(S - 21*ib, 21) max 64, kk < 32, padded 8, walks, panels 16: s[row, col] = k[i, h, 64*jb + row, kk] * qt[col floordiv 16, kk, col mod 16]
            vec i_4 < 3*min(S - 21*ib, 21) by 8 x 1 {
              acc most: number_max f32
              seq j_2 < min(T - 64*jb, 64) {
                let score = index(j_2 + 64*jb) <= index(-S + T + 21*ib + i_4 floordiv 3) ? s[j_2, i_4] + m_1[i, 3*h + i_4 mod 3, 21*ib + i_4 floordiv 3, j_2 + 64*jb] : -inf
                s[j_2, i_4] = score
                most <- score
              }
              let old = m[i_4]
              let now = most > old ? most : old
              alpha[i_4] = now == -inf ? 1.0 : exp(old - now)
              m[i_4] = now
            }
            vec i_5 < 3*min(S - 21*ib, 21) by 8 x 1 {
              let base = m[i_5] == -inf ? 0.0 : m[i_5]
              acc sum: sum f32
              seq j_3 < min(T - 64*jb, 64) {
                let weight = exp(s[j_3, i_5] - base)
                s[j_3, i_5] = weight
                sum <- weight
              }
              l[i_5] = l[i_5] * alpha[i_5] + sum
            }
            leaf row_1 < 3*min(S - 21*ib, 21), col_1 < 48 max 48, kk_1 < min(T - 64*jb, 64), streams: o[row_1, col_1] times (alpha[row_1]) += s[kk_1, row_1] * v[i, h, 64*jb + kk_1, col_1]
          }
          vec i_7 < 3*min(S - 21*ib, 21) by 8 x 1 {
            alpha[i_7] = l[i_7] == 0.0 ? 0.0 : 1.0 / l[i_7]
          }
          seq i_6 < 3*min(S - 21*ib, 21) {
            vec e_1 < 48 by 8 x 1 {
              y[i, 21*ib + i_6 floordiv 3, e_1 + 144*h + 48*(i_6 mod 3)] = o[i_6, e_1] * alpha[i_6]
            }
          }
        }
      }
    }
  }
}

kernel @attend_1(r: f32[7, S, 16], p: f32[1, T, 16], u: f32[1, T, 16], out z: f32[S, 7, 16]) where S in 1..150, T in 1..200 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 483*((S + 8) floordiv 9)*((T + 63) floordiv 64)*min(S, 9)*min(T, 64) + 49*((S + 8) floordiv 9)*((T + 63) floordiv 64)*min(S, 9) + 16*((S + 8) floordiv 9)*((7*min(S, 9) + 15) floordiv 16)*min(7*min(S, 9), 16) + 126*((S + 8) floordiv 9)*min(S, 9)
  bytes 896*S + 128*T
  tile qt: f32[4, 16, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 16]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis h_1 < 1, ib_1 < (S + 8) floordiv 9, jb_1 < (T + 63) floordiv 64, d_2 < 16, z_1 < 8*((7*min(S - 9*ib_1, 9) + 7) floordiv 8) - 8*((7*min(S - 9*ib_1, 9)) floordiv 8), d_3 < 16, p_1 < (7*min(S - 9*ib_1, 9) + 15) floordiv 16, c_1 < min(-16*p_1 + 7*min(S - 9*ib_1, 9), 16), i_8 < 7*min(S - 9*ib_1, 9), i_9 < 7*min(S - 9*ib_1, 9), e_2 < 16, row_2 < min(T - 64*jb_1, 64), col_2 < 7*min(S - 9*ib_1, 9), kk_2 < 16, i_10 < 7*min(S - 9*ib_1, 9), j_4 < min(T - 64*jb_1, 64), i_11 < 7*min(S - 9*ib_1, 9), j_5 < min(T - 64*jb_1, 64), row_3 < 7*min(S - 9*ib_1, 9), col_3 < 16, kk_3 < min(T - 64*jb_1, 64), i_12 < 7*min(S - 9*ib_1, 9), e_3 < 16, i_13 < 7*min(S - 9*ib_1, 9)
  phase {
    par h_1 < 1 {
      par ib_1 < (S + 8) floordiv 9 {
        vec z_1 < 8*((7*min(S - 9*ib_1, 9) + 7) floordiv 8) - 8*((7*min(S - 9*ib_1, 9)) floordiv 8) by 8 x 1 {
          seq d_3 < 16 {
            qt[(7*min(S - 9*ib_1, 9)) floordiv 16, d_3, z_1 + 8*(((7*min(S - 9*ib_1, 9)) floordiv 8) mod 2)] = 0.0
          }
        }
        seq d_2 < 16 {
          seq p_1 < (7*min(S - 9*ib_1, 9) + 15) floordiv 16 {
            vec c_1 < min(-16*p_1 + 7*min(S - 9*ib_1, 9), 16) by 8 x 1 {
              qt[p_1, d_2, c_1] = r[7*h_1 + (c_1 + 2*p_1) mod 7, 9*ib_1 + 2*p_1 + (c_1 + 2*p_1) floordiv 7, d_2] * 0.25
            }
          }
        }
        vec i_8 < 7*min(S - 9*ib_1, 9) by 8 x 1 {
          m[i_8] = -inf
          l[i_8] = 0.0
        }
        seq i_9 < 7*min(S - 9*ib_1, 9) {
          vec e_2 < 16 by 8 x 1 {
            o[i_9, e_2] = 0.0
          }
        }
        seq jb_1 < (T + 63) floordiv 64 {
          leaf row_2 < min(T - 64*jb_1, 64), col_2 < 7*min(S - 9*ib_1, 9) max 64, kk_2 < 16, padded 8, walks, panels 16: s[row_2, col_2] = p[h_1, 64*jb_1 + row_2, kk_2] * qt[col_2 floordiv 16, kk_2, col_2 mod 16]
          vec i_10 < 7*min(S - 9*ib_1, 9) by 8 x 4 {
            acc most: number_max f32
            seq j_4 < min(T - 64*jb_1, 64) {
              let score = index(j_4 + 64*jb_1) > index(-S + T + 9*ib_1 + i_10 floordiv 7 - 5) ? s[j_4, i_10] : -inf
              s[j_4, i_10] = score
              most <- score
            }
            let old = m[i_10]
            let now = most > old ? most : old
            alpha[i_10] = now == -inf ? 1.0 : exp(old - now)
            m[i_10] = now
          }
          vec i_11 < 7*min(S - 9*ib_1, 9) by 8 x 2 {
            let base = m[i_11] == -inf ? 0.0 : m[i_11]
            acc sum: sum f32
            seq j_5 < min(T - 64*jb_1, 64) {
              let weight = exp(s[j_5, i_11] - base)
              s[j_5, i_11] = weight
              sum <- weight
            }
            l[i_11] = l[i_11] * alpha[i_11] + sum
          }
          leaf row_3 < 7*min(S - 9*ib_1, 9), col_3 < 16 max 16, kk_3 < min(T - 64*jb_1, 64), streams: o[row_3, col_3] times (alpha[row_3]) += s[kk_3, row_3] * u[h_1, 64*jb_1 + kk_3, col_3]
        }
        vec i_13 < 7*min(S - 9*ib_1, 9) by 8 x 1 {
          alpha[i_13] = l[i_13] == 0.0 ? 0.0 : 1.0 / l[i_13]
        }
        seq i_12 < 7*min(S - 9*ib_1, 9) {
          vec e_3 < 16 by 8 x 1 {
            z[9*ib_1 + i_12 floordiv 7, 7*h_1 + i_12 mod 7, e_3] = o[i_12, e_3] * alpha[i_12]
          }
        }
      }
    }
  }
}
