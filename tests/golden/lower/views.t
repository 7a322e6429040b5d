# frit: opt %s -p core,lower
# input: tests/lower/views.fir
---
plan @v {
  input 0 x: f32[B, S, 6]
  output 2 c: f32[B, S, 12]
  output 3 d: f32[B, B, 6]
  output 4 e: f32[B, S, 10]
  slot 0 b4: f32[B, S, 6]
  output 0 a: f32[6, S, B]
  output 1 b: f32[B, S, 2, 3]
  output 5 f: f32[B, S, 6]
  slot 0 bytes 64*((3*B*S + 7) floordiv 8)
  arena bytes 64*((3*B*S + 7) floordiv 8)
  scratch bytes 0
  concat_0(x, out c)    -- concat
  gather_1(x, out d)    -- gather
  pad_2(x, out e)    -- pad
  exp_3(x, out b4)    -- exp
  transpose_4(x, out a)    --
  reshape_5(x, out b)    --
  slice_6(b4, out f)    --
}

kernel @concat_0(x: f32[B, S, 6], out c: f32[B, S, 12]) where B in 1..65536, S in 1..65536 {
  title "concat"
  schedule cpu lanes 8 unroll 2
  flops 24*B*S
  bytes 72*B*S
  axis i_17 < 12, i_19 < B*S
  phase {
    par i_19 < B*S {
      vec i_17 < 12 by 8 x 2 {
        $1 = index(i_17 - 6) >= 0
        c[i_19 floordiv S, -S*(i_19 floordiv S) + i_19, i_17] = $1 ? -x[i_19 floordiv S, -S*(i_19 floordiv S) + i_19, i_17 - 6 if $1 else 0.0] : x[i_19 floordiv S, -S*(i_19 floordiv S) + i_19, i_17 if index(i_17) < 6 else 0.0]
      }
    }
  }
}

kernel @gather_1(x: f32[B, S, 6], out d: f32[B, B, 6]) where B in 1..65536, S in 1..65536 {
  title "gather"
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 24*B*B + 24*B*S
  axis i_20 < B, i_21 < B, i_22 < 6
  phase {
    par i_20 < B {
      seq i_21 < B {
        vec i_22 < 6 by 8 x 2 {
          d[i_20, i_21, i_22] = x[i_20, 0, i_22]
        }
      }
    }
  }
}

kernel @pad_2(x: f32[B, S, 6], out e: f32[B, S, 10]) where B in 1..65536, S in 1..65536 {
  title "pad"
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 64*B*S
  axis i_27 < 10, i_29 < B*S
  phase {
    par i_29 < B*S {
      vec i_27 < 10 by 8 x 2 {
        e[i_29 floordiv S, -S*(i_29 floordiv S) + i_29, i_27] = x[i_29 floordiv S, -S*(i_29 floordiv S) + i_29, i_27 - 1 if index(i_27 - 1) >= 0 & index(i_27 - 1) < 6 else 0.0]
      }
    }
  }
}

kernel @exp_3(x: f32[B, S, 6], out t: f32[B, S, 6]) where B in 1..65536, S in 1..65536 {
  title "exp"
  schedule cpu lanes 8 unroll 2 grain 4096
  flops ((3*B*S + 2047) floordiv 2048)*min(6*B*S, 4096)
  bytes 48*B*S
  axis b < (3*B*S + 2047) floordiv 2048, i_35 < min(6*B*S - 4096*b, 4096)
  phase {
    par b < (3*B*S + 2047) floordiv 2048 {
      vec i_35 < min(6*B*S - 4096*b, 4096) by 8 x 2 {
        t[(4096*b + i_35) floordiv (6*S), -S*((4096*b + i_35) floordiv (6*S)) + 682*b + (4*b + i_35) floordiv 6, 4*b + i_35 - 6*((4*b + i_35) floordiv 6)] = exp(x[(4096*b + i_35) floordiv (6*S), -S*((4096*b + i_35) floordiv (6*S)) + 682*b + (4*b + i_35) floordiv 6, 4*b + i_35 - 6*((4*b + i_35) floordiv 6)])
      }
    }
  }
}

kernel @transpose_4(x: f32[B, S, 6], out a: f32[6, S, B]) where B in 1..65536, S in 1..65536 {
  title ""
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 0
  bytes 48*B*S
  axis i_36 < 6, i_37 < S, b_1 < (B + 4095) floordiv 4096, i_41 < min(B - 4096*b_1, 4096)
  phase {
    par i_36 < 6 {
      par i_37 < S {
        par b_1 < (B + 4095) floordiv 4096 {
          vec i_41 < min(B - 4096*b_1, 4096) by 8 x 2 {
            a[i_36, i_37, 4096*b_1 + i_41] = x[4096*b_1 + i_41, i_37, i_36]
          }
        }
      }
    }
  }
}

kernel @reshape_5(x: f32[B, S, 6], out b: f32[B, S, 2, 3]) where B in 1..65536, S in 1..65536 {
  title ""
  schedule cpu lanes 8 unroll 2 grain 4096
  flops 0
  bytes 48*B*S
  axis b_2 < (3*B*S + 2047) floordiv 2048, i_49 < min(6*B*S - 4096*b_2, 4096)
  phase {
    par b_2 < (3*B*S + 2047) floordiv 2048 {
      vec i_49 < min(6*B*S - 4096*b_2, 4096) by 8 x 2 {
        b[(4096*b_2 + i_49) floordiv (6*S), -S*((4096*b_2 + i_49) floordiv (6*S)) + 682*b_2 + (4*b_2 + i_49) floordiv 6, b_2 + (b_2 + i_49) floordiv 3 - 2*((4*b_2 + i_49) floordiv 6), b_2 + i_49 - 3*((b_2 + i_49) floordiv 3)] = x[(4096*b_2 + i_49) floordiv (6*S), -S*((4096*b_2 + i_49) floordiv (6*S)) + 682*b_2 + (4*b_2 + i_49) floordiv 6, 4*b_2 + i_49 - 6*((4*b_2 + i_49) floordiv 6)]
      }
    }
  }
}

kernel @slice_6(t: f32[B, S, 6], out f: f32[B, S, 6]) where B in 1..65536, S in 1..65536 {
  title ""
  schedule cpu lanes 8 unroll 2
  flops 0
  bytes 48*B*S
  axis i_52 < 6, i_54 < B*S
  phase {
    par i_54 < B*S {
      vec i_52 < 6 by 8 x 2 {
        f[i_54 floordiv S, -S*(i_54 floordiv S) + i_54, i_52] = t[i_54 floordiv S, -S*(i_54 floordiv S) + i_54, -i_52 + 5]
      }
    }
  }
}
