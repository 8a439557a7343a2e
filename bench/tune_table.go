package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Table is the choices for people: those that are no default first, the largest gain
// before others.
func (t *Tuned) Table() Table {
	out := Table{Header: []string{"kernel", "shape", "default", "time", "fastest", "time", "gain", "", "variants"}}
	sorted := slices.Clone(t.Choices)
	slices.SortStableFunc(sorted, func(a, b Choice) int { return cmp.Compare(b.gain(), a.gain()) })
	for _, c := range sorted {
		if c.Skipped != "" {
			continue
		}
		mark := ""
		if c.Best > 0 {
			mark = "taken"
		}
		first, fastest := c.Variants[0], c.Variants[fastestFinalist(c.Variants)]
		out.Rows = append(out.Rows, []string{c.Kernel, c.Shape, first.Name, FormatTime(first.Median), fastest.Name, FormatTime(fastest.Median),
			fmt.Sprintf("%.0f%%", 100*(first.Median/fastest.Median-1)), mark, fmt.Sprint(len(c.Variants))})
	}
	return out
}

// gain is the default's time over that of the variant to use.
func (c *Choice) gain() float64 {
	if len(c.Variants) == 0 || c.Variants[0].Error != "" {
		return 0
	}
	return c.Variants[0].Median / c.Variants[c.Best].Median
}

// String is the choice in words: "matmul_split 64x80x1536 f32: 16x32x64/4x4/k8, as by
// default; 54 variants in 0.8 s".
func (c *Choice) String() string {
	if c.Skipped != "" {
		return fmt.Sprintf("%s: skipped, %s", c.Key(), c.Skipped)
	}
	how := "as by default"
	if c.Best > 0 {
		how = "in place of " + c.Variants[0].Name
		if gain := c.gain(); gain > 0 {
			how = fmt.Sprintf("%.0f%% faster than %s", 100*(gain-1), c.Variants[0].Name)
		}
	}
	return fmt.Sprintf("%s: %s, %s; %d variants in %.1f s", c.Key(), c.Variants[c.Best].Name, how, len(c.Variants), c.Took.Seconds())
}

// Faults is a line for each variant whose result is wrong, and for each variant and shape
// that was left out.
func (t *Tuned) Faults() (wrong, skipped []string) {
	for _, c := range t.Choices {
		for _, v := range c.Variants {
			reason, _, _ := strings.Cut(v.Error, "\n")
			switch {
			case v.Wrong:
				wrong = append(wrong, fmt.Sprintf("WRONG    %s, %s: %s", c.Key(), v.Name, reason))
			case v.Error != "":
				skipped = append(skipped, fmt.Sprintf("skipped  %s, %s: %s", c.Key(), v.Name, reason))
			}
		}
		if c.Skipped != "" {
			skipped = append(skipped, fmt.Sprintf("skipped  %s: %s", c.Key(), c.Skipped))
		}
	}
	return wrong, skipped
}
