package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mambagpu/mambagpu/wgpu"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mambagpu": main})
}

// TestScripts runs testdata/script. REFERENCE_LM is the reference model's
// folder; what reaches a GPU driver comes from the environment.
func TestScripts(t *testing.T) {
	reference, err := filepath.Abs("../../testdata/reference-lm")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("REFERENCE_LM", reference)
			for _, name := range driverVariables {
				if v, ok := os.LookupEnv(name); ok {
					env.Setenv(name, v)
				}
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "gpu" {
				return hasGPU(), nil
			}
			return false, errors.New("unknown condition")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"keys":  keys,
		},
	})
}

var driverVariables = []string{"MAMBAGPU_BACKEND", "VK_ICD_FILENAMES", "VK_DRIVER_FILES", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR"}

// hasGPU reports whether there is an adapter, or must be one.
var hasGPU = sync.OnceValue(func() bool {
	if os.Getenv("MAMBAGPU_REQUIRE_GPU") != "" {
		return true
	}
	_, err := wgpu.Adapters()
	return err == nil
})

// exits runs a program and checks its exit status: exits STATUS PROGRAM ARGS.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGS")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// keys checks that standard output is one JSON object with these members.
func keys(ts *testscript.TestScript, neg bool, want []string) {
	if neg {
		ts.Fatalf("keys cannot be negated")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var object map[string]any
	ts.Check(d.Decode(&object))
	if d.More() {
		ts.Fatalf("more than one object on standard output")
	}
	for _, key := range want {
		if _, ok := object[key]; !ok {
			ts.Fatalf("no member %q", key)
		}
	}
	for key := range object {
		if !slices.Contains(want, key) {
			ts.Fatalf("unexpected member %q", key)
		}
	}
}
