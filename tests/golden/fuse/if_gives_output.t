# frit: opt %s -p core,fuse
# input: tests/lower/if_gives_output.fir
---
groups @if_gives_output {
  group 0 row reducing i < 2 {
    %s = reduce %k {axes = [0]} : f32[]
    %c = lt %s, %zero : bool[]
    stores %c
  }
  group 1 region {
    %y = if %c : f32[N]
    stores %y
  }
  group 2 row over i_1 < N reducing j < 16 in region 0 of if %y {
    %p = reduce %x {axes = [1]} : f32[N]
    stores %p
  }
  group 3 row over i_2 < N reducing j_1 < 16 in region 1 of if %y {
    %m = reduce %x {kind = max, axes = [1]} : f32[N]
    stores %m
  }
  0 -> 1 %c: an if or a loop takes and gives whole tensors
}
