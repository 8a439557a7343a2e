package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// layersProbes is how many steps have to succeed for a number of workgroups to be taken
// as running at the same time.
const layersProbes = 4

// LayersStepWorkgroups finds how many workgroups of a LayersStep of these sizes a device
// runs at the same time, by steps of two layers of zeros, and is at most 128, where an
// NVIDIA H100 has 132 processors. It is 0 if the kernel does not take the sizes with as
// many as there are. What is found is no promise of the device's. p.Layers, p.Slots and
// p.Workgroups do not matter.
func (k *Kernels) LayersStepWorkgroups(p LayersStepParams) (int, error) {
	p.Layers, p.Slots = 2, 1
	most := 128
	if k.dev.Info().Kind == wgpu.CPU { // which runs them one after the other
		most = 1
	}
	for p.Workgroups = most; p.Workgroups > 0; p.Workgroups /= 2 {
		if !LayersStepFits(p, k.dev.Limits()) {
			continue
		}
		if met, err := k.meet(p); met || err != nil {
			return p.Workgroups, err
		}
	}
	return 0, nil
}

// meet reports whether steps of zeros end without a workgroup that waits in vain.
func (k *Kernels) meet(p LayersStepParams) (met bool, err error) {
	sizes := []int{
		4 * p.Width, p.Layers * p.matrixBytes(p.Weights, 2*p.Channels, p.Width), p.Layers * p.smallBytes(), 4,
		p.Layers * p.matrixBytes(p.XWeights, p.outputs(), p.Channels), p.Layers * p.pastBytes(), p.Layers * p.wdtBytes(),
		p.Layers * p.weightsBytes(), p.Layers * p.stateBytes(), p.Layers * p.matrixBytes(p.OutWeights, p.Width, p.Channels),
		4 * p.MailWords(),
	}
	b := make([]*wgpu.Buffer, len(sizes))
	for i, size := range sizes {
		if b[i], err = k.dev.NewBuffer("probe", uint64(size)); err != nil {
			return false, err
		}
		defer b[i].Close()
	}
	mail := b[len(b)-1]
	runs, err := k.LayersStep(p, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], mail)
	if err != nil {
		return false, err
	}
	pass := k.dev.NewPass("mamba.probe")
	defer pass.Close()
	for range layersProbes {
		pass.Dispatch(runs...)
	}
	var flag [1]uint32
	err = wgpu.SubmitDownload(pass, mail, 0, flag[:])
	return flag[0] == 0, err
}
