package cases

import (
	"fmt"
	"math"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
)

var (
	nan    = float32(math.NaN())
	posInf = float32(math.Inf(1))
	negInf = float32(math.Inf(-1))
)

// choice is rows of logits from which tokens are chosen.
type choice struct {
	name    string
	rows    int
	width   int
	stride  int // 0 for width
	penalty bool
	spread  float64                    // of normal logits; 0 for 1
	edit    func(row int, x []float32) // of the logits, if not nil
	draw    func(row int) shaders.Draw // nil for softmax at temperature 1
}

// softmax is a draw at a temperature from seed and place of a row.
func softmax(row int, temperature float32) shaders.Draw {
	return shaders.Draw{
		Place: uint32(31*row + 7), Seed: 0x9876543210fedcba ^ uint64(row)<<40, Steepness: 2 / temperature,
		TopP: 1, Reach: shaders.MaxReach, Raise: 1.3, Lower: 1 / float32(1.3),
	}
}

const ring = 4

func (c choice) params() shaders.ChoiceParams {
	return shaders.ChoiceParams{Rows: c.rows, Width: c.width, Stride: max(c.stride, c.width), Ring: ring, Penalty: c.penalty}
}

// choiceArgs are the buffers of a choice, peaks and bins as the kernels before
// have left them.
type choiceArgs struct {
	x, best, scores                      []float32
	draws, seen, bins, list, chosen, ids []uint32
}

func (c choice) args(s *source) choiceArgs {
	p := c.params()
	a := choiceArgs{
		x: repeat(p.Rows*p.Stride, 1e6), best: poison(p.Best()), scores: poison(p.Best()),
		seen: make([]uint32, 1), bins: make([]uint32, p.Bins()), list: make([]uint32, p.Rows*p.Width),
		chosen: numbers(ring*p.Rows, 77777), ids: numbers(p.Rows, 77777),
	}
	for r := range p.Rows {
		row := a.x[r*p.Stride:][:p.Width]
		for i := range row {
			row[i] = float32(s.NormFloat64() * max(c.spread, 1))
		}
		if c.edit != nil {
			c.edit(r, row)
		}
		d := softmax(r, 1)
		if c.draw != nil {
			d = c.draw(r)
		}
		words := d.Words()
		a.draws = append(a.draws, words[:]...)
	}
	if c.penalty {
		a.seen = make([]uint32, p.Seen())
		for i := range a.seen {
			a.seen[i] = s.Uint32() & s.Uint32()
		}
	}
	return a
}

// after runs the twins of the kernels before another.
func (a choiceArgs) after(p shaders.ChoiceParams, kernels ...string) choiceArgs {
	for _, k := range kernels {
		switch k {
		case "peaks":
			cpu.Peaks(p, a.x, a.draws, a.seen, a.best)
		case "histogram":
			cpu.Histogram(p, a.x, a.draws, a.seen, a.best, a.bins)
		case "cut":
			cpu.Cut(p, a.x, a.best, a.seen, a.draws, a.bins, a.list)
		}
	}
	return a
}

// numbers is n times v.
func numbers(n int, v uint32) []uint32 {
	x := make([]uint32, n)
	for i := range x {
		x[i] = v
	}
	return x
}

func intsOut(name string, x []uint32) Arg { return Arg{Name: name, U32: x, Out: true} }

// The places and the logits are exact.
func peaksCases() []Case {
	var list []Case
	for _, c := range choices() {
		list = append(list, Case{Name: c.name, Params: c.params(), fill: func(s *source) []Arg {
			a := c.args(s)
			return []Arg{in("x", a.x), ints("draws", a.draws), ints("seen", a.seen), out("best", a.best)}
		}})
	}
	return list
}

// gumbelCases allow a score, of two logarithms of at most 23 each, ten units of
// the last place of 16; places, which lie in the same array, are whole.
func gumbelCases() []Case {
	var list []Case
	for _, c := range append(choices(), drawChoices()...) {
		list = append(list, Case{Name: c.name, Params: c.params(), Tol: Tolerance{Abs: 2e-5}, fill: func(s *source) []Arg {
			a := c.args(s).after(c.params(), "peaks", "cut")
			return []Arg{in("x", a.x), in("best", a.best), ints("draws", a.draws), ints("seen", a.seen), out("scores", a.scores)}
		}})
	}
	return list
}

func chooseCases() []Case {
	var list []Case
	for _, c := range choices() {
		list = append(list, Case{Name: c.name, Params: c.params(), fill: func(s *source) []Arg {
			a := c.args(s).after(c.params(), "peaks")
			return []Arg{
				in("best", a.best), intsOut("seen", a.seen), intsOut("draws", a.draws), intsOut("chosen", a.chosen), intsOut("ids", a.ids),
			}
		}})
	}
	return list
}

