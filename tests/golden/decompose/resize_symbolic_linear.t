# run: decompose
func @f(%x: f32[2, H]) -> (%y: f32[2, H + 3]) where H in 1..9 {
  %r = resize %x {out = [2, H + 3], mode = linear}
  return %r
}
---
func @f(%x: f32[2, H]) -> (%y: f32[2, H + 3]) where H in 1..9 {
  %0 = from_dims {dims = [H]} : i64[1]
  %1 = reshape %0 : i64[]
  %2 = cast %1 {to = f64} : f64[]
  %3 = from_dims {dims = [H + 3]} : i64[1]
  %4 = reshape %3 : i64[]
  %5 = cast %4 {to = f64} : f64[]
  %6 = div %5, %2 : f64[]
  %7 = iota {dims = [H + 3], to = i64} : i64[H + 3]
  %8 = cast %7 {to = f64} : f64[H + 3]
  %9 = const splat(0.5) : f64[]
  %10 = add %8, %9 : f64[H + 3]
  %11 = div %10, %6 : f64[H + 3]
  %12 = const splat(-0.5) : f64[]
  %13 = add %11, %12 : f64[H + 3]
  %14 = mul %6, %2 : f64[]
  %15 = const splat(-1) : f64[]
  %16 = add %2, %15 : f64[]
  %17 = ceil %13 : f64[H + 3]
  %18 = add %17, %15 : f64[H + 3]
  %19 = sub %13, %18 : f64[H + 3]
  %20 = const splat(1) : f64[]
  %21 = sub %20, %19 : f64[H + 3]
  %22 = add %18, %20 : f64[H + 3]
  %23 = cast %21 {to = f32} : f32[H + 3]
  %24 = reshape %23 {dims = [1, H + 3]} : f32[1, H + 3]
  %25 = const splat(0) : f64[]
  %26 = max %18, %25 : f64[H + 3]
  %27 = min %26, %16 : f64[H + 3]
  %28 = cast %27 {to = i64} : i64[H + 3]
  %29 = gather %x, %28 {axis = 1} : f32[2, H + 3]
  %30 = mul %29, %24 : f32[2, H + 3]
  %31 = cast %19 {to = f32} : f32[H + 3]
  %32 = reshape %31 {dims = [1, H + 3]} : f32[1, H + 3]
  %33 = max %22, %25 : f64[H + 3]
  %34 = min %33, %16 : f64[H + 3]
  %35 = cast %34 {to = i64} : i64[H + 3]
  %36 = gather %x, %35 {axis = 1} : f32[2, H + 3]
  %37 = mul %36, %32 : f32[2, H + 3]
  %r = add %30, %37 : f32[2, H + 3]
  return %r
}
