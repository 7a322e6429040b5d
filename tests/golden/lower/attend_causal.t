# frit: opt %s -p core,lower
# input: tests/lower/attend_causal.fir
---
plan @att {
  input 0 q: f32[B, 4, S, 64]
  input 1 k: f32[B, 2, T, 64]
  input 3 m: f32[B, 1, S, T]
  input 2 v: f32[B, 2, T, 32]
  output 0 y: f32[B, S, 128]
  arena bytes 0
  scratch bytes 41728
  attend_0(q, k, m, v, out y)    -- attention
}

kernel @attend_0(q: f32[B, 4, S, 64], k: f32[B, 2, T, 64], m_1: f32[B, 1, S, T], v: f32[B, 2, T, 32], out y: f32[B, S, 128]) where B in 1..65536, S in 1..65536, T in 1..65536 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 792*B*((S + 31) floordiv 32)*min(S, 32)*min(T, 64)*max((-S + T + min(S, 32) + 63) floordiv 64, 0) + 128*B*((S + 31) floordiv 32)*((min(S, 32) + 7) floordiv 8)*min(2*min(S, 32), 16) + 28*B*((S + 31) floordiv 32)*min(S, 32)*max((-S + T + min(S, 32) + 63) floordiv 64, 0) + 136*B*((S + 31) floordiv 32)*min(S, 32)
  bytes 4*B*S*T + 1536*B*S + 768*B*T
  tile qt: f32[4, 64, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 32]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i < B, h < 2, ib < (S + 31) floordiv 32, jb < max((-S + T + 32*ib + min(S - 32*ib, 32) + 63) floordiv 64, 0), d < 64, z < 8*((min(S - 32*ib, 32) + 3) floordiv 4) - 8*(min(S - 32*ib, 32) floordiv 4), d_1 < 64, p < (min(S - 32*ib, 32) + 7) floordiv 8, c < min(-16*p + 2*min(S - 32*ib, 32), 16), i_1 < 2*min(S - 32*ib, 32), i_2 < 2*min(S - 32*ib, 32), e < 32, row < min(T - 64*jb, 64), col < 2*min(S - 32*ib, 32), kk < 64, i_3 < 2*min(S - 32*ib, 32), j_1 < min(T - 64*jb, 64), i_4 < 2*min(S - 32*ib, 32), j_2 < min(T - 64*jb, 64), row_1 < 2*min(S - 32*ib, 32), col_1 < 32, kk_1 < min(T - 64*jb, 64), i_5 < 2*min(S - 32*ib, 32), e_1 < 32, i_6 < 2*min(S - 32*ib, 32)
  phase {
    par i < B {
      par h < 2 {
        par ib < (S + 31) floordiv 32 {
          vec z < 8*((min(S - 32*ib, 32) + 3) floordiv 4) - 8*(min(S - 32*ib, 32) floordiv 4) by 8 x 1 {
            seq d_1 < 64 {
              qt[min(S - 32*ib, 32) floordiv 8, d_1, z + 8*((min(S - 32*ib, 32) floordiv 4) mod 2)] = 0.0
            }
          }
          seq d < 64 {
            seq p < (min(S - 32*ib, 32) + 7) floordiv 8 {
              vec c < min(-16*p + 2*min(S - 32*ib, 32), 16) by 8 x 1 {
                qt[p, d, c] = q[i, 2*h + c mod 2, 32*ib + 8*p + c floordiv 2, d] * 0.125
              }
            }
          }
          vec i_1 < 2*min(S - 32*ib, 32) by 8 x 1 {
            m[i_1] = -inf
            l[i_1] = 0.0
          }
          seq i_2 < 2*min(S - 32*ib, 32) {
            vec e < 32 by 8 x 1 {
              o[i_2, e] = 0.0
            }
          }
          seq jb < max((-S + T + 32*ib + min(S - 32*ib, 32) + 63) floordiv 64, 0) {
            leaf row < min(T - 64*jb, 64), col < 2*min(S - 32*ib, 32) max 64, kk < 64, padded 8, walks, panels 16: s[row, col] = k[i, h, 64*jb + row, kk] * qt[col floordiv 16, kk, col mod 16]
            vec i_3 < 2*min(S - 32*ib, 32) by 8 x 1 {
              acc most: number_max f32
              seq j_1 < min(T - 64*jb, 64) {
                let score = index(j_1 + 64*jb) <= index(-S + T + 32*ib + i_3 floordiv 2) ? s[j_1, i_3] + m_1[i, 0, 32*ib + i_3 floordiv 2, j_1 + 64*jb] : -inf
                s[j_1, i_3] = score
                most <- score
              }
              let old = m[i_3]
              let now = most > old ? most : old
              alpha[i_3] = now == -inf ? 1.0 : exp(old - now)
              m[i_3] = now
            }
            vec i_4 < 2*min(S - 32*ib, 32) by 8 x 1 {
              let base = m[i_4] == -inf ? 0.0 : m[i_4]
              acc sum: sum f32
              seq j_2 < min(T - 64*jb, 64) {
                let weight = exp(s[j_2, i_4] - base)
                s[j_2, i_4] = weight
                sum <- weight
              }
              l[i_4] = l[i_4] * alpha[i_4] + sum
            }
            leaf row_1 < 2*min(S - 32*ib, 32), col_1 < 32 max 32, kk_1 < min(T - 64*jb, 64), streams: o[row_1, col_1] times (alpha[row_1]) += s[kk_1, row_1] * v[i, h, 64*jb + kk_1, col_1]
          }
          vec i_6 < 2*min(S - 32*ib, 32) by 8 x 1 {
            alpha[i_6] = l[i_6] == 0.0 ? 0.0 : 1.0 / l[i_6]
          }
          seq i_5 < 2*min(S - 32*ib, 32) {
            vec e_1 < 32 by 8 x 1 {
              y[i, 32*ib + i_5 floordiv 2, e_1 + 64*h + 32*(i_5 mod 2)] = o[i_5, e_1] * alpha[i_5]
            }
          }
        }
      }
    }
  }
}
