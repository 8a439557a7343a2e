package train

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// recipe is how a file's model was trained.
type recipe struct {
	rate         float64
	beta1, beta2 float64
	eps          float64
	weightDecay  float64
	clip         float64 // 0: none
	normEps      float64
}

// readRecipe is the recipe of the reference files, with what a file's metadata says
// otherwise.
func readRecipe(path string, metadata map[string]string) (recipe, error) {
	r := recipe{rate: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, normEps: 1e-5}
	for key, text := range metadata {
		var to []*float64
		switch key {
		case "lr", "learning_rate":
			to = []*float64{&r.rate}
		case "beta1":
			to = []*float64{&r.beta1}
		case "beta2":
			to = []*float64{&r.beta2}
		case "betas":
			to = []*float64{&r.beta1, &r.beta2}
		case "eps":
			to = []*float64{&r.eps}
		case "weight_decay":
			to = []*float64{&r.weightDecay}
		case "clip":
			to = []*float64{&r.clip}
		case "norm_eps":
			to = []*float64{&r.normEps}
		default:
			continue
		}
		if !parseNumbers(text, to) {
			return r, &checkpoint.FormatError{Path: path, Field: key, Got: strconv.Quote(text), Want: fmt.Sprintf("numbers: %d", len(to))}
		}
	}
	return r, nil
}

// parseNumbers reads so many numbers, which blanks, commas and brackets may separate.
func parseNumbers(text string, to []*float64) bool {
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,()[]\t", r) })
	if len(fields) != len(to) {
		return false
	}
	for i, field := range fields {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return false
		}
		*to[i] = v
	}
	return true
}

// set makes options of the recipe.
func (r recipe) set(o *Options) {
	o.Beta1, o.Beta2, o.Eps = r.beta1, r.beta2, r.eps
	o.WeightDecay, o.Clip = orNone(r.weightDecay), orNone(r.clip)
	o.Decays = EveryParameter
}

// orNone is a number as options have it, where 0 is the default.
func orNone(v float64) float64 {
	if v == 0 {
		return -1
	}
	return v
}
