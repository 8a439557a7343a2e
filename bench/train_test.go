package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/train"
)

// The operations of the recipe's step, counted by hand: three times two for each
// weight of a product and token, and those of the scan.
func TestTrainingWork(t *testing.T) {
	c := stepTraining(64, 512)
	weights := 8*(256*1024+512*48+16*512+512*256+512*4) + 256*4096
	require.InDelta(t, 32768*(6*float64(weights)+8*26*512*16), c.result.Flops, 1)
	require.Equal(t, "train 4.5m (64,512)", c.result.Key())
	require.Equal(t, 32768, c.result.Tokens)
}

// Steps are measured on plain Go too, and each sample is of a step.
func TestTrainingOnGo(t *testing.T) {
	r, err := Run(context.Background(), nil, &Options{Quick: true, Only: []string{trainName, blockTrainName}})
	require.NoError(t, err)
	require.Len(t, r.Results, 4)
	for _, res := range r.Results {
		require.Equal(t, res.Key() == "train 4.5m (1,32)", res.Timed(), res.Key())
		require.Empty(t, res.Error)
	}
	for _, fault := range r.Faults() {
		require.Contains(t, fault, "skipped")
	}
}

func TestGradientsThatDiffer(t *testing.T) {
	want := map[string][]float32{"a": {1, -2}, "b": {0}}
	require.NoError(t, compareTensors("x", map[string][]float32{"a": {1, -2.0001}, "b": {0}}, want))
	var wrong *gradientError
	require.ErrorAs(t, compareTensors("x", map[string][]float32{"a": {1.001, -2}, "b": {0}}, want), &wrong)
	require.Equal(t, "a", wrong.tensor)
	res := Result{Name: trainName}
	require.NoError(t, res.judge(wrong))
	require.Contains(t, res.Error, "differs from the twins'")
}

func TestShares(t *testing.T) {
	shares := kernelShares([]train.KernelTime{{Kernel: "matmul", Shape: "1x2x3", Runs: 2, Time: 3000}, {Kernel: "adamw", Runs: 1, Time: 1000}})
	require.Equal(t, []KernelShare{{"matmul", "1x2x3", 2, 3, 0.75}, {"adamw", "", 1, 1, 0.25}}, shares)
	r := &Report{Results: []Result{{Name: trainName, Shape: "s", Tokens: 4, Kernels: shares}}}
	require.Contains(t, r.Tables()[0].Rows, []string{"matmul", "1x2x3", "2", "3.00 us", "75.0%"})
}
