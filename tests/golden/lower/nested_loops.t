# frit: opt %s -p core,lower
# input: tests/lower/nested_loops.fir
---
plan @nested_loops {
  slot 0 d: f32[5]
  input 0 x: f32[S, T, 5]
  output 2 g: f32[5]
  slot 3 w: f32[5]
  slot 4 r: f32[]
  slot 1 s: f32[T]
  slot 2 inner: f32[5, T]
  output 1 ys: f32[S, 5, T]
  output 3 rev: f32[S, T]
  output 0 o: f32[5]
  input 1 h: f32[5]
  slot 3 b11: f32[5]
  slot 0 bytes 64
  slot 1 bytes 64*((T + 15) floordiv 16)
  slot 2 bytes 64*((5*T + 15) floordiv 16)
  slot 3 bytes 64
  slot 4 bytes 64
  arena bytes 64*((T + 15) floordiv 16) + 64*((5*T + 15) floordiv 16) + 192
  scratch bytes 0
  copy(h, o)
  copy(h, g)
  loop iteration_1 < S {
    copy(o, d)
    loop iteration < T {
      mul_0(d, x, g, out w, out r, out s)    -- mul + cos + add + reduce
      copy_1(d, out inner)    --
      copy(w, d)
    }
    scan_loop_2(inner, out ys)    --
    scan_loop_3(s, out rev)    --
    copy(g, b11)
    copy(b11, o)
    copy(d, g)
  }
}

kernel @mul_0(p: f32[5], x: f32[S, T, 5], b: f32[5], out w: f32[5], out r: f32[], out s: f32[T]) where S in 0..100, T in 0..100, iteration in 0..99, iteration_1 in 0..99 {
  title "mul + cos + add + reduce"
  schedule cpu lanes 32 unroll 4
  flops 35
  bytes 20*S*T + 4*T + 64
  axis r < 5
  phase {
    acc acc_: sum f32 lanes 32
    vec r < 5 by 8 x 4 {
      w[r] = cos(p[r] * x[S - iteration_1 - 1, iteration, r]) + b[r]
      acc_ <- cos(p[r] * x[S - iteration_1 - 1, iteration, r]) + b[r]
    }
    r[] = acc_
    s[iteration] = acc_
  }
}

kernel @copy_1(p: f32[5], out inner: f32[5, T]) where T in 0..100, iteration in 0..99 {
  title ""
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 20*T + 20
  axis i_5 < 5
  phase {
    vec i_5 < 5 by 8 x 2 {
      inner[i_5, iteration] = p[i_5]
    }
  }
}

kernel @scan_loop_2(inner: f32[5, T], out ys: f32[S, 5, T]) where S in 0..100, T in 0..100, iteration_1 in 0..99 {
  title ""
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 20*S*T + 20*T
  axis i_8 < 5*T
  phase {
    vec i_8 < 5*T by 8 x 2 {
      ys[iteration_1, i_8 floordiv T, -T*(i_8 floordiv T) + i_8] = inner[i_8 floordiv T, -T*(i_8 floordiv T) + i_8]
    }
  }
}

kernel @scan_loop_3(s: f32[T], out rev: f32[S, T]) where S in 0..100, T in 0..100, iteration_1 in 0..99 {
  title ""
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 4*S*T + 4*T
  axis i_9 < T
  phase {
    vec i_9 < T by 8 x 2 {
      rev[S - iteration_1 - 1, i_9] = s[i_9]
    }
  }
}
