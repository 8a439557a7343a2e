package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// partSums are rows of partial sums and what they are added to:
//
//	Sums[n] += sum_r scratch[r*Stride+Offset+n]
type partSums struct {
	Rows, Columns  int
	Stride, Offset int
	Sums           *wgpu.Buffer
}

// thenSums appends to the dispatches that leave partial sums in scratch those that
// add them up, in the order of the rows.
func (k *Kernels) thenSums(list []*wgpu.Dispatch, scratch *wgpu.Buffer, sums ...partSums) ([]*wgpu.Dispatch, error) {
	for _, s := range sums {
		p := ColumnSumsParams{Rows: s.Rows, Columns: s.Columns, Stride: s.Stride, Offset: s.Offset}
		d, err := k.columnSums(p, 1, true, scratch, s.Sums)
		if err != nil {
			closeAll(list)
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func closeAll(list []*wgpu.Dispatch) {
	for _, d := range list {
		d.Close()
	}
}
