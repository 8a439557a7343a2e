package bench

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// referenceReport has a case for every row of the page: fast ones, or as slow as
// half the reference's speed.
func referenceReport(slow bool) *Report {
	r := testReport()
	r.Adapter = "NVIDIA H100 80GB HBM3"
	r.Results = nil
	for _, t := range targets {
		us := t.stretch * 0.9
		if slow {
			us = t.reference * 2
		}
		switch t.unit {
		case unitMS:
			us *= 1e3
		case unitTFLOPs:
			us = 2 * 4096 * 4096 * 4096 / (t.stretch * 1.1) / 1e6
			if slow {
				us = 2 * 4096 * 4096 * 4096 / (t.reference / 2) / 1e6
			}
		}
		r.Results = append(r.Results, resultOf(r, t.key, us))
	}
	return r
}

// resultOf is the case of that key, timed.
func resultOf(r *Report, key string, us float64) Result {
	var found *Result
	for _, c := range allKernelCases() {
		if c.name+" "+c.shape == key {
			found = &Result{Name: c.name, Shape: c.shape, Bytes: c.bytes, Flops: c.flops}
		}
	}
	for _, c := range trainingCases() {
		if c.result.Key() == key {
			found = &c.result
		}
	}
	for _, size := range modelSizes {
		for _, weights := range []shaders.DType{shaders.F32, shaders.F16, shaders.Q8, shaders.Q4} {
			spec := size.spec(weights)
			for _, c := range spec.cases() {
				if c.name+" "+c.shape(spec.label()) == key {
					found = &Result{Name: c.name, Shape: c.shape(spec.label()), Model: spec.name, Weights: weights.String(), Batch: c.batch, Tokens: c.batch * c.length}
					found.Bytes, found.Flops = c.work(&spec)
				}
			}
		}
	}
	if found == nil {
		panic("no case is " + key)
	}
	found.settle([]float64{us}, clockGPU, r.Roofs)
	return *found
}

// Every line of the table is the measurement of a case that exists.
func TestRows(t *testing.T) {
	rows := referenceReport(false).rows()
	require.Len(t, rows, len(targets))
	for _, row := range rows {
		require.NotNil(t, row.Value, row.Work)
		require.Greater(t, *row.Ratio, 1.0, row.Work)
		require.True(t, row.Reached, row.Work)
		require.True(t, row.StretchReached, row.Work)
	}
	for _, row := range referenceReport(true).rows() {
		require.InDelta(t, 0.5, *row.Ratio, 1e-9, row.Work)
		require.False(t, row.Reached, row.Work)
	}
	require.InDelta(t, 52.8, *rows[5].Value, 1e-9)
	require.Equal(t, "TFLOP/s", rows[5].Unit)
	require.InDelta(t, 63, *rows[7].Value, 1e-9)
	require.Equal(t, "ms", rows[7].Unit)
}

func TestRowWithoutValue(t *testing.T) {
	r := &Report{Results: []Result{{Name: "matmul", Shape: "(4096,4096,4096)", Skipped: "no room"}}}
	rows := r.rows()
	require.Len(t, rows, 1)
	require.Nil(t, rows[0].Value)
	require.Equal(t, "no room", rows[0].Why)
}

// What stands in the way is said of lines that exist.
func TestLimitsAreOfTargets(t *testing.T) {
	known := map[string]bool{}
	for _, target := range targets {
		known[target.work] = true
	}
	for work := range limits {
		require.True(t, known[work], work)
	}
}

// bench/RESULTS.md is what the reports in bench/results give.
func TestResultsPageIsUpToDate(t *testing.T) {
	reports, err := ReadResults(os.DirFS("results"))
	require.NoError(t, err)
	require.NotEmpty(t, reports)
	var want bytes.Buffer
	require.NoError(t, WritePage(&want, reports, "results"))
	got, err := os.ReadFile("RESULTS.md")
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got), "make bench RUN=no writes bench/RESULTS.md anew")
	for _, group := range ByAdapter(reports) {
		for _, chart := range Charts(group) {
			for _, format := range []string{"svg", "png"} {
				require.FileExists(t, ChartFile("results", group[0].Name, chart.Name, format))
			}
		}
	}
}

