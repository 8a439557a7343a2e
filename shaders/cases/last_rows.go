package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// lastRowsCases are copies, which are exact.
func lastRowsCases() []Case {
	var list []Case
	for _, width := range []int{1, 63, 64, 65, 256} {
		for _, length := range []int{1, 9} {
			p := shaders.LastRowsParams{Batch: 3, Length: length, Width: width}
			list = append(list, lastRowsCase(fmt.Sprintf("width %d, %d rows", width, length), p, nil))
		}
	}
	for _, lengths := range packedLengths {
		p := shaders.LastRowsParams{Batch: len(lengths), Width: 65}
		p.Packing, p.Length = packing(lengths)
		list = append(list, lastRowsCase(fmt.Sprintf("packed %v", lengths), p, lengths))
	}
	return list
}

func lastRowsCase(name string, p shaders.LastRowsParams, lengths []int) Case {
	return Case{Name: name, Params: p, fill: func(s *source) []Arg {
		slots, _ := s.slots(p.Batch)
		return []Arg{
			in("x", s.normal(p.Total(p.Batch, p.Length)*p.Width)),
			slotsArg(slots, lengths),
			out("y", poison(p.Batch*p.Width)),
		}
	}}
}
