# frit: opt %s -p core,lower
# input: tests/lower/while_counts.fir
---
plan @while_counts {
  input 1 k: i64[N]
  slot 0 count: i64[]
  output 0 a: f32[N, 6]
  slot 2 w: f32[N, 6]
  input 0 x: f32[N, 6]
  slot 3 s: f32[N, 6]
  slot 4 on: bool[]
  output 1 all: f32[trips, N, 6]
  output 2 n: i64[trips]
  const 0 yes: bool[]
  slot 1 b10: bool[]
  slot 0 bytes 64
  slot 1 bytes 64
  slot 2 bytes 64*((3*N + 7) floordiv 8)
  slot 3 bytes 64*((3*N + 7) floordiv 8)
  slot 4 bytes 64
  arena bytes 128*((3*N + 7) floordiv 8) + 192
  scratch bytes 0
  reduce_0(k, out count)    -- reduce + add
  copy(x, a)
  copy(yes, b10)
  loop iteration < count while b10 counts trips {
    mul_1(a, out w, x, out s, out on, out all)    -- mul + add + reduce + lt
    copy_2(out n)    --
    copy(on, b10)
    copy(s, a)
  }
}

kernel @reduce_0(k: i64[N], out count: i64[]) where N in 1..100 {
  title "reduce + add"
  schedule cpu lanes 32 unroll 4
  flops N
  bytes 8*N + 8
  axis r < N
  phase {
    acc acc_: max i64 lanes 32
    vec r < N by 8 x 4 {
      acc_ <- k[r]
    }
    let v = acc_ + 3
    count[] = v
  }
}

kernel @mul_1(v: f32[N, 6], out w: f32[N, 6], x: f32[N, 6], out s: f32[N, 6], out on: bool[], out all: f32[trips, N, 6]) where N in 1..100, trips in 0..65536, iteration in 0..65535 {
  title "mul + add + reduce + lt"
  schedule cpu lanes 32 unroll 4
  flops 66*N
  bytes 24*N*trips + 96*N + 1
  axis i_3 < 6*N
  phase {
    acc acc_: max f32 lanes 32
    vec i_3 < 6*N by 8 x 4 {
      w[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] = v[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] * 1.5
      all[iteration, i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] = v[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] * 1.5
      s[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] = v[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] * 1.5 + (x[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] + f32(index(iteration)))
      acc_ <- v[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] * 1.5 + (x[i_3 floordiv 6, i_3 - 6*(i_3 floordiv 6)] + f32(index(iteration)))
    }
    let v = acc_ < 5e+01
    on[] = v
  }
}

kernel @copy_2(out n: i64[trips]) where trips in 0..65536, iteration in 0..65535 {
  title ""
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 8*trips
  phase {
    n[iteration] = index(iteration)
  }
}
