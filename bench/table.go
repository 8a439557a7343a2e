package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table is a part of a report, for people.
type Table struct {
	Header []string
	Rows   [][]string
}

// Tables is what was timed: the roofs, the kernels and the models. Empty ones
// are left out.
func (r *Report) Tables() []Table {
	kernels := Table{Header: []string{"kernel", "shape", "time", "spread", "GB/s", "TFLOP/s", "roof", "clock"}}
	models := Table{Header: []string{"model", "shape", "time", "spread", "tokens/s", "GB/s", "TFLOP/s", "roof", "dispatches", "host", "clock"}}
	for i := range r.Results {
		c := &r.Results[i]
		if !c.Timed() {
			continue
		}
		row := []string{c.Name, c.Shape, FormatTime(c.Median), c.Summary.spread()}
		work := []string{digits(c.GBs), digits(c.TFLOPs), c.roof()}
		if c.Tokens == 0 {
			kernels.Rows = append(kernels.Rows, append(append(row, work...), c.Clock))
			continue
		}
		row = append(append(row, digits(float64(c.Tokens)/c.Median*1e6)), work...)
		models.Rows = append(models.Rows, append(row, count(c.Dispatch), duration(c.HostUS), c.Clock))
	}
	var out []Table
	for _, t := range []Table{r.roofTable(), kernels, models, r.shareTable()} {
		if len(t.Rows) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// shareTable is the kernels' shares of the training step with the most tokens.
func (r *Report) shareTable() Table {
	var c *Result
	for i := range r.Results {
		if x := &r.Results[i]; len(x.Kernels) > 0 && (c == nil || x.Tokens > c.Tokens) {
			c = x
		}
	}
	if c == nil {
		return Table{}
	}
	t := Table{Header: []string{"kernel of " + c.Key(), "shape", "runs", "time", "share"}}
	for _, k := range c.Kernels {
		t.Rows = append(t.Rows, []string{k.Kernel, k.Shape, count(k.Runs), FormatTime(k.US), fmt.Sprintf("%.1f%%", 100*k.Share)})
	}
	return t
}

func (r *Report) roofTable() Table {
	t := Table{Header: []string{"roof", "value", "time", "spread", "kernel", "clock"}}
	if r.Roofs == nil {
		return t
	}
	row := func(name, unit string, roof Roof) {
		t.Rows = append(t.Rows, []string{name, digits(roof.Value) + " " + unit, FormatTime(roof.Median), roof.spread(), roof.Variant, r.Roofs.Clock})
	}
	row("copy", "GB/s", r.Roofs.Copy)
	row("multiply-add", "TFLOP/s", r.Roofs.MulAdd)
	return t
}

// Faults is a line for each case without samples: the wrong ones first.
func (r *Report) Faults() []string {
	var wrong, skipped []string
	for i := range r.Results {
		switch c := &r.Results[i]; {
		case c.Error != "":
			wrong = append(wrong, fmt.Sprintf("WRONG    %s: %s", c.Key(), c.Error))
		case c.Skipped != "":
			skipped = append(skipped, fmt.Sprintf("skipped  %s: %s", c.Key(), c.Skipped))
		}
	}
	return append(wrong, skipped...)
}

// Title names the device, the build and the date.
func (r *Report) Title() string {
	parts := []string{r.Adapter}
	for _, p := range []string{r.Backend, r.Driver, r.ShortCommit(), r.Date.Format("2006-01-02")} {
		if p != "" && !strings.EqualFold(p, r.Adapter) {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// WriteMarkdown writes the report as a page.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", r.Title())
	for _, t := range r.Tables() {
		b.WriteByte('\n')
		t.markdown(&b)
	}
	fmt.Fprintf(&b, "\n%s. Time is the median, spread the 10th and the 90th percentile.\n", r.Clocks())
	if faults := r.Faults(); len(faults) > 0 {
		b.WriteByte('\n')
		for _, f := range faults {
			fmt.Fprintf(&b, "- %s\n", strings.Join(strings.Fields(f), " "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown writes the table with its columns in line.
func (t *Table) markdown(b *strings.Builder) {
	widths := make([]int, len(t.Header))
	lines := append([][]string{t.Header}, t.Rows...)
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, line := range lines {
		for i, cell := range line {
			fmt.Fprintf(b, "| %-*s ", widths[i], cell)
		}
		b.WriteString("|\n")
		for i := 0; n == 0 && i < len(widths); i++ {
			b.WriteString("|" + strings.Repeat("-", widths[i]+2))
			if i+1 == len(widths) {
				b.WriteString("|\n")
			}
		}
	}
}

// FormatTime writes a number of microseconds with three digits: "627 us",
// "1.24 s".
func FormatTime(us float64) string {
	switch {
	case us < 999.5:
		return digits(us) + " us"
	case us < 999.5e3:
		return digits(us/1e3) + " ms"
	}
	return digits(us/1e6) + " s"
}

// spread is the 10th and the 90th percentile.
func (s Summary) spread() string {
	lo, hi := FormatTime(s.P10), FormatTime(s.P90)
	if unit := lo[strings.IndexByte(lo, ' '):]; strings.HasSuffix(hi, unit) {
		lo = strings.TrimSuffix(lo, unit)
	}
	return lo + " - " + hi
}

// roof is the share of the roof and which of the two it is.
func (r *Result) roof() string {
	if r.Bound == "" {
		return "-"
	}
	return digits(100*r.Share) + "% " + r.Bound
}

// digits writes a number with three digits, without an exponent.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	short := strconv.FormatFloat(v, 'e', 2, 64)
	exponent, _ := strconv.Atoi(short[strings.IndexByte(short, 'e')+1:])
	places := 2 - exponent
	return strconv.FormatFloat(v, 'f', min(max(places, 0), 6), 64)
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func duration(us float64) string {
	if us == 0 {
		return "-"
	}
	return FormatTime(us)
}
