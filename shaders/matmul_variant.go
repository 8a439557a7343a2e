package shaders

import "fmt"

// matmulVariant is what changes the code of matmul.
type matmulVariant struct {
	matmulTile
	Weights         string
	A, W            matmulOperand // W only if Strided
	Strided         bool          // w is float32 with a leading dimension
	TransA, TransW  bool
	VecOut          bool // whole vectors of c
	Parts           bool // sums in parts, ended by matmul_sum
	Bias, SiLU, Add bool
	HalvesC         bool
}

// Before reports whether an invocation reads what it adds to before it writes any of it,
// four rows at a time: as c is one array a compiler has to assume that what is read next is
// what was just written, so that reads and writes in turn wait for each other. A product of
// (32768, 512) and (512, 256) added to c took an H100 331 us so and 315 with all reads
// first, (32768, 48) and (48, 512) 94 and 84.
func (v matmulVariant) Before() bool { return v.Add && v.Slices == 1 }

// matmulOperand is an operand of matmul in floats, as include/operand.wgsl loads it.
type matmulOperand struct {
	Name, Rows string // in the shader
	Trans      bool
	Vec        bool // vectors along the contiguous axis start and end on whole ones
	Whole      bool // quads of k are whole
	Halves     bool
}

// Loads is the number of vectors in which four rows of four are loaded.
func (o matmulOperand) Loads() int {
	if o.Halves {
		return 2
	}
	return 4
}

func (p MatmulParams) operandA() matmulOperand {
	return p.operand("a", "m", p.M, p.LDA, p.OffA, p.TransA, p.HalvesA)
}

func (p MatmulParams) operandW() matmulOperand {
	return p.operand("w", "n", p.N, p.LDW, p.OffW, p.TransW, p.HalvesW)
}

func (p MatmulParams) operand(name, rows string, count, ld, off int, trans, halves bool) matmulOperand {
	o := matmulOperand{Name: name, Rows: rows, Trans: trans, Halves: halves, Whole: p.K == Stride(p.Weights, p.K)}
	o.Vec = ld%4 == 0 && off%4 == 0 && (o.Whole && !trans || count%4 == 0 && trans)
	return o
}

// operandLoad is what templates of a loaded block take.
type operandLoad struct {
	Operand matmulOperand
	Unit    int
}

// Of is the operand with the unit of a load.
func (o matmulOperand) Of(l matmulLoad) operandLoad { return operandLoad{o, l.I} }

// matmulGuard is loads of the same quad of k: one condition tells whether there is
// such a quad.
type matmulGuard struct {
	I     int
	Quad  string // its number in a step, in WGSL
	Loads []matmulLoad
}

// Guards lists what an invocation loads. Where k is the contiguous axis, neighbours
// load neighbouring quads of the same rows, and all that an invocation loads is of
// one quad; of a transposed operand they load neighbouring rows of the same quad.
func (v matmulVariant) Guards() []matmulGuard {
	if !v.TransA && !v.TransW {
		return []matmulGuard{{0, fmt.Sprintf("t %% %du", v.Quads), v.Loads()}}
	}
	var list []matmulGuard
	for _, l := range v.Loads() {
		a, w := v.place(l.First, v.Rows(), v.TransA), v.place(l.First-v.UnitsA(), v.Columns(), v.TransW)
		list = append(list, matmulGuard{l.I, l.pick(v.UnitsA(), a.quad, w.quad), []matmulLoad{l}})
	}
	return list
}

// Unit is the number of a load's four rows among those of its operand, in WGSL.
func (v matmulVariant) Unit(l matmulLoad) string {
	a, w := v.place(l.First, v.Rows(), v.TransA), v.place(l.First-v.UnitsA(), v.Columns(), v.TransW)
	return l.pick(v.UnitsA(), a.unit, w.unit)
}

// FirstRow is the first row of the tile in a load's operand, in WGSL.
func (v matmulVariant) FirstRow(l matmulLoad) string { return l.pick(v.UnitsA(), "m0", "n0") }

// matmulPlace is the quad and the four rows that an invocation loads, in WGSL.
type matmulPlace struct{ quad, unit string }

// place is that of unit t+first of an operand's.
func (v matmulVariant) place(first, rows int, trans bool) matmulPlace {
	t := fmt.Sprintf("(t + %du)", first)
	if first < 0 {
		t = fmt.Sprintf("(t - %du)", -first)
	}
	if trans {
		return matmulPlace{fmt.Sprintf("%s / %du", t, rows/4), fmt.Sprintf("%s %% %du", t, rows/4)}
	}
	return matmulPlace{fmt.Sprintf("%s %% %du", t, v.Quads), fmt.Sprintf("%s / %du", t, v.Quads)}
}

// pick is the expression for a load of a or w, or which of them it is decides where
// that depends on the invocation.
func (l matmulLoad) pick(unitsA int, a, w string) string {
	switch {
	case l.Mixed:
		return fmt.Sprintf("select(%s, %s, t + %du < %du)", w, a, l.First, unitsA)
	case l.A:
		return a
	}
	return w
}
