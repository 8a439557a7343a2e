package shaders

// ResidualAddParams is the size of one addition in place: r[i] += x[i].
type ResidualAddParams struct {
	Count int
}
