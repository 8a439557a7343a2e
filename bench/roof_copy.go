package bench

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

//go:embed copy.wgsl
var copySource string

// copyBytes is the size of each of copy's buffers: far more than caches hold.
func copyBytes(dev *wgpu.Device) uint64 {
	want := uint64(256 << 20)
	if dev.Info().Kind == wgpu.CPU {
		want = 64 << 20
	}
	l := dev.Limits()
	return min(want, l.MaxStorageBinding, l.MaxBufferSize) / copyGroup * copyGroup
}

// copyGroup is a multiple of the bytes that a workgroup of any variant copies.
const copyGroup = 256 * 16 * 8

// measureCopy is the bandwidth of the fastest variant.
func measureCopy(ctx context.Context, dev *wgpu.Device, e effort) (Roof, error) {
	src, dst, err := copyPair(dev)
	if err != nil {
		return Roof{}, err
	}
	size := src.Size()
	defer src.Close()
	defer dst.Close()
	pattern := floats("src", int(size/4), -1, 1)
	if err := pattern.fill(src); err != nil {
		return Roof{}, err
	}
	var best Roof
	for _, each := range []int{2, 4, 8} {
		run, err := newCopy(dev, each, size, src, dst)
		if err != nil {
			return Roof{}, err
		}
		defer run.Close()
		if err := checkCopy(dev, run, &pattern, dst); err != nil {
			return Roof{}, err
		}
		t, err := timeRuns(ctx, dev, []*wgpu.Dispatch{run}, e)
		if err != nil {
			return Roof{}, err
		}
		best = best.better(newRoof(fmt.Sprintf("%d vectors an invocation", each), t.samples, 2*float64(size)/1e3))
	}
	return best, nil
}

// copyPair makes the two buffers, smaller where the device has no room.
func copyPair(dev *wgpu.Device) (src, dst *wgpu.Buffer, err error) {
	for size := copyBytes(dev); size >= copyGroup; size = size / 2 / copyGroup * copyGroup {
		if src, err = dev.NewBuffer("copy.src", size); err != nil {
			continue
		}
		if dst, err = dev.NewBuffer("copy.dst", size); err == nil {
			return src, dst, nil
		}
		src.Close()
	}
	return nil, nil, err
}

func newCopy(dev *wgpu.Device, each int, size uint64, src, dst *wgpu.Buffer) (*wgpu.Dispatch, error) {
	offsets := make([]int, each)
	for i := range offsets {
		offsets[i] = 256 * i
	}
	source, err := render(copySource, map[string]any{"Each": each, "Vectors": 256 * each, "Offsets": offsets})
	if err != nil {
		return nil, err
	}
	p, err := dev.Pipeline("bench.copy", source)
	if err != nil {
		return nil, err
	}
	return dev.NewDispatch(p, nil, []*wgpu.Buffer{src, dst}, [3]uint32{uint32(size / uint64(16*256*each)), 1, 1})
}

// checkCopy runs a copy and compares the ends.
func checkCopy(dev *wgpu.Device, run *wgpu.Dispatch, pattern *array, dst *wgpu.Buffer) error {
	if err := runOnce(dev, run); err != nil {
		return err
	}
	const n = 4096
	for _, first := range []int{0, pattern.len / 2, pattern.len - n} {
		got := make([]float32, n)
		if err := wgpu.Download(dst, 4*uint64(first), got); err != nil {
			return err
		}
		for i, v := range got {
			if v != pattern.at(first+i) {
				return fmt.Errorf("bench: copy: element %d is %v, want %v", first+i, v, pattern.at(first+i))
			}
		}
	}
	return nil
}
