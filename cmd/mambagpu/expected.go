package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// expectation is one case of a model's expected.json, which the reference
// implementation made.
type expectation struct {
	Prompt    *string   `json:"prompt"` // may be missing
	IDs       []int     `json:"ids"`
	GreedyIDs []int     `json:"greedy_ids"`
	First     []float64 `json:"logits_last_first16"` // of the logits after the last of ids
	Max       *float64  `json:"logits_last_max"`
	LogSumExp *float64  `json:"logsumexp_last"`
	MinMargin *float64  `json:"min_margin"` // may be missing: between the best two logits, the least of the steps
}

// readExpected returns the cases that come with the model.
func (s source) readExpected() ([]expectation, error) {
	if err := s.checkFolder(); err != nil {
		return nil, err
	}
	data, err := s.readFile(expectedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("model %s has no %s: there is nothing to verify it against", s.name(), expectedFile)
	}
	if err != nil {
		return nil, err
	}
	return parseExpected(s.path(expectedFile), data)
}

func parseExpected(path string, data []byte) ([]expectation, error) {
	var file struct {
		Cases []expectation `json:"cases"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Cases) == 0 {
		return nil, fmt.Errorf("%s: no cases: there is nothing to verify", path)
	}
	for i, c := range file.Cases {
		if missing := c.missing(); missing != "" {
			return nil, fmt.Errorf("%s: case %d: no %s", path, i+1, missing)
		}
	}
	return file.Cases, nil
}

// missing names a member without which the case says nothing.
func (e *expectation) missing() string {
	for _, m := range []struct {
		name string
		ok   bool
	}{
		{"ids", len(e.IDs) > 0},
		{"greedy_ids", len(e.GreedyIDs) > 0},
		{"logits_last_first16", len(e.First) > 0},
		{"logits_last_max", e.Max != nil},
		{"logsumexp_last", e.LogSumExp != nil},
	} {
		if !m.ok {
			return m.name
		}
	}
	return ""
}
