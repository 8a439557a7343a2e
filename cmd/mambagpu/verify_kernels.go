package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// kernelsPart is every kernel held against its twin.
type kernelsPart struct {
	Pass    *bool           `json:"pass"` // null if skipped
	Skipped string          `json:"skipped,omitempty"`
	Kernels []kernelVerdict `json:"kernels"`
}

// kernelVerdict is the result of all cases of one kernel.
type kernelVerdict struct {
	Kernel   string        `json:"kernel"`
	Pass     bool          `json:"pass"`
	WorstAbs measure       `json:"worst_abs"`       // over the cases
	WorstRel measure       `json:"worst_rel"`       // to the largest value of the output
	Share    measure       `json:"tolerance_share"` // the largest part of its tolerance that a case used up
	Cases    []caseVerdict `json:"cases"`
}

// caseVerdict is the result of one case.
type caseVerdict struct {
	Case     string  `json:"case"`
	Pass     bool    `json:"pass"`
	WorstAbs measure `json:"worst_abs"`
	WorstRel measure `json:"worst_rel"`
	Share    measure `json:"tolerance_share"`
	Note     string  `json:"note,omitempty"` // what failed
}

// skippedKernels says why the go backend's kernels are not checked.
const skippedKernels = "the go backend's kernels are the float64 twins themselves, which the cases expect the results of"

// checkKernels runs all cases on a device that it can run; nil is the go backend.
func (a *app) checkKernels(ctx context.Context, dev *wgpu.Device) (*kernelsPart, error) {
	if dev == nil {
		return &kernelsPart{Skipped: skippedKernels, Kernels: []kernelVerdict{}}, nil
	}
	kernels := shaders.New(dev)
	list := slices.DeleteFunc(cases.All(), func(c cases.Case) bool { return !c.Fits(dev.Limits()) })
	return a.runCases(ctx, list, func(c cases.Case) ([]cases.Arg, error) { return c.RunGPU(kernels) })
}

// runCases holds what run computes of the cases, those of a kernel in one go,
// against the twins.
func (a *app) runCases(ctx context.Context, list []cases.Case, run func(cases.Case) ([]cases.Arg, error)) (*kernelsPart, error) {
	pass := true
	p := &kernelsPart{Pass: &pass}
	bar := a.newProgress("checking kernels", unitCases)
	defer bar.close()
	for i, c := range list {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		bar.update(int64(i), int64(len(list)))
		if n := len(p.Kernels); n == 0 || p.Kernels[n-1].Kernel != c.Kernel {
			p.Kernels = append(p.Kernels, kernelVerdict{Kernel: c.Kernel, Pass: true})
		}
		v := checkCase(c, run)
		pass = pass && v.Pass
		p.Kernels[len(p.Kernels)-1].add(v)
	}
	return p, nil
}

// add counts a case.
func (k *kernelVerdict) add(v caseVerdict) {
	k.Cases = append(k.Cases, v)
	k.Pass = k.Pass && v.Pass
	k.WorstAbs = max(k.WorstAbs, v.WorstAbs)
	k.WorstRel = max(k.WorstRel, v.WorstRel)
	k.Share = max(k.Share, v.Share)
}

// checkCase runs one case. What keeps a kernel from running is a failure of it
// like a wrong result: the other cases go on.
func checkCase(c cases.Case, run func(cases.Case) ([]cases.Arg, error)) caseVerdict {
	none := measure(math.NaN())
	v := caseVerdict{Case: c.Name, WorstAbs: none, WorstRel: none, Share: none}
	got, err := run(c)
	if err != nil {
		v.Note = strings.TrimSpace(message(err))
		return v
	}
	want := c.RunTwin()
	if err := cases.Compare(c, got, want); err != nil {
		v.Note = mismatch(err)
		if _, ok := errors.AsType[*cases.MismatchError](err); !ok {
			return v
		}
	}
	v.Pass = v.Note == ""
	worst := cases.WorstOfAll(got, want)
	v.WorstAbs, v.WorstRel, v.Share = measure(worst.Abs), measure(worst.Rel), measure(share(c.Tol, got, want))
	return v
}

// share is the largest part of the tolerance that an output uses up: more than
// 1 is a failure.
func share(tol cases.Tolerance, got, want []cases.Arg) float64 {
	most := 0.0
	for i, w := range want {
		if !w.Out {
			continue
		}
		worst := cases.WorstOf(got[i], w)
		if worst.Abs == 0 {
			continue
		}
		allowed := tol.Abs
		if worst.Rel > 0 && !math.IsInf(worst.Abs, 0) {
			allowed += tol.Rel * (worst.Abs / worst.Rel) // Rel is Abs over the largest value
		}
		most = max(most, worst.Abs/allowed)
	}
	return most
}

// mismatch tells the first wrong element of a case.
func mismatch(err error) string {
	e, ok := errors.AsType[*cases.MismatchError](err)
	if !ok {
		return message(err)
	}
	return fmt.Sprintf("%s[%d] is %v, want %v; %d of %d elements are wrong; %+v", e.Arg, e.Index, e.Got, e.Want, e.Wrong, e.Count, e.Params)
}

// count lists the first failures of each kernel with their cases, and the
// others by name alone.
func (p *kernelsPart) count() (checks int, failures []string) {
	const told = 3 // of a kernel
	for _, k := range p.Kernels {
		checks += len(k.Cases)
		failed := 0
		for _, c := range k.Cases {
			if c.Pass {
				continue
			}
			line := fmt.Sprintf("kernel   %s, %s", k.Kernel, c.Case)
			if failed < told {
				line += ": " + c.Note
			}
			failures = append(failures, line)
			failed++
		}
	}
	return checks, failures
}

func (p *kernelsPart) print(a *app) {
	if p.Skipped != "" {
		fmt.Fprintf(a.stdout, "\nKernels: not run: %s\n", p.Skipped)
		return
	}
	fmt.Fprintf(a.stdout, "\nKernels against their float64 twins\n\n")
	t := newTable(a.stdout)
	t.AppendHeader(table.Row{"kernel", "cases", "worst error", "relative", "of tolerance", "pass"})
	var right []table.ColumnConfig
	for column := 2; column <= 5; column++ {
		right = append(right, table.ColumnConfig{Number: column, Align: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	for _, k := range p.Kernels {
		t.AppendRow(table.Row{k.Kernel, len(k.Cases), k.WorstAbs, k.WorstRel, k.Share.percent(), k.passed()})
	}
	t.Render()
}

// passed is yes, or no and how many cases failed.
func (k kernelVerdict) passed() string {
	failed := 0
	for _, c := range k.Cases {
		if !c.Pass {
			failed++
		}
	}
	if failed == 0 {
		return yesNo(true)
	}
	return fmt.Sprintf("%s: %d failed", yesNo(false), failed)
}
