package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/testdata"
	"github.com/mambagpu/mambagpu/wgpu"
	"github.com/stretchr/testify/require"
)

// runVerify runs the command and returns its exit status and what it printed.
func runVerify(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(context.Background(), append([]string{"verify"}, args...), strings.NewReader(""), &out, &errs)
	return status, out.String(), errs.String()
}

// verifyJSON runs the command with --json and decodes what it printed, which
// has no member that the types here lack.
func verifyJSON(t *testing.T, args ...string) (status int, v verification) {
	t.Helper()
	status, stdout, _ := runVerify(t, append(args, "--json")...)
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v), stdout)
	require.False(t, d.More())
	return status, v
}

// verifyAdapters is the go backend, and the default adapter if there is one.
func verifyAdapters() []string {
	if hasGPU() {
		return []string{goAdapter, "0"}
	}
	return []string{goAdapter}
}

// TestVerifyOnGPU runs everything on the default adapter.
func TestVerifyOnGPU(t *testing.T) {
	if !hasGPU() {
		t.Skip("no adapter")
	}
	status, v := verifyJSON(t, "--adapter", "0")
	require.Equal(t, exitOK, status)
	require.True(t, v.Pass)
	require.NotEmpty(t, v.Version)
	require.Len(t, v.Devices, 1)
	d := v.Devices[0]
	require.True(t, d.Pass)
	require.NotEmpty(t, d.Adapter)
	require.NotEmpty(t, d.Backend)
	require.True(t, *d.Kernels.Pass)
	require.Empty(t, d.Kernels.Skipped)
	var names []string
	for _, k := range d.Kernels.Kernels {
		names = append(names, k.Kernel)
		require.True(t, k.Pass, k.Kernel)
		require.Len(t, k.Cases, len(cases.Of(k.Kernel)))
		require.LessOrEqual(t, float64(k.Share), 1.0, k.Kernel)
		for _, c := range k.Cases {
			require.True(t, c.Pass, "%s, %s: %s", k.Kernel, c.Case, c.Note)
			require.LessOrEqual(t, c.WorstAbs, k.WorstAbs)
		}
	}
	require.Equal(t, cases.Kernels(), names)
	require.Len(t, d.Ops.Checks, 99)
	require.Len(t, d.Model.Cases, 24)
}

// TestVerifyEveryKernel checks that no shader is left out.
func TestVerifyEveryKernel(t *testing.T) {
	kernels := cases.Kernels()
	for _, name := range shaders.Names() {
		require.Contains(t, kernels, name)
	}
}

// falsified writes the shipped reference vectors with one element of one tensor
// changed and returns the path.
func falsified(t *testing.T, name string, element int, value float32) string {
	t.Helper()
	data := slices.Clone(testdata.Ops)
	start := 8 + binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		Offsets [2]uint64 `json:"data_offsets"`
	}
	require.NoError(t, json.Unmarshal(data[8:start], &header))
	at := start + header[name].Offsets[0] + 4*uint64(element)
	binary.LittleEndian.PutUint32(data[at:], math.Float32bits(value))
	path := filepath.Join(t.TempDir(), "false.safetensors")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// TestVerifyFalsified expects what no kernel computes: one check fails, and its
