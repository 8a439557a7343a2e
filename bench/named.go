package bench

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mambagpu/mambagpu/wgpu"
)

// Named is a report and the name of its file, without the ending.
type Named struct {
	Name string
	*Report
}

// ReadResults reads every report of a folder, such as bench/results: those of
// discrete GPUs first, of processors last.
func ReadResults(fsys fs.FS) ([]Named, error) {
	files, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, err
	}
	var out []Named
	for _, file := range files {
		f, err := fsys.Open(file)
		if err != nil {
			return nil, err
		}
		r, err := ReadJSON(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, Named{strings.TrimSuffix(path.Base(file), ".json"), r})
	}
	SortReports(out)
	return out, nil
}

// SortReports puts reports of discrete GPUs first and of processors last, and the
// shorter name before the longer.
func SortReports(list []Named) {
	order := []wgpu.Kind{wgpu.Discrete, wgpu.Integrated, wgpu.Other, wgpu.CPU}
	slices.SortStableFunc(list, func(a, b Named) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)),
			cmp.Compare(a.Adapter, b.Adapter), cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
}

// ByAdapter puts reports of one adapter together, in the order of the first of
// each.
func ByAdapter(list []Named) [][]Named {
	var groups [][]Named
	for _, n := range list {
		i := slices.IndexFunc(groups, func(g []Named) bool { return g[0].Adapter == n.Adapter })
		if i < 0 {
			groups = append(groups, []Named{n})
			continue
		}
		groups[i] = append(groups[i], n)
	}
	return groups
}

// Slug is the adapter's name as a file's: "nvidia-h100-80gb-hbm3".
func (r *Report) Slug() string {
	words := strings.FieldsFunc(strings.ToLower(r.Adapter), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9')
	})
	return strings.Join(words, "-")
}

// model is the case of a model, or nil.
func (r *Report) model(name, model, weights string, batch, length int) *Result {
	for i := range r.Results {
		c := &r.Results[i]
		if c.Name == name && c.Model == model && c.Weights == weights && c.Batch == batch && c.Tokens == batch*length {
			return c
		}
	}
	return nil
}

// besideReference reports whether the reference's own figures belong beside a report's:
// they were measured on this kind of GPU.
func (n Named) besideReference() bool { return strings.Contains(n.Adapter, "H100") }
