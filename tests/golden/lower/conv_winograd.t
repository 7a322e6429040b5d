# frit: opt %s -p core,lower
# input: tests/lower/conv_winograd.fir
---
plan @net {
  const 0 packed: f32[2, 16, 3, 20, 16]
  input 0 x: f32[B, H, W, 20]
  const 1 b2: f32[1, 77, 1, 1]
  slot 0 b3: f32[B, H, W, 77]
  const 2 packed: f32[2, 16, 3, 77, 16]
  output 0 y: f32[B, H, W, 77]
  output 1 z: f32[B, 77, H, W]
  slot 0 bytes 256*B*H*W + 64*((13*B*H*W + 15) floordiv 16)
  arena bytes 256*B*H*W + 64*((13*B*H*W + 15) floordiv 16)
  scratch bytes 242944
  contract_0(packed, x, b2, out b3)    -- contract + add + max
  contract_1(packed, b3, out y)    -- contract + add
  transpose_2(y, out z)    --
}

kernel @contract_0(const packed: f32[2, 16, 3, 20, 16], x: f32[B, H, W, 20], w: f32[1, 77, 1, 1], out t: f32[B, H, W, 77]) where B in 1..65536, H in 1..65536, W in 1..65536 {
  title "contract + add + max"
  schedule cpu lanes 8 unroll 1 tile_m 30 tile_n 48 tile_k 20
  flops 64684*B*((((H + 1) floordiv 2)*((W + 1) floordiv 2) + 29) floordiv 30)*min(((H + 1) floordiv 2)*((W + 1) floordiv 2), 30)
  bytes 388*B*H*W + 123188
  tile v: f32[16, 616]
  tile m: f32[30, 784]
  axis tb < (((H + 1) floordiv 2)*((W + 1) floordiv 2) + 29) floordiv 30, i_16 < B, i_22 < 20, jg < 2, t < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb, 30), p < 16, jp < 3, row < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb, 30), col < 16, kk < 20, t_1 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb, 30), j_4 < min(-48*jg + 77, 48), j_5 < min(-48*jg + 77, 48)
  phase {
    par i_16 < B {
      par tb < (((H + 1) floordiv 2)*((W + 1) floordiv 2) + 29) floordiv 30 {
        seq t < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb, 30) {
          $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) < index(H)
          $2 = index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1) >= 0
          $3 = index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W)
          $4 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2))) < index(H)
          $5 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
          if $1 & $2 & $1 & ($1 & $3) & ($4 & $2) & $4 & ($4 & $3) & ($5 & $2) & $5 & ($5 & $3) {
            vec i_22 < 20 by 8 x 1 {
              let d = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22]
              let d_1 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22]
              let d_2 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22]
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_3 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_4 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22]
              let d_5 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22]
              let d_6 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22]
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_7 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_8 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22]
              let d_9 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22]
              let d_10 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22]
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_11 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1) >= 0
              let d_12 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H)
              let d_13 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W)
              let d_14 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_15 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
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
              v[0, i_22 + 20*t] = e - e_8
              v[1, i_22 + 20*t] = e_1 - e_9
              v[2, i_22 + 20*t] = e_2 - e_10
              v[3, i_22 + 20*t] = e_3 - e_11
              v[4, i_22 + 20*t] = e_4 + e_8
              v[5, i_22 + 20*t] = e_5 + e_9
              v[6, i_22 + 20*t] = e_6 + e_10
              v[7, i_22 + 20*t] = e_7 + e_11
              v[8, i_22 + 20*t] = e_8 - e_4
              v[9, i_22 + 20*t] = e_9 - e_5
              v[10, i_22 + 20*t] = e_10 - e_6
              v[11, i_22 + 20*t] = e_11 - e_7
              v[12, i_22 + 20*t] = e_4 - e_12
              v[13, i_22 + 20*t] = e_5 - e_13
              v[14, i_22 + 20*t] = e_6 - e_14
              v[15, i_22 + 20*t] = e_7 - e_15
            }
          } else {
            vec i_22 < 20 by 8 x 1 {
              let d_16 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1) >= 0 else 0.0]
              let d_17 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) < index(H) else 0.0]
              let d_18 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) else 0.0]
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_19 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) - 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_20 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1) >= 0 else 0.0]
              let d_21 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2))) < index(H) else 0.0]
              let d_22 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) else 0.0]
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_23 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_24 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1) >= 0 else 0.0]
              let d_25 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) else 0.0]
              let d_26 = x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) else 0.0]
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_27 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1) >= 0
              let d_28 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) - 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H)
              let d_29 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)), i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W)
              let d_30 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & $1 else 0.0] : 0.0
              $1 = index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_31 = $1 ? x[i_16, 2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 2, 2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 2, i_22 if index(2*((t + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
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
              v[0, i_22 + 20*t] = e_16 - e_24
              v[1, i_22 + 20*t] = e_17 - e_25
              v[2, i_22 + 20*t] = e_18 - e_26
              v[3, i_22 + 20*t] = e_19 - e_27
              v[4, i_22 + 20*t] = e_20 + e_24
              v[5, i_22 + 20*t] = e_21 + e_25
              v[6, i_22 + 20*t] = e_22 + e_26
              v[7, i_22 + 20*t] = e_23 + e_27
              v[8, i_22 + 20*t] = e_24 - e_20
              v[9, i_22 + 20*t] = e_25 - e_21
              v[10, i_22 + 20*t] = e_26 - e_22
              v[11, i_22 + 20*t] = e_27 - e_23
              v[12, i_22 + 20*t] = e_20 - e_28
              v[13, i_22 + 20*t] = e_21 - e_29
              v[14, i_22 + 20*t] = e_22 - e_30
              v[15, i_22 + 20*t] = e_23 - e_31
            }
          }
        }
        seq jg < 2 {
          seq p < 16 {
            seq jp < 3 {
              leaf row < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb, 30), col < 16 max 16, kk < 20, padded 8, streams: m[row, col + 16*jp + 48*p] = v[p, kk + 20*row] * packed[jg, p, jp, kk, col]
            }
          }
          seq t_1 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb, 30) {
            $1 = index(2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W)
            $2 = index(2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
            if $1 & $2 & ($2 & $1) {
              vec j_4 < min(-48*jg + 77, 48) by 8 x 1 {
                let m = m[t_1, j_4]
                let m_1 = m[t_1, j_4 + 48]
                let m_2 = m[t_1, j_4 + 96]
                let m_3 = m[t_1, j_4 + 144]
                let n = m + m_1 + m_2
                let n_1 = m_1 - m_2 - m_3
                let m_4 = m[t_1, j_4 + 192]
                let m_5 = m[t_1, j_4 + 240]
                let m_6 = m[t_1, j_4 + 288]
                let m_7 = m[t_1, j_4 + 336]
                let n_2 = m_4 + m_5 + m_6
                let n_3 = m_5 - m_6 - m_7
                let m_8 = m[t_1, j_4 + 384]
                let m_9 = m[t_1, j_4 + 432]
                let m_10 = m[t_1, j_4 + 480]
                let m_11 = m[t_1, j_4 + 528]
                let n_4 = m_8 + m_9 + m_10
                let n_5 = m_9 - m_10 - m_11
                let m_12 = m[t_1, j_4 + 576]
                let m_13 = m[t_1, j_4 + 624]
                let m_14 = m[t_1, j_4 + 672]
                let m_15 = m[t_1, j_4 + 720]
                let n_6 = m_12 + m_13 + m_14
                let n_7 = m_13 - m_14 - m_15
                let s = n + n_2 + n_4
                let s_1 = n_1 + n_3 + n_5
                let s_2 = n_2 - n_4 - n_6
                let s_3 = n_3 - n_5 - n_7
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)), j_4 + 48*jg] = max(s + w[0, j_4 + 48*jg, 0, 0], 0.0)
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)) + 1, j_4 + 48*jg] = max(s_1 + w[0, j_4 + 48*jg, 0, 0], 0.0)
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)), j_4 + 48*jg] = max(s_2 + w[0, j_4 + 48*jg, 0, 0], 0.0)
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)) + 1, j_4 + 48*jg] = max(s_3 + w[0, j_4 + 48*jg, 0, 0], 0.0)
              }
            } else {
              vec j_5 < min(-48*jg + 77, 48) by 8 x 1 {
                let m_16 = m[t_1, j_5]
                let m_17 = m[t_1, j_5 + 48]
                let m_18 = m[t_1, j_5 + 96]
                let m_19 = m[t_1, j_5 + 144]
                let n_8 = m_16 + m_17 + m_18
                let n_9 = m_17 - m_18 - m_19
                let m_20 = m[t_1, j_5 + 192]
                let m_21 = m[t_1, j_5 + 240]
                let m_22 = m[t_1, j_5 + 288]
                let m_23 = m[t_1, j_5 + 336]
                let n_10 = m_20 + m_21 + m_22
                let n_11 = m_21 - m_22 - m_23
                let m_24 = m[t_1, j_5 + 384]
                let m_25 = m[t_1, j_5 + 432]
                let m_26 = m[t_1, j_5 + 480]
                let m_27 = m[t_1, j_5 + 528]
                let n_12 = m_24 + m_25 + m_26
                let n_13 = m_25 - m_26 - m_27
                let m_28 = m[t_1, j_5 + 576]
                let m_29 = m[t_1, j_5 + 624]
                let m_30 = m[t_1, j_5 + 672]
                let m_31 = m[t_1, j_5 + 720]
                let n_14 = m_28 + m_29 + m_30
                let n_15 = m_29 - m_30 - m_31
                let s_4 = n_8 + n_10 + n_12
                let s_5 = n_9 + n_11 + n_13
                let s_6 = n_10 - n_12 - n_14
                let s_7 = n_11 - n_13 - n_15
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)), j_5 + 48*jg] = max(s_4 + w[0, j_5 + 48*jg, 0, 0], 0.0)
                $1 = index(2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W)
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)), 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)) + 1, j_5 + 48*jg] = max(s_5 + w[0, j_5 + 48*jg, 0, 0 if $1 else 0.0], 0.0) if $1
                $1 = index(2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)), j_5 + 48*jg] = max(s_6 + w[0, j_5 + 48*jg, 0, 0 if $1 else 0.0], 0.0) if $1
                $1 = index(2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)) + 1) < index(W)
                t[i_16, 2*((t_1 + 30*tb) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_1 + 30*tb) mod ((W + 1) floordiv 2)) + 1, j_5 + 48*jg] = max(s_7 + w[0, j_5 + 48*jg, 0, 0 if $1 else 0.0], 0.0) if $1
              }
            }
          }
        }
      }
    }
  }
}