// first wrong element is reported.
func TestVerifyFalsified(t *testing.T) {
	for _, adapter := range verifyAdapters() {
		for _, c := range []struct{ tensor, index, kernel string }{
			{"scan.3.y", "[0, 1, 35]", "selective_scan"},                     // (2, 33, 65)
			{"scan.6.last_state.im", "[0, 12, 4]", "selective_scan_complex"}, // (2, 16, 8)
			{"conv.0.y", "[0, 2, 26]", "causal_conv"},                        // (2, 24, 37)
		} {
			path := falsified(t, c.tensor, 100, 77)
			status, stdout, stderr := runVerify(t, "--adapter", adapter, "--ops", path)
			require.Equal(t, exitFailure, status)
			require.Contains(t, stdout, "\nFAIL: 98 of 99 checks passed\n")
			require.Contains(t, stdout, "\nThis is not what was expected. Please report these lines:\n")
			require.Contains(t, stdout, "\n  ops      "+c.tensor+" ("+c.kernel+"): "+c.index+" is ")
			require.Contains(t, stdout, ", want 77; 1 of ")
			require.Contains(t, stdout, "\n  adapter  ")
			require.Contains(t, stdout, "\n  backend  ")
			require.Contains(t, stdout, "\n  driver   ")
			require.Contains(t, stderr, "1 of 99 checks failed on ")

			status, v := verifyJSON(t, "--adapter", adapter, "--ops", path)
			require.Equal(t, exitFailure, status)
			require.False(t, v.Pass)
			require.False(t, v.Devices[0].Pass)
			require.False(t, v.Devices[0].Ops.Pass)
			for _, check := range v.Devices[0].Ops.Checks {
				require.Equal(t, check.Case+"."+check.Tensor != c.tensor, check.Pass)
				require.Equal(t, check.Pass, check.Note == "")
			}
		}
		path := falsified(t, "scan.0.y", 0, float32(math.NaN()))
		status, v := verifyJSON(t, "--adapter", adapter, "--ops", path)
		require.Equal(t, exitFailure, status)
		require.Contains(t, v.Devices[0].Ops.Checks[0].Note, "[0, 0, 0] is ")
		require.Contains(t, v.Devices[0].Ops.Checks[0].Note, ", want NaN; 1 of ")
	}
}

// TestRunCases gives the twins' results, but for one case that computes
// something else, one that cannot run, and one that loses a buffer.
func TestRunCases(t *testing.T) {
	a := &app{stdout: &output{w: new(bytes.Buffer)}, stderr: new(bytes.Buffer)}
	list := slices.Concat(cases.Of("rms_norm"), cases.Of("peaks"), cases.Of("residual_add"))
	wrong := func(c cases.Case) ([]cases.Arg, error) {
		got := c.RunTwin()
		switch c.String() {
		case list[1].String():
			got[2].F32[3] += 10
		case list[2].String():
			return nil, &wgpu.ShaderError{Label: "mamba.rms_norm", Err: errors.New("parsing error\n  line 2")}
		case list[3].String():
			return got[:1], nil
		case list[4].String():
			got[2].F32[0] = float32(math.NaN())
		}
		return got, nil
	}
	p, err := a.runCases(context.Background(), list, wrong)
	require.NoError(t, err)
	require.False(t, *p.Pass)
	require.Len(t, p.Kernels, 3)
	k := p.Kernels[0]
	require.False(t, k.Pass)
	require.True(t, p.Kernels[1].Pass)
	require.True(t, p.Kernels[2].Pass)
	require.True(t, k.Cases[0].Pass)
	require.Zero(t, k.Cases[0].Share)
	require.False(t, k.Cases[1].Pass)
	require.InDelta(t, 10, float64(k.Cases[1].WorstAbs), 1e-5)
	require.Greater(t, float64(k.Cases[1].Share), 1.0)
	require.Regexp(t, `^y\[3\] is \S+, want \S+; 1 of \d+ elements are wrong; \{Rows:`, k.Cases[1].Note)
	require.True(t, math.IsNaN(float64(k.Cases[2].WorstAbs)))
	require.Equal(t, "shader mamba.rms_norm: parsing error\n  line 2", k.Cases[2].Note)
	require.Contains(t, k.Cases[3].Note, "1 buffers, want 3")
	require.True(t, math.IsInf(float64(k.Cases[4].WorstAbs), 1))

	checks, failures := p.count()
	require.Equal(t, len(list), checks)
	require.Len(t, failures, 4)
	require.True(t, strings.HasPrefix(failures[0], "kernel   rms_norm, "+list[1].Name+": y[3] is "), failures[0])
	require.Equal(t, "kernel   rms_norm, "+list[4].Name, failures[3])

	v := deviceVerdict{Adapter: "A", Backend: "B", Driver: "C", Kernels: p}
	r := reporter{app: a}
	r.begin(v)
	r.part(p)
	r.end(v)
	text := a.stdout.w.(*bytes.Buffer).String()
	require.Contains(t, text, "\n  adapter  A\n  backend  B\n  driver   C\n  kernel   rms_norm, ")
	require.Contains(t, text, "no: 4 failed\n")
	require.Contains(t, text, "FAIL: ")

	data, err := json.Marshal(p)
	require.NoError(t, err)
	require.Contains(t, string(data), `"worst_abs":null,"worst_rel":null,"tolerance_share":null,"note":"shader mamba.rms_norm`)
}

