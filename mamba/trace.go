package mamba

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// perLayer lists the stages of a layer in their order.
var perLayer = []string{"norm", "in_proj", "conv", "conv_state", "x_proj", "delta", "scan_gated", "ssm_state", "out_proj", "residual"}

// StageNames lists the stages of such a model in the order in which
// [Model.Trace] hands them out: "embedding"; for each layer i "layer.i.norm",
// "in_proj", "conv" (after silu), "conv_state", "x_proj", "delta" (after
// softplus), "scan_gated", "ssm_state", "out_proj" and "residual" (after the
// addition); "norm_f" and "logits".
func StageNames(c ModelConfig) []string {
	names := []string{"embedding"}
	for i := range c.NLayer {
		for _, s := range perLayer {
			names = append(names, fmt.Sprintf("layer.%d.%s", i, s))
		}
	}
	return append(names, "norm_f", "logits")
}

// wanted are the stages that a trace is to hand out.
type wanted struct {
	names map[string]bool
	left  int
}

// selectStages finds the stages that patterns, of which there may be none for
// all, name.
func selectStages(c ModelConfig, patterns []string) (*wanted, error) {
	names, w := StageNames(c), &wanted{names: map[string]bool{}}
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	for _, pattern := range patterns {
		found := false
		for _, name := range names {
			if ok, _ := path.Match(pattern, name); ok || name == pattern {
				w.names[name], found = true, true
			}
		}
		if !found {
			return nil, &OptionError{"the stage", fmt.Sprintf("%q", pattern), fmt.Sprintf(
				"embedding, norm_f, logits, or layer.0 to layer.%d with one of .%s", c.NLayer-1, strings.Join(perLayer, " ."))}
		}
	}
	w.left = len(w.names)
	return w, nil
}

func (w *wanted) has(name string) bool { return w.names[name] }

// output is the least that a pass has to give for the stages to come by.
func (w *wanted) output() output {
	if w.has("norm_f") || w.has("logits") {
		return allLogits
	}
	return onlyState
}

// handedOut counts a stage and returns errTraced after the last.
func (w *wanted) handedOut() error {
	if w.left--; w.left == 0 {
		return errTraced
	}
	return nil
}

// errTraced ends a trace that has handed out everything.
var errTraced = errors.New("traced")
