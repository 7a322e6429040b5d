# run: decompose
func @f(%x: f32[2, H]) -> (%y: f32[2, H + 3]) where H in 1..9 {
  %r = resize %x {out = [2, H + 3], coord = align_corners, nearest = ceil}
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
  %17 = const splat(0) : f64[]
  %18 = add %14, %15 : f64[]
  %19 = mul %8, %16 : f64[H + 3]
  %20 = div %19, %18 : f64[H + 3]
  %21 = const splat(1) : f64[]
  %22 = eq %14, %21 : bool[]
  %23 = select %22, %17, %20 : f64[H + 3]
  %24 = ceil %23 : f64[H + 3]
  %25 = add %24, %15 : f64[H + 3]
  %26 = sub %23, %25 : f64[H + 3]
  %27 = gt %26, %17 : bool[H + 3]
  %28 = cast %27 {to = f64} : f64[H + 3]
  %29 = add %25, %28 : f64[H + 3]
  %30 = max %29, %17 : f64[H + 3]
  %31 = min %30, %16 : f64[H + 3]
  %32 = cast %31 {to = i64} : i64[H + 3]
  %r = gather %x, %32 {axis = 1} : f32[2, H + 3]
  return %r
}
