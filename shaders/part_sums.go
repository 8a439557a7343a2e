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

// partLanes is how many columns of partial sums a workgroup adds up: few, since the
// columns are, but the 32 bytes that memory is read by.
const partLanes = 8

// thenSums appends to the dispatches that leave partial sums in scratch those that
// add them up, in the order of the rows.
func (k *Kernels) thenSums(list []*wgpu.Dispatch, scratch *wgpu.Buffer, sums ...partSums) ([]*wgpu.Dispatch, error) {
	for _, s := range sums {
		v := columnSumsVariant{Invocations: sumsInvocations, Lanes: min(partLanes, near(s.Columns)), Add: true}
		params := uniform(s.Rows, s.Columns, s.Stride, s.Offset, 0)
		d, err := k.dispatch("column_sums", v, params, [3]uint32{uint32(ceilDiv(s.Columns, v.Lanes)), 1, 1}, scratch, s.Sums)
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
