# frit: opt %s -p core,lower
# input: tests/lower/if_counts.fir
---
plan @if_counts {
  input 1 k: f32[2]
  slot 0 c: bool[]
  output 0 y: f32[either, 8]
  output 3 o: f32[either, either]
  input 0 x: f32[N, 8]
  slot 0 p: bool[N]
  slot 1 b6: i64[]
  slot 1 at: i64[1, nonzero]
  input 2 w: f32[8, 8]
  output 2 n: i64[1]
  output 1 s: f32[either]
  slot 0 bytes max(64*((N + 63) floordiv 64), 64)
  slot 1 bytes max(64*((N + 7) floordiv 8), 64)
  arena bytes max(64*((N + 7) floordiv 8), 64) + max(64*((N + 63) floordiv 64), 64)
  scratch bytes 28160
  reduce_0(k, out c)    -- reduce + lt
  if c {
    gt_2(x, out p, out b6)    -- gt + cast + reduce
    nonzero := b6
    nonzero_3(p, out at)    -- nonzero
    contract_4(at, x, w, out y)    -- contract
    reduce_5(y, out s)    -- reduce
    either := nonzero
  } else {
    pad_6(x, out y, out s)    -- pad + exp + reduce
    either := N + 2
  }
  contract_1(y, out o)    -- contract
  from_dims_7(out n)    --
}

kernel @reduce_0(k: f32[2], out c: bool[]) {
  title "reduce + lt"
  schedule cpu lanes 32 unroll 4
  flops 2
  bytes 9
  axis r < 2
  phase {
    acc acc_: sum f32 lanes 32
    vec r < 2 by 8 x 4 {
      acc_ <- k[r]
    }
    let v = acc_ < 0.0
    c[] = v
  }
}

kernel @contract_1(y: f32[either, 8], out o: f32[either, either]) where either in 0..102 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 102 tile_n 64 tile_k 8
  flops 16*either*((either + 63) floordiv 64)*min(either, 64)
  bytes 4*either*either + 32*either
  tile c: f32[102, 64]
  tile bt: f32[8, 64]
  axis jb < (either + 63) floordiv 64, r_1 < 8, c < min(either - 64*jb, 64), z < 8*((min(either - 64*jb, 64) + 7) floordiv 8) - 8*(min(either - 64*jb, 64) floordiv 8), r_2 < 8, row < either, col < min(either - 64*jb, 64), kk < 8, i_11 < either, j_6 < min(either - 64*jb, 64)
  phase {
    par jb < (either + 63) floordiv 64 {
      vec z < 8*((min(either - 64*jb, 64) + 7) floordiv 8) - 8*(min(either - 64*jb, 64) floordiv 8) by 8 x 1 {
        seq r_2 < 8 {
          bt[r_2, z + 8*(min(either - 64*jb, 64) floordiv 8)] = 0.0
        }
      }
      seq r_1 < 8 {
        vec c < min(either - 64*jb, 64) by 8 x 1 {
          bt[r_1, c] = y[c + 64*jb, r_1]
        }
      }
      leaf row < either, col < min(either - 64*jb, 64) max 64, kk < 8, padded 8: c[row, col] = y[row, kk] * bt[kk, col]
      seq i_11 < either {
        vec j_6 < min(either - 64*jb, 64) by 8 x 4 {
          o[i_11, j_6 + 64*jb] = c[i_11, j_6]
        }
      }
    }
  }
}

kernel @gt_2(x: f32[N, 8], out p: bool[N], out t: i64[]) where N in 0..100 {
  title "gt + cast + reduce"
  schedule cpu lanes 32 unroll 4
  flops N
  bytes 33*N + 8
  axis r_3 < N
  phase {
    acc acc_: sum i64 lanes 32
    vec r_3 < N by 8 x 4 {
      p[r_3] = x[r_3, 0] > 0.0
      acc_ <- i64(x[r_3, 0] > 0.0)
    }
    t[] = acc_
  }
}

