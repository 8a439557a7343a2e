package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// LayersStepShort is LayersStep's first dispatch with fewer workgroups than those that wait
// for each other.
func (k *Kernels) LayersStepShort(p LayersStepParams, workgroups int, b []*wgpu.Buffer) (*wgpu.Dispatch, error) {
	runs, err := k.layersStep(p, workgroups, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10])
	if err != nil {
		return nil, err
	}
	return runs[0], runs[1].Close()
}
