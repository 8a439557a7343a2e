package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/mambagpu/mambagpu/mamba/train"
	"github.com/stretchr/testify/require"
)

// TestTrainProgressLines goes on after step 10 of 30: a line for the first step, one
// every five seconds, and each evaluation's.
func TestTrainProgressLines(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out}
	o := trainOptions{run: train.RunOptions{Dir: "d", Steps: 30}, trainer: train.Options{Batch: 2, SeqLen: 5}}
	p := newTrainProgress(a, o)
	now := time.Unix(100, 0)
	p.now = func() time.Time { return now }
	p.begun, p.shown, p.first = now, now, 10
	trained := func(step int) train.Metric {
		return train.Metric{Step: step, Trained: &train.Trained{Loss: float64(step), Tokens: int64(10 * step)}}
	}
	p.note(trained(10))
	for step := 11; step <= 30; step++ {
		now = now.Add(time.Second)
		p.metric(trained(step))
		if step == 12 {
			p.metric(train.Metric{Step: step, Validated: &train.Validated{Loss: 1.5, Perplexity: 4.4817}})
		}
	}
	require.Equal(t, `step 11 of 30: loss 10.5000, 10 tokens/s, 19s left
step 12: validation loss 1.5000, perplexity 4.482
step 16 of 30: loss 13.0000, 10 tokens/s, 14s left
step 21 of 30: loss 15.5000, 10 tokens/s, 9s left
step 26 of 30: loss 18.0000, 10 tokens/s, 4s left
step 30 of 30: loss 20.5000, 10 tokens/s
`, out.String())
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"--lr": "--lr", "a/b.txt,c": "a/b.txt,c", "": "''", "my run": "'my run'", "it's": `'it'\''s'`, "$x": "'$x'",
	} {
		require.Equal(t, want, shellWord(word))
	}
}
