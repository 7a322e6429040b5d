# frit: opt %s -p core,lower
# input: tests/lower/windows_channels_last.fir
---
plan @w {
  input 0 x: f32[B, 9, 11, 24]
  input 1 a: f32[24, 3, 3]
  output 0 d: f32[B, 9, 11, 24]
  output 1 s: f32[B, 5, 6, 24]
  output 2 m: f32[B, 5, 6, 24]
  output 3 v: f32[B, 4, 5, 24]
  input 2 i: i32[B, 9, 11, 24]
  output 4 j: i32[B, 9, 11, 24]
  output 5 p: i64[B, 9, 11, 24]
  arena bytes 0
  scratch bytes 0
  contract_0(x, a, out d)    -- contract + tanh
  contract_1(x, a, out s)    -- contract
  reduce_2(x, out m)    -- reduce
  reduce_3(x, out v)    -- reduce
  reduce_4(i, out j)    -- reduce
  reduce_5(x, out p)    -- reduce
}

kernel @contract_0(x: f32[B, 9, 11, 24], a: f32[24, 3, 3], out d: f32[B, 9, 11, 24]) where B in 1..65536 {
  title "contract + tanh"
  schedule cpu lanes 8 unroll 1 tile_m 8
  flops 65664*B
  bytes 19008*B + 864
  axis i_12 < B, i_13 < 9, i_15 < 24, r < 3, r_1 < 3, b < 2, q < min(-8*b + 11, 8)
  phase {
    par i_12 < B {
      par i_13 < 9 {
        par b < 2 {
          vec i_15 < 24 by 8 x 1 {
            if index(8*b + 8) <= 11 {
              if index(8*b - 1) >= 0 & index(8*b + 3) < 11 & index(8*b + 4) < 11 & index(8*b + 5) < 11 & index(8*b + 6) < 11 & index(8*b + 7) < 11 & index(8*b + 8) < 11 {
                acc acc_: sum f32
                acc acc__1: sum f32
                acc acc__2: sum f32
                acc acc__3: sum f32
                acc acc__4: sum f32
                acc acc__5: sum f32
                acc acc__6: sum f32
                acc acc__7: sum f32
                seq r < 3 {
                  if index(i_13 + r - 1) >= 0 & index(i_13 + r - 1) < 9 {
                    seq r_1 < 3 {
                      acc_ <- x[i_12, i_13 + r - 1, 8*b + r_1 - 1, i_15] * a[i_15, r, r_1]
                      acc__1 <- x[i_12, i_13 + r - 1, 8*b + r_1, i_15] * a[i_15, r, r_1]
                      acc__2 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 1, i_15] * a[i_15, r, r_1]
                      acc__3 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 2, i_15] * a[i_15, r, r_1]
                      acc__4 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 3, i_15] * a[i_15, r, r_1]
                      acc__5 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 4, i_15] * a[i_15, r, r_1]
                      acc__6 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 5, i_15] * a[i_15, r, r_1]
                      acc__7 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 6, i_15] * a[i_15, r, r_1]
                    }
                  }
                }
                let v = tanh(acc_)
                d[i_12, i_13, 8*b, i_15] = v
                let v_1 = tanh(acc__1)
                d[i_12, i_13, 8*b + 1, i_15] = v_1
                let v_2 = tanh(acc__2)
                d[i_12, i_13, 8*b + 2, i_15] = v_2
                let v_3 = tanh(acc__3)
                d[i_12, i_13, 8*b + 3, i_15] = v_3
                let v_4 = tanh(acc__4)
                d[i_12, i_13, 8*b + 4, i_15] = v_4
                let v_5 = tanh(acc__5)
                d[i_12, i_13, 8*b + 5, i_15] = v_5
                let v_6 = tanh(acc__6)
                d[i_12, i_13, 8*b + 6, i_15] = v_6
                let v_7 = tanh(acc__7)
                d[i_12, i_13, 8*b + 7, i_15] = v_7
              } else {
                acc acc__8: sum f32
                acc acc__9: sum f32
                acc acc__10: sum f32
                acc acc__11: sum f32
                acc acc__12: sum f32
                acc acc__13: sum f32
                acc acc__14: sum f32
                acc acc__15: sum f32
                seq r < 3 {
                  if index(i_13 + r - 1) >= 0 & index(i_13 + r - 1) < 9 {
                    seq r_1 < 3 {
                      acc__8 <- x[i_12, i_13 + r - 1, 8*b + r_1 - 1, i_15 if index(8*b + r_1 - 1) >= 0 else 0.0] * a[i_15, r, r_1]
                      acc__9 <- x[i_12, i_13 + r - 1, 8*b + r_1, i_15] * a[i_15, r, r_1]
                      acc__10 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 1, i_15 if index(8*b + r_1 + 1) < 11 else 0.0] * a[i_15, r, r_1]
                      acc__11 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 2, i_15 if index(8*b + r_1 + 2) < 11 else 0.0] * a[i_15, r, r_1]
                      acc__12 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 3, i_15 if index(8*b + r_1 + 3) < 11 else 0.0] * a[i_15, r, r_1]
                      acc__13 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 4, i_15 if index(8*b + r_1 + 4) < 11 else 0.0] * a[i_15, r, r_1]
                      acc__14 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 5, i_15 if index(8*b + r_1 + 5) < 11 else 0.0] * a[i_15, r, r_1]
                      acc__15 <- x[i_12, i_13 + r - 1, 8*b + r_1 + 6, i_15 if index(8*b + r_1 + 6) < 11 else 0.0] * a[i_15, r, r_1]
                    }
                  }
                }
                let v_8 = tanh(acc__8)
                d[i_12, i_13, 8*b, i_15] = v_8
                let v_9 = tanh(acc__9)
                d[i_12, i_13, 8*b + 1, i_15] = v_9
                let v_10 = tanh(acc__10)
                d[i_12, i_13, 8*b + 2, i_15] = v_10
                let v_11 = tanh(acc__11)
                d[i_12, i_13, 8*b + 3, i_15] = v_11
                let v_12 = tanh(acc__12)
                d[i_12, i_13, 8*b + 4, i_15] = v_12
                let v_13 = tanh(acc__13)
                d[i_12, i_13, 8*b + 5, i_15] = v_13
                let v_14 = tanh(acc__14)
                d[i_12, i_13, 8*b + 6, i_15] = v_14
                let v_15 = tanh(acc__15)
                d[i_12, i_13, 8*b + 7, i_15] = v_15
              }
            } else {
              seq q < min(-8*b + 11, 8) {
                acc acc__16: sum f32
                seq r < 3 {
                  if index(i_13 + r - 1) >= 0 & index(i_13 + r - 1) < 9 {
                    seq r_1 < 3 {
                      acc__16 <- x[i_12, i_13 + r - 1, 8*b + q + r_1 - 1, i_15 if index(8*b + q + r_1 - 1) >= 0 & index(8*b + q + r_1 - 1) < 11 else 0.0] * a[i_15, r, r_1]
                    }
                  }
                }
                let v_16 = tanh(acc__16)
                d[i_12, i_13, 8*b + q, i_15] = v_16
              }
            }
          }
        }
      }
    }
  }
}

