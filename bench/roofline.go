package bench

import (
	"bytes"
	"context"
	"fmt"
	"text/template"

	"github.com/mambagpu/mambagpu/wgpu"
)

// Roof is a limit of the device, as a kernel that does nothing else meets it.
type Roof struct {
	Summary
	Variant string    `json:"variant"` // of the kernel, the fastest
	Value   float64   `json:"value"`   // GB/s or TFLOP/s, at the median
	Samples []float64 `json:"samples_us"`
}

// Roofs are the limits of a device.
type Roofs struct {
	Copy   Roof   `json:"copy_gb_per_s"`       // bytes read and written
	MulAdd Roof   `json:"mul_add_tflop_per_s"` // multiply-adds, counted as two
	Clock  string `json:"clock"`
}

// Least is the least time, in microseconds, that the roofs allow for moving
// bytes and doing flops, and whether the bytes bound it. Without roofs it is
// zero.
func (r *Roofs) Least(bytes, flops float64) (us float64, memory bool) {
	if r == nil || r.Copy.Value == 0 || r.MulAdd.Value == 0 {
		return 0, false
	}
	move, compute := bytes/r.Copy.Value/1e3, flops/r.MulAdd.Value/1e6
	return max(move, compute), move >= compute
}

// Share is the part of the roof that a run of us microseconds reaches.
func (r *Roofs) Share(bytes, flops, us float64) float64 {
	least, _ := r.Least(bytes, flops)
	if us <= 0 {
		return 0
	}
	return least / us
}

// newRoof is the roof of which a run does work, in units per microsecond.
func newRoof(variant string, samples []float64, work float64) Roof {
	s := Summarize(samples)
	return Roof{Summary: s, Variant: variant, Value: work / s.Median, Samples: samples}
}

func (r Roof) better(other Roof) Roof {
	if other.Value > r.Value {
		return other
	}
	return r
}

// measureRoofs measures the limits of a device.
func measureRoofs(ctx context.Context, dev *wgpu.Device, e effort) (*Roofs, error) {
	move, err := measureCopy(ctx, dev, e)
	if err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	compute, err := measureMulAdd(ctx, dev, e)
	if err != nil {
		return nil, fmt.Errorf("mul_add: %w", err)
	}
	return &Roofs{move, compute, clockOf(dev)}, nil
}

// render fills a shader's template in.
func render(source string, variant any) (string, error) {
	t, err := template.New("").Parse(source)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, variant)
	return out.String(), err
}

func runOnce(dev *wgpu.Device, run ...*wgpu.Dispatch) error {
	pass := dev.NewPass("bench.once")
	pass.Dispatch(run...)
	if err := pass.Submit(); err != nil {
		return err
	}
	return dev.Wait()
}
