package train

import (
	"fmt"
	"testing"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// recipeConfig is the model of the reference's recipe.
func recipeConfig() mamba.ModelConfig {
	return mamba.ModelConfig{
		DModel: 256, NLayer: 8, DInner: 512, DState: 16, DConv: 4, DTRank: 16, VocabSize: 4096, NormEps: 1e-5,
		Tied: true, UseConvBias: true, Layout: checkpoint.HuggingFace,
	}
}

// BenchmarkStep is a step of 64 x 512 tokens on a GPU, the host a step ahead, and the
// time of each kernel in one.
func BenchmarkStep(b *testing.B) {
	c := recipeConfig()
	for name, opts := range map[string]Options{
		"kept": {}, "recomputed": {Recompute: EveryLayer}, "small chunks": {LogitBytes: 16 << 20}, "large chunks": {LogitBytes: 256 << 20},
		"micro 32": {MicroBatch: 32}, "halves": {Activations: checkpoint.F16},
		"halves recomputed": {Activations: checkpoint.F16, Recompute: EveryLayer},
	} {
		b.Run(name, func(b *testing.B) {
			opts.Device = device(b)
			t, err := New(c, &opts)
			if err != nil {
				b.Fatal(err)
			}
			defer t.Close()
			batch := randomBatch(c, 64, 512, 1)
			warm(b, t, batch)
			var before *Pending
			for b.Loop() {
				p, err := t.Submit(ctx, 1e-4, batch)
				if err != nil {
					b.Fatal(err)
				}
				if before != nil {
					wait(b, before)
				}
				before = p
			}
			wait(b, before)
			b.ReportMetric(float64(64*512*b.N)/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(float64(t.MemoryInUse())/1e6, "MB")
			if name != "kept" && name != "halves" {
				return
			}
			_, times, err := t.StepTimed(ctx, 1e-4, batch)
			if err != nil {
				b.Fatal(err)
			}
			var all time.Duration
			for _, k := range times {
				all += k.Time
			}
			for _, k := range times {
				fmt.Printf("%-32s %-18s %4d runs %9.0f us %5.1f %%\n", k.Kernel, k.Shape, k.Runs, float64(k.Time.Nanoseconds())/1e3, 100*k.Time.Seconds()/all.Seconds())
			}
		})
	}
}

// warm runs steps for long enough that a GPU raises its clock.
func warm(b *testing.B, t *Trainer, batch Batch) {
	b.Helper()
	for start := time.Now(); time.Since(start) < 500*time.Millisecond; {
		if _, err := t.Step(ctx, 1e-4, batch); err != nil {
			b.Fatal(err)
		}
	}
}

func wait(b *testing.B, p *Pending) {
	b.Helper()
	if _, err := p.Wait(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkBlock is a block forward and backward, timed by the GPU.
func BenchmarkBlock(b *testing.B) {
	p, err := NewBlockPass(device(b), 8, 1024, 512)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for start := time.Now(); time.Since(start) < 500*time.Millisecond; {
		if _, err := p.Time(); err != nil {
			b.Fatal(err)
		}
	}
	var all time.Duration
	for b.Loop() {
		t, err := p.Time()
		if err != nil {
			b.Fatal(err)
		}
		all += t
	}
	b.ReportMetric(float64(all.Microseconds())/float64(b.N), "gpu-us/op")
	b.ReportMetric(float64(p.Dispatches()), "dispatches")
	for _, k := range blockTimes(b, p) {
		fmt.Printf("%-32s %-18s %4d runs %9.0f us\n", k.Kernel, k.Shape, k.Runs, float64(k.Time.Nanoseconds())/1e3)
	}
}

func blockTimes(b *testing.B, p *BlockPass) []KernelTime {
	b.Helper()
	if err := p.machine.timed(); err != nil {
		b.Fatal(err)
	}
	if err := p.machine.run(plan{}, nil); err != nil {
		b.Fatal(err)
	}
	return gathered(p.machine.timings())
}
