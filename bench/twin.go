package bench

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// runTwin runs a step on the host.
func (s step) runTwin(args []cases.Arg) error {
	f := func(i int) []float32 { return args[s.args[i]].F32 }
	u := func(i int) []uint32 { return args[s.args[i]].U32 }
	switch p := s.params.(type) {
	case shaders.EmbeddingParams:
		cpu.Embedding(p, u(0), f(1), f(2))
	case shaders.RMSNormParams:
		cpu.RMSNorm(p, f(0), f(1), f(2))
	case shaders.LayerNormParams:
		cpu.LayerNorm(p, f(0), f(1), f(2), f(3))
	case shaders.MatmulParams:
		cpu.Matmul(p, f(0), f(1), f(2), f(3))
	case shaders.MatmulSumParams:
		cpu.MatmulSum(p, f(0), f(1), f(2))
	case shaders.CausalConvParams:
		cpu.CausalConv(p, f(0), f(1), u(2), f(3), f(4))
	case shaders.DtProjParams:
		cpu.DtProj(p, f(0), f(1), f(2), f(3))
	case shaders.SelectiveScanParams:
		if s.kernel == "selective_scan_backward" {
			cpu.SelectiveScanBackward(p, f(0), f(1), f(2), f(3), f(4), u(5), f(6), f(7), f(8), f(9), f(10), f(11))
			break
		}
		cpu.SelectiveScan(p, f(0), f(1), f(2), f(3), f(4), u(5), f(6), f(7))
	case shaders.ComplexScanParams:
		cpu.SelectiveScanComplex(p, f(0), f(1), f(2), f(3), f(4), u(5), f(6), f(7))
	case shaders.DiscretizeParams:
		cpu.Discretize(p, f(0), f(1), f(2))
	case shaders.ModulatedScanParams:
		cpu.ModulatedScan(p, f(0), f(1), f(2), f(3), u(4), f(5), f(6))
	case shaders.LastRowsParams:
		cpu.LastRows(p, f(0), u(1), f(2))
	case shaders.ResidualAddParams:
		cpu.ResidualAdd(p, f(0), f(1))
	case shaders.ChoiceParams:
		cpu.Peaks(p, f(0), u(1), u(2), f(3))
	default:
		return fmt.Errorf("bench: %s: no twin takes %T", s.kernel, p)
	}
	return nil
}

// split is the name of matmul where its sums may be split into parts, as a model
// runs it: two dispatches then, with scratch between them.
const split = "matmul_split"

// dispatch prepares a step on the device. What it needs besides the buffers is kept
// in scratch.
func (s step) dispatch(k *shaders.Kernels, buffers []*wgpu.Buffer, scratch *[]*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	args := make([]*wgpu.Buffer, len(s.args))
	for i, a := range s.args {
		args[i] = buffers[a]
	}
	if s.kernel == split {
		return s.dispatchSplit(k, args, scratch)
	}
	if p, ok := s.params.(shaders.SelectiveScanParams); ok && s.kernel == "selective_scan_backward" {
		b, err := room(k.Device(), scratch, k.SelectiveScanBackwardScratch(p))
		if err != nil {
			return nil, err
		}
		args = append(args, b)
	}
	return cases.Case{Kernel: s.kernel, Params: s.params}.Dispatch(k, args)
}

func (s step) dispatchSplit(k *shaders.Kernels, args []*wgpu.Buffer, scratch *[]*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	p := s.params.(shaders.MatmulParams)
	var parts *wgpu.Buffer
	if words := k.MatmulScratch(p); words > 0 {
		var err error
		if parts, err = room(k.Device(), scratch, words); err != nil {
			return nil, err
		}
	}
	return k.MatmulSplit(p, args[0], args[1], args[2], parts, args[3])
}

// room is a buffer of scratch of at least words words, a new one where there is none: what
// is in it no dispatch needs but those that it is made for.
func room(dev *wgpu.Device, scratch *[]*wgpu.Buffer, words int) (*wgpu.Buffer, error) {
	for _, b := range *scratch {
		if b.Size() >= 4*uint64(words) {
			return b, nil
		}
	}
	b, err := dev.NewBuffer("scratch", 4*uint64(words))
	if err == nil {
		*scratch = append(*scratch, b)
	}
	return b, err
}
