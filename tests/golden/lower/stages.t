# frit: opt %s -p core,lower
# input: tests/lower/stages.fir
---
plan @s {
  input 0 x: f32[B, S, 9]
  output 0 a: f32[B, S, 9]
  output 1 v: f32[B, S, 3]
  output 2 i: i64[B, S, 3]
  output 3 c: f32[B, S, 9]
  input 1 u: f32[B, S, 9]
  arena bytes 0
  scratch bytes 128
  scan_0(x, out a)    -- scan
  topk_1(x, out v, out i)    -- topk
  scatter_elements_2(x, out c, u)    -- scatter_elements
}

kernel @scan_0(x: f32[B, S, 9], out a: f32[B, S, 9]) where B in 1..65536, S in 1..65536 {
  title "scan"
  flops 9*B*S
  bytes 72*B*S
  axis i < B, j < S, k < 9
  phase {
    par i < B {
      par k < 9 {
        acc acc_: sum f32
        seq j < S {
          a[i, S - j - 1, k] = acc_
          acc_ <- x[i, S - j - 1, k]
        }
      }
    }
  }
}

kernel @topk_1(x: f32[B, S, 9], out v: f32[B, S, 3], out i: i64[B, S, 3]) where B in 1..65536, S in 1..65536 {
  title "topk"
  flops 81*B*S
  bytes 72*B*S
  tile last_x: f32[1]
  tile last_i: i64[1]
  axis i_1 < B, j_1 < S, k_1 < 3, i_3 < 9
  phase {
    par i_1 < B {
      par j_1 < S {
        last_x[0] = 0.0
        last_i[0] = -1
        seq k_1 < 3 {
          acc best: argmax f32
          seq i_3 < 9 {
            $1 = index(i_3) > last_i[0]
            $2 = last_x[0] != last_x[0]
            $3 = index(k_1) == 0 | (x[i_1, j_1, i_3] < last_x[0] | x[i_1, j_1, i_3] == last_x[0] & $1 | (x[i_1, j_1, i_3] != x[i_1, j_1, i_3] & $2 & $1 | $2 & x[i_1, j_1, i_3] == x[i_1, j_1, i_3]))
            best <- ($3 ? x[i_1, j_1, i_3] : -inf, $3 ? index(i_3) : 9223372036854775807)
          }
          last_x[0] = best
          last_i[0] = best.1
          v[i_1, j_1, k_1] = best
          i[i_1, j_1, k_1] = best.1
        }
      }
    }
  }
}

kernel @scatter_elements_2(x: f32[B, S, 9], out c: f32[B, S, 9], u: f32[B, S, 9]) where B in 1..65536, S in 1..65536 {
  title "scatter_elements"
  flops 9*B*S
  bytes 108*B*S
  axis i_2 < B, j_2 < S, k_2 < 9, u < B, u_1 < S, u_2 < 9
  phase {
    par i_2 < B {
      par j_2 < S {
        vec k_2 < 9 by 8 x 1 {
          c[i_2, j_2, k_2] = x[i_2, j_2, k_2]
        }
      }
    }
  }
  phase {
    seq u < B {
      seq u_1 < S {
        seq u_2 < 9 {
          c[u, u_1, 0] = c[u, u_1, 0] + u[u, u_1, u_2]
        }
      }
    }
  }
}
