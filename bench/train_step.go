package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/mamba/train"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// recipeModel names the model of the reference's recipe: 8 layers, d_model 256, 4096
// tokens, 4.55 million parameters.
const recipeModel = "4.5m"

func recipeConfig() mamba.ModelConfig {
	return mamba.ModelConfig{
		DModel: 256, NLayer: 8, DInner: 512, DState: 16, DConv: 4, DTRank: 16, VocabSize: 4096, NormEps: 1e-5,
		Tied: true, UseConvBias: true, Layout: checkpoint.HuggingFace,
	}
}

// recipeRate is a learning rate at which steps change nothing that takes time.
const recipeRate = 1e-5

// stepTraining is a step of the recipe's model: forward, backward and update.
func stepTraining(batch, length int) trainingCase {
	c, t := recipeConfig(), float64(batch*length)
	return trainingCase{Result{
		Name: trainName, Shape: fmt.Sprintf("%s (%d,%d)", recipeModel, batch, length), Model: recipeModel, Weights: "F32",
		Batch: batch, Tokens: batch * length,
		Flops: t * (float64(c.NLayer)*blockTrainFlops(c) + 6*float64(c.DModel*c.VocabSize)),
		Bytes: 4 * 8 * float64(c.Parameters()), // weights, gradients and two moments, read and written
	}, func(r *runner, res *Result) error { return r.stepTraining(batch, length, res) }}
}

// stepTraining times steps, each submitted before the last one's result is waited for.
// The gradients are first held against those of plain Go.
func (r *runner) stepTraining(batch, length int, res *Result) error {
	if r.report.Kind == wgpu.CPU && batch*length > 1024 {
		res.Skipped = "takes minutes on a processor"
		return nil
	}
	if r.dev != nil {
		if err := checkSteps(r.ctx, r.dev, r.tuning); err != nil {
			return err
		}
	}
	t, err := openTrainer(r.dev, r.tuning, batch, length)
	if err != nil {
		return err
	}
	defer t.Close()
	tokens := recipeBatch(batch, length)
	if err := r.warmUp(func() error { _, err := t.Step(r.ctx, recipeRate, tokens); return err }); err != nil {
		return err
	}
	s := &stepper{trainer: t, batch: tokens}
	samples, err := r.modelEffort().sampling(r.ctx, nil, func() ([]float64, error) { return s.sample(r) })
	if err := errors.Join(err, s.drain()); err != nil {
		return err
	}
	res.Runs, res.Memory = 1, t.MemoryInUse()
	res.settle(samples, clockWall, r.report.Roofs)
	return r.shares(t, tokens, res)
}

// shares adds the kernels' shares of a step, where the device can tell.
func (r *runner) shares(t *train.Trainer, tokens train.Batch, res *Result) error {
	_, times, err := t.StepTimed(r.ctx, recipeRate, tokens)
	if errors.Is(err, wgpu.ErrNoTimestamps) {
		return nil
	}
	res.Kernels = kernelShares(times)
	for _, k := range times {
		res.Dispatch += k.Runs
	}
	return err
}

func openTrainer(dev *wgpu.Device, tuning shaders.Tuning, batch, length int) (*train.Trainer, error) {
	opts := &train.Options{Device: dev, Tuning: tuning, Batch: batch, SeqLen: length, Notices: io.Discard}
	if dev == nil {
		opts.Adapter = mamba.GoAdapter
	}
	return train.New(recipeConfig(), opts)
}

// checkSteps compares a device's gradients of few tokens with those of plain Go.
func checkSteps(ctx context.Context, dev *wgpu.Device, tuning shaders.Tuning) error {
	const batch, length = 2, 10
	got, err := recipeGradients(ctx, dev, tuning, batch, length)
	if err != nil {
		return err
	}
	want, err := recipeGradients(ctx, nil, nil, batch, length)
	if err != nil {
		return err
	}
	return compareTensors(trainName, got, want)
}

func recipeGradients(ctx context.Context, dev *wgpu.Device, tuning shaders.Tuning, batch, length int) (map[string][]float32, error) {
	t, err := openTrainer(dev, tuning, batch, length)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if _, err := t.Backward(ctx, recipeBatch(batch, length)); err != nil {
		return nil, err
	}
	all := map[string][]float32{}
	for _, p := range t.Parameters() {
		if all[p.Name], err = t.Gradient(p.Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// recipeBatch is random tokens.
func recipeBatch(rows, length int) train.Batch {
	rng := rand.New(rand.NewPCG(1, 1))
	ids := make([]uint32, rows*(length+1))
	for i := range ids {
		ids[i] = uint32(rng.IntN(recipeConfig().VocabSize))
	}
	return train.Batch{IDs: ids}
}

// stepper keeps one step ahead of the one whose result it waits for.
type stepper struct {
	trainer *train.Trainer
	batch   train.Batch
	ahead   *train.Pending
	last    time.Time // when the last result was there
}

// sample is the time from one result to the next, in microseconds.
func (s *stepper) sample(r *runner) ([]float64, error) {
	p, err := s.trainer.Submit(r.ctx, recipeRate, s.batch)
	if err != nil {
		return nil, err
	}
	before := s.ahead
	s.ahead = p
	if before == nil {
		s.last = time.Now()
		return nil, nil
	}
	if _, err := before.Wait(); err != nil {
		return nil, err
	}
	took := time.Since(s.last)
	s.last = time.Now()
	return []float64{microseconds(took)}, nil
}

func (s *stepper) drain() error {
	if s.ahead == nil {
		return nil
	}
	_, err := s.ahead.Wait()
	return err
}

// KernelShare is a kernel's part of a training step.
type KernelShare struct {
	Kernel string  `json:"kernel"`
	Shape  string  `json:"shape,omitempty"` // of a product: MxNxK
	Runs   int     `json:"runs"`
	US     float64 `json:"us"`
	Share  float64 `json:"share"` // of all kernels' time
}

func kernelShares(times []train.KernelTime) []KernelShare {
	var all float64
	for _, k := range times {
		all += microseconds(k.Time)
	}
	var list []KernelShare
	for _, k := range times {
		us := microseconds(k.Time)
		list = append(list, KernelShare{k.Kernel, k.Shape, k.Runs, us, us / all})
	}
	return list
}