kernel @contract_1(x: f32[B, 9, 11, 24], a: f32[24, 3, 3], out s: f32[B, 5, 6, 24]) where B in 1..65536 {
  title "contract"
  schedule cpu lanes 8 unroll 1 tile_m 6
  flops 12960*B
  bytes 12384*B + 864
  axis i_20 < B, i_21 < 5, i_23 < 24, r_2 < 3, r_3 < 3, b_1 < 1
  phase {
    par i_20 < B {
      par i_21 < 5 {
        par b_1 < 1 {
          vec i_23 < 24 by 8 x 1 {
            if index(12*b_1 - 1) >= 0 & index(12*b_1 + 11) < 11 {
              acc acc_: sum f32
              acc acc__1: sum f32
              acc acc__2: sum f32
              acc acc__3: sum f32
              acc acc__4: sum f32
              acc acc__5: sum f32
              seq r_2 < 3 {
                if index(2*i_21 + r_2 - 1) >= 0 & index(2*i_21 + r_2 - 1) < 9 {
                  seq r_3 < 3 {
                    acc_ <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 - 1, i_23] * a[i_23, r_2, r_3]
                    acc__1 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 1, i_23] * a[i_23, r_2, r_3]
                    acc__2 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 3, i_23] * a[i_23, r_2, r_3]
                    acc__3 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 5, i_23] * a[i_23, r_2, r_3]
                    acc__4 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 7, i_23] * a[i_23, r_2, r_3]
                    acc__5 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 9, i_23] * a[i_23, r_2, r_3]
                  }
                }
              }
              s[i_20, i_21, 6*b_1, i_23] = acc_
              s[i_20, i_21, 6*b_1 + 1, i_23] = acc__1
              s[i_20, i_21, 6*b_1 + 2, i_23] = acc__2
              s[i_20, i_21, 6*b_1 + 3, i_23] = acc__3
              s[i_20, i_21, 6*b_1 + 4, i_23] = acc__4
              s[i_20, i_21, 6*b_1 + 5, i_23] = acc__5
            } else {
              acc acc__6: sum f32
              acc acc__7: sum f32
              acc acc__8: sum f32
              acc acc__9: sum f32
              acc acc__10: sum f32
              acc acc__11: sum f32
              seq r_2 < 3 {
                if index(2*i_21 + r_2 - 1) >= 0 & index(2*i_21 + r_2 - 1) < 9 {
                  seq r_3 < 3 {
                    acc__6 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 - 1, i_23 if index(12*b_1 + r_3 - 1) >= 0 else 0.0] * a[i_23, r_2, r_3]
                    acc__7 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 1, i_23] * a[i_23, r_2, r_3]
                    acc__8 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 3, i_23] * a[i_23, r_2, r_3]
                    acc__9 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 5, i_23] * a[i_23, r_2, r_3]
                    acc__10 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 7, i_23] * a[i_23, r_2, r_3]
                    acc__11 <- x[i_20, 2*i_21 + r_2 - 1, 12*b_1 + r_3 + 9, i_23 if index(12*b_1 + r_3 + 9) < 11 else 0.0] * a[i_23, r_2, r_3]
                  }
                }
              }
              s[i_20, i_21, 6*b_1, i_23] = acc__6
              s[i_20, i_21, 6*b_1 + 1, i_23] = acc__7
              s[i_20, i_21, 6*b_1 + 2, i_23] = acc__8
              s[i_20, i_21, 6*b_1 + 3, i_23] = acc__9
              s[i_20, i_21, 6*b_1 + 4, i_23] = acc__10
              s[i_20, i_21, 6*b_1 + 5, i_23] = acc__11
            }
          }
        }
      }
    }
  }
}

