# frit: opt %s -p core,fuse
# input: tests/lower/rows_overlap.fir
---
groups @rows {
  group 0 row over i < 70 reducing j < 101 {
    %m = reduce %x {kind = max, axes = [1]} : f32[70]
    %d = sub %x, %m1 : f32[70, 101]
    %e = exp %d : f32[70, 101]
    %t = reduce %e {axes = [1]} : f32[70]
    %y = div %e, %s : f32[70, 101]
    %g = log %s : f32[70, 1]
    %l = sub %d, %g : f32[70, 101]
    %top = reduce %y {kind = argmax, axes = [1]} : i64[70]
    along %m1 = reshape %m {dims = [70, 1]} : f32[70, 1]
    along %s = reshape %t {dims = [70, 1]} : f32[70, 1]
    stores %t as %s
    stores %y
    stores %l
    stores %top
  }
  group 1 row over i_1 < B, j_1 < 65 reducing k < 40 {
    %zm = reduce %z {kind = max, axes = [2]} : f32[B, 65]
    %zd = sub %z, %zm1 : f32[B, 65, 40]
    %ze = exp %zd : f32[B, 65, 40]
    %zs = reduce %ze {axes = [2]} : f32[B, 65]
    %w = div %ze, %zs1 : f32[B, 65, 40]
    along %zm1 = reshape %zm {dims = [B, 65, 1]} : f32[B, 65, 1]
    along %zs1 = reshape %zs {dims = [B, 65, 1]} : f32[B, 65, 1]
    stores %w
  }
}