kernel @nonzero_3(p: bool[N], out at: i64[1, nonzero]) where N in 0..100, nonzero in 0..100 {
  title "nonzero"
  flops N
  bytes 8*nonzero
  axis i_12 < N
  index to < nonzero = count
  phase {
    acc count: sum i64
    seq i_12 < N {
      if p[i_12] {
        at[0, to] = index(i_12)
        count <- 1
      }
    }
  }
}

kernel @contract_4(at: i64[1, nonzero], x: f32[N, 8], w: f32[8, 8], out prod: f32[nonzero, 8]) where N in 0..100, nonzero in 0..100 {
  title "contract"
  schedule cpu lanes 8 unroll 4 tile_m 96 tile_n 64 tile_k 8
  flops 128*((nonzero + 95) floordiv 96)*min(nonzero, 96)
  bytes 32*nonzero + 4*min(8*((nonzero + 95) floordiv 96)*min(nonzero, 96), 8*N) + 256
  tile c: f32[96, 64]
  tile at_1: f32[96, 8]
  axis ib < (nonzero + 95) floordiv 96, r_4 < min(-96*ib + nonzero, 96), c_1 < 8
  index at_1_1 < N = max(min(at[0, 96*ib + r_4] < 0 ? at[0, 96*ib + r_4] + index(N) : at[0, 96*ib + r_4], index(N) - 1), 0)
  axis row_1 < min(-96*ib + nonzero, 96), col_1 < 8, kk_1 < 8, i_15 < min(-96*ib + nonzero, 96), j_7 < 8
  phase {
    par ib < (nonzero + 95) floordiv 96 {
      seq r_4 < min(-96*ib + nonzero, 96) {
        vec c_1 < 8 by 8 x 1 {
          at_1[r_4, c_1] = x[at_1_1, c_1]
        }
      }
      leaf row_1 < min(-96*ib + nonzero, 96), col_1 < 8 max 64, kk_1 < 8: c[row_1, col_1] = at_1[row_1, kk_1] * w[kk_1, col_1]
      seq i_15 < min(-96*ib + nonzero, 96) {
        vec j_7 < 8 by 8 x 4 {
          prod[i_15 + 96*ib, j_7] = c[i_15, j_7]
        }
      }
    }
  }
}

kernel @reduce_5(prod: f32[nonzero, 8], out m: f32[nonzero]) where nonzero in 0..100 {
  title "reduce"
  schedule cpu lanes 1 unroll 4
  flops 8*((nonzero + 63) floordiv 64)*min(nonzero, 64)
  bytes 36*nonzero
  axis r_5 < 8, b < (nonzero + 63) floordiv 64, i_17 < min(-64*b + nonzero, 64)
  phase {
    par b < (nonzero + 63) floordiv 64 {
      vec i_17 < min(-64*b + nonzero, 64) by 8 x 1 {
        acc acc_: max f32
        seq r_5 < 8 {
          acc_ <- prod[64*b + i_17, r_5]
        }
        m[64*b + i_17] = acc_
      }
    }
  }
}

kernel @pad_6(x: f32[N, 8], out e: f32[N + 2, 8], out t: f32[N + 2]) where N in 0..100 {
  title "pad + exp + reduce"
  schedule cpu lanes 1 unroll 4
  flops 24*((N + 1) floordiv 64)*min(N + 2, 64) + 24*min(N + 2, 64)
  bytes 68*N + 72
  axis r_6 < 8, b_1 < (N + 1) floordiv 64 + 1, i_19 < min(N - 64*b_1 + 2, 64)
  phase {
    par b_1 < (N + 1) floordiv 64 + 1 {
      vec i_19 < min(N - 64*b_1 + 2, 64) by 8 x 1 {
        acc acc_: sum f32
        seq r_6 < 8 {
          e[64*b_1 + i_19, r_6] = exp(x[64*b_1 + i_19 - 2, r_6 if index(64*b_1 + i_19 - 2) >= 0 else 0.0])
          acc_ <- exp(x[64*b_1 + i_19 - 2, r_6 if index(64*b_1 + i_19 - 2) >= 0 else 0.0])
        }
        t[64*b_1 + i_19] = acc_
      }
    }
  }
}

kernel @from_dims_7(out n: i64[1]) where either in 0..102 {
  title ""
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 8
  phase {
    n[0] = index(either)
  }
}
