# frit: opt %s -p core,lower
# input: tests/lower/attend_of_gathered_keys.fir
---
plan @attend_of_gathered_keys {
  input 0 q: f32[2, S, 4]
  input 2 i: i64[T]
  input 1 table: f32[2, 8, 4]
  output 0 b3: f32[2, S, 4]
  arena bytes 0
  scratch bytes 21248
  attend_0(q, i, table, out b3)    -- attention
}

kernel @attend_0(q: f32[2, S, 4], i: i64[T], table: f32[2, 8, 4], out t: f32[2, S, 4]) where S in 1..128, T in 1..128 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 40*((S + 63) floordiv 64)*((T + 63) floordiv 64)*min(S, 64)*min(T, 64) + 14*((S + 63) floordiv 64)*((T + 63) floordiv 64)*min(S, 64) + 8*((S + 63) floordiv 64)*((min(S, 64) + 15) floordiv 16)*min(S, 16) + 12*((S + 63) floordiv 64)*min(S, 64)
  bytes 64*S + 4*min(16*((S + 63) floordiv 64)*((T + 63) floordiv 64)*min(T, 64), 64)
  tile qt: f32[4, 4, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 4]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  tile kt: f32[1, 64, 4]
  tile vt: f32[1, 64, 4]
  axis i_2 < 2, ib < (S + 63) floordiv 64, jb < (T + 63) floordiv 64, d < 4, z < 8*((min(S - 64*ib, 64) + 7) floordiv 8) - 8*(min(S - 64*ib, 64) floordiv 8), d_1 < 4, p < (min(S - 64*ib, 64) + 15) floordiv 16, c < min(-16*p + min(S - 64*ib, 64), 16), i_3 < min(S - 64*ib, 64), i_4 < min(S - 64*ib, 64), e < 4, row < min(T - 64*jb, 64), col < min(S - 64*ib, 64), kk < 4, r < min(T - 64*jb, 64), p_1 < 1, c_1 < 4
  $1 = i[64*jb + r] + 1
  index at_1 < 8 = max(min($1 < 0 ? $1 + 8 : $1, 7), 0)
  axis i_5 < min(S - 64*ib, 64), j_2 < min(T - 64*jb, 64), i_6 < min(S - 64*ib, 64), j_3 < min(T - 64*jb, 64), row_1 < min(S - 64*ib, 64), col_1 < 4, kk_1 < min(T - 64*jb, 64), r_1 < min(T - 64*jb, 64), p_2 < 1, c_2 < 4
  $1 = i[64*jb + r_1] + 1
  index at_2_1 < 8 = max(min($1 < 0 ? $1 + 8 : $1, 7), 0)
  axis i_7 < min(S - 64*ib, 64), e_1 < 4, i_8 < min(S - 64*ib, 64)
  phase {
    par i_2 < 2 {
      par ib < (S + 63) floordiv 64 {
        vec z < 8*((min(S - 64*ib, 64) + 7) floordiv 8) - 8*(min(S - 64*ib, 64) floordiv 8) by 8 x 1 {
          seq d_1 < 4 {
            qt[min(S - 64*ib, 64) floordiv 16, d_1, z + 8*((min(S - 64*ib, 64) floordiv 8) mod 2)] = 0.0
          }
        }
        seq d < 4 {
          seq p < (min(S - 64*ib, 64) + 15) floordiv 16 {
            vec c < min(-16*p + min(S - 64*ib, 64), 16) by 8 x 1 {
              qt[p, d, c] = q[i_2, c + 64*ib + 16*p, d] * 0.5
            }
          }
        }
        vec i_3 < min(S - 64*ib, 64) by 8 x 1 {
          m[i_3] = -inf
          l[i_3] = 0.0
        }
        seq i_4 < min(S - 64*ib, 64) {
          vec e < 4 by 8 x 1 {
            o[i_4, e] = 0.0
          }
        }
        seq jb < (T + 63) floordiv 64 {
          seq r < min(T - 64*jb, 64) {
            seq p_1 < 1 {
              vec c_1 < 4 by 8 x 1 {
                kt[p_1, r, c_1] = table[i_2, at_1, c_1 + 4*p_1]
              }
            }
          }
          leaf row < min(T - 64*jb, 64), col < min(S - 64*ib, 64) max 64, kk < 4, padded 8, panels 16: s[row, col] = kt[0, row, kk] * qt[col floordiv 16, kk, col mod 16]
          vec i_5 < min(S - 64*ib, 64) by 8 x 4 {
            acc most: number_max f32
            seq j_2 < min(T - 64*jb, 64) {
              let score = s[j_2, i_5]
              s[j_2, i_5] = score
              most <- score
            }
            let old = m[i_5]
            let now = most > old ? most : old
            alpha[i_5] = now == -inf ? 1.0 : exp(old - now)
            m[i_5] = now
          }
          vec i_6 < min(S - 64*ib, 64) by 8 x 2 {
            let base = m[i_6] == -inf ? 0.0 : m[i_6]
            acc sum: sum f32
            seq j_3 < min(T - 64*jb, 64) {
              let weight = exp(s[j_3, i_6] - base)
              s[j_3, i_6] = weight
              sum <- weight
            }
            l[i_6] = l[i_6] * alpha[i_6] + sum
          }
          seq r_1 < min(T - 64*jb, 64) {
            seq p_2 < 1 {
              vec c_2 < 4 by 8 x 1 {
                vt[p_2, r_1, c_2] = table[i_2, at_2_1, c_2 + 4*p_2]
              }
            }
          }
          leaf row_1 < min(S - 64*ib, 64), col_1 < 4 max 4, kk_1 < min(T - 64*jb, 64): o[row_1, col_1] times (alpha[row_1]) += s[kk_1, row_1] * vt[0, kk_1, col_1]
        }
        vec i_8 < min(S - 64*ib, 64) by 8 x 1 {
          alpha[i_8] = l[i_8] == 0.0 ? 0.0 : 1.0 / l[i_8]
        }
        seq i_7 < min(S - 64*ib, 64) {
          vec e_1 < 4 by 8 x 1 {
            t[i_2, i_7 + 64*ib, e_1] = o[i_7, e_1] * alpha[i_7]
          }
        }
      }
    }
  }
}
