package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mambagpu/mambagpu/mamba/train"
	"github.com/mambagpu/mambagpu/testdata"
	"github.com/mambagpu/mambagpu/wgpu"
)

// shippedTraining is what the file inside the program is called.
const shippedTraining = "tiny_train.safetensors"

// trainPart is a training held against a file of what the reference computed.
type trainPart struct {
	File   string         `json:"file"`
	Pass   bool           `json:"pass"`
	Steps  int            `json:"steps"`
	Checks []trainVerdict `json:"checks"`

	whole bool // print each tensor
}

// trainVerdict is the result of one tensor of the file.
type trainVerdict struct {
	Tensor    string  `json:"tensor"` // logits, grad.NAME, losses or final.NAME
	Pass      bool    `json:"pass"`
	WorstAbs  measure `json:"worst_abs"`
	WorstRel  measure `json:"worst_rel"` // to the largest value of the tensor
	Tolerance float64 `json:"tolerance"` // of worst_abs
}

// share is the part of the tolerance that is used up.
func (v trainVerdict) share() measure {
	if v.WorstAbs == 0 {
		return 0
	}
	return v.WorstAbs / measure(v.Tolerance)
}

// kind is what the tensors of the check have in common.
func (v trainVerdict) kind() string {
	kind, _, _ := strings.Cut(v.Tensor, ".")
	return kind
}

// checkTraining trains the model of a file on a device; nil is the go backend. The
// name is empty for the file inside the program.
func (a *app) checkTraining(ctx context.Context, name string, dev *wgpu.Device) (*trainPart, error) {
	path := name
	if name == "" {
		shipped, err := writeShippedTraining()
		if err != nil {
			return nil, err
		}
		defer os.Remove(shipped)
		path = shipped
	}
	opts := &train.Options{Device: dev, Notices: a.stderr}
	if dev == nil {
		opts.Adapter = goAdapter
	}
	report, err := train.CheckFile(ctx, path, opts)
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, err
	}
	return newTrainPart(cmp.Or(name, shippedTraining), name != "", report), nil
}

// writeShippedTraining writes the file inside the program to one on disk, where
// CheckFile reads it.
func writeShippedTraining() (path string, err error) {
	f, err := os.CreateTemp("", "*."+shippedTraining)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.Write(testdata.TinyTrain); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func newTrainPart(name string, whole bool, r *train.FileReport) *trainPart {
	p := &trainPart{File: name, Pass: true, Steps: r.Steps, whole: whole}
	for _, c := range r.Checks {
		rel := measure(math.NaN())
		if c.Largest > 0 {
			rel = measure(c.MaxAbs / c.Largest)
		}
		p.Pass = p.Pass && c.Passed()
		p.Checks = append(p.Checks, trainVerdict{Tensor: c.Name, Pass: c.Passed(), WorstAbs: measure(c.MaxAbs), WorstRel: rel, Tolerance: c.Tolerance})
	}
	return p
}

func (p *trainPart) count() (checks int, failures []string) {
	for _, c := range p.Checks {
		if !c.Pass {
			failures = append(failures, fmt.Sprintf("train    %s: off by %v, want at most %.1e", c.Tensor, c.WorstAbs, c.Tolerance))
		}
	}
	return len(p.Checks), failures
}

func (p *trainPart) print(a *app) {
	fmt.Fprintf(a.stdout, "\nTraining of %s, %d steps, against the reference implementation\n\n", p.File, p.Steps)
	t := newTable(a.stdout)
	first := table.Row{"tensors", ""}
	if p.whole {
		first = table.Row{"tensor"}
	}
	t.AppendHeader(append(first, "worst error", "relative", "of tolerance", "pass"))
	var right []table.ColumnConfig
	for column := len(first) + 1; column <= len(first)+3; column++ {
		right = append(right, table.ColumnConfig{Number: column, Align: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	list := p.Checks
	if !p.whole {
		list = p.worst()
	}
	for _, c := range list {
		first := table.Row{trainKinds[c.kind()], strings.TrimPrefix(c.Tensor, c.kind()+".")}
		if p.whole {
			first = table.Row{c.Tensor}
		} else if c.Tensor == c.kind() {
			first[1] = ""
		}
		t.AppendRow(append(first, c.WorstAbs, c.WorstRel, c.share().percent(), yesNo(c.Pass)))
	}
	t.Render()
}

// trainKinds is what the kinds of checks are called, and their tensors' worst.
var trainKinds = map[string]string{"logits": "logits", "grad": "gradients, worst", "losses": "losses", "final": "final weights, worst"}

// worst is of each kind the check that is nearest to its tolerance, or furthest
// beyond it.
func (p *trainPart) worst() []trainVerdict {
	var out []trainVerdict
	for _, c := range p.Checks {
		i := slices.IndexFunc(out, func(o trainVerdict) bool { return o.kind() == c.kind() })
		if i < 0 {
			out = append(out, c)
		} else if c.share() > out[i].share() {
			out[i] = c
		}
	}
	return out
}
