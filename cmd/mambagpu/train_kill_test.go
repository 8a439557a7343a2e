//go:build unix

package main

import (
	"bytes"
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// killArgs is a small training into a folder, which ends with 68 lines of metrics.
func killArgs(adapter, out string) []string {
	return []string{"train", "--adapter", adapter, "--out", out, "--resume",
		"--data", "../../testdata/tokenizer-training/sample.txt", "--valid", "../../testdata/tokenizer-training/sample.txt",
		"--tokenizer", "../../testdata/tokenizer-training/tokenizer.json", "--config", "d_model=16,n_layer=1,d_state=4",
		"--steps", "60", "--batch", "2", "--seq-len", "16", "--lr", "0.01", "--ema", "0.9", "--valid-tokens", "64",
		"--eval-every", "8", "--save-every", "5", "--keep", "100"}
}

// TestTrainKilled kills a training at a random moment, twice, and takes it on to the
// end: it leaves the files of one that was not killed, byte for byte but for the
// seconds.
func TestTrainKilled(t *testing.T) {
	for _, adapter := range verifyAdapters() {
		t.Run(adapter, func(t *testing.T) {
			whole, killed := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
			status, stderr := runTrain(t, killArgs(adapter, whole))
			require.Equal(t, exitOK, status, stderr)
			kill(t, killArgs(adapter, killed), killed, 1+rand.IntN(20), nil)
			kill(t, killArgs(adapter, killed), killed, 30+rand.IntN(25), nil)
			status, stderr = runTrain(t, killArgs(adapter, killed))
			require.Equal(t, exitOK, status, stderr)
			want, got := trainingFiles(t, whole), trainingFiles(t, killed)
			require.Contains(t, want, filepath.Join("checkpoints", "step-000060", "optimizer.safetensors"))
			for name := range want {
				require.Equal(t, want[name], got[name], name)
			}
			require.Len(t, got, len(want))
		})
	}
}

func runTrain(t *testing.T, args []string) (status int, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return status, errs.String()
}

// kill runs a training in a process of its own, and kills it as soon as its metrics
// have so many lines, and before, if there is one, has been called.
func kill(t *testing.T, args []string, dir string, lines int, before func()) {
	t.Helper()
	metrics := func() int {
		data, _ := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
		return bytes.Count(data, []byte("\n"))
	}
	cmd := command(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		close(done)
	}()
	for metrics() < lines {
		select {
		case <-done:
			t.Fatalf("ended before it was killed: %s", stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
	if before != nil {
		before()
	}
	require.NoError(t, cmd.Process.Kill())
	<-done
	require.Equal(t, -1, cmd.ProcessState.ExitCode(), "not killed: %s", stderr.String())
	require.FileExists(t, filepath.Join(dir, "training.lock"))
	t.Logf("killed with %d lines of metrics", metrics())
}

// TestTrainTwice has a second process train into a folder while one does: it says so and
// leaves the folder alone.
func TestTrainTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	args := append(killArgs("go", dir), "--steps", "1000000")
	kill(t, args, dir, 1, func() {
		status, stderr := runTrain(t, args)
		require.Equal(t, exitFailure, status, stderr)
		require.Contains(t, stderr, "another run is training into "+dir)
	})
}

// trainingFiles reads the files of a training, without the seconds in them and
// without the drawings.
func trainingFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	seconds := regexp.MustCompile(`"seconds": ?[0-9.e-]+`)
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "loss.") {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = seconds.ReplaceAllString(string(data), "")
		return err
	}))
	return all
}
