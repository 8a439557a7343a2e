package train

import "context"

// FileReport is how training compared with a file of the format that [CheckFile]
// reads: each difference beside its bound, at its worst.
type FileReport struct {
	Path    string
	Adapter string
	Steps   int
	Checks  []FileCheck
}

// FileCheck is one comparison: "logits", "grad.NAME", "losses" or "final.NAME".
type FileCheck struct {
	Name      string
	MaxAbs    float64 // the largest difference
	Largest   float64 // the largest value of the file's tensor
	Tolerance float64 // the bound of MaxAbs
}

// Passed reports whether the difference is within its bound.
func (c FileCheck) Passed() bool { return c.MaxAbs <= c.Tolerance }

// Failed lists the comparisons that are not within their bounds.
func (r *FileReport) Failed() []FileCheck {
	var failed []FileCheck
	for _, c := range r.Checks {
		if !c.Passed() {
			failed = append(failed, c)
		}
	}
	return failed
}

// CheckFile trains the model in a safetensors file as the file's maker did and
// compares what it gives: the first step's logits and gradients, the losses, and the
// weights at the end.
func CheckFile(ctx context.Context, path string, opts *Options) (*FileReport, error) {
	return nil, errUnfinished
}