// TestRunCasesPass gives the twins' results and no others.
func TestRunCasesPass(t *testing.T) {
	a := &app{stdout: &output{w: new(bytes.Buffer)}, stderr: new(bytes.Buffer)}
	p, err := a.runCases(context.Background(), cases.Of("peaks"), func(c cases.Case) ([]cases.Arg, error) { return c.RunTwin(), nil })
	require.NoError(t, err)
	require.True(t, *p.Pass)
	checks, failures := p.count()
	require.Equal(t, len(cases.Of("peaks")), checks)
	require.Empty(t, failures)

	stopped, stop := context.WithCancel(context.Background())
	stop()
	_, err = a.runCases(stopped, cases.Of("peaks"), nil)
	require.ErrorIs(t, err, errInterrupted)
}

func TestShare(t *testing.T) {
	want := []cases.Arg{{F32: []float32{99}}, {F32: []float32{2, -4}, Out: true}}
	got := func(v float32) []cases.Arg {
		return []cases.Arg{{F32: []float32{0}}, {F32: []float32{2, v}, Out: true}}
	}
	tol := cases.Tolerance{Abs: 0.25, Rel: 0.0625} // 0.5 of -4
	require.Zero(t, share(tol, got(-4), want))
	require.InDelta(t, 0.5, share(tol, got(-4.25), want), 1e-12)
	require.InDelta(t, 2, share(tol, got(-3), want), 1e-12)
	require.True(t, math.IsInf(share(tol, got(float32(math.NaN())), want), 1))
	require.True(t, math.IsInf(share(cases.Tolerance{}, got(-3), want), 1))
}

func TestMeasure(t *testing.T) {
	for m, want := range map[measure][3]string{
		0: {"0", "0 %", "0"}, 1.25e-7: {"1.2e-07", "0 %", "1.25e-7"}, 0.32: {"3.2e-01", "32 %", "0.32"},
		measure(math.Inf(1)): {"not finite", "not finite", "null"},
	} {
		data, err := json.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, want, [3]string{m.String(), m.percent(), string(data)})
	}
	none := measure(math.NaN())
	require.Equal(t, "-", none.String())
	require.Equal(t, "-", none.percent())
}

func TestVerifyInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	for _, adapter := range verifyAdapters() {
		var out, errs bytes.Buffer
		status := run(ctx, []string{"verify", "--adapter", adapter, "--json"}, strings.NewReader(""), &out, &errs)
		require.Equal(t, exitInterrupted, status)
		require.Empty(t, out.String())
	}
}

// TestVerifyStopped keeps the error of one device apart from the others.
func TestVerifyStopped(t *testing.T) {
	all := verification{Devices: []deviceVerdict{{Adapter: "A", Pass: true}, {Adapter: "B", Error: "no memory"}}}
	require.EqualError(t, all.err(), "B: no memory")
	var out bytes.Buffer
	r := reporter{app: &app{stdout: &output{w: &out}}}
	r.end(all.Devices[1])
	require.Contains(t, out.String(), "\n  adapter  B\n")
	require.Contains(t, out.String(), "\n  stopped  no memory\n")
	require.Contains(t, out.String(), "\nFAIL: B: no memory\n")
}
