package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/opsfile"
	"github.com/mambagpu/mambagpu/testdata"
	"github.com/mambagpu/mambagpu/wgpu"
)

// shippedOps is what the file inside the program is called.
const shippedOps = "ops.safetensors"

func openShippedOps() (*opsfile.File, error) {
	return opsfile.OpenReader(shippedOps, bytes.NewReader(testdata.Ops), int64(len(testdata.Ops)))
}

// opsPart is scans and convolutions held against a file of reference vectors.
type opsPart struct {
	File      string       `json:"file"`
	Pass      bool         `json:"pass"`
	Tolerance opsTolerance `json:"tolerance"`
	Checks    []opsVerdict `json:"checks"`
	Unchecked []string     `json:"unchecked"`     // the tensors of backward passes
	Others    int          `json:"other_tensors"` // that belong to no case

	backward int // cases with tensors of a backward pass
}

type opsTolerance struct {
	Abs float64 `json:"abs"`
	Rel float64 `json:"rel"`
}

// opsVerdict is the result of one tensor of a case.
type opsVerdict struct {
	Case     string  `json:"case"`
	Kernel   string  `json:"kernel"`
	Tensor   string  `json:"tensor"` // empty if the case could not be run
	Pass     bool    `json:"pass"`
	WorstAbs measure `json:"worst_abs"`
	WorstRel measure `json:"worst_rel"`
	Note     string  `json:"note,omitempty"` // what failed
}

// checkOps runs the file's cases on a device; nil is the go backend.
func (a *app) checkOps(ctx context.Context, name string, file *opsfile.File, dev *wgpu.Device) (*opsPart, error) {
	run := (*opsfile.Case).RunTwin
	if dev != nil {
		kernels := shaders.New(dev)
		run = func(c *opsfile.Case) ([]opsfile.Output, error) { return c.RunGPU(kernels) }
	}
	p := &opsPart{File: name, Pass: true, Tolerance: opsTolerance(opsfile.Tolerance), Unchecked: []string{}, Others: file.Others}
	bar := a.newProgress("checking "+name, unitCases)
	defer bar.close()
	for i, c := range file.Cases {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		bar.update(int64(i), int64(len(file.Cases)))
		p.add(c, run)
	}
	return p, nil
}

// add runs a case and judges its outputs.
func (p *opsPart) add(c *opsfile.Case, run func(*opsfile.Case) ([]opsfile.Output, error)) {
	if len(c.Unchecked) > 0 {
		p.backward++
	}
	for _, tensor := range c.Unchecked {
		p.Unchecked = append(p.Unchecked, c.Name+"."+tensor)
	}
	outputs, err := run(c)
	if err != nil {
		none := measure(math.NaN())
		p.Pass = false
		p.Checks = append(p.Checks, opsVerdict{Case: c.Name, Kernel: c.Kernel, WorstAbs: none, WorstRel: none,
			Note: strings.TrimSpace(message(err))})
		return
	}
	for _, out := range outputs {
		r := out.Compare()
		p.Pass = p.Pass && r.Pass
		p.Checks = append(p.Checks, opsVerdict{Case: c.Name, Kernel: out.Kernel, Tensor: out.Tensor, Pass: r.Pass,
			WorstAbs: measure(r.Worst.Abs), WorstRel: measure(r.Worst.Rel), Note: r.String()})
	}
}

func (p *opsPart) count() (checks int, failures []string) {
	for _, c := range p.Checks {
		switch {
		case c.Pass:
		case c.Tensor == "":
			failures = append(failures, fmt.Sprintf("ops      %s (%s): %s", c.Case, c.Kernel, c.Note))
		default:
			failures = append(failures, fmt.Sprintf("ops      %s.%s (%s): %s", c.Case, c.Tensor, c.Kernel, c.Note))
		}
	}
	return len(p.Checks), failures
}

func (p *opsPart) print(a *app) {
	fmt.Fprintf(a.stdout, "\nReference vectors of %s, within %v of the largest value + %v\n\n", p.File, p.Tolerance.Rel, p.Tolerance.Abs)
	t := newTable(a.stdout)
	t.AppendHeader(table.Row{"case", "kernel", "tensor", "worst error", "relative", "pass"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, Align: text.AlignRight}, {Number: 5, Align: text.AlignRight}})
	for i, c := range p.Checks {
		name, kernel := c.Case, c.Kernel
		if i > 0 && p.Checks[i-1].Case == name {
			name = ""
			if p.Checks[i-1].Kernel == kernel {
				kernel = ""
			}
		}
		t.AppendRow(table.Row{name, kernel, orDash(c.Tensor), c.WorstAbs, c.WorstRel, yesNo(c.Pass)})
	}
	t.Render()
	if len(p.Unchecked) > 0 {
		fmt.Fprintf(a.stdout, "\nNot checked: the %d tensors of backward passes (dy, grad.*) of %d cases, which no kernel computes\n",
			len(p.Unchecked), p.backward)
	}
	if p.Others > 0 {
		fmt.Fprintf(a.stdout, "Not checked: %d tensors that belong to no case\n", p.Others)
	}
}
