# frit: opt %s -p core,lower
# input: tests/lower/contract_of_gathered_rows.fir
---
plan @f {
  input 1 i: i64[5, 39]
  input 0 t: f32[13, 39]
  input 2 w: f32[39, 34]
  output 0 b3: f32[5, 34]
  arena bytes 0
  scratch bytes 2112
  contract_0(i, t, w, out b3)    -- contract
}

kernel @contract_0(i: i64[5, 39], t: f32[13, 39], w: f32[39, 34], out t_1: f32[5, 34]) {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 5 tile_n 64 tile_k 39
  flops 13260
  bytes 6764
  tile c: f32[5, 64]
  tile at: f32[5, 39]
  axis r < 5, c < 39
  index at_1_1 < 13 = max(min(i[r, c] < 0 ? i[r, c] + 13 : i[r, c], 12), 0)
  axis row < 5, col < 34, kk < 39, i_4 < 5, j_2 < 34
  phase {
    seq r < 5 {
      vec c < 39 by 8 x 1 {
        at[r, c] = t[at_1_1, c]
      }
    }
    leaf row < 5, col < 34 max 64, kk < 39: c[row, col] = at[row, kk] * w[kk, col]
    seq i_4 < 5 {
      vec j_2 < 34 by 8 x 4 {
        t_1[i_4, j_2] = c[i_4, j_2]
      }
    }
  }
}
