package bench

import (
	"fmt"
	"slices"
)

const (
	referenceNote = "The reference is mamba-ssm 2.3.2 (CUDA 13.0, PyTorch 2.11) on an NVIDIA H100 80GB HBM3: its float32 figures for\n" +
		"float32, its float16 ones for other weights."
	projectionNote = "Float32. The roof is the larger of the times that bytes and multiply-adds take at the measured limits; what is aimed\n" +
		"at is 80% of it."
	stateNote  = "(4, 2048, 1024, N): the time for each state beside that of 16 states; what is aimed at is at most 1.3."
	decodeNote = "Greedy generation with random weights, the time from one token to the next of all sequences once a generation has\n" +
		"begun. Dispatches, submissions and the host's time for recording and submitting are those of\n" +
		"a step; memory is what the model holds on the device."
	prefillNote = "Wall time from the ids to the logits of the last token, random weights."
	longNote    = "The reference model (4.55 M parameters, float16) takes in prompts of L tokens."
	kernelNote  = "`(batch, length, channels, d_state)` of scans, `(M, N, K)` of products; the roof is the first column's."
)

// targets is the table of targets.
func (p *page) targets() Table {
	t := Table{Header: []string{"work"}}
	for i := range p.reports {
		t.Header = append(t.Header, p.column("mambagpu", i), p.column("ratio", i))
	}
	t.Header = append(t.Header, "reference", "reach", "stretch", "")
	all := make([][]Row, len(p.reports))
	any := false
	for i, r := range p.reports {
		all[i] = r.rows()
		any = any || r.besideReference() && len(all[i]) > 0
	}
	for _, target := range targets {
		row := []string{target.work}
		mark := ""
		for i := range p.reports {
			k := slices.IndexFunc(all[i], func(r Row) bool { return r.Work == target.work })
			if k < 0 || all[i][k].Value == nil {
				row = append(row, "-", "-")
				continue
			}
			r := all[i][k]
			row = append(row, fmt.Sprintf("%s %s", digits(*r.Value), r.Unit), fmt.Sprintf("%.2f", *r.Ratio))
			if i == 0 {
				mark = r.mark()
			}
		}
		t.Rows = append(t.Rows, append(row, target.figure(target.reference), target.figure(target.reach), target.figure(target.stretch), mark))
	}
	if !any {
		t.Rows = nil // the reference ran on another kind of device
	}
	return t
}

// figure is a value of the target's unit; 0 is none.
func (t target) figure(v float64) string {
	if v == 0 {
		return "-"
	}
	return digits(v) + " " + t.unit
}

// mark is how far a row got.
func (r *Row) mark() string {
	switch {
	case r.StretchReached:
		return "stretch reached"
	case r.Reached:
		return "reached"
	}
	return "**not reached**"
}

// projectionTokens is the length at which the projections are looked at.
const projectionTokens = 2048

// projections is the four products of a block for three of the models.
func (p *page) projections() Table {
	t := Table{Header: p.columns(p.columns([]string{"model", "projection", "(M, N, K)"}, "time"), "of the roof")}
	t.Header = append(t.Header, "80%")
	for _, s := range modelSizes {
		if s.name != "130m" && s.name != "1.4b" && s.name != "2.8b" {
			continue
		}
		c := s.config()
		for _, j := range []struct {
			name, kernel string
			n, k         int
		}{
			{"in_proj", "matmul", 2 * c.DInner, c.DModel}, {"x_proj", "matmul", c.DTRank + 2*c.DState, c.DInner},
			{"dt_proj", "dt_proj", c.DInner, c.DTRank}, {"out_proj", "matmul", c.DModel, c.DInner},
		} {
			shape := shapeName([]int{projectionTokens, j.n, j.k})
			first := p.reports[0].find(j.kernel + " " + shape)
			if first == nil || !first.Timed() || first.Bound == "" {
				continue
			}
			row := p.beside([]string{s.name, j.name, shape}, first.Key(), func(r *Result) string { return FormatTime(r.Median) })
			row = p.beside(row, first.Key(), (*Result).roof)
			t.Rows = append(t.Rows, append(row, yes(first.Share >= 0.8)))
		}
	}
	return t
}

func yes(reached bool) string {
	if reached {
		return "reached"
	}
	return "**not reached**"
}