kernel @reduce_2(x: f32[B, 9, 11, 24], out m: f32[B, 5, 6, 24]) where B in 1..65536 {
  title "reduce"
  schedule cpu lanes 8 unroll 1 tile_m 6
  flops 6480*B
  bytes 12384*B
  axis i_28 < B, i_29 < 5, i_31 < 24, r_4 < 3, r_5 < 3, b_2 < 1
  phase {
    par i_28 < B {
      par i_29 < 5 {
        par b_2 < 1 {
          vec i_31 < 24 by 8 x 1 {
            if index(12*b_2 - 1) >= 0 & index(12*b_2 + 11) < 11 {
              acc acc_: max f32
              acc acc__1: max f32
              acc acc__2: max f32
              acc acc__3: max f32
              acc acc__4: max f32
              acc acc__5: max f32
              seq r_4 < 3 {
                if index(2*i_29 + r_4 - 1) >= 0 & index(2*i_29 + r_4 - 1) < 9 {
                  seq r_5 < 3 {
                    acc_ <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 - 1, i_31]
                    acc__1 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 1, i_31]
                    acc__2 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 3, i_31]
                    acc__3 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 5, i_31]
                    acc__4 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 7, i_31]
                    acc__5 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 9, i_31]
                  }
                }
              }
              m[i_28, i_29, 6*b_2, i_31] = acc_
              m[i_28, i_29, 6*b_2 + 1, i_31] = acc__1
              m[i_28, i_29, 6*b_2 + 2, i_31] = acc__2
              m[i_28, i_29, 6*b_2 + 3, i_31] = acc__3
              m[i_28, i_29, 6*b_2 + 4, i_31] = acc__4
              m[i_28, i_29, 6*b_2 + 5, i_31] = acc__5
            } else {
              acc acc__6: max f32
              acc acc__7: max f32
              acc acc__8: max f32
              acc acc__9: max f32
              acc acc__10: max f32
              acc acc__11: max f32
              seq r_4 < 3 {
                if index(2*i_29 + r_4 - 1) >= 0 & index(2*i_29 + r_4 - 1) < 9 {
                  seq r_5 < 3 {
                    acc__6 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 - 1, i_31 if index(12*b_2 + r_5 - 1) >= 0 else -inf]
                    acc__7 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 1, i_31]
                    acc__8 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 3, i_31]
                    acc__9 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 5, i_31]
                    acc__10 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 7, i_31]
                    acc__11 <- x[i_28, 2*i_29 + r_4 - 1, 12*b_2 + r_5 + 9, i_31 if index(12*b_2 + r_5 + 9) < 11 else -inf]
                  }
                }
              }
              m[i_28, i_29, 6*b_2, i_31] = acc__6
              m[i_28, i_29, 6*b_2 + 1, i_31] = acc__7
              m[i_28, i_29, 6*b_2 + 2, i_31] = acc__8
              m[i_28, i_29, 6*b_2 + 3, i_31] = acc__9
              m[i_28, i_29, 6*b_2 + 4, i_31] = acc__10
              m[i_28, i_29, 6*b_2 + 5, i_31] = acc__11
            }
          }
        }
      }
    }
  }
}

