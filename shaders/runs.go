package shaders

// RunLength is the most elements of a [Run]: those of one sum of square_sums.
const RunLength = 8192

// maxRuns bounds a list, so that workgroups have 32-bit numbers.
const maxRuns = 1 << 26

// Run is a stretch of an array that holds many parameters: Count elements, 1 or more,
// from First on, all of one tensor. A list of them tells kernels that run over the
// whole array at once where its tensors are.
type Run struct {
	First, Count int
	Decays       bool // weight decay applies
}

// CutRuns cuts runs of any length into such as kernels take, of at most RunLength, in
// the same order.
func CutRuns(runs []Run) []Run {
	var list []Run
	for _, r := range runs {
		for at := 0; at < r.Count; at += RunLength {
			list = append(list, Run{r.First + at, min(RunLength, r.Count-at), r.Decays})
		}
	}
	return list
}

// RunWords is a list of runs as kernels read it (R, 4): first, count, 1 if weight decay
// applies, 0.
func RunWords(runs []Run) []uint32 {
	words := make([]uint32, 0, 4*len(runs))
	for _, r := range runs {
		decays := uint32(0)
		if r.Decays {
			decays = 1
		}
		words = append(words, uint32(r.First), uint32(r.Count), decays, 0)
	}
	return words
}

// AlignedRuns reports whether all runs are whole groups of four elements.
func AlignedRuns(runs []Run) bool {
	for _, r := range runs {
		if r.First%4 != 0 || r.Count%4 != 0 {
			return false
		}
	}
	return true
}
