# frit: opt %s -p core,fuse
func @sizes(%x: f32[N], %y: f32[M]) -> (%z: f32[max(N, M)]) {
  %z = add %x, %y : f32[max(N, M)]
  return %z
}
---
-- for calls in which the sizes are equal that the program broadcasts
groups @sizes {
  group 0 map over i < N {
    %z = add %x, %y : f32[N]
    stores %z
  }
}

-- for any call
groups @sizes {
  group 0 map over i_1 < max(M, N) {
    %z = add %0, %1 : f32[max(M, N)]
    along %0 = broadcast %x {dims = [max(M, N)]} : f32[max(M, N)]
    along %1 = broadcast %y {dims = [max(M, N)]} : f32[max(M, N)]
    stores %z
  }
}
