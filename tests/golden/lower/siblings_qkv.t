# frit: opt %s -p core,lower
# input: tests/lower/siblings_qkv.fir
---
plan @qkv {
  input 0 x: f32[B, S, 48]
  const 0 packed: f32[4, 48, 16]
  const 1 packed_1: f32[4, 48, 16]
  const 2 packed_2: f32[4, 48, 16]
  slot 0 q: f32[B, 4, S, 16]
  slot 1 k: f32[B, 4, S, 16]
  slot 2 v: f32[B, 4, S, 16]
  output 0 y: f32[B, S, 64]
  slot 0 bytes 256*B*S
  slot 1 bytes 256*B*S
  slot 2 bytes 256*B*S
  arena bytes 768*B*S
  scratch bytes 73728
  contract_0(x, packed, packed_1, packed_2, out q, out k, out v)    -- contract + add + 2 x contract
  attend_1(q, k, v, out y)    -- attention
}

kernel @contract_0(x: f32[B, S, 48], const packed: f32[4, 48, 16], const packed_1: f32[4, 48, 16], const packed_2: f32[4, 48, 16], out q: f32[B, 4, S, 16], out k: f32[B, 4, S, 16], out v: f32[B, 4, S, 16]) where B in 1..65536, S in 1..65536 {
  title "contract + add + 2 x contract"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 48
  flops 18496*((B*S + 95) floordiv 96)*min(B*S, 96)
  bytes 960*B*S + 36864
  tile c: f32[96, 64]
  tile c_1: f32[96, 64]
  tile c_2: f32[96, 64]
  axis ib < (B*S + 95) floordiv 96, row < min(B*S - 96*ib, 96), col < 64, kk < 48, i_6 < min(B*S - 96*ib, 96), j_2 < 64
  phase {
    par ib < (B*S + 95) floordiv 96 {
      leaf row < min(B*S - 96*ib, 96), col < 64 max 64, kk < 48, padded 8, streams, panels 16: c[row, col] = x[(96*ib + row) floordiv S, -S*((96*ib + row) floordiv S) + 96*ib + row, kk] * packed[col floordiv 16, kk, col mod 16]
      leaf row < min(B*S - 96*ib, 96), col < 64 max 64, kk < 48, padded 8, streams, panels 16: c_1[row, col] = x[(96*ib + row) floordiv S, -S*((96*ib + row) floordiv S) + 96*ib + row, kk] * packed_1[col floordiv 16, kk, col mod 16]
      leaf row < min(B*S - 96*ib, 96), col < 64 max 64, kk < 48, padded 8, streams, panels 16: c_2[row, col] = x[(96*ib + row) floordiv S, -S*((96*ib + row) floordiv S) + 96*ib + row, kk] * packed_2[col floordiv 16, kk, col mod 16]
      seq i_6 < min(B*S - 96*ib, 96) {
        vec j_2 < 64 by 8 x 4 {
          q[(i_6 + 96*ib) floordiv S, j_2 floordiv 16, -S*((i_6 + 96*ib) floordiv S) + i_6 + 96*ib, j_2 mod 16] = c[i_6, j_2] + 0.25
          k[(i_6 + 96*ib) floordiv S, j_2 floordiv 16, -S*((i_6 + 96*ib) floordiv S) + i_6 + 96*ib, j_2 mod 16] = c_1[i_6, j_2]
          v[(i_6 + 96*ib) floordiv S, j_2 floordiv 16, -S*((i_6 + 96*ib) floordiv S) + i_6 + 96*ib, j_2 mod 16] = c_2[i_6, j_2]
        }
      }
    }
  }
}

