# frit: opt %s -p core,fuse
# input: tests/lower/stages.fir
---
groups @s {
  group 0 stage over i < B, j < S, k < 9 {
    %a = scan %x {axis = 1, exclusive = true, reverse = true} : f32[B, S, 9]
    stores %a
  }
  group 1 stage over i_1 < B, j_1 < S, k_1 < 3 {
    %v, %i = topk %x {k = [3], axis = 2} : f32[B, S, 3], i64[B, S, 3]
    stores %v
    stores %i
  }
  group 2 stage over i_2 < B, j_2 < S, k_2 < 9 {
    %c = scatter_elements %x, %iz, %u {axis = 2, mode = add} : f32[B, S, 9]
    along %iz = broadcast %z {dims = [B, S, 9]} : i64[B, S, 9]
    stores %c
  }
}
