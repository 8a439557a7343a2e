package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SquareSumsParams are the sizes of sums of squares, one for each run of an array:
//
//	parts[OffOut+r] = sum_j x[j]^2    j in run r
type SquareSumsParams struct {
	Runs     int // of at most RunLength elements
	Elements int // of x, in which all runs lie
	OffOut   int
}

// SquareSums dispatches the sums of the squares of the runs (Runs, 4), as [RunWords]
// has them, of x (Elements) into parts (OffOut+Runs). [Kernels.ClipScale] adds up the
// parts of all gradients.
func (k *Kernels) SquareSums(p SquareSumsParams, runs, x, parts *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "square_sums"}
	c.size("Runs", p.Runs, 1, maxRuns)
	c.size("Elements", p.Elements, 1, maxElements)
	c.size("OffOut", p.OffOut, 0, maxElements)
	c.words("runs", size(runs), 4*p.Runs)
	c.words("x", size(x), p.Elements)
	c.words("parts", size(parts), p.OffOut+p.Runs)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("square_sums", nil, uniform(p.Runs, p.OffOut), spread(p.Runs), runs, x, parts)
}
