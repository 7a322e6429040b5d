# frit: opt %s -p core,lower
# input: tests/lower/conv_winograd_fixed.fir
---
plan @net {
  const 0 packed: f32[1, 16, 2, 16, 16]
  input 0 x: f32[B, 15, 18, 16]
  const 1 b2: f32[1, 24, 1, 1]
  output 0 y: f32[B, 15, 18, 24]
  const 2 packed: f32[1, 16, 3, 136, 16]
  input 1 d: f32[1, 19, 17, 136]
  output 1 e: f32[1, 18, 16, 48]
  arena bytes 0
  scratch bytes 285184
  contract_0(packed, x, b2, out y)    -- contract + add + max
  contract_1(packed, d, out e)    -- contract + max
}

kernel @contract_0(const packed: f32[1, 16, 2, 16, 16], x: f32[B, 15, 18, 16], w: f32[1, 24, 1, 1], out y: f32[B, 15, 18, 24]) where B in 1..65536 {
  title "contract + add + max"
  schedule cpu lanes 8 unroll 1 tile_m 24 tile_n 32 tile_k 16
  flops 1276416*B
  bytes 43200*B + 32864
  tile v: f32[16, 400]
  tile m: f32[24, 528]
  axis tb < 3, i_12 < B, i_18 < 16, t < 24, p < 16, jp < 2, row < 24, col < 16, kk < 16, t_1 < 24, j_4 < 24, j_5 < 24
  phase {
    par i_12 < B {
      par tb < 3 {
        seq t < 24 {
          $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) - 1) >= 0
          $2 = index(2*((t + 6*tb) mod 9) - 1) >= 0
          $3 = index(2*((t + 6*tb) mod 9) + 2) < 18
          $4 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15
          if $1 & $2 & $1 & $1 & ($1 & $3) & $2 & $3 & ($4 & $2) & $4 & $4 & ($4 & $3) {
            vec i_18 < 16 by 8 x 1 {
              let d = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9) - 1, i_18]
              let d_1 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9), i_18]
              let d_2 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9) + 1, i_18]
              let d_3 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9) + 2, i_18]
              let d_4 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9) - 1, i_18]
              let d_5 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9), i_18]
              let d_6 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9) + 1, i_18]
              let d_7 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9) + 2, i_18]
              let d_8 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9) - 1, i_18]
              let d_9 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9), i_18]
              let d_10 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9) + 1, i_18]
              let d_11 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9) + 2, i_18]
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15 & index(2*((t + 6*tb) mod 9) - 1) >= 0
              let d_12 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9) - 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15
              let d_13 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9), i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15
              let d_14 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9) + 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15 & index(2*((t + 6*tb) mod 9) + 2) < 18
              let d_15 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9) + 2, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              let e = d - d_2
              let e_1 = d_1 + d_2
              let e_2 = d_2 - d_1
              let e_3 = d_1 - d_3
              let e_4 = d_4 - d_6
              let e_5 = d_5 + d_6
              let e_6 = d_6 - d_5
              let e_7 = d_5 - d_7
              let e_8 = d_8 - d_10
              let e_9 = d_9 + d_10
              let e_10 = d_10 - d_9
              let e_11 = d_9 - d_11
              let e_12 = d_12 - d_14
              let e_13 = d_13 + d_14
              let e_14 = d_14 - d_13
              let e_15 = d_13 - d_15
              v[0, i_18 + 16*t] = e - e_8
              v[1, i_18 + 16*t] = e_1 - e_9
              v[2, i_18 + 16*t] = e_2 - e_10
              v[3, i_18 + 16*t] = e_3 - e_11
              v[4, i_18 + 16*t] = e_4 + e_8
              v[5, i_18 + 16*t] = e_5 + e_9
              v[6, i_18 + 16*t] = e_6 + e_10
              v[7, i_18 + 16*t] = e_7 + e_11
              v[8, i_18 + 16*t] = e_8 - e_4
              v[9, i_18 + 16*t] = e_9 - e_5
              v[10, i_18 + 16*t] = e_10 - e_6
              v[11, i_18 + 16*t] = e_11 - e_7
              v[12, i_18 + 16*t] = e_4 - e_12
              v[13, i_18 + 16*t] = e_5 - e_13
              v[14, i_18 + 16*t] = e_6 - e_14
              v[15, i_18 + 16*t] = e_7 - e_15
            }
          } else {
            vec i_18 < 16 by 8 x 1 {
              let d_16 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9) - 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) - 1) >= 0 & index(2*((t + 6*tb) mod 9) - 1) >= 0 else 0.0]
              let d_17 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9), i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) - 1) >= 0 else 0.0]
              let d_18 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9) + 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) - 1) >= 0 else 0.0]
              let d_19 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) - 1, 2*((t + 6*tb) mod 9) + 2, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) - 1) >= 0 & index(2*((t + 6*tb) mod 9) + 2) < 18 else 0.0]
              let d_20 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9) - 1, i_18 if index(2*((t + 6*tb) mod 9) - 1) >= 0 else 0.0]
              let d_21 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9), i_18]
              let d_22 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9) + 1, i_18]
              let d_23 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9), 2*((t + 6*tb) mod 9) + 2, i_18 if index(2*((t + 6*tb) mod 9) + 2) < 18 else 0.0]
              let d_24 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9) - 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & index(2*((t + 6*tb) mod 9) - 1) >= 0 else 0.0]
              let d_25 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9), i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 else 0.0]
              let d_26 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9) + 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 else 0.0]
              let d_27 = x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 1, 2*((t + 6*tb) mod 9) + 2, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & index(2*((t + 6*tb) mod 9) + 2) < 18 else 0.0]
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15 & index(2*((t + 6*tb) mod 9) - 1) >= 0
              let d_28 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9) - 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15
              let d_29 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9), i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15
              let d_30 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9) + 1, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              $1 = index(4*tb + 2*((t + 6*tb) floordiv 9) + 2) < 15 & index(2*((t + 6*tb) mod 9) + 2) < 18
              let d_31 = $1 ? x[i_12, 4*tb + 2*((t + 6*tb) floordiv 9) + 2, 2*((t + 6*tb) mod 9) + 2, i_18 if index(4*tb + 2*((t + 6*tb) floordiv 9) + 1) < 15 & $1 else 0.0] : 0.0
              let e_16 = d_16 - d_18
              let e_17 = d_17 + d_18
              let e_18 = d_18 - d_17
              let e_19 = d_17 - d_19
              let e_20 = d_20 - d_22
              let e_21 = d_21 + d_22
              let e_22 = d_22 - d_21
              let e_23 = d_21 - d_23
              let e_24 = d_24 - d_26
              let e_25 = d_25 + d_26
              let e_26 = d_26 - d_25
              let e_27 = d_25 - d_27
              let e_28 = d_28 - d_30
              let e_29 = d_29 + d_30
              let e_30 = d_30 - d_29
              let e_31 = d_29 - d_31
              v[0, i_18 + 16*t] = e_16 - e_24
              v[1, i_18 + 16*t] = e_17 - e_25
              v[2, i_18 + 16*t] = e_18 - e_26
              v[3, i_18 + 16*t] = e_19 - e_27
              v[4, i_18 + 16*t] = e_20 + e_24
              v[5, i_18 + 16*t] = e_21 + e_25
              v[6, i_18 + 16*t] = e_22 + e_26
              v[7, i_18 + 16*t] = e_23 + e_27
              v[8, i_18 + 16*t] = e_24 - e_20
              v[9, i_18 + 16*t] = e_25 - e_21
              v[10, i_18 + 16*t] = e_26 - e_22
              v[11, i_18 + 16*t] = e_27 - e_23
              v[12, i_18 + 16*t] = e_20 - e_28
              v[13, i_18 + 16*t] = e_21 - e_29
              v[14, i_18 + 16*t] = e_22 - e_30
              v[15, i_18 + 16*t] = e_23 - e_31
            }
          }
        }
        seq p < 16 {
          seq jp < 2 {
            leaf row < 24, col < 16 max 16, kk < 16, padded 8, streams: m[row, col + 16*jp + 32*p] = v[p, kk + 16*row] * packed[0, p, jp, kk, col]
          }
        }
        seq t_1 < 24 {
          if index(4*tb + 2*((t_1 + 6*tb) floordiv 9) + 1) < 15 {
            vec j_4 < 24 by 8 x 1 {
              let m = m[t_1, j_4]
              let m_1 = m[t_1, j_4 + 32]
              let m_2 = m[t_1, j_4 + 64]
              let m_3 = m[t_1, j_4 + 96]
              let n = m + m_1 + m_2
              let n_1 = m_1 - m_2 - m_3
              let m_4 = m[t_1, j_4 + 128]
              let m_5 = m[t_1, j_4 + 160]
              let m_6 = m[t_1, j_4 + 192]
              let m_7 = m[t_1, j_4 + 224]
              let n_2 = m_4 + m_5 + m_6
              let n_3 = m_5 - m_6 - m_7
              let m_8 = m[t_1, j_4 + 256]
              let m_9 = m[t_1, j_4 + 288]
              let m_10 = m[t_1, j_4 + 320]
              let m_11 = m[t_1, j_4 + 352]
              let n_4 = m_8 + m_9 + m_10
              let n_5 = m_9 - m_10 - m_11
              let m_12 = m[t_1, j_4 + 384]
              let m_13 = m[t_1, j_4 + 416]
              let m_14 = m[t_1, j_4 + 448]
              let m_15 = m[t_1, j_4 + 480]
              let n_6 = m_12 + m_13 + m_14
              let n_7 = m_13 - m_14 - m_15
              let s = n + n_2 + n_4
              let s_1 = n_1 + n_3 + n_5
              let s_2 = n_2 - n_4 - n_6
              let s_3 = n_3 - n_5 - n_7
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9), 2*((t_1 + 6*tb) mod 9), j_4] = max(s + w[0, j_4, 0, 0], 0.0)
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9), 2*((t_1 + 6*tb) mod 9) + 1, j_4] = max(s_1 + w[0, j_4, 0, 0], 0.0)
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9) + 1, 2*((t_1 + 6*tb) mod 9), j_4] = max(s_2 + w[0, j_4, 0, 0], 0.0)
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9) + 1, 2*((t_1 + 6*tb) mod 9) + 1, j_4] = max(s_3 + w[0, j_4, 0, 0], 0.0)
            }
          } else {
            vec j_5 < 24 by 8 x 1 {
              let m_16 = m[t_1, j_5]
              let m_17 = m[t_1, j_5 + 32]
              let m_18 = m[t_1, j_5 + 64]
              let m_19 = m[t_1, j_5 + 96]
              let n_8 = m_16 + m_17 + m_18
              let n_9 = m_17 - m_18 - m_19
              let m_20 = m[t_1, j_5 + 128]
              let m_21 = m[t_1, j_5 + 160]
              let m_22 = m[t_1, j_5 + 192]
              let m_23 = m[t_1, j_5 + 224]
              let n_10 = m_20 + m_21 + m_22
              let n_11 = m_21 - m_22 - m_23
              let m_24 = m[t_1, j_5 + 256]
              let m_25 = m[t_1, j_5 + 288]
              let m_26 = m[t_1, j_5 + 320]
              let m_27 = m[t_1, j_5 + 352]
              let n_12 = m_24 + m_25 + m_26
              let n_13 = m_25 - m_26 - m_27
              let m_28 = m[t_1, j_5 + 384]
              let m_29 = m[t_1, j_5 + 416]
              let m_30 = m[t_1, j_5 + 448]
              let m_31 = m[t_1, j_5 + 480]
              let n_14 = m_28 + m_29 + m_30
              let n_15 = m_29 - m_30 - m_31
              let s_4 = n_8 + n_10 + n_12
              let s_5 = n_9 + n_11 + n_13
              let s_6 = n_10 - n_12 - n_14
              let s_7 = n_11 - n_13 - n_15
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9), 2*((t_1 + 6*tb) mod 9), j_5] = max(s_4 + w[0, j_5, 0, 0], 0.0)
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9), 2*((t_1 + 6*tb) mod 9) + 1, j_5] = max(s_5 + w[0, j_5, 0, 0], 0.0)
              $1 = index(4*tb + 2*((t_1 + 6*tb) floordiv 9) + 1) < 15
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9) + 1, 2*((t_1 + 6*tb) mod 9), j_5] = max(s_6 + w[0, j_5, 0, 0 if $1 else 0.0], 0.0) if $1
              $1 = index(4*tb + 2*((t_1 + 6*tb) floordiv 9) + 1) < 15
              y[i_12, 4*tb + 2*((t_1 + 6*tb) floordiv 9) + 1, 2*((t_1 + 6*tb) mod 9) + 1, j_5] = max(s_7 + w[0, j_5, 0, 0 if $1 else 0.0], 0.0) if $1
            }
          }
        }
      }
    }
  }
}