// So is the table in the README.
func TestReadmeIsUpToDate(t *testing.T) {
	reports, err := ReadResults(os.DirFS("results"))
	require.NoError(t, err)
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	want, err := ReplaceTable(string(readme), reports)
	require.NoError(t, err)
	require.Equal(t, want, string(readme), "make bench RUN=no writes the table in README.md anew")
}

func TestReplaceTable(t *testing.T) {
	reports := []Named{{"h100", referenceReport(false)}}
	first, err := ReplaceTable("before\n"+tableBegin+"old\n"+tableEnd+"after\n", reports)
	require.NoError(t, err)
	require.Contains(t, first, "before\n"+tableBegin)
	require.Contains(t, first, "| matmul f32 4096^3 ")
	require.Contains(t, first, tableEnd+"after\n")
	require.NotContains(t, first, "old")
	again, err := ReplaceTable(first, reports)
	require.NoError(t, err)
	require.Equal(t, first, again)
	for _, document := range []string{"", tableBegin, tableEnd + tableBegin} {
		_, err := ReplaceTable(document, reports)
		require.ErrorContains(t, err, "no place for a table")
	}
}

func TestPage(t *testing.T) {
	fast, slow := referenceReport(false), referenceReport(true)
	for _, key := range []string{"matmul (2048,3072,768)", "matmul (2048,80,1536)", "dt_proj (2048,1536,48)", "matmul (2048,768,1536)"} {
		fast.Results = append(fast.Results, resultOf(fast, key, 2000))
	}
	for states, us := range map[string]float64{"16": 100, "64": 440, "128": 1200} {
		fast.Results = append(fast.Results, resultOf(fast, "selective_scan (4,2048,1024,"+states+")", us))
	}
	cpu := testReport()
	cpu.Kind, cpu.Adapter = wgpu.CPU, "llvmpipe"
	reports := []Named{{"lavapipe", cpu}, {"h100-other", slow}, {"h100", fast}}
	SortReports(reports)
	var b bytes.Buffer
	require.NoError(t, WritePage(&b, reports, "results"))
	page := b.String()
	for _, want := range []string{
		"## NVIDIA H100 80GB HBM3", "## llvmpipe", "[h100-other](results/h100-other.json)", "stretch reached",
		"| work ", "mambagpu, h100 ", "ratio, h100-other ", "| 130m  | in_proj ", "| 128 |", "1.10", "1.50",
		"![Roofline of NVIDIA H100 80GB HBM3](results/h100-roofline.svg)", "![Time of a decoding step by model and weights](results/h100-decode.svg)",
	} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "![Time and memory of prefill") // nothing was measured
	b.Reset()
	require.NoError(t, WritePage(&b, []Named{{"h100", slow}}, "results"))
	require.Contains(t, b.String(), "**not reached**")
}

func TestCharts(t *testing.T) {
	fast, slow := referenceReport(false), referenceReport(true)
	for e := shortestLog; e < longestLog; e++ {
		c := Result{Name: longName, Model: longModel, Weights: "F16", Batch: 1, Tokens: 1 << e, Memory: 100 << 20}
		c.settle([]float64{float64(int(1) << e)}, clockWall, nil)
		fast.Results = append(fast.Results, c)
	}
	charts := Charts([]Named{{"h100", fast}, {"h100-other", slow}})
	var names []string
	for _, c := range charts {
		names = append(names, c.Name)
		for _, format := range []string{"svg", "png"} {
			var b bytes.Buffer
			require.NoError(t, c.Write(&b, format))
			require.NotZero(t, b.Len())
			if format == "svg" && c.Name != "roofline" && c.Name != "long" {
				require.Contains(t, b.String(), "mamba-ssm (CUDA)")
			}
		}
	}
	require.Equal(t, []string{"roofline", "scan", "decode", "long"}, names)
	require.Empty(t, Charts([]Named{{"go", &Report{Adapter: "go"}}}))
}

func TestSlug(t *testing.T) {
	require.Equal(t, "nvidia-h100-80gb-hbm3", (&Report{Adapter: "NVIDIA H100 80GB HBM3"}).Slug())
	require.Equal(t, "llvmpipe-llvm-15-0-6-256-bits", (&Report{Adapter: "llvmpipe (LLVM 15.0.6, 256 bits)"}).Slug())
}
