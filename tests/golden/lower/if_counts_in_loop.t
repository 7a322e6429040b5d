# frit: opt %s -p core,lower
# input: tests/lower/if_counts_in_loop.fir
---
plan @if_counts_in_loop {
  slot 0 even: bool[]
  slot 0 r: f32[either, 4]
  slot 1 total: f32[]
  slot 2 part: f32[]
  output 1 t: f32[7]
  output 0 a: f32[N, 4]
  slot 0 w: f32[N, 4]
  slot 0 q: bool[N]
  slot 1 b8: i64[]
  slot 1 at: i64[1, nonzero]
  input 0 x: f32[N, 4]
  const 0 seven: i64[]
  const 1 yes: bool[]
  slot 0 bytes max(64*((N + 1) floordiv 2), 64*((N + 3) floordiv 4), 64*((N + 63) floordiv 64))
  slot 1 bytes 64*((N + 7) floordiv 8)
  slot 2 bytes 64
  arena bytes 64*((N + 7) floordiv 8) + max(64*((N + 1) floordiv 2), 64*((N + 3) floordiv 4), 64*((N + 63) floordiv 64)) + 64
  scratch bytes 0
  copy(x, a)
  loop iteration < 7 {
    rem_0(out even)    -- rem + cast
    if even {
      reduce_3(a, out q)    -- reduce + gt
      reduce_4(q, out b8)    -- reduce
      nonzero := b8
      nonzero_5(q, out at)    -- nonzero
      gather_6(at, a, out r)    -- gather
      either := nonzero
    } else {
      concat_7(a, x, out r)    -- concat
      either := 2*N
    }
    reduce_1(r, out total, out part, out t)    -- reduce + mul
    sub_2(a, part, out w)    -- sub
    copy(w, a)
  }
}

kernel @rem_0(out even: bool[]) where iteration in 0..6 {
  title "rem + cast"
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 1
  phase {
    even[] = bool(rem(index(iteration), 2))
  }
}

kernel @reduce_1(r: f32[either, 4], out total: f32[], out part: f32[], out t: f32[7]) where either in 0..200, iteration in 0..6 {
  title "reduce + mul"
  schedule cpu lanes 32 unroll 4
  flops 4*either + 1
  bytes 16*either + 36
  axis i_7 < 4*either
  phase {
    acc acc_: sum f32 lanes 32
    vec i_7 < 4*either by 8 x 4 {
      acc_ <- r[i_7 floordiv 4, i_7 - 4*(i_7 floordiv 4)]
    }
    let v = acc_ * 0.009999999776482582
    total[] = acc_
    t[iteration] = acc_
    part[] = v
  }
}

kernel @sub_2(v: f32[N, 4], part: f32[], out w: f32[N, 4]) where N in 1..100 {
  title "sub"
  schedule cpu lanes 8 unroll 2
  flops 4*N
  bytes 32*N + 4
  axis i_10 < 4*N
  phase {
    vec i_10 < 4*N by 8 x 2 {
      w[i_10 floordiv 4, i_10 - 4*(i_10 floordiv 4)] = v[i_10 floordiv 4, i_10 - 4*(i_10 floordiv 4)] - part[]
    }
  }
}

kernel @reduce_3(v: f32[N, 4], out q: bool[N]) where N in 1..100 {
  title "reduce + gt"
  schedule cpu lanes 1 unroll 4
  flops 4*((N + 63) floordiv 64)*min(N, 64)
  bytes 17*N
  axis r_2 < 4, b < (N + 63) floordiv 64, i_12 < min(N - 64*b, 64)
  phase {
    par b < (N + 63) floordiv 64 {
      vec i_12 < min(N - 64*b, 64) by 8 x 1 {
        acc acc_: max f32
        seq r_2 < 4 {
          acc_ <- v[64*b + i_12, r_2]
        }
        let v = acc_ > 0.0
        q[64*b + i_12] = v
      }
    }
  }
}

kernel @reduce_4(q: bool[N], out t: i64[]) where N in 1..100 {
  title "reduce"
  schedule cpu lanes 32 unroll 4
  flops N
  bytes N + 8
  axis r_3 < N
  phase {
    acc acc_: sum i64 lanes 32
    vec r_3 < N by 8 x 4 {
      acc_ <- i64(q[r_3])
    }
    t[] = acc_
  }
}

kernel @nonzero_5(q: bool[N], out at: i64[1, nonzero]) where N in 1..100, nonzero in 0..100 {
  title "nonzero"
  flops N
  bytes 8*nonzero
  axis i_13 < N
  index to < nonzero = count
  phase {
    acc count: sum i64
    seq i_13 < N {
      if q[i_13] {
        at[0, to] = index(i_13)
        count <- 1
      }
    }
  }
}

kernel @gather_6(at: i64[1, nonzero], v: f32[N, 4], out rows: f32[nonzero, 4]) where N in 1..100, nonzero in 0..100 {
  title "gather"
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 32*nonzero
  axis i_14 < nonzero, i_15 < 4
  index at_1 < N = max(min(at[0, i_14] < 0 ? at[0, i_14] + index(N) : at[0, i_14], index(N) - 1), 0)
  phase {
    par i_14 < nonzero {
      vec i_15 < 4 by 8 x 2 {
        rows[i_14, i_15] = v[at_1, i_15]
      }
    }
  }
}

kernel @concat_7(v: f32[N, 4], x: f32[N, 4], out both: f32[2*N, 4]) where N in 1..100 {
  title "concat"
  schedule cpu lanes 8 unroll 2
  flops 8*N
  bytes 64*N
  axis i_17 < 2*N, i_18 < 4
  phase {
    par i_17 < 2*N {
      vec i_18 < 4 by 8 x 2 {
        $1 = index(-N + i_17) >= 0
        both[i_17, i_18] = $1 ? x[-N + i_17, i_18 if $1 else 0.0] : v[i_17, i_18 if index(i_17) < index(N) else 0.0]
      }
    }
  }
}
