package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"

	"github.com/mambagpu/mambagpu/bench"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders/opsfile"
	"github.com/mambagpu/mambagpu/wgpu"
	"github.com/spf13/cobra"
)

// verification is what --json prints.
type verification struct {
	Version string          `json:"version"`
	Pass    bool            `json:"pass"`
	Devices []deviceVerdict `json:"devices"`
}

// deviceVerdict is what one device was found to compute. The parts that were
// not asked for are missing.
type deviceVerdict struct {
	Adapter string       `json:"adapter"`
	Driver  string       `json:"driver"`
	Backend string       `json:"backend"`
	Pass    bool         `json:"pass"`
	Error   string       `json:"error,omitempty"` // what kept the checks from their end
	Kernels *kernelsPart `json:"kernels,omitempty"`
	Ops     *opsPart     `json:"ops,omitempty"`
	Train   *trainPart   `json:"train,omitempty"`
	Model   *modelPart   `json:"model,omitempty"`
}

// verifyOptions are the flags of verify.
type verifyOptions struct {
	from        source
	adapter     string
	allAdapters bool
	opsFile     string
	trainFile   string
	kernelsOnly bool
	modelOnly   bool
	asJSON      bool
}

func (a *app) verifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that this device computes what it should",
		Long: fmt.Sprintf(`Check that this device computes what it should, in four parts:

  - Every kernel on every one of its cases, which are made on the spot, against
    its twin: the same function in Go with float64 sums. Each case has its own
    tolerance. The go backend runs the twins, so that there is nothing to hold
    it against: this part is left out there, and that is said.
  - Scans and convolutions that PyTorch computed in float64, and their gradients,
    within %v of the largest expected value plus %v. --ops FILE checks those of
    another file instead, and nothing else: safetensors with tensors scan.K.u,
    conv.K.x, scan.K.grad.u and so on, the format of testdata/ops.safetensors in
    this program's sources.
  - A training of 20 steps by the reference implementation: the first step's
    logits and gradients, all losses, and the weights in the end. --train FILE
    checks that of another file instead, and nothing else: safetensors with
    init.NAME, input_ids, logits, grad.NAME, losses and final.NAME, the format of
    testdata/tiny_train.safetensors.
  - The cases of the model's expected.json, which the reference implementation
    made: the prompt's token ids, the logits after the prompt (within %v of the
    largest expected value), and the tokens that follow when the likeliest is
    taken each time, past the end of the text.

Exits with 1 if one check fails, and says what to report.`, opsfile.Tolerance.Rel, opsfile.Tolerance.Abs, logitTolerance),
		Example: `  mambagpu verify
  mambagpu verify --all-adapters
  mambagpu verify --adapter go
  mambagpu verify --ops FILE --json
  mambagpu verify --train FILE
  mambagpu verify --model DIR --model-only`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return a.verify(cmd.Context(), o)
		},
	}
	o.from.reference = true
	addModelFlag(cmd, &o.from)
	addTokenizerFlag(cmd, &o.from)
	addAdapterFlag(cmd, &o.adapter)
	flags := cmd.Flags()
	flags.BoolVar(&o.allAdapters, "all-adapters", false, "check every WebGPU adapter in turn, then the go backend")
	flags.Var(textFlag(&o.opsFile, "FILE"), "ops", "check the scans and convolutions of a safetensors `FILE` and nothing else")
	cmd.MarkFlagFilename("ops", "safetensors")
	flags.Var(textFlag(&o.trainFile, "FILE"), "train", "check the training in a safetensors `FILE` and nothing else")
	cmd.MarkFlagFilename("train", "safetensors")
	flags.BoolVar(&o.kernelsOnly, "kernels-only", false, "leave out the model")
	flags.BoolVar(&o.modelOnly, "model-only", false, "check the model only")
	addJSONFlag(cmd, &o.asJSON)
	return cmd
}