kernel @attend_1(q: f32[B, 4, S, 16], k: f32[B, 4, S, 16], v: f32[B, 4, S, 16], out y: f32[B, S, 64]) where B in 1..65536, S in 1..65536 {
  title "attention"
  schedule cpu lanes 8 unroll 1 tile_m 64 tile_n 64
  flops 272*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64)*min(S, 64) + 28*B*((S + 63) floordiv 64)*((S + 63) floordiv 64)*min(S, 64) + 64*B*((S + 63) floordiv 64)*((min(S, 64) + 15) floordiv 16)*min(S, 16) + 72*B*((S + 63) floordiv 64)*min(S, 64)
  bytes 1024*B*S
  tile qt: f32[4, 16, 16]
  tile s: f32[64, 64]
  tile o: f32[64, 16]
  tile m: f32[64]
  tile l: f32[64]
  tile alpha: f32[64]
  axis i_1 < B, j_1 < 4, ib_1 < (S + 63) floordiv 64, jb < (S + 63) floordiv 64, d < 16, z < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8), d_1 < 16, p < (min(S - 64*ib_1, 64) + 15) floordiv 16, c < min(-16*p + min(S - 64*ib_1, 64), 16), i_7 < min(S - 64*ib_1, 64), i_8 < min(S - 64*ib_1, 64), e < 16, row_1 < min(S - 64*jb, 64), col_1 < min(S - 64*ib_1, 64), kk_1 < 16, i_9 < min(S - 64*ib_1, 64), j_3 < min(S - 64*jb, 64), i_10 < min(S - 64*ib_1, 64), j_4 < min(S - 64*jb, 64), row_2 < min(S - 64*ib_1, 64), col_2 < 16, kk_2 < min(S - 64*jb, 64), i_11 < min(S - 64*ib_1, 64), e_1 < 16, i_12 < min(S - 64*ib_1, 64)
  phase {
    par i_1 < B {
      par j_1 < 4 {
        par ib_1 < (S + 63) floordiv 64 {
          vec z < 8*((min(S - 64*ib_1, 64) + 7) floordiv 8) - 8*(min(S - 64*ib_1, 64) floordiv 8) by 8 x 1 {
            seq d_1 < 16 {
              qt[min(S - 64*ib_1, 64) floordiv 16, d_1, z + 8*((min(S - 64*ib_1, 64) floordiv 8) mod 2)] = 0.0
            }
          }
          seq d < 16 {
            seq p < (min(S - 64*ib_1, 64) + 15) floordiv 16 {
              vec c < min(-16*p + min(S - 64*ib_1, 64), 16) by 8 x 1 {
                qt[p, d, c] = q[i_1, j_1, c + 64*ib_1 + 16*p, d] * 0.25
              }
            }
          }
          vec i_7 < min(S - 64*ib_1, 64) by 8 x 1 {
            m[i_7] = -inf
            l[i_7] = 0.0
          }
          seq i_8 < min(S - 64*ib_1, 64) {
            vec e < 16 by 8 x 1 {
              o[i_8, e] = 0.0
            }
          }
          seq jb < (S + 63) floordiv 64 {
            leaf row_1 < min(S - 64*jb, 64), col_1 < min(S - 64*ib_1, 64) max 64, kk_1 < 16, padded 8, walks, panels 16: s[row_1, col_1] = k[i_1, j_1, 64*jb + row_1, kk_1] * qt[col_1 floordiv 16, kk_1, col_1 mod 16]
            vec i_9 < min(S - 64*ib_1, 64) by 8 x 4 {
              acc most: number_max f32
              seq j_3 < min(S - 64*jb, 64) {
                let score = s[j_3, i_9]
                s[j_3, i_9] = score
                most <- score
              }
              let old = m[i_9]
              let now = most > old ? most : old
              alpha[i_9] = now == -inf ? 1.0 : exp(old - now)
              m[i_9] = now
            }
            vec i_10 < min(S - 64*ib_1, 64) by 8 x 2 {
              let base = m[i_10] == -inf ? 0.0 : m[i_10]
              acc sum: sum f32
              seq j_4 < min(S - 64*jb, 64) {
                let weight = exp(s[j_4, i_10] - base)
                s[j_4, i_10] = weight
                sum <- weight
              }
              l[i_10] = l[i_10] * alpha[i_10] + sum
            }
            leaf row_2 < min(S - 64*ib_1, 64), col_2 < 16 max 16, kk_2 < min(S - 64*jb, 64), streams: o[row_2, col_2] times (alpha[row_2]) += s[kk_2, row_2] * v[i_1, j_1, 64*jb + kk_2, col_2]
          }
          vec i_12 < min(S - 64*ib_1, 64) by 8 x 1 {
            alpha[i_12] = l[i_12] == 0.0 ? 0.0 : 1.0 / l[i_12]
          }
          seq i_11 < min(S - 64*ib_1, 64) {
            vec e_1 < 16 by 8 x 1 {
              y[i_1, i_11 + 64*ib_1, e_1 + 16*j_1] = o[i_11, e_1] * alpha[i_11]
            }
          }
        }
      }
    }
  }
}