kernel @contract_1(const packed: f32[1, 16, 3, 136, 16], d: f32[1, 19, 17, 136], out e: f32[1, 18, 16, 48]) {
  title "contract + max"
  schedule cpu lanes 8 unroll 1 tile_m 24 tile_n 48 tile_k 64
  flops 15450624
  bytes 648800
  tile v: f32[16, 3280]
  tile m: f32[24, 784]
  axis tb_1 < 3, i_30 < 136, t_2 < 24, p_1 < 16, jp_1 < 3, kb < 3, row_1 < 24, col_1 < 16, kk_1 < min(-64*kb + 136, 64), t_3 < 24, j_6 < 48
  phase {
    par tb_1 < 3 {
      seq t_2 < 24 {
        $1 = index(2*(t_2 mod 8) - 1) >= 0
        $2 = index(6*tb_1 + 2*(t_2 floordiv 8) + 3) < 19
        if $1 & ($2 & $1) & $2 & $2 & $2 {
          vec i_30 < 136 by 8 x 1 {
            let d = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8) - 1, i_30]
            let d_1 = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8), i_30]
            let d_2 = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8) + 1, i_30]
            let d_3 = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8) + 2, i_30]
            let d_4 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8) - 1, i_30]
            let d_5 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8), i_30]
            let d_6 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8) + 1, i_30]
            let d_7 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8) + 2, i_30]
            let d_8 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8) - 1, i_30]
            let d_9 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8), i_30]
            let d_10 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8) + 1, i_30]
            let d_11 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8) + 2, i_30]
            let d_12 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8) - 1, i_30]
            let d_13 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8), i_30]
            let d_14 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8) + 1, i_30]
            let d_15 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8) + 2, i_30]
            let e = d - d_2
            let e_1 = d_1 + d_2
            let e_2 = d_2 - d_1
            let e_3 = d_1 - d_3
            let e_4 = d_4 - d_6
            let e_5 = d_5 + d_6
            let e_6 = d_6 - d_5
            let e_7 = d_5 - d_7
            let e_8 = d_8 - d_10
            let e_9 = d_9 + d_10
            let e_10 = d_10 - d_9
            let e_11 = d_9 - d_11
            let e_12 = d_12 - d_14
            let e_13 = d_13 + d_14
            let e_14 = d_14 - d_13
            let e_15 = d_13 - d_15
            v[0, i_30 + 136*t_2] = e - e_8
            v[1, i_30 + 136*t_2] = e_1 - e_9
            v[2, i_30 + 136*t_2] = e_2 - e_10
            v[3, i_30 + 136*t_2] = e_3 - e_11
            v[4, i_30 + 136*t_2] = e_4 + e_8
            v[5, i_30 + 136*t_2] = e_5 + e_9
            v[6, i_30 + 136*t_2] = e_6 + e_10
            v[7, i_30 + 136*t_2] = e_7 + e_11
            v[8, i_30 + 136*t_2] = e_8 - e_4
            v[9, i_30 + 136*t_2] = e_9 - e_5
            v[10, i_30 + 136*t_2] = e_10 - e_6
            v[11, i_30 + 136*t_2] = e_11 - e_7
            v[12, i_30 + 136*t_2] = e_4 - e_12
            v[13, i_30 + 136*t_2] = e_5 - e_13
            v[14, i_30 + 136*t_2] = e_6 - e_14
            v[15, i_30 + 136*t_2] = e_7 - e_15
          }
        } else {
          vec i_30 < 136 by 8 x 1 {
            let d_16 = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8) - 1, i_30 if index(2*(t_2 mod 8) - 1) >= 0 else 0.0]
            let d_17 = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8), i_30]
            let d_18 = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8) + 1, i_30]
            let d_19 = d[0, 6*tb_1 + 2*(t_2 floordiv 8), 2*(t_2 mod 8) + 2, i_30]
            let d_20 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8) - 1, i_30 if index(2*(t_2 mod 8) - 1) >= 0 else 0.0]
            let d_21 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8), i_30]
            let d_22 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8) + 1, i_30]
            let d_23 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 1, 2*(t_2 mod 8) + 2, i_30]
            let d_24 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8) - 1, i_30 if index(2*(t_2 mod 8) - 1) >= 0 else 0.0]
            let d_25 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8), i_30]
            let d_26 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8) + 1, i_30]
            let d_27 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 2, 2*(t_2 mod 8) + 2, i_30]
            let d_28 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8) - 1, i_30 if index(6*tb_1 + 2*(t_2 floordiv 8) + 3) < 19 & index(2*(t_2 mod 8) - 1) >= 0 else 0.0]
            let d_29 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8), i_30 if index(6*tb_1 + 2*(t_2 floordiv 8) + 3) < 19 else 0.0]
            let d_30 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8) + 1, i_30 if index(6*tb_1 + 2*(t_2 floordiv 8) + 3) < 19 else 0.0]
            let d_31 = d[0, 6*tb_1 + 2*(t_2 floordiv 8) + 3, 2*(t_2 mod 8) + 2, i_30 if index(6*tb_1 + 2*(t_2 floordiv 8) + 3) < 19 else 0.0]
            let e_16 = d_16 - d_18
            let e_17 = d_17 + d_18
            let e_18 = d_18 - d_17
            let e_19 = d_17 - d_19
            let e_20 = d_20 - d_22
            let e_21 = d_21 + d_22
            let e_22 = d_22 - d_21
            let e_23 = d_21 - d_23
            let e_24 = d_24 - d_26
            let e_25 = d_25 + d_26
            let e_26 = d_26 - d_25
            let e_27 = d_25 - d_27
            let e_28 = d_28 - d_30
            let e_29 = d_29 + d_30
            let e_30 = d_30 - d_29
            let e_31 = d_29 - d_31
            v[0, i_30 + 136*t_2] = e_16 - e_24
            v[1, i_30 + 136*t_2] = e_17 - e_25
            v[2, i_30 + 136*t_2] = e_18 - e_26
            v[3, i_30 + 136*t_2] = e_19 - e_27
            v[4, i_30 + 136*t_2] = e_20 + e_24
            v[5, i_30 + 136*t_2] = e_21 + e_25
            v[6, i_30 + 136*t_2] = e_22 + e_26
            v[7, i_30 + 136*t_2] = e_23 + e_27
            v[8, i_30 + 136*t_2] = e_24 - e_20
            v[9, i_30 + 136*t_2] = e_25 - e_21
            v[10, i_30 + 136*t_2] = e_26 - e_22
            v[11, i_30 + 136*t_2] = e_27 - e_23
            v[12, i_30 + 136*t_2] = e_20 - e_28
            v[13, i_30 + 136*t_2] = e_21 - e_29
            v[14, i_30 + 136*t_2] = e_22 - e_30
            v[15, i_30 + 136*t_2] = e_23 - e_31
          }
        }
      }
      seq p_1 < 16 {
        seq jp_1 < 3 {
          seq kb < 3 {
            leaf row_1 < 24, col_1 < 16 max 16, kk_1 < min(-64*kb + 136, 64), padded 8, streams: m[row_1, col_1 + 16*jp_1 + 48*p_1] += v[p_1, 64*kb + kk_1 + 136*row_1] * packed[0, p_1, jp_1, 64*kb + kk_1, col_1] if index(kb) > 0
          }
        }
      }
      seq t_3 < 24 {
        vec j_6 < 48 by 8 x 1 {
          let m = m[t_3, j_6]
          let m_1 = m[t_3, j_6 + 48]
          let m_2 = m[t_3, j_6 + 96]
          let m_3 = m[t_3, j_6 + 144]
          let n = m + m_1 + m_2
          let n_1 = m_1 - m_2 - m_3
          let m_4 = m[t_3, j_6 + 192]
          let m_5 = m[t_3, j_6 + 240]
          let m_6 = m[t_3, j_6 + 288]
          let m_7 = m[t_3, j_6 + 336]
          let n_2 = m_4 + m_5 + m_6
          let n_3 = m_5 - m_6 - m_7
          let m_8 = m[t_3, j_6 + 384]
          let m_9 = m[t_3, j_6 + 432]
          let m_10 = m[t_3, j_6 + 480]
          let m_11 = m[t_3, j_6 + 528]
          let n_4 = m_8 + m_9 + m_10
          let n_5 = m_9 - m_10 - m_11
          let m_12 = m[t_3, j_6 + 576]
          let m_13 = m[t_3, j_6 + 624]
          let m_14 = m[t_3, j_6 + 672]
          let m_15 = m[t_3, j_6 + 720]
          let n_6 = m_12 + m_13 + m_14
          let n_7 = m_13 - m_14 - m_15
          let s = n + n_2 + n_4
          let s_1 = n_1 + n_3 + n_5
          let s_2 = n_2 - n_4 - n_6
          let s_3 = n_3 - n_5 - n_7
          e[0, 6*tb_1 + 2*(t_3 floordiv 8), 2*(t_3 mod 8), j_6] = max(s, 0.0)
          e[0, 6*tb_1 + 2*(t_3 floordiv 8), 2*(t_3 mod 8) + 1, j_6] = max(s_1, 0.0)
          e[0, 6*tb_1 + 2*(t_3 floordiv 8) + 1, 2*(t_3 mod 8), j_6] = max(s_2, 0.0)
          e[0, 6*tb_1 + 2*(t_3 floordiv 8) + 1, 2*(t_3 mod 8) + 1, j_6] = max(s_3, 0.0)
        }
      }
    }
  }
}
