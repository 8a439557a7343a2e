package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Format names the form of a report's JSON. Fields are added, not changed.
const Format = "mambagpu-bench/1"

// Report is all that a run of the benchmarks found out.
type Report struct {
	Format  string    `json:"format"`
	Adapter string    `json:"adapter"`
	Vendor  string    `json:"vendor"`
	Kind    wgpu.Kind `json:"kind"`
	Driver  string    `json:"driver"`
	Backend string    `json:"backend"` // "Vulkan", "Metal", "DX12", "GL" or "Go"
	Build
	Date    time.Time      `json:"date"`
	Quick   bool           `json:"quick"`
	Partial bool           `json:"partial,omitempty"` // the run did not come to its end
	Tuning  shaders.Tuning `json:"tuning,omitempty"`  // variants other than the defaults
	Roofs   *Roofs         `json:"roofs"`             // null where there is no GPU to measure
	Results []Result       `json:"results"`
	Rows    []Row          `json:"rows"`    // what is compared with the CUDA reference
	Seconds float64        `json:"seconds"` // that the run took
}

// Result is one case: its samples, or why there are none.
type Result struct {
	Name  string  `json:"name"`  // the kernel's, or mamba_block, seed_layer, train, prefill, decode, long
	Shape string  `json:"shape"` // (8,2048,1024,16), 130m (1,2048)
	Bytes float64 `json:"bytes"` // that a run moves at least
	Flops float64 `json:"flops"` // that a run does at least; a multiply-add is two
	Clock string  `json:"clock,omitempty"`
	Summary
	Samples  []float64 `json:"samples_us,omitempty"`
	Runs     int       `json:"runs,omitempty"` // that each sample is the mean of
	GBs      float64   `json:"gb_per_s"`
	TFLOPs   float64   `json:"tflop_per_s"`
	Share    float64   `json:"roof_share"` // of the least time that the roofs allow
	Bound    string    `json:"bound,omitempty"`
	Model    string    `json:"model,omitempty"`      // 130m
	Weights  string    `json:"weights,omitempty"`    // of a model: F32, F16, BF16, Q8, Q4
	Batch    int       `json:"batch,omitempty"`      // sequences of a model's run
	Tokens   int       `json:"tokens,omitempty"`     // of all sequences of a model's run
	Dispatch int       `json:"dispatches,omitempty"` // of a run
	Submits  float64   `json:"submissions,omitempty"`
	HostUS   float64   `json:"host_us,omitempty"`      // that the host spends on a run without waiting
	Memory   uint64    `json:"memory_bytes,omitempty"` // of the device, that a model holds after its runs
	// Kernels are the shares of a training step, each run timed by itself, which adds
	// what starting it costs.
	Kernels []KernelShare `json:"kernels,omitempty"`
	Error   string        `json:"error,omitempty"`   // the result was wrong: nothing was timed
	Skipped string        `json:"skipped,omitempty"` // why the case was left out
}

// The larger of the two times that the roofs allow.
const (
	boundMemory  = "memory"
	boundCompute = "compute"
)

// Key names the case within a report.
func (r *Result) Key() string { return r.Name + " " + r.Shape }

// Timed reports whether there are samples.
func (r *Result) Timed() bool { return len(r.Samples) > 0 }

// Intensity is the multiply-add operations for each byte.
func (r *Result) Intensity() float64 {
	if r.Bytes == 0 {
		return 0
	}
	return r.Flops / r.Bytes
}

// settle sets what follows from the samples.
func (r *Result) settle(samples []float64, clock string, roofs *Roofs) {
	r.Samples, r.Clock, r.Summary = samples, clock, Summarize(samples)
	if r.Median <= 0 {
		return
	}
	r.GBs, r.TFLOPs = r.Bytes/r.Median/1e3, r.Flops/r.Median/1e6
	least, memory := roofs.Least(r.Bytes, r.Flops)
	if least == 0 {
		return
	}
	r.Share, r.Bound = roofs.Share(r.Bytes, r.Flops, r.Median), boundCompute
	if memory {
		r.Bound = boundMemory
	}
}

// Wrong counts the cases whose result was wrong.
func (r *Report) Wrong() int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Error != "" {
			n++
		}
	}
	return n
}

// Clocks is a line about how times were taken.
func (r *Report) Clocks() string {
	gpu := false
	for i := range r.Results {
		gpu = gpu || r.Results[i].Clock == clockGPU
	}
	if r.Roofs != nil {
		gpu = gpu || r.Roofs.Clock == clockGPU
	}
	if gpu {
		return "clock gpu: the GPU's timestamps around a compute pass of one or more runs; wall: the host's time, submission and waiting included"
	}
	return "clock wall: the host's time, submission and waiting included"
}

// WriteJSON writes the report with every sample.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// ReadJSON reads what WriteJSON wrote.
func ReadJSON(r io.Reader) (*Report, error) {
	var out Report
	if err := json.NewDecoder(r).Decode(&out); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if out.Format != Format {
		return nil, fmt.Errorf("bench: format %q, want %q", out.Format, Format)
	}
	return &out, nil
}