// check refuses flags that contradict each other.
func (o verifyOptions) check() error {
	model := o.from.dir != "" || o.from.tokenizer != ""
	switch {
	case o.allAdapters && o.adapter != "":
		return usagef("--adapter and --all-adapters exclude each other")
	case o.opsFile != "" && o.trainFile != "":
		return usagef("--ops and --train exclude each other")
	case o.trainFile != "" && (model || o.kernelsOnly || o.modelOnly):
		return usagef("--train checks the file and nothing else: it goes with --adapter, --all-adapters and --json only")
	case o.opsFile != "" && (model || o.kernelsOnly || o.modelOnly):
		return usagef("--ops checks the file and nothing else: it goes with --adapter, --all-adapters and --json only")
	case o.kernelsOnly && (model || o.modelOnly):
		return usagef("--kernels-only leaves out the model: it does not go with --model, --tokenizer or --model-only")
	}
	return nil
}

// verifyPlan is what is checked on each device. The parts that are left out
// are nil.
type verifyPlan struct {
	kernels bool
	ops     *opsfile.File
	opsName string
	train   bool
	file    string // with a training; empty for the one inside the program
	from    source
	model   []expectation
}

// plan reads what the devices are held against.
func (o verifyOptions) plan() (p verifyPlan, err error) {
	if o.opsFile != "" {
		p.opsName = o.opsFile
		p.ops, err = opsfile.Open(o.opsFile)
		return p, err
	}
	if o.trainFile != "" {
		p.train, p.file = true, o.trainFile
		f, err := checkpoint.OpenFile(o.trainFile) // before a device is opened
		if err != nil {
			return p, err
		}
		return p, f.Close()
	}
	if !o.kernelsOnly {
		p.from = o.from
		if p.model, err = o.from.readExpected(); err != nil {
			return p, err
		}
	}
	if !o.modelOnly {
		p.kernels, p.opsName, p.train = true, shippedOps, true
		p.ops, err = openShippedOps()
	}
	return p, err
}

// close releases the file.
func (p verifyPlan) close() {
	if p.ops != nil {
		p.ops.Close()
	}
}

func (a *app) verify(ctx context.Context, o verifyOptions) error {
	p, err := o.plan()
	if err != nil {
		return err
	}
	adapters := []string{o.adapter}
	if o.allAdapters {
		if adapters, err = a.everyAdapter(); err != nil {
			return err
		}
	}
	all := verification{Version: bench.ReadBuild().Version, Pass: true}
	for i, adapter := range adapters {
		show := reporter{app: a, quiet: o.asJSON, again: i > 0}
		v, err := a.verifyDevice(ctx, p, adapter, &show)
		if errors.Is(err, errInterrupted) {
			return err // the file stays open: work left behind may read it
		}
		if err != nil && !o.allAdapters {
			p.close()
			return err
		}
		if err != nil {
			v.Pass, v.Error = false, message(err)
		}
		show.end(v)
		all.Pass = all.Pass && v.Pass
		all.Devices = append(all.Devices, v)
	}
	p.close()
	if o.asJSON {
		a.printJSON(all)
	}
	return all.err()
}

// err sums up what failed.
func (all verification) err() error {
	failed, total := 0, 0
	var where []string
	for _, v := range all.Devices {
		if v.Error != "" {
			return fmt.Errorf("%s: %s", v.Adapter, v.Error)
		}
		checks, failures := v.count()
		total, failed = total+checks, failed+len(failures)
		if len(failures) > 0 {
			where = append(where, v.Adapter)
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d checks failed on %s", failed, total, strings.Join(where, " and "))
}

// everyAdapter is what --adapter takes for each device, the go backend last.
func (a *app) everyAdapter() ([]string, error) {
	entries, err := listDevices()
	if errors.Is(err, wgpu.ErrNoAdapter) {
		fmt.Fprintln(a.stderr, message(err))
	} else if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Adapter)
	}
	return names, nil
}

