package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Settings are what decides the weights that a run ends with, beside the device. A
// run goes on with those that it was begun with; only the number of steps may change.
type Settings struct {
	Batch       int      `json:"batch"`
	MicroBatch  int      `json:"micro_batch"`
	SeqLen      int      `json:"seq_len"`
	Accumulate  int      `json:"accumulate"`
	Schedule    Schedule `json:"schedule"`
	Beta1       float64  `json:"beta1"`
	Beta2       float64  `json:"beta2"`
	Eps         float64  `json:"eps"`
	WeightDecay float64  `json:"weight_decay"`
	Clip        float64  `json:"clip"`
	Seed        uint64   `json:"seed"`
	Noise       float64  `json:"noise"`
	Average     float64  `json:"average"`
	Data        string   `json:"data"`  // the number and a hash of the tokens
	Valid       string   `json:"valid"` // empty without

	Tuning map[string]string `json:"tuning,omitempty"` // of kernels, as [shaders.Tuning] has it; nil without
}

// check refuses settings that are not those of the run. The schedule's steps may
// differ.
func (s Settings) check(begun Settings) error {
	s.Schedule.Steps = begun.Schedule.Steps
	return sameFields("", reflect.ValueOf(s), reflect.ValueOf(begun))
}

// sameFields compares structs. The error is a *SettingError about the first field
// that differs.
func sameFields(prefix string, now, then reflect.Value) error {
	for i := range now.NumField() {
		name := prefix + now.Type().Field(i).Name
		if now.Field(i).Kind() == reflect.Struct {
			if err := sameFields(name+".", now.Field(i), then.Field(i)); err != nil {
				return err
			}
		} else if a, b := now.Field(i).Interface(), then.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			return &SettingError{Name: name, Got: a, Begun: b}
		}
	}
	return nil
}

// runState is how far a run has come, as a checkpoint keeps it.
type runState struct {
	Step     int      `json:"step"`
	Position uint64   `json:"position"` // windows drawn from the training text
	Tokens   int64    `json:"tokens"`   // predicted in training
	Seconds  float64  `json:"seconds"`
	Loss     float64  `json:"loss"`   // of the last step
	Judged   int      `json:"judged"` // the last step whose model was judged
	Good     int      `json:"good"`   // the last step that was saved while the loss was not risen
	Best     Best     `json:"best"`
	Watch    watch    `json:"watch"`
	Adapter  string   `json:"adapter"`
	Settings Settings `json:"settings"`

	Saved int `json:"-"` // the last step that was saved
}

// The files of a checkpoint beside the model's.
const (
	checkpointsDir = "checkpoints"
	stepPrefix     = "step-"
	stateFile      = "training.json"
	optimizerFile  = "optimizer.safetensors"
	averageFile    = "average.safetensors"
)

// Checkpoints lists the folders of the checkpoints of the run in a folder, the newest
// last. There may be none.
func Checkpoints(dir string) ([]string, error) {
	parent := filepath.Join(dir, checkpointsDir)
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	var dirs []string
	for _, e := range entries {
		if stepOf(e.Name()) > 0 {
			dirs = append(dirs, filepath.Join(parent, e.Name()))
		}
	}
	slices.SortFunc(dirs, func(a, b string) int { return stepOf(a) - stepOf(b) })
	return dirs, nil
}

// stepOf is the step of a checkpoint's folder, 0 for another folder.
func stepOf(dir string) int {
	number, ok := strings.CutPrefix(filepath.Base(dir), stepPrefix)
	step, err := strconv.Atoi(number)
	if !ok || err != nil {
		return 0
	}
	return step
}

func checkpointDir(dir string, step int) string {
	return filepath.Join(dir, checkpointsDir, fmt.Sprintf("%s%06d", stepPrefix, step))
}

// readState reads how far the run of a checkpoint had come.
func readState(dir string) (runState, error) {
	var s runState
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("train: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("train: %s: %w", path, err)
	}
	s.Saved = s.Step
	return s, nil
}