// chooseEmbedCases have tables of every type, one that ends before the tokens do, and rows
// longer than a workgroup copies at once.
func chooseEmbedCases() []Case {
	var list []Case
	for i, c := range choices() {
		p := shaders.ChooseEmbedParams{ChoiceParams: c.params(), Columns: 5 + i%4, TableRows: c.width, Table: dtypes[i%len(dtypes)]}
		list = append(list, chooseEmbedCase(c.name, c, p))
	}
	few := choice{rows: 2, width: 40}
	for _, t := range dtypes {
		list = append(list,
			chooseEmbedCase(fmt.Sprintf("%v, 1100 columns", t), few, shaders.ChooseEmbedParams{ChoiceParams: few.params(), Columns: 1100, TableRows: 48, Table: t}),
			chooseEmbedCase(fmt.Sprintf("%v, a table of one row", t), few, shaders.ChooseEmbedParams{ChoiceParams: few.params(), Columns: 33, TableRows: 1, Table: t}))
	}
	return list
}

func chooseEmbedCase(name string, c choice, p shaders.ChooseEmbedParams) Case {
	return Case{Name: name, Params: p, fill: func(s *source) []Arg {
		a := c.args(s).after(c.params(), "peaks")
		ids := slices.Clone(a.ids)
		cpu.Choose(p.ChoiceParams, a.best, slices.Clone(a.seen), slices.Clone(a.draws), slices.Clone(a.chosen), ids)
		return []Arg{
			in("best", a.best), intsOut("seen", a.seen), intsOut("draws", a.draws), intsOut("chosen", a.chosen), intsOut("ids", a.ids),
			s.weights("table", p.TableRows, p.Columns, p.Table, 1),
			out("out", embeddingOut(shaders.EmbeddingParams{Tokens: p.Rows, Width: p.Columns, Rows: p.TableRows}, ids)),
		}
	}}
}

// histogramCases allow the sum of a slice, at most 1024 numbers of at most 1, a
// unit of the last place of 2^13; an exponential of 2^14 times may be rounded the
// other way where it lies next to the middle, for one token in a thousand at most.
func histogramCases() []Case {
	var list []Case
	for _, c := range append(choices(), drawChoices()...) {
		list = append(list, Case{Name: c.name, Params: c.params(), Tol: Tolerance{Abs: 1e-3}, fill: func(s *source) []Arg {
			a := c.args(s).after(c.params(), "peaks")
			for i := range a.best { // the sums, which peaks left at 0
				if i/c.params().Slices()%3 == 2 {
					a.best[i] = nan
				}
			}
			bins := intsOut("bins", a.bins)
			bins.Slack = 1 + uint32(c.width/1000)
			return []Arg{in("x", a.x), ints("draws", a.draws), ints("seen", a.seen), out("best", a.best), bins}
		}})
	}
	return list
}

// cutCases have probabilities to fall short of or to pass top p by more than the
// kernel's sums can be off: the last token is the twin's.
func cutCases() []Case {
	var list []Case
	for _, c := range append(choices(), drawChoices()...) {
		p := c.params()
		list = append(list, Case{Name: c.name, Params: p, fill: func(s *source) []Arg {
			a := c.args(s).after(p, "peaks", "histogram")
			for r := range p.Rows { // another step's
				a.draws[r*shaders.DrawWords+9], a.draws[r*shaders.DrawWords+10] = math.MaxUint32, 1
			}
			return []Arg{
				in("x", a.x), in("best", a.best), ints("seen", a.seen), intsOut("draws", a.draws), intsOut("bins", a.bins),
				ints("list", a.list),
			}
		}})
	}
	return list
}

// choices are rows for the search of the largest.
func choices() []choice {
	var list []choice
	for _, width := range []int{1, 2, 3, 31, 32, 33, 255, 256, 257, 1023, 1024, 1025, 4096, 4097, 50280} {
		list = append(list, choice{name: fmt.Sprintf("width %d", width), rows: 3, width: width})
	}
	for _, width := range []int{2, 257, 3000} {
		list = append(list, specialRows(width)...)
	}
	return append(list,
		choice{name: "width 50277 of 50280, largest in the padding", rows: 2, width: 50277, stride: 50280},
		choice{name: "width 5 of 9, largest in the padding", rows: 7, width: 5, stride: 9},
		choice{name: "300000 tokens, more slices than invocations", rows: 2, width: 300000},
		choice{name: "largest in each place", rows: 300, width: 300, edit: func(row int, x []float32) { x[row] = 10 }},
		choice{name: "ties of the largest", rows: 50, width: 3000, edit: func(row int, x []float32) {
			for i := row; i < len(x); i += 1 + row {
				x[i] = 10
			}
		}},
		choice{name: "all negative", rows: 3, width: 300, edit: func(_ int, x []float32) { add(x, -1000) }},
		choice{name: "penalty", rows: 3, width: 3001, penalty: true},
		choice{name: "penalty, stride", rows: 2, width: 65, stride: 70, penalty: true},
		choice{name: "penalty past the largest float", rows: 2, width: 100, penalty: true, edit: func(_ int, x []float32) {
			for i := range x {
				x[i] *= 1e38
			}
		}},
	)
}