// verifyDevice runs the plan on one device and shows each part when it is done.
func (a *app) verifyDevice(ctx context.Context, p verifyPlan, adapter string, show *reporter) (v deviceVerdict, err error) {
	v = deviceVerdict{Adapter: adapter}
	dev, err := await(ctx, func() (*wgpu.Device, error) { return a.openDevice(adapter, p.model == nil) })
	if err != nil {
		return v, err
	}
	v.Adapter, v.Backend, v.Driver = goAdapter, "Go", runtime.Version()
	if dev != nil {
		info := dev.Info()
		v.Adapter, v.Backend, v.Driver = info.Name, info.Backend, info.Driver
	}
	show.begin(v)
	err = a.verifyKernels(ctx, p, dev, &v, show)
	if dev != nil && !errors.Is(err, errInterrupted) { // work left behind holds the device
		dev.Close()
	}
	if err != nil {
		return v, err
	}
	if p.model != nil {
		if v.Model, err = a.verifyModel(ctx, p.from, p.model, adapter); err != nil {
			return v, err
		}
		show.part(v.Model)
	}
	checks, failures := v.count()
	v.Pass = checks > 0 && len(failures) == 0
	return v, nil
}

// verifyKernels runs the parts of the plan that need no model; dev is nil for
// the go backend.
func (a *app) verifyKernels(ctx context.Context, p verifyPlan, dev *wgpu.Device, v *deviceVerdict, show *reporter) (err error) {
	if p.kernels {
		if v.Kernels, err = await(ctx, func() (*kernelsPart, error) { return a.checkKernels(ctx, dev) }); err != nil {
			return err
		}
		show.part(v.Kernels)
	}
	if p.ops != nil {
		if v.Ops, err = await(ctx, func() (*opsPart, error) { return a.checkOps(ctx, p.opsName, p.ops, dev) }); err != nil {
			return err
		}
		show.part(v.Ops)
	}
	if p.train {
		if v.Train, err = await(ctx, func() (*trainPart, error) { return a.checkTraining(ctx, p.file, dev) }); err != nil {
			return err
		}
		show.part(v.Train)
	}
	return nil
}

// openDevice opens the adapter that a model would be loaded onto; nil is the go
// backend, which takes over where no adapter was asked for and none is there.
// announce has that said, which loading a model does too.
func (a *app) openDevice(adapter string, announce bool) (*wgpu.Device, error) {
	name := cmp.Or(adapter, os.Getenv("MAMBAGPU_ADAPTER"))
	if name == goAdapter {
		return nil, nil
	}
	dev, err := wgpu.Open(&wgpu.Options{Adapter: name, Notices: a.stderr})
	if errors.Is(err, wgpu.ErrNoAdapter) && name == "" {
		if announce {
			fmt.Fprintln(a.stderr, "mambagpu: no WebGPU adapter found, running in plain Go (mambagpu devices says what to install)")
		}
		return nil, nil
	}
	return dev, err
}

// part is a part of what is checked on a device.
type part interface {
	// count returns how many checks there were and what failed, as lines.
	count() (checks int, failures []string)
	print(a *app)
}

// parts are those that were run.
func (v deviceVerdict) parts() []part {
	var list []part
	if v.Kernels != nil {
		list = append(list, v.Kernels)
	}
	if v.Ops != nil {
		list = append(list, v.Ops)
	}
	if v.Train != nil {
		list = append(list, v.Train)
	}
	if v.Model != nil {
		list = append(list, v.Model)
	}
	return list
}

func (v deviceVerdict) count() (checks int, failures []string) {
	for _, p := range v.parts() {
		n, lines := p.count()
		checks, failures = checks+n, append(failures, lines...)
	}
	return checks, failures
}

// measure is an error that was measured: infinite where something is not a
// finite number, NaN where there was nothing to measure. JSON has null for
// both.
type measure float64

// MarshalJSON is the number or null.
func (m measure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(m)) || math.IsInf(float64(m), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(m))
}

// String is the number with two digits.
func (m measure) String() string {
	switch {
	case math.IsNaN(float64(m)):
		return "-"
	case math.IsInf(float64(m), 0):
		return "not finite"
	case m == 0:
		return "0"
	}
	return fmt.Sprintf("%.1e", float64(m))
}

// percent is the number as a share.
func (m measure) percent() string {
	if math.IsNaN(float64(m)) || math.IsInf(float64(m), 0) {
		return m.String()
	}
	return fmt.Sprintf("%.0f %%", 100*float64(m))
}