kernel @contract_1(const packed: f32[2, 16, 3, 77, 16], t: f32[B, H, W, 77], out y: f32[B, H, W, 77]) where B in 1..65536, H in 1..65536, W in 1..65536 {
  title "contract + add"
  schedule cpu lanes 8 unroll 1 tile_m 30 tile_n 48 tile_k 64
  flops 241626*B*((((H + 1) floordiv 2)*((W + 1) floordiv 2) + 29) floordiv 30)*min(((H + 1) floordiv 2)*((W + 1) floordiv 2), 30)
  bytes 616*B*H*W + 473088
  tile v: f32[16, 2326]
  tile m: f32[30, 784]
  axis tb_1 < (((H + 1) floordiv 2)*((W + 1) floordiv 2) + 29) floordiv 30, i_31 < B, i_37 < 77, jg_1 < 2, t_2 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb_1, 30), p_1 < 16, jp_1 < 3, kb < 2, row_1 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb_1, 30), col_1 < 16, kk_1 < min(-64*kb + 77, 64), t_3 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb_1, 30), j_6 < min(-48*jg_1 + 77, 48), j_7 < min(-48*jg_1 + 77, 48)
  phase {
    par i_31 < B {
      par tb_1 < (((H + 1) floordiv 2)*((W + 1) floordiv 2) + 29) floordiv 30 {
        seq t_2 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb_1, 30) {
          $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) < index(H)
          $2 = index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W)
          $3 = index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2) < index(W)
          $4 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) < index(H)
          $5 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2))) < index(H)
          if $1 & ($1 & $2) & ($1 & $3) & $4 & ($4 & $2) & ($4 & $3) & $5 & ($5 & $2) & ($5 & $3) & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H) {
            vec i_37 < 77 by 8 x 1 {
              let d = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37]
              let d_1 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37]
              let d_2 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_3 = $1 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_4 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37]
              let d_5 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37]
              let d_6 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_7 = $1 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_8 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37]
              let d_9 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37]
              let d_10 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_11 = $1 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_12 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
              $2 = $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W)
              let d_13 = $2 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37 if $1 & $2 else 0.0] : 0.0
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
              $2 = $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_14 = $2 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37 if $1 & $2 else 0.0] : 0.0
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
              $2 = $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_15 = $2 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $2 else 0.0] : 0.0
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
              v[0, i_37 + 77*t_2] = e - e_8
              v[1, i_37 + 77*t_2] = e_1 - e_9
              v[2, i_37 + 77*t_2] = e_2 - e_10
              v[3, i_37 + 77*t_2] = e_3 - e_11
              v[4, i_37 + 77*t_2] = e_4 + e_8
              v[5, i_37 + 77*t_2] = e_5 + e_9
              v[6, i_37 + 77*t_2] = e_6 + e_10
              v[7, i_37 + 77*t_2] = e_7 + e_11
              v[8, i_37 + 77*t_2] = e_8 - e_4
              v[9, i_37 + 77*t_2] = e_9 - e_5
              v[10, i_37 + 77*t_2] = e_10 - e_6
              v[11, i_37 + 77*t_2] = e_11 - e_7
              v[12, i_37 + 77*t_2] = e_4 - e_12
              v[13, i_37 + 77*t_2] = e_5 - e_13
              v[14, i_37 + 77*t_2] = e_6 - e_14
              v[15, i_37 + 77*t_2] = e_7 - e_15
            }
          } else {
            vec i_37 < 77 by 8 x 1 {
              let d_16 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) < index(H) else 0.0]
              let d_17 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) else 0.0]
              let d_18 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2) < index(W) else 0.0]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_19 = $1 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 2, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_20 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) < index(H) else 0.0]
              let d_21 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) else 0.0]
              let d_22 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2) < index(W) else 0.0]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) >= 0 & index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_23 = $1 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) - 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_24 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2))) < index(H) else 0.0]
              let d_25 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) else 0.0]
              let d_26 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2) < index(W) else 0.0]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2))) < index(H) & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_27 = $1 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $1 else 0.0] : 0.0
              let d_28 = t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)), i_37 if index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H) else 0.0]
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
              $2 = $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W)
              let d_29 = $2 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, i_37 if $1 & $2 else 0.0] : 0.0
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
              $2 = $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2) < index(W)
              let d_30 = $2 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 2, i_37 if $1 & $2 else 0.0] : 0.0
              $1 = index(2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
              $2 = $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3) < index(W)
              let d_31 = $2 ? t[i_31, 2*((t_2 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 3, i_37 if $1 & index(2*((t_2 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W) & $2 else 0.0] : 0.0
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
              v[0, i_37 + 77*t_2] = e_16 - e_24
              v[1, i_37 + 77*t_2] = e_17 - e_25
              v[2, i_37 + 77*t_2] = e_18 - e_26
              v[3, i_37 + 77*t_2] = e_19 - e_27
              v[4, i_37 + 77*t_2] = e_20 + e_24
              v[5, i_37 + 77*t_2] = e_21 + e_25
              v[6, i_37 + 77*t_2] = e_22 + e_26
              v[7, i_37 + 77*t_2] = e_23 + e_27
              v[8, i_37 + 77*t_2] = e_24 - e_20
              v[9, i_37 + 77*t_2] = e_25 - e_21
              v[10, i_37 + 77*t_2] = e_26 - e_22
              v[11, i_37 + 77*t_2] = e_27 - e_23
              v[12, i_37 + 77*t_2] = e_20 - e_28
              v[13, i_37 + 77*t_2] = e_21 - e_29
              v[14, i_37 + 77*t_2] = e_22 - e_30
              v[15, i_37 + 77*t_2] = e_23 - e_31
            }
          }
        }
        seq jg_1 < 2 {
          seq p_1 < 16 {
            seq jp_1 < 3 {
              seq kb < 2 {
                leaf row_1 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb_1, 30), col_1 < 16 max 16, kk_1 < min(-64*kb + 77, 64), padded 8, streams: m[row_1, col_1 + 16*jp_1 + 48*p_1] += v[p_1, 64*kb + kk_1 + 77*row_1] * packed[jg_1, p_1, jp_1, 64*kb + kk_1, col_1] if index(kb) > 0
              }
            }
          }
          seq t_3 < min(((H + 1) floordiv 2)*((W + 1) floordiv 2) - 30*tb_1, 30) {
            $1 = index(2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W)
            $2 = index(2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
            if $1 & $2 & ($2 & $1) {
              vec j_6 < min(-48*jg_1 + 77, 48) by 8 x 1 {
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
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_6 + 48*jg_1] = s + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_6 + 48*jg_1]
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_6 + 48*jg_1] = s_1 + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_6 + 48*jg_1]
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_6 + 48*jg_1] = s_2 + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_6 + 48*jg_1]
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_6 + 48*jg_1] = s_3 + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_6 + 48*jg_1]
              }
            } else {
              vec j_7 < min(-48*jg_1 + 77, 48) by 8 x 1 {
                let m_16 = m[t_3, j_7]
                let m_17 = m[t_3, j_7 + 48]
                let m_18 = m[t_3, j_7 + 96]
                let m_19 = m[t_3, j_7 + 144]
                let n_8 = m_16 + m_17 + m_18
                let n_9 = m_17 - m_18 - m_19
                let m_20 = m[t_3, j_7 + 192]
                let m_21 = m[t_3, j_7 + 240]
                let m_22 = m[t_3, j_7 + 288]
                let m_23 = m[t_3, j_7 + 336]
                let n_10 = m_20 + m_21 + m_22
                let n_11 = m_21 - m_22 - m_23
                let m_24 = m[t_3, j_7 + 384]
                let m_25 = m[t_3, j_7 + 432]
                let m_26 = m[t_3, j_7 + 480]
                let m_27 = m[t_3, j_7 + 528]
                let n_12 = m_24 + m_25 + m_26
                let n_13 = m_25 - m_26 - m_27
                let m_28 = m[t_3, j_7 + 576]
                let m_29 = m[t_3, j_7 + 624]
                let m_30 = m[t_3, j_7 + 672]
                let m_31 = m[t_3, j_7 + 720]
                let n_14 = m_28 + m_29 + m_30
                let n_15 = m_29 - m_30 - m_31
                let s_4 = n_8 + n_10 + n_12
                let s_5 = n_9 + n_11 + n_13
                let s_6 = n_10 - n_12 - n_14
                let s_7 = n_11 - n_13 - n_15
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_7 + 48*jg_1] = s_4 + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_7 + 48*jg_1]
                $1 = index(2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W)
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_7 + 48*jg_1] = s_5 + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)), 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_7 + 48*jg_1 if $1 else 0.0] if $1
                $1 = index(2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H)
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_7 + 48*jg_1] = s_6 + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)), j_7 + 48*jg_1 if $1 else 0.0] if $1
                $1 = index(2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1) < index(H) & index(2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1) < index(W)
                y[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_7 + 48*jg_1] = s_7 + t[i_31, 2*((t_3 + 30*tb_1) floordiv ((W + 1) floordiv 2)) + 1, 2*((t_3 + 30*tb_1) mod ((W + 1) floordiv 2)) + 1, j_7 + 48*jg_1 if $1 else 0.0] if $1
              }
            }
          }
        }
      }
    }
  }
}

kernel @transpose_2(y: f32[B, H, W, 77], out z: f32[B, 77, H, W]) where B in 1..65536, H in 1..65536, W in 1..65536 {
  title ""
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 0
  bytes 616*B*H*W
  axis i_38 < B, i_39 < 77, b < (H*W + 4095) floordiv 4096, i_45 < min(H*W - 4096*b, 4096)
  phase {
    par i_38 < B {
      par i_39 < 77 {
        par b < (H*W + 4095) floordiv 4096 {
          vec i_45 < min(H*W - 4096*b, 4096) by 8 x 2 {
            z[i_38, i_39, (4096*b + i_45) floordiv W, -W*((4096*b + i_45) floordiv W) + 4096*b + i_45] = y[i_38, (4096*b + i_45) floordiv W, -W*((4096*b + i_45) floordiv W) + 4096*b + i_45, i_39]
          }
        }
      }
    }
  }
}