func add(x []float32, v float32) {
	for i := range x {
		x[i] += v
	}
}

// specialRows are rows of special values.
func specialRows(width int) []choice {
	row := func(name string, edit func(row int, x []float32)) choice {
		return choice{name: fmt.Sprintf("%s, width %d", name, width), rows: 2, width: width, edit: edit}
	}
	all := func(v float32) func(int, []float32) {
		return func(_ int, x []float32) { copy(x, repeat(len(x), v)) }
	}
	lastIs := func(v float32) func(int, []float32) {
		return func(row int, x []float32) {
			if row == 1 {
				x[len(x)-1] = v
			}
		}
	}
	return []choice{
		row("all equal", all(1.5)), row("all NaN", all(nan)), row("all -Inf", all(negInf)), row("all +Inf", all(posInf)),
		row("NaN at the end of one row", lastIs(nan)), row("-Inf at the end of one row", lastIs(negInf)),
		row("+Inf at the end of one row", lastIs(posInf)),
		row("the largest float at the end", lastIs(math.MaxFloat32)), row("the least float at the end", lastIs(-math.MaxFloat32)),
		row("zeros of both signs", func(row int, x []float32) {
			negZero := float32(math.Copysign(0, -1))
			copy(x, repeat(len(x), -1))
			x[0], x[len(x)-1] = negZero, 0
			if row == 1 {
				x[0], x[len(x)-1] = 0, negZero
			}
		}),
	}
}

// drawChoices are rows to draw from.
func drawChoices() []choice {
	with := func(name string, width int, spread float64, change func(row int, d *shaders.Draw)) choice {
		return choice{name: name, rows: 5, width: width, spread: spread, draw: func(row int) shaders.Draw {
			d := softmax(row, 1)
			change(row, &d)
			return d
		}}
	}
	topK := func(k int) func(int, *shaders.Draw) {
		return func(row int, d *shaders.Draw) { d.TopK = uint32(k + row) }
	}
	topP := func(p float32) func(int, *shaders.Draw) { return func(_ int, d *shaders.Draw) { d.TopP = p } }
	list := []choice{
		with("top k 1 to 5", 5000, 3, topK(1)), with("top k 40 to 44", 50280, 3, topK(40)), with("top k 3000", 5000, 1, topK(3000)),
		with("top k of more than all", 300, 1, topK(1000)),
		with("top p 1e-9", 3000, 1, topP(1e-9)), with("top p 0.5", 50280, 3, topP(0.5)), with("top p 0.9", 5000, 4, topP(0.9)),
		with("top p 0.95 of a flat row", 50280, 1, topP(0.95)), with("top p 0.999", 300, 3, topP(0.999)),
		with("min p 0.1", 3000, 2, func(_ int, d *shaders.Draw) { d.Reach = -float32(math.Log(0.1)) }),
		with("min p 1", 3000, 2, func(_ int, d *shaders.Draw) { d.Reach = 0 }),
		with("top k, top p, min p", 50280, 3, func(row int, d *shaders.Draw) { d.TopK, d.TopP, d.Reach = uint32(100+row), 0.8, 4 }),
		with("cold", 3000, 1, func(_ int, d *shaders.Draw) { d.Steepness, d.TopK = 200, 50 }),
		with("hot", 3000, 1, func(_ int, d *shaders.Draw) { d.Steepness, d.TopP = 0.002, 0.7 }),
		with("as cold as can be", 300, 1, func(_ int, d *shaders.Draw) { d.Steepness, d.TopP = math.MaxFloat32, 0.9 }),
		with("as hot as can be", 300, 1, func(_ int, d *shaders.Draw) { d.Steepness, d.TopK = 0, 100 }),
	}
	ties := with("ties at the cut", 3000, 1, topK(70))
	ties.edit = func(_ int, x []float32) {
		for i := range x {
			x[i] = float32(i / 100 % 7)
		}
	}
	penalty := with("penalty, top k, top p", 3000, 2, func(_ int, d *shaders.Draw) { d.TopK, d.TopP = 50, 0.9 })
	penalty.penalty = true
	places := choice{name: "200 places of one seed", rows: 200, width: 500, spread: 2, draw: func(row int) shaders.Draw {
		d := softmax(0, 1)
		d.Place, d.TopP = uint32(row), 0.9
		return d
	}}
	return append(list, ties, penalty, places)
}
