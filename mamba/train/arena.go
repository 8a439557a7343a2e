package train

import "github.com/mambagpu/mambagpu/shaders"

// arena is the arrays of as many weights as one binding takes. Each weight is a part of
// them, which the network's kernels bind; the optimiser's run over the whole.
type arena[A any] struct {
	arrays[A]
	weights  []*weight[A]
	words    int
	runs     []shaders.Run // of the parts, whatever lies between them left out
	table    A             // the runs, as kernels read them
	firstSum int           // of the runs' sums of squares, in activations.sums
}

// arenaWords bounds an arena that has several weights: 256 MiB, so that a device need not
// have so much more in one piece. More at a time is no faster.
const arenaWords = 64 << 20

// layArenas puts weights into arenas of at most so many words, in their order, each at
// a multiple of align, and numbers the sums of their parts.
func layArenas[A any](weights []*weight[A], align, most int) []*arena[A] {
	var list []*arena[A]
	sums := 0
	for _, w := range weights {
		a := &arena[A]{firstSum: sums}
		if n := len(list); n > 0 && list[n-1].end(align)+w.words <= most {
			a = list[n-1]
		} else {
			list = append(list, a)
		}
		w.first = a.end(align)
		a.weights, a.words = append(a.weights, w), w.first+w.words
		for i := range w.parts {
			p := &w.parts[i]
			p.firstSum = sums
			sums += p.sums()
			a.runs = append(a.runs, shaders.CutRuns([]shaders.Run{{First: w.first + p.first, Count: p.span(), Decays: p.Decays}})...)
		}
	}
	return list
}

// end is where the next weight may begin.
func (a *arena[A]) end(align int) int { return (a.words + align - 1) / align * align }

// allocate makes the arrays and cuts out those of the weights.
func (a *arena[A]) allocate(m machine[A]) (err error) {
	for _, k := range kinds {
		whole := a.of(k.kind)
		if *whole, err = m.newArray(k.label+a.weights[0].parts[0].Name, a.words); err != nil {
			return err
		}
		for _, w := range a.weights {
			if *w.of(k.kind), err = m.slice(k.label+w.parts[0].Name, *whole, w.first, w.words); err != nil {
				return err
			}
		}
	}
	table := shaders.RunWords(a.runs)
	if a.table, err = m.newWords("runs", len(table)); err != nil {
		return err
	}
	return m.writeWords(a.table, table)
}

// squares are the sizes of the sums of the squares of its gradients.
func (a *arena[A]) squares() shaders.SquareSumsParams {
	return shaders.SquareSumsParams{Runs: len(a.runs), Elements: a.words, OffOut: a.firstSum}
}

// adamW are the constants of its update.
func (a *arena[A]) adamW(o *Options) shaders.AdamWParams {
	return shaders.AdamWParams{
		Runs: len(a.runs), Elements: a.words, Aligned: shaders.AlignedRuns(a.runs),
		Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps, WeightDecay: o.WeightDecay,
	}
}
