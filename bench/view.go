package bench

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// view is a sample of an array, as the twin sees it.
type view struct {
	index []int    // the places in the array, increasing where it is written
	words []uint32 // instead, integers of the twin's own
}

// start is the sample as it is before the run.
func (v view) start(a *array) cases.Arg {
	arg := cases.Arg{Name: a.name, Out: a.out}
	switch {
	case v.words != nil:
		arg.U32 = v.words
	case a.ints != nil:
		arg.U32 = make([]uint32, len(v.index))
		for j, i := range v.index {
			arg.U32[j] = a.ints(i)
		}
	default:
		arg.F32 = make([]float32, len(v.index))
		for j, i := range v.index {
			arg.F32[j] = a.at(i)
		}
	}
	return arg
}

// windowWords is how much is read at a time.
const windowWords = 1 << 18

// read fetches the sample from the device: windows of the buffer, each from
// the next place wanted on.
func (v view) read(a *array, b *wgpu.Buffer) (cases.Arg, error) {
	arg := v.start(a)
	words := make([]uint32, min(windowWords, a.len))
	for j := 0; j < len(v.index); {
		first := v.index[j]
		n := min(windowWords, a.len-first)
		if err := wgpu.Download(b, 4*uint64(first), words[:n]); err != nil {
			return arg, err
		}
		for ; j < len(v.index) && v.index[j] < first+n; j++ {
			if arg.U32 != nil {
				arg.U32[j] = words[v.index[j]-first]
			} else {
				arg.F32[j] = math.Float32frombits(words[v.index[j]-first])
			}
		}
	}
	return arg, nil
}

// spread is at most k of the numbers below n, evenly apart, the first and the
// last among them.
func spread(n, k int) []int {
	if k >= n {
		return span(0, n)
	}
	out := make([]int, k)
	for i := range out {
		out[i] = i * (n - 1) / (k - 1)
	}
	return out
}

// span is n numbers from first on.
func span(first, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
	}
	return out
}

// grid is the places of the given columns of the given rows of a matrix whose
// rows are stride apart.
func grid(rows []int, stride int, columns []int) []int {
	out := make([]int, 0, len(rows)*len(columns))
	for _, r := range rows {
		for _, c := range columns {
			out = append(out, r*stride+c)
		}
	}
	return out
}

// plus is the numbers of list, each larger by n.
func plus(n int, list []int) []int {
	out := make([]int, len(list))
	for i, v := range list {
		out[i] = n + v
	}
	return out
}