kernel @reduce_3(x: f32[B, 9, 11, 24], out v: f32[B, 4, 5, 24]) where B in 1..65536 {
  title "reduce"
  schedule cpu lanes 8 unroll 1 tile_m 5
  flops 1920*B
  bytes 11424*B
  axis i_36 < B, i_37 < 4, i_39 < 24, r_6 < 2, r_7 < 2, b_3 < 1
  phase {
    par i_36 < B {
      par i_37 < 4 {
        par b_3 < 1 {
          vec i_39 < 24 by 8 x 1 {
            acc acc_: sum f32
            acc acc__1: sum f32
            acc acc__2: sum f32
            acc acc__3: sum f32
            acc acc__4: sum f32
            seq r_6 < 2 {
              seq r_7 < 2 {
                acc_ <- x[i_36, 2*i_37 + r_6, 10*b_3 + r_7, i_39]
                acc__1 <- x[i_36, 2*i_37 + r_6, 10*b_3 + r_7 + 2, i_39]
                acc__2 <- x[i_36, 2*i_37 + r_6, 10*b_3 + r_7 + 4, i_39]
                acc__3 <- x[i_36, 2*i_37 + r_6, 10*b_3 + r_7 + 6, i_39]
                acc__4 <- x[i_36, 2*i_37 + r_6, 10*b_3 + r_7 + 8, i_39]
              }
            }
            v[i_36, i_37, 5*b_3, i_39] = acc_
            v[i_36, i_37, 5*b_3 + 1, i_39] = acc__1
            v[i_36, i_37, 5*b_3 + 2, i_39] = acc__2
            v[i_36, i_37, 5*b_3 + 3, i_39] = acc__3
            v[i_36, i_37, 5*b_3 + 4, i_39] = acc__4
          }
        }
      }
    }
  }
}

