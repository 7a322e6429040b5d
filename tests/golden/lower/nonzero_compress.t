# frit: opt %s -p core,lower
# input: tests/lower/nonzero_compress.fir
---
plan @nonzero_compress {
  input 0 x: f32[N, M]
  slot 0 p: bool[N, M]
  slot 1 b2: i64[]
  output 0 i: i64[2, nonzero]
  output 1 y: f32[nonzero]
  output 3 s: f32[]
  output 2 n: i64[1]
  slot 0 bytes 64*((M*N + 63) floordiv 64)
  slot 1 bytes 64
  arena bytes 64*((M*N + 63) floordiv 64) + 64
  scratch bytes 0
  gt_0(x, out p, out b2)    -- gt + cast + reduce
  nonzero := b2
  require min(2*nonzero, 1) <= N
  nonzero_1(p, out i)    -- nonzero
  gather_nd_2(i, x, out y, out s)    -- gather_nd + exp + reduce
  from_dims_3(out n)    --
}

kernel @gt_0(x: f32[N, M], out p: bool[N, M], out t: i64[]) where N in 0..100, M in 1..100 {
  title "gt + cast + reduce"
  schedule cpu lanes 32 unroll 4
  flops M*N
  bytes 5*M*N + 8
  axis i_4 < M*N
  phase {
    acc acc_: sum i64 lanes 32
    vec i_4 < M*N by 8 x 4 {
      p[i_4 floordiv M, -M*(i_4 floordiv M) + i_4] = x[i_4 floordiv M, -M*(i_4 floordiv M) + i_4] > 0.0
      acc_ <- i64(x[i_4 floordiv M, -M*(i_4 floordiv M) + i_4] > 0.0)
    }
    t[] = acc_
  }
}

kernel @nonzero_1(p: bool[N, M], out i: i64[2, nonzero]) where N in 0..100, M in 1..100, nonzero in 0..10000 {
  title "nonzero"
  flops M*N
  bytes 16*nonzero
  axis i_5 < N, i_6 < M
  index to < nonzero = count
  phase {
    acc count: sum i64
    seq i_5 < N {
      seq i_6 < M {
        if p[i_5, i_6] {
          i[0, to] = index(i_5)
          i[1, to] = index(i_6)
          count <- 1
        }
      }
    }
  }
}

kernel @gather_nd_2(i: i64[2, nonzero], x: f32[N, M], out y: f32[nonzero], out s: f32[]) where N in 0..100, M in 1..100, nonzero in 0..10000 {
  title "gather_nd + exp + reduce"
  schedule cpu lanes 32 unroll 4
  flops 3*nonzero
  bytes 4*nonzero + 4*min(M*N, 2*nonzero) + 4
  axis r_2 < nonzero
  index at_2 < N = max(min(i[0, r_2] < 0 ? i[0, r_2] + index(N) : i[0, r_2], index(N) - 1), 0)
  index at_3 < M = max(min(i[1, r_2] < 0 ? i[1, r_2] + index(M) : i[1, r_2], index(M) - 1), 0)
  phase {
    acc acc_: sum f32 lanes 32
    vec r_2 < nonzero by 8 x 4 {
      y[r_2] = exp(x[at_2, at_3])
      acc_ <- exp(x[at_2, at_3])
    }
    s[] = acc_
  }
}

kernel @from_dims_3(out n: i64[1]) where nonzero in 0..10000 {
  title ""
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 8
  phase {
    n[0] = index(nonzero)
  }
}
