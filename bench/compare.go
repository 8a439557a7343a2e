package bench

import "fmt"

// Delta compares a case of two reports.
type Delta struct {
	Key      string
	Old, New Summary
	Ratio    float64 // new median over old: below 1 is faster
	Slower   bool    // beyond the spread of both
	Faster   bool    // beyond the spread of both
}

// Compare compares the cases that both reports timed, in the order of the
// newer. A case is slower, or faster, if the spreads of the
// two do not touch.
func Compare(before, after *Report) []Delta {
	old := map[string]Summary{}
	before.each(func(key string, s Summary) { old[key] = s })
	var out []Delta
	after.each(func(key string, s Summary) {
		if was, ok := old[key]; ok {
			out = append(out, newDelta(key, was, s))
		}
	})
	return out
}

// each calls f with everything that was timed.
func (r *Report) each(f func(key string, s Summary)) {
	for i := range r.Results {
		if c := &r.Results[i]; c.Timed() {
			f(c.Key(), c.Summary)
		}
	}
}

func newDelta(key string, was, is Summary) Delta {
	return Delta{
		Key: key, Old: was, New: is, Ratio: is.Median / was.Median,
		Slower: is.P10 > was.P90, Faster: is.P90 < was.P10,
	}
}

// Mark is "slower", "faster" or nothing.
func (d Delta) Mark() string {
	switch {
	case d.Slower:
		return "slower"
	case d.Faster:
		return "faster"
	}
	return ""
}

// CompareTable is the comparison for people.
func CompareTable(deltas []Delta) Table {
	t := Table{Header: []string{"case", "old", "new", "ratio", ""}}
	for _, d := range deltas {
		t.Rows = append(t.Rows, []string{d.Key, FormatTime(d.Old.Median), FormatTime(d.New.Median), fmt.Sprintf("%.2f", d.Ratio), d.Mark()})
	}
	return t
}

// Doubts says why two reports may differ for other reasons than the code.
func Doubts(before, after *Report) []string {
	var out []string
	differ := func(what, was, is string) {
		if was != is {
			out = append(out, fmt.Sprintf("%s differs: %s before, %s now", what, was, is))
		}
	}
	differ("the adapter", before.Adapter, after.Adapter)
	differ("the driver", before.Driver, after.Driver)
	differ("the backend", before.Backend, after.Backend)
	return out
}
