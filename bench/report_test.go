package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// testReport has a timed kernel, a model, a wrong case and one left out.
func testReport() *Report {
	r := &Report{
		Format: Format, Adapter: "NVIDIA Example", Vendor: "NVIDIA", Kind: wgpu.Discrete, Driver: "580.159", Backend: "Vulkan",
		Build: Build{Version: "v0.1.0", Commit: "0123456789abcdef", Modified: true, Go: "go1.26", Platform: "linux/amd64"},
		Date:  time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Roofs: testRoofs(),
	}
	scan := Result{Name: "selective_scan", Shape: "(8,2048,1024,16)", Bytes: 4e8, Flops: 2e9, Dispatch: 1}
	scan.settle([]float64{800, 820, 790}, clockGPU, r.Roofs)
	decode := Result{Name: decodeName, Shape: "130m batch 1", Bytes: 5e8, Flops: 2.6e8, Tokens: 1, Dispatch: 219, HostUS: 120}
	decode.settle([]float64{1000, 1010, 1020}, clockWall, r.Roofs)
	r.Results = []Result{scan, decode, {Name: "matmul", Shape: "(1,2,3)", Error: "c[0] = 1, want 2"},
		{Name: "matmul", Shape: "(4,5,6)", Skipped: "no room"}}
	return r
}

func TestSettle(t *testing.T) {
	r := testReport()
	scan := r.Results[0]
	require.Equal(t, "selective_scan (8,2048,1024,16)", scan.Key())
	require.InDelta(t, 500, scan.GBs, 1e-9)
	require.InDelta(t, 2.5, scan.TFLOPs, 1e-9)
	require.InDelta(t, 0.5, scan.Share, 1e-9)
	require.Equal(t, boundMemory, scan.Bound)
	require.InDelta(t, 5, scan.Intensity(), 1e-9)
	var none Result
	none.settle([]float64{5}, clockWall, nil)
	require.Empty(t, none.Bound)
	require.Zero(t, none.Share)
	require.Zero(t, none.Intensity())
}

func TestJSONRoundTrip(t *testing.T) {
	r := testReport()
	var b bytes.Buffer
	require.NoError(t, r.WriteJSON(&b))
	for _, member := range []string{`"adapter": "NVIDIA Example"`, `"driver": "580.159"`, `"backend": "Vulkan"`,
		`"commit": "0123456789abcdef"`, `"date": "2026-11-24T12:00:00Z"`, `"samples_us": [`, `"median_us": 800`, `"roof_share": 0.5`} {
		require.Contains(t, b.String(), member)
	}
	back, err := ReadJSON(&b)
	require.NoError(t, err)
	require.Equal(t, r, back)
}

func TestReadJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "bench: EOF",
		"{":                        "bench: unexpected EOF",
		"[]":                       "bench: json",
		"{}":                       `bench: format "", want "mambagpu-bench/1"`,
		`{"format":"other/1"}`:     `bench: format "other/1"`,
		`{"results":[{"name":1}]}`: "bench: json",
	} {
		_, err := ReadJSON(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestTables(t *testing.T) {
	r := testReport()
	tables := r.Tables()
	require.Len(t, tables, 3)
	require.Equal(t, []string{"selective_scan", "(8,2048,1024,16)", "800 us", "792 - 816 us", "500", "2.50", "50.0% memory", "gpu"}, tables[1].Rows[0])
	require.Equal(t, []string{"decode", "130m batch 1", "1.01 ms", "1.00 - 1.02 ms", "990", "495", "0.257", "49.5% memory", "219", "120 us", "wall"}, tables[2].Rows[0])
	for _, table := range tables {
		for _, row := range table.Rows {
			require.Len(t, row, len(table.Header))
		}
	}
	require.Equal(t, []string{"WRONG    matmul (1,2,3): c[0] = 1, want 2", "skipped  matmul (4,5,6): no room"}, r.Faults())
	require.Equal(t, 1, r.Wrong())
	require.Equal(t, "NVIDIA Example, Vulkan, 580.159, 0123456789+, 2026-11-24", r.Title())
	require.Contains(t, r.Clocks(), "timestamps")
	require.NotContains(t, (&Report{}).Clocks(), "timestamps")
	require.Empty(t, (&Report{}).Tables())
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, testReport().WriteMarkdown(&b))
	require.Contains(t, b.String(), "# NVIDIA Example, Vulkan")
	require.Contains(t, b.String(), "| selective_scan | (8,2048,1024,16) | 800 us |")
	require.Contains(t, b.String(), "\n- skipped matmul (4,5,6): no room\n")
	width := 0
	for line := range strings.Lines(b.String()) { // columns are in line
		switch {
		case !strings.HasPrefix(line, "|"):
			width = 0
		case width == 0:
			width = len(line)
		default:
			require.Len(t, line, width)
		}
	}
}

func TestFormatTime(t *testing.T) {
	for us, want := range map[float64]string{
		0: "0 us", 0.12345: "0.123 us", 9.999: "10.0 us", 82.04: "82.0 us", 627: "627 us", 999.6: "1.00 ms", 1240: "1.24 ms", 1.24e6: "1.24 s", 3.2e8: "320 s",
	} {
		require.Equal(t, want, FormatTime(us), us)
	}
}

func TestJudge(t *testing.T) {
	var r Result
	require.NoError(t, r.judge(nil))
	require.False(t, r.failed())
	require.NoError(t, r.judge(&cases.MismatchError{Kernel: "matmul"}))
	require.NotEmpty(t, r.Error)
	r = Result{}
	require.NoError(t, r.judge(&differError{0.5}))
	require.Contains(t, r.Error, "differ by 0.5 of the largest")
	r = Result{}
	require.NoError(t, r.judge(&wgpu.LimitError{Label: "u", Name: "memory budget", Need: 2, Have: 1}))
	require.Contains(t, r.Skipped, "memory budget")
	r = Result{Name: "matmul", Shape: "(1)"}
	require.ErrorContains(t, r.judge(wgpu.ErrClosed), "matmul (1): wgpu: closed")
}
