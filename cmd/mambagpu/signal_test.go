//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/bench"
)

// command is the program as its own process, by a link to the test binary that
// has its name.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "mambagpu")
	require.NoError(t, os.Symlink(self, link))
	return exec.Command(link, args...)
}

var endless = []string{"generate", "--adapter", "go", "--ignore-eos", "--max-tokens", "100000000"}

func exitStatus(t *testing.T, err error) int {
	t.Helper()
	e, ok := errors.AsType[*exec.ExitError](err)
	require.True(t, ok, "%v", err)
	return e.ExitCode()
}

func TestInterruptKeepsText(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := command(t, endless...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		begin := make([]byte, 20)
		_, err = io.ReadFull(out, begin)
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(sig))
		rest, err := io.ReadAll(out)
		require.NoError(t, err)
		require.Equal(t, exitInterrupted, exitStatus(t, cmd.Wait()))
		text := string(begin) + string(rest)
		require.True(t, strings.HasPrefix(text, "\n\n\"What's that about"), "%q", text)
		require.True(t, strings.HasSuffix(text, "\n"), "%q", text)
		require.Empty(t, stderr.String())
	}
}

func TestInterruptKeepsJSON(t *testing.T) {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		var stdout, stderr bytes.Buffer
		status := run(ctx, append(endless, "--json"), strings.NewReader(""), &stdout, &stderr)
		cancel()
		require.Equal(t, exitInterrupted, status)
		require.Empty(t, stderr.String())
		if stdout.Len() == 0 { // the model was still loading
			continue
		}
		var g generation
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &g))
		require.Equal(t, finishInterrupted, g.Finish)
		if len(g.IDs) > 4 {
			require.True(t, strings.HasPrefix(*g.Text, "\n\n\"What"), *g.Text)
			return
		}
	}
}

func TestInterruptWhileReading(t *testing.T) {
	cmd := command(t, "tokenize", "-")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	require.NoError(t, cmd.Start())
	// More than a pipe holds: once it is written, the program is reading.
	_, err = in.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, exitStatus(t, cmd.Wait()))
}

func TestClosedPipe(t *testing.T) {
	for _, args := range [][]string{endless, {"verify", "--adapter", "go"}, {"info"}, {"devices"}, {"--help"}, {"tokenize", "a"}} {
		cmd := command(t, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		r, w, err := os.Pipe()
		require.NoError(t, err)
		cmd.Stdout = w
		require.NoError(t, r.Close())
		require.NoError(t, cmd.Run(), args)
		w.Close()
		require.NotContains(t, stderr.String(), "pipe")
		require.NotContains(t, stderr.String(), "panic")
	}
}

// TestInterruptSavesTraining goes on from where a training was interrupted.
func TestInterruptSavesTraining(t *testing.T) {
	out := filepath.Join(t.TempDir(), "my run")
	args := append(killArgs("go", out), "--steps", "1000000", "--save-every", "1000000", "--eval-every", "1000000")
	cmd := command(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	for {
		if data, _ := os.ReadFile(filepath.Join(out, "metrics.jsonl")); len(data) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, exitStatus(t, cmd.Wait()))
	require.Regexp(t, `\nmambagpu: interrupted after step \d+, saved in .*/my run/checkpoints/step-\d+; go on with\n`+
		`  mambagpu train --adapter go --out '.*/my run' --resume `, stderr.String())
	saved, err := filepath.Glob(filepath.Join(out, "checkpoints", "step-*", "model.safetensors"))
	require.NoError(t, err)
	require.Len(t, saved, 1)
}

// What bench measured before a signal stays in FILE.partial, and a whole report is not
// replaced by a part of one.
func TestInterruptKeepsMeasurements(t *testing.T) {
	if !hasGPU() {
		t.Skip("no adapter")
	}
	file := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, os.WriteFile(file, []byte("{}"), 0o644))
	cmd := command(t, "bench", "--quick", "--only", "residual_add,rms_norm,last_rows,layer_norm", "--json", file)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		_, err := os.Stat(file + ".partial")
		return err == nil
	}, time.Minute, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, exitStatus(t, cmd.Wait()))
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "{}", string(whole))
	data, err := os.ReadFile(file + ".partial")
	require.NoError(t, err)
	var r bench.Report
	require.NoError(t, json.Unmarshal(data, &r))
	require.True(t, r.Partial)
	require.NotEmpty(t, r.Results)
}

// A tuning that a signal stopped says what is stored, and goes on from there.
func TestInterruptKeepsTuning(t *testing.T) {
	if !hasGPU() {
		t.Skip("no adapter")
	}
	cache := t.TempDir()
	tune := func() (*exec.Cmd, *bufio.Reader) {
		cmd := command(t, "bench", "--tune", "--quick", "--only", "selective_scan", "--model", "../../testdata/reference-lm")
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "HOME="+cache)
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		return cmd, bufio.NewReader(stderr)
	}
	cmd, stderr := tune()
	require.NoError(t, cmd.Start())
	for line := ""; !strings.HasPrefix(line, "1/2 selective_scan "); {
		var err error
		line, err = stderr.ReadString('\n')
		require.NoError(t, err)
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	text, err := io.ReadAll(stderr)
	require.NoError(t, err)
	require.Equal(t, exitInterrupted, exitStatus(t, cmd.Wait()))
	require.Regexp(t, `mambagpu: interrupted after 1 of 2 shapes, stored in .*tuning-[0-9a-f]+\.json; the same command goes on from there\n$`, string(text))

	cmd, stderr = tune()
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	require.NoError(t, cmd.Start())
	text, err = io.ReadAll(stderr)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	require.Regexp(t, `(?m)^1/1 selective_scan 8x32x512x16: .*; 8 variants in [0-9.]+ s$`, string(text))
	require.Regexp(t, `[01] of 1 shapes run faster .*\n1 shapes were measured before and are left as they are in .*; --again measures them anew\n$`, stdout.String())
}