kernel @reduce_4(i: i32[B, 9, 11, 24], out j: i32[B, 9, 11, 24]) where B in 1..65536 {
  title "reduce"
  schedule cpu lanes 8 unroll 1 tile_m 8
  flops 51840*B
  bytes 19008*B
  axis i_44 < B, i_45 < 9, i_47 < 24, r_8 < 3, r_9 < 5, b_4 < 2, q_1 < min(-8*b_4 + 11, 8)
  phase {
    par i_44 < B {
      par i_45 < 9 {
        par b_4 < 2 {
          vec i_47 < 24 by 8 x 1 {
            if index(8*b_4 + 8) <= 11 {
              if index(8*b_4 - 2) >= 0 & index(8*b_4 - 1) >= 0 & index(8*b_4 + 3) < 11 & index(8*b_4 + 4) < 11 & index(8*b_4 + 5) < 11 & index(8*b_4 + 6) < 11 & index(8*b_4 + 7) < 11 & index(8*b_4 + 8) < 11 & index(8*b_4 + 9) < 11 {
                acc acc_: sum i32
                acc acc__1: sum i32
                acc acc__2: sum i32
                acc acc__3: sum i32
                acc acc__4: sum i32
                acc acc__5: sum i32
                acc acc__6: sum i32
                acc acc__7: sum i32
                seq r_8 < 3 {
                  if index(i_45 + 2*r_8 - 2) >= 0 & index(i_45 + 2*r_8 - 2) < 9 {
                    seq r_9 < 5 {
                      acc_ <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 - 2, i_47]
                      acc__1 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 - 1, i_47]
                      acc__2 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9, i_47]
                      acc__3 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 1, i_47]
                      acc__4 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 2, i_47]
                      acc__5 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 3, i_47]
                      acc__6 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 4, i_47]
                      acc__7 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 5, i_47]
                    }
                  }
                }
                j[i_44, i_45, 8*b_4, i_47] = acc_
                j[i_44, i_45, 8*b_4 + 1, i_47] = acc__1
                j[i_44, i_45, 8*b_4 + 2, i_47] = acc__2
                j[i_44, i_45, 8*b_4 + 3, i_47] = acc__3
                j[i_44, i_45, 8*b_4 + 4, i_47] = acc__4
                j[i_44, i_45, 8*b_4 + 5, i_47] = acc__5
                j[i_44, i_45, 8*b_4 + 6, i_47] = acc__6
                j[i_44, i_45, 8*b_4 + 7, i_47] = acc__7
              } else {
                acc acc__8: sum i32
                acc acc__9: sum i32
                acc acc__10: sum i32
                acc acc__11: sum i32
                acc acc__12: sum i32
                acc acc__13: sum i32
                acc acc__14: sum i32
                acc acc__15: sum i32
                seq r_8 < 3 {
                  if index(i_45 + 2*r_8 - 2) >= 0 & index(i_45 + 2*r_8 - 2) < 9 {
                    seq r_9 < 5 {
                      acc__8 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 - 2, i_47 if index(8*b_4 + r_9 - 2) >= 0 else 0:i32]
                      acc__9 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 - 1, i_47 if index(8*b_4 + r_9 - 1) >= 0 & index(8*b_4 + r_9 - 1) < 11 else 0:i32]
                      acc__10 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9, i_47 if index(8*b_4 + r_9) < 11 else 0:i32]
                      acc__11 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 1, i_47 if index(8*b_4 + r_9 + 1) < 11 else 0:i32]
                      acc__12 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 2, i_47 if index(8*b_4 + r_9 + 2) < 11 else 0:i32]
                      acc__13 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 3, i_47 if index(8*b_4 + r_9 + 3) < 11 else 0:i32]
                      acc__14 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 4, i_47 if index(8*b_4 + r_9 + 4) < 11 else 0:i32]
                      acc__15 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + r_9 + 5, i_47 if index(8*b_4 + r_9 + 5) < 11 else 0:i32]
                    }
                  }
                }
                j[i_44, i_45, 8*b_4, i_47] = acc__8
                j[i_44, i_45, 8*b_4 + 1, i_47] = acc__9
                j[i_44, i_45, 8*b_4 + 2, i_47] = acc__10
                j[i_44, i_45, 8*b_4 + 3, i_47] = acc__11
                j[i_44, i_45, 8*b_4 + 4, i_47] = acc__12
                j[i_44, i_45, 8*b_4 + 5, i_47] = acc__13
                j[i_44, i_45, 8*b_4 + 6, i_47] = acc__14
                j[i_44, i_45, 8*b_4 + 7, i_47] = acc__15
              }
            } else {
              seq q_1 < min(-8*b_4 + 11, 8) {
                acc acc__16: sum i32
                seq r_8 < 3 {
                  if index(i_45 + 2*r_8 - 2) >= 0 & index(i_45 + 2*r_8 - 2) < 9 {
                    seq r_9 < 5 {
                      acc__16 <- i[i_44, i_45 + 2*r_8 - 2, 8*b_4 + q_1 + r_9 - 2, i_47 if index(8*b_4 + q_1 + r_9 - 2) >= 0 & index(8*b_4 + q_1 + r_9 - 2) < 11 else 0:i32]
                    }
                  }
                }
                j[i_44, i_45, 8*b_4 + q_1, i_47] = acc__16
              }
            }
          }
        }
      }
    }
  }
}

