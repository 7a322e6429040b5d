# frit: opt %s -p core,fuse
# input: tests/lower/reduce_of_a_transposed_member.fir
---
groups @f {
  group 0 row over k < 4 reducing i < T, j < B {
    %0 = exp %x : f32[T, B, 4]
    %2 = mul %1, %1 : f32[4, B, T]
    %6 = reduce %2 {axes = [1, 2]} : f32[4]
    %8 = div %7, %5 : f32[4, 1, 1]
    %10 = add %8, %9 : f32[4, 1, 1]
    %11 = sqrt %10 : f32[4, 1, 1]
    %13 = div %12, %11 : f32[4, 1, 1]
    %14 = mul %1, %13 : f32[4, B, T]
    %y = mul %14, %w : f32[4, B, T]
    along %1 = transpose %0 {perm = [2, 1, 0]} : f32[4, B, T]
    along %3 = from_dims {dims = [B*T]} : i64[1]
    along %4 = reshape %3 : i64[]
    along %5 = cast %4 {to = f32} : f32[]
    along %7 = reshape %6 {dims = [4, 1, 1]} : f32[4, 1, 1]
    stores %y
  }
  group 1 map, dissolved into its users {
    %5 = cast %4 {to = f32} : f32[]
  }
}
