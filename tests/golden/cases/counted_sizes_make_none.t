# frit: opt %s -p broadcast_operands,decompose,canonicalize_core,lower
func @f(%x: f32[n], %y: f32[m]) -> (%z: f32[max(c, m)*min(c, 1)]) where c = result in 0..9, n in 1..9, m in 1..9 {
  %i = nonzero %x {dims = [c]}
  %r = reshape %i {dims = [c]}
  %f = cast %r {to = f32}
  %z = add %f, %y
  return %z
}
---
plan @f {
  input 0 x: f32[n]
  slot 0 b1: bool[n]
  slot 1 b2: i64[]
  slot 1 i: i64[1, c]
  input 1 y: f32[m]
  output 0 z: f32[min(c, 1)*max(c, m)]
  slot 0 bytes 64
  slot 1 bytes 64*((n + 7) floordiv 8)
  arena bytes 64*((n + 7) floordiv 8) + 64
  scratch bytes 0
  ne_0(x, out b1, out b2)    -- ne + cast + reduce
  c := b2
  require c ~ m
  nonzero_1(b1, out i)    -- nonzero
  add_2(i, y, out z)    -- add
}

kernel @ne_0(x: f32[n], out t: bool[n], out t_1: i64[]) where n in 1..9 {
  title "ne + cast + reduce"
  schedule cpu lanes 32 unroll 4
  flops n
  bytes 5*n + 8
  axis r < n
  phase {
    acc acc_: sum i64 lanes 32
    vec r < n by 8 x 4 {
      t[r] = x[r] != 0.0
      acc_ <- i64(x[r] != 0.0)
    }
    t_1[] = acc_
  }
}

kernel @nonzero_1(t: bool[n], out i: i64[1, c]) where c in 0..9, n in 1..9 {
  title "nonzero"
  flops n
  bytes 8*min(c, n)
  axis i_4 < n
  index to < c = count
  phase {
    acc count: sum i64
    seq i_4 < n {
      if t[i_4] {
        i[0, to] = index(i_4)
        count <- 1
      }
    }
  }
}

kernel @add_2(i: i64[1, c], y: f32[m], out z: f32[min(c, 1)*max(c, m)]) where c in 0..9, m in 1..9 {
  title "add"
  schedule cpu lanes 8 unroll 2
  flops 2*min(c, 1)*max(c, m)
  bytes 4*min(c, 1)*max(c, m) + 8*c + 4*m
  axis i_5 < min(c, 1)*max(c, m)
  phase {
    vec i_5 < min(c, 1)*max(c, m) by 8 x 2 {
      z[i_5] = f32(i[0, max(min(i_5, c - 1), 0)]) + y[min(i_5, m - 1)]
    }
  }
}
