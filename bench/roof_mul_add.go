package bench

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/wgpu"
)

//go:embed mul_add.wgsl
var mulAddSource string

// The multiply-adds of an invocation of mul_add in a round: 8 of each of 8
// vectors of 4.
const roundFlops = 2 * 8 * 8 * 4

// mulAddGroups is the number of workgroups: enough to fill the device many
// times over.
func mulAddGroups(dev *wgpu.Device) int {
	if dev.Info().Kind == wgpu.CPU {
		return 64
	}
	return 8192
}

// mulAddTime is how long a run of mul_add should take, in microseconds.
const mulAddTime = 10e3

// measureMulAdd is the rate of the faster of fma(a, x, y) and a x + y, which
// compilers may fuse.
func measureMulAdd(ctx context.Context, dev *wgpu.Device, e effort) (Roof, error) {
	n := 256 * mulAddGroups(dev)
	out, err := dev.NewBuffer("mul_add.out", uint64(16*n))
	if err != nil {
		return Roof{}, err
	}
	defer out.Close()
	var best Roof
	for _, fused := range []bool{true, false} {
		r, err := measureMulAddVariant(ctx, dev, e, fused, n, out)
		if err != nil {
			return Roof{}, err
		}
		best = best.better(r)
	}
	return best, nil
}

func measureMulAddVariant(ctx context.Context, dev *wgpu.Device, e effort, fused bool, n int, out *wgpu.Buffer) (Roof, error) {
	name := map[bool]string{true: "fma", false: "multiply and add"}[fused]
	rounds := 4
	run, err := newMulAdd(dev, fused, rounds, n, out)
	if err != nil {
		return Roof{}, err
	}
	if err := checkMulAdd(dev, run, rounds, out); err != nil {
		run.Close()
		return Roof{}, err
	}
	for {
		one := effort{samples: 1, least: 1}
		t, err := timeRuns(ctx, dev, []*wgpu.Dispatch{run}, one)
		run.Close()
		if err != nil {
			return Roof{}, err
		}
		enough := t.samples[0] > mulAddTime/3 || rounds >= 1<<20
		if !enough {
			rounds *= min(max(int(mulAddTime/max(t.samples[0], 1)), 2), 32)
		}
		if run, err = newMulAdd(dev, fused, rounds, n, out); err != nil {
			return Roof{}, err
		}
		if enough {
			break
		}
	}
	defer run.Close()
	t, err := timeRuns(ctx, dev, []*wgpu.Dispatch{run}, e)
	if err != nil {
		return Roof{}, err
	}
	return newRoof(name, t.samples, float64(n)*float64(rounds)*roundFlops/1e6), nil
}

// mulAddX and mulAddY make an accumulator swing between a and 1 - a: it stays
// bounded, and its bits change at every step as those of real sums do.
const (
	mulAddX = float32(-0.9999)
	mulAddY = float32(1)
)

func newMulAdd(dev *wgpu.Device, fused bool, rounds, n int, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	source, err := render(mulAddSource, map[string]any{"Fused": fused, "Eight": span(0, 8)})
	if err != nil {
		return nil, err
	}
	p, err := dev.Pipeline("bench.mul_add", source)
	if err != nil {
		return nil, err
	}
	params := binary.LittleEndian.AppendUint32(nil, uint32(rounds))
	params = binary.LittleEndian.AppendUint32(params, math.Float32bits(mulAddX))
	params = binary.LittleEndian.AppendUint32(params, math.Float32bits(mulAddY))
	params = append(params, 0, 0, 0, 0)
	return dev.NewDispatch(p, params, []*wgpu.Buffer{out}, [3]uint32{uint32(n / 256), 1, 1})
}

// checkMulAdd runs mul_add and compares the first and the last workgroup.
func checkMulAdd(dev *wgpu.Device, run *wgpu.Dispatch, rounds int, out *wgpu.Buffer) error {
	if err := runOnce(dev, run); err != nil {
		return err
	}
	for _, first := range []uint64{0, out.Size() - 16*256} {
		got := make([]float32, 4*256)
		if err := wgpu.Download(out, first, got); err != nil {
			return err
		}
		for i, v := range got {
			if want := mulAddTwin(i, rounds); !(math.Abs(float64(v)-want) <= 1e-5*want) {
				return fmt.Errorf("bench: mul_add: element %d is %v, want %v", i, v, want)
			}
		}
	}
	return nil
}

// mulAddTwin is component i of a workgroup's output.
func mulAddTwin(i, rounds int) float64 {
	sum := 0.0
	for k := range 8 {
		a := float64(i%4)/4 + float64(i/4)/256 + float64(k)
		for range 8 * rounds {
			a = a*float64(mulAddX) + float64(mulAddY)
		}
		sum += a
	}
	return sum
}
