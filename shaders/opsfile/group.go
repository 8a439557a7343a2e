package opsfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// group is the tensors of one case while it is being parsed. The first error
// stays in err, and lookups after it return nil.
type group struct {
	path     string
	kind, k  string
	tensors  map[string]*checkpoint.Tensor // by name without prefix
	metadata map[string]string             // the file's
	used     map[string]bool               // the names that mean something

	differentiates bool // the backward pass is run, and all gradients are looked up
	err            error
}

// known lists the names that a case may hold, for messages.
var known = map[string]string{
	scanKind: "u, delta, A, B, C, D, z, delta_bias, h0, y, last_state, delta_softplus, dy, dlast_state or grad.*, " +
		"with .re and .im if complex",
	convKind: "x, weight, bias, silu, y, dy or grad.*",
}

func (g *group) name() string { return g.kind + "." + g.k }

// parse checks the case's tensors and returns the case.
func (g *group) parse() (*Case, error) {
	var runs []operation
	if g.kind == scanKind {
		runs = parseScan(g)
	} else {
		runs = parseConv(g)
	}
	unchecked := g.gradients()
	if g.err != nil {
		return nil, g.err
	}
	return &Case{Name: g.name(), Kernel: runs[0].kernel(), Unchecked: unchecked, runs: runs}, nil
}

// differentiated reports whether the case has a backward pass to check: dy, and some
// gradient. A gradient of the last state is nothing that kernels take.
func (g *group) differentiated() bool {
	some := false
	for member := range g.tensors {
		if strings.HasPrefix(member, "dlast_state") {
			return false
		}
		some = some || strings.HasPrefix(member, "grad.")
	}
	return some && g.tensors["dy"] != nil
}

// fail keeps the first error.
func (g *group) fail(member, got, want string) {
	if g.err == nil {
		g.err = &checkpoint.FormatError{Path: g.path, Tensor: g.name() + "." + member, Got: got, Want: want}
	}
}

// gradients lists the tensors of a backward pass that nothing has looked up, and
// complains about those that are nothing at all.
func (g *group) gradients() []string {
	var list []string
	for _, member := range slices.Sorted(maps.Keys(g.tensors)) {
		base := strings.TrimSuffix(strings.TrimSuffix(member, ".re"), ".im")
		switch {
		case g.used[member]:
		case strings.HasPrefix(member, "grad.") && !g.differentiates, base == "dy", base == "dlast_state" && g.kind == scanKind:
			list = append(list, member)
		default:
			g.fail(member, "a name that means nothing in a case", known[g.kind])
		}
	}
	return list
}

// dims returns the tensor, which must have so many axes, none of them empty.
// Without the tensor or with another one, it fails and returns ones.
func (g *group) dims(member, letters string) (*checkpoint.Tensor, []int) {
	ones := slices.Repeat([]int{1}, len(strings.Split(letters, ", ")))
	t := g.tensors[member]
	g.used[member] = true
	switch {
	case t == nil:
		g.fail(member, "no such tensor", "shape ("+letters+")")
	case len(t.Shape) != len(ones) || slices.Min(t.Shape) < 1:
		g.fail(member, fmt.Sprintf("shape %v", t.Shape), "shape ("+letters+"), each 1 or more")
	case !isFloat(t.DType):
		g.fail(member, "dtype "+t.DType.String(), "F32, F16, BF16 or F64")
	default:
		return t, t.Shape
	}
	return nil, ones
}

// need returns the tensor, which must have that shape.
func (g *group) need(member string, shape ...int) *checkpoint.Tensor {
	t := g.optional(member, shape...)
	if t == nil {
		g.fail(member, "no such tensor", fmt.Sprintf("shape %v", shape))
	}
	return t
}

// optional returns the tensor, which must have that shape if it is there.
func (g *group) optional(member string, shape ...int) *checkpoint.Tensor {
	t := g.tensors[member]
	g.used[member] = true
	switch {
	case g.err != nil || t == nil:
		return nil
	case !slices.Equal(t.Shape, shape):
		g.fail(member, fmt.Sprintf("shape %v", t.Shape), fmt.Sprintf("%v", shape))
	case !isFloat(t.DType):
		g.fail(member, "dtype "+t.DType.String(), "F32, F16, BF16 or F64")
	}
	return t
}

// size requires lo <= v <= hi of a size that the tensor has.
func (g *group) size(member, what string, v, lo, hi int) {
	if v < lo || v > hi {
		g.fail(member, fmt.Sprintf("%s %d", what, v), fmt.Sprintf("%d to %d", lo, hi))
	}
}

// flag reads a flag from its tensor or the metadata; false in found if it is
// in neither.
func (g *group) flag(member string) (value, found bool) {
	g.used[member] = true
	if t := g.tensors[member]; t != nil {
		if t.Elements() != 1 {
			g.fail(member, fmt.Sprintf("shape %v", t.Shape), "one element")
			return false, true
		}
		raw := make([]byte, t.Bytes())
		if n, err := t.ReadAt(raw, 0); n < len(raw) && g.err == nil {
			g.err = err
		}
		return slices.ContainsFunc(raw, func(b byte) bool { return b != 0 }), true
	}
	for _, key := range []string{g.name() + "." + member, member} {
		text, ok := g.metadata[key]
		if !ok {
			continue
		}
		value, err := strconv.ParseBool(text)
		if err != nil {
			g.fail(member, fmt.Sprintf("metadata %s %.40q", key, text), "true or false")
		}
		return value, true
	}
	return false, false
}

func isFloat(d checkpoint.DType) bool {
	return d == checkpoint.F32 || d == checkpoint.F16 || d == checkpoint.BF16 || d == checkpoint.F64
}