// states is scans by d_state.
func (p *page) states() Table {
	t := Table{Header: p.columns(p.columns([]string{"N"}, "time"), "a state, of N = 16")}
	t.Header = append(t.Header, "at most 1.3")
	key := func(states int) string { return fmt.Sprintf("selective_scan (4,2048,1024,%d)", states) }
	for _, n := range []int{16, 64, 128} {
		if c := p.reports[0].find(key(n)); c == nil || !c.Timed() {
			return Table{}
		}
		row := p.beside([]string{fmt.Sprint(n)}, key(n), func(r *Result) string { return FormatTime(r.Median) })
		first := 0.0
		for i, r := range p.reports {
			of, base := r.find(key(n)), r.find(key(16))
			if of == nil || base == nil || !of.Timed() || !base.Timed() {
				row = append(row, "-")
				continue
			}
			cost := of.Median / base.Median * 16 / float64(n)
			if i == 0 {
				first = cost
			}
			row = append(row, fmt.Sprintf("%.2f", cost))
		}
		t.Rows = append(t.Rows, append(row, yes(first <= 1.3)))
	}
	return t
}

// decoding is every decoding case.
func (p *page) decoding() Table {
	t := Table{Header: append(p.columns([]string{"model", "weights", "batch"}, "a step"), "tokens/s", "dispatches", "submissions", "host", "memory")}
	for _, c := range append(p.modelCases(decodeName), p.modelCases(togetherName)...) {
		weights := weightWords(c.Weights)
		if c.Name == togetherName {
			weights += ", together"
		}
		row := p.beside([]string{c.Model, weights, fmt.Sprint(c.Batch)}, c.Key(), func(r *Result) string { return FormatTime(r.Median) })
		t.Rows = append(t.Rows, append(row, digits(float64(c.Tokens)/c.Median*1e6), count(c.Dispatch), digits(c.Submits), duration(c.HostUS), memory(c.Memory)))
	}
	return t
}

// prefill is every prefill case.
func (p *page) prefill() Table {
	t := Table{Header: append(p.columns([]string{"model", "weights", "batch", "length"}, "time"), "tokens/s", "TFLOP/s", "of the roof", "dispatches", "memory")}
	for _, c := range p.modelCases(prefillName) {
		row := []string{c.Model, weightWords(c.Weights), fmt.Sprint(c.Batch), fmt.Sprint(c.Tokens / c.Batch)}
		row = p.beside(row, c.Key(), func(r *Result) string { return FormatTime(r.Median) })
		t.Rows = append(t.Rows, append(row, digits(float64(c.Tokens)/c.Median*1e6), digits(c.TFLOPs), c.roof(), count(c.Dispatch), memory(c.Memory)))
	}
	return t
}

// long is the prefill of long inputs.
func (p *page) long() Table {
	t := Table{Header: append(p.columns([]string{"L"}, "time"), "tokens/s", "memory")}
	for _, c := range p.modelCases(longName) {
		row := p.beside([]string{fmt.Sprint(c.Tokens)}, c.Key(), func(r *Result) string { return FormatTime(r.Median) })
		t.Rows = append(t.Rows, append(row, digits(float64(c.Tokens)/c.Median*1e6), memory(c.Memory)))
	}
	return t
}

// modelCases is what the first report timed of models under a name.
func (p *page) modelCases(name string) []*Result {
	var out []*Result
	for i := range p.reports[0].Results {
		if c := &p.reports[0].Results[i]; c.Name == name && c.Timed() && c.Batch > 0 {
			out = append(out, c)
		}
	}
	return out
}

// kernels is every case that is no model's.
func (p *page) kernels() Table {
	t := Table{Header: append(p.columns([]string{"kernel", "shape"}, "time"), "GB/s", "TFLOP/s", "of the roof")}
	for i := range p.reports[0].Results {
		c := &p.reports[0].Results[i]
		if !c.Timed() || c.Tokens > 0 {
			continue
		}
		row := p.beside([]string{c.Name, c.Shape}, c.Key(), func(r *Result) string { return FormatTime(r.Median) })
		t.Rows = append(t.Rows, append(row, digits(c.GBs), digits(c.TFLOPs), c.roof()))
	}
	return t
}

// weightWords names a storage type for people.
func weightWords(weights string) string {
	switch weights {
	case "F32":
		return "float32"
	case "F16":
		return "float16"
	case "BF16":
		return "bfloat16"
	case "Q8":
		return "int8"
	case "Q4":
		return "int4"
	}
	return weights
}

func memory(bytes uint64) string {
	switch {
	case bytes == 0:
		return "-"
	case bytes < 1000<<20:
		return digits(float64(bytes)/(1<<20)) + " MiB"
	}
	return digits(float64(bytes)/(1<<30)) + " GiB"
}