kernel @reduce_5(x: f32[B, 9, 11, 24], out p: i64[B, 9, 11, 24]) where B in 1..65536 {
  title "reduce"
  schedule cpu lanes 8 unroll 1 tile_m 8
  flops 34560*B
  bytes 28512*B
  axis i_55 < 24, r_10 < 5, i_58 < 9*B, b_5 < 2, q_2 < min(-8*b_5 + 11, 8)
  phase {
    par i_58 < 9*B {
      par b_5 < 2 {
        vec i_55 < 24 by 8 x 1 {
          if index(8*b_5 + 8) <= 11 {
            acc acc_: argmax f32
            acc acc__1: argmax f32
            acc acc__2: argmax f32
            acc acc__3: argmax f32
            acc acc__4: argmax f32
            acc acc__5: argmax f32
            acc acc__6: argmax f32
            acc acc__7: argmax f32
            seq r_10 < 5 {
              acc_ <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10 - 2, i_55 if index(8*b_5 + r_10 - 2) >= 0 else -inf], index(r_10))
              acc__1 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10 - 1, i_55 if index(8*b_5 + r_10 - 1) >= 0 & index(8*b_5 + r_10 - 1) < 11 else -inf], index(r_10))
              acc__2 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10, i_55 if index(8*b_5 + r_10) < 11 else -inf], index(r_10))
              acc__3 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10 + 1, i_55 if index(8*b_5 + r_10 + 1) < 11 else -inf], index(r_10))
              acc__4 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10 + 2, i_55 if index(8*b_5 + r_10 + 2) < 11 else -inf], index(r_10))
              acc__5 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10 + 3, i_55 if index(8*b_5 + r_10 + 3) < 11 else -inf], index(r_10))
              acc__6 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10 + 4, i_55 if index(8*b_5 + r_10 + 4) < 11 else -inf], index(r_10))
              acc__7 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + r_10 + 5, i_55 if index(8*b_5 + r_10 + 5) < 11 else -inf], index(r_10))
            }
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5, i_55] = acc_.1
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + 1, i_55] = acc__1.1
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + 2, i_55] = acc__2.1
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + 3, i_55] = acc__3.1
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + 4, i_55] = acc__4.1
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + 5, i_55] = acc__5.1
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + 6, i_55] = acc__6.1
            p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + 7, i_55] = acc__7.1
          } else {
            seq q_2 < min(-8*b_5 + 11, 8) {
              acc acc__8: argmax f32
              seq r_10 < 5 {
                acc__8 <- (x[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + q_2 + r_10 - 2, i_55 if index(8*b_5 + q_2 + r_10 - 2) >= 0 & index(8*b_5 + q_2 + r_10 - 2) < 11 else -inf], index(r_10))
              }
              p[i_58 floordiv 9, i_58 - 9*(i_58 floordiv 9), 8*b_5 + q_2, i_55] = acc__8.1
            }
          }
        }
      }
    }
  }
}
