package bench

import (
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/train"
	"github.com/mambagpu/mambagpu/wgpu"
)

// blockTraining is a Mamba block of width d without norm and residual, as the
// reference was timed, forward and backward.
func blockTraining(batch, length, d int) trainingCase {
	c := mamba.ModelConfig{DModel: d, DInner: 2 * d, DState: 16, DConv: 4, DTRank: (d + 15) / 16}
	t, w := float64(batch*length), float64(3*d*c.DInner)
	return trainingCase{Result{
		Name: blockTrainName, Shape: shapeName([]int{batch, length, d}),
		Flops: t * blockTrainFlops(c),
		Bytes: 4 * (4*t*float64(d) + 2*w), // x, y and their gradients; projections and theirs
	}, func(r *runner, res *Result) error { return r.blockTraining(batch, length, d, res) }}
}

// blockTraining times a block, which is first held against the twins on few tokens.
func (r *runner) blockTraining(batch, length, d int, res *Result) error {
	if r.dev == nil {
		res.Skipped = noDevice
		return nil
	}
	if err := checkBlockTraining(r.dev, d); err != nil {
		return err
	}
	b, err := train.NewBlockPass(r.dev, batch, length, d)
	if err != nil {
		return err
	}
	defer b.Close()
	once := func() ([]float64, error) {
		t, err := b.Time()
		return []float64{microseconds(t)}, err
	}
	if err := r.warmUp(func() error { _, err := once(); return err }); err != nil {
		return err
	}
	samples, err := r.effort.sampling(r.ctx, nil, once)
	if err != nil {
		return err
	}
	res.Runs, res.Dispatch = 1, b.Dispatches()
	res.settle(samples, clockOf(r.dev), r.report.Roofs)
	return nil
}

func checkBlockTraining(dev *wgpu.Device, d int) error {
	const batch, length = 2, 20
	b, err := train.NewBlockPass(dev, batch, length, d)
	if err != nil {
		return err
	}
	defer b.Close()
	got, err := b.Results()
	if err != nil {
		return err
	}
	want, err := train.BlockResults(batch, length, d)
	if err != nil {
		return err
	}
	return compareTensors(blockTrainName, got, want)
}
