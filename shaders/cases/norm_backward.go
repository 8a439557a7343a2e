package cases

// normBackwardSizes is rows and widths around the edges of how the norms' backward
// kernels share their work: lanes of a row, quads of a lane, rows side by side and
// rows that a workgroup walks, several where there are more than 2112.
var normBackwardSizes = [][2]int{
	{3, 1}, {3, 2}, {3, 5}, {9, 64}, {9, 127}, {8, 128}, {7, 129}, {17, 256}, {5, 257}, {5, 260}, {3, 768}, {2, 1000}, {3, 2560}, {2, 4100},
	{1, 256}, {300, 33}, {4097, 8}, {9000, 12},
}

// normBackwardArgs is x of the given scale around a mean, weight, dy of order 1 and dx.
func normBackwardArgs(s *source, rows, width int, scale, mean float32, add bool) []Arg {
	x := s.normal(rows * width)
	for i := range x {
		x[i] = x[i]*scale + mean
	}
	dx := poison(rows * width)
	if add {
		dx = s.normal(rows * width)
	}
	return []Arg{in("x", x), in("weight", s.uniform(width, 0.5, 1.5)), in("dy", s.normal(rows*width)), out("dx", dx)}
}
