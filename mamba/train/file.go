package train

import (
	"context"
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// The bounds of [CheckFile]. Those of logits, gradients and weights are times the
// largest value of the file's tensor.
const (
	fileFirstStep = 2e-5 // logits and gradients of the first step
	fileAbsolute  = 1e-7 // added to it: some gradients are almost 0
	fileLosses    = 2e-5 // of every step, in nats
	fileFinal     = 2e-4 // weights after the last step
)

// FileReport is how training compared with a file: see [CheckFile].
type FileReport struct {
	Path    string
	Adapter string
	Steps   int
	Checks  []FileCheck
}

// FileCheck is one comparison.
type FileCheck struct {
	Name      string  // of the file's tensor: "logits", "grad.NAME", "losses" or "final.NAME"
	MaxAbs    float64 // the largest difference
	Largest   float64 // the largest magnitude of the file's values
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
// compares what comes of it. The file has, names being those of either layout:
//
//	init.NAME   each weight, from whose shapes the sizes follow
//	input_ids   (B, L+1) integers, the one batch of all steps
//	logits      (B, L, V) of the first step
//	grad.NAME   each weight's gradient in the first step, of the mean cross-entropy
//	losses      (steps), each before its update
//	final.NAME  each weight after the last step
//
// The recipe is AdamW at a constant rate of 1e-3, betas 0.9 and 0.95, eps 1e-8,
// weight decay 0.1 of every parameter, no clipping, and a norm epsilon of 1e-5. The
// file's metadata may say otherwise: lr (or learning_rate), beta1, beta2 (or betas), eps,
// weight_decay, clip, norm_eps.
//
// Of the options those count that say where and how to run. Errors:
// [*checkpoint.FormatError], those of [NewFrom] and [Trainer.Step].
func CheckFile(ctx context.Context, path string, opts *Options) (*FileReport, error) {
	f, err := openTrainFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var o Options
	if opts != nil {
		o = *opts
	}
	f.recipe.set(&o)
	o.Batch, o.SeqLen = f.rows, f.length
	t, err := NewFrom(f.config, func(name string) ([]float32, error) { return f.values("init", name) }, &o)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	r := &FileReport{Path: path, Adapter: t.AdapterInfo().Name}
	err = f.compare(ctx, t, r)
	return r, err
}

// compare fills in a report.
func (f *trainFile) compare(ctx context.Context, t *Trainer, r *FileReport) error {
	batch := Batch{IDs: f.ids}
	logits, err := t.Logits(ctx, batch)
	if err != nil {
		return err
	}
	if err := f.check(r, "logits", logits, fileFirstStep, fileAbsolute); err != nil {
		return err
	}
	var losses []float32
	for len(losses) < f.steps {
		step, err := t.Step(ctx, f.recipe.rate, batch)
		if err != nil {
			return err
		}
		losses = append(losses, float32(step.Loss))
		if len(losses) == 1 {
			if err := f.checkAll(r, "grad", t.Gradient, t, fileFirstStep, fileAbsolute); err != nil {
				return err
			}
		}
	}
	r.Steps = f.steps
	if err := f.check(r, "losses", losses, 0, fileLosses); err != nil {
		return err
	}
	return f.checkAll(r, "final", t.Value, t, fileFinal, 0)
}

// checkAll compares what read gives of every parameter.
func (f *trainFile) checkAll(r *FileReport, kind string, read func(name string) ([]float32, error), t *Trainer, relative, absolute float64) error {
	for _, p := range t.Parameters() {
		got, err := read(p.Name)
		if err != nil {
			return err
		}
		if err := f.check(r, kind+"."+f.nameOf(p.Name), got, relative, absolute); err != nil {
			return err
		}
	}
	return nil
}

// check compares with one tensor of the file.
func (f *trainFile) check(r *FileReport, name string, got []float32, relative, absolute float64) error {
	x, err := f.tensor(name)
	if err != nil {
		return err
	}
	want, err := x.Float32(nil)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return f.wrong(name, fmt.Sprintf("shape %v", x.Shape), fmt.Sprintf("%d values", len(got)))
	}
	c := FileCheck{Name: name}
	for i, w := range want {
		c.Largest = math.Max(c.Largest, math.Abs(float64(w)))
		diff := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(diff) {
			diff = math.Inf(1)
		}
		c.MaxAbs = math.Max(c.MaxAbs, diff)
	}
	c.Tolerance = relative*c.Largest + absolute
	r.Checks = append(r.Checks, c)
	return nil
}

// nameOf is the name that the file has for a tensor in Hugging Face layout.
func (f *trainFile) nameOf(name string) string {
	if f.original && name == hfEmbedding {
		return originalEmbedding
	}
	return name
}

func (f *trainFile) wrong(tensor, got, want string) error {
	return &checkpoint.FormatError{Path: f.path, Tensor: tensor, Got: got, Want: want}
}

// The embedding's name in either layout, the only one that differs.
const (
	hfEmbedding       = "backbone.embeddings.weight"
	originalEmbedding = "backbone.embedding.weight"
)

// layerPrefix is how the names of a layer's tensors begin.
func layerPrefix(i int) string { return fmt.Sprintf("backbone.layers.%d.", i) }

// has reports whether there is a tensor of that name.
func (f *trainFile) has(name string) bool {
	_, ok := f.File.Tensor(name)
	return ok
}
