package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// metricsName is the file of metrics in a run's folder.
const metricsName = "metrics.jsonl"

// Metric is a line of a run's metrics.jsonl, a JSON object: of a step, or of a
// judgement by the validation text.
type Metric struct {
	Step int `json:"step"`
	*Trained
	*Validated
}

// Trained is what a step told.
type Trained struct {
	Loss     float64 `json:"loss"`      // mean cross-entropy in nats, before the update
	LR       float64 `json:"lr"`        // the learning rate
	GradNorm float64 `json:"grad_norm"` // before clipping
	Tokens   int64   `json:"tokens"`    // predicted so far
	Seconds  float64 `json:"seconds"`   // so far, without the time that the run lay still
}

// Validated is how well the model after a step predicts the validation text.
type Validated struct {
	Loss       float64 `json:"valid_loss"` // nats a token
	Perplexity float64 `json:"valid_perplexity"`
}

// ReadMetrics reads the metrics of the run in a folder. A line that is not whole,
// which a run leaves that is killed while it writes, ends them.
func ReadMetrics(dir string) ([]Metric, error) {
	data, err := os.ReadFile(filepath.Join(dir, metricsName))
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return parseMetrics(bytes.NewReader(data))
}

func parseMetrics(r io.Reader) ([]Metric, error) {
	var out []Metric
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("train: %s: %w", metricsName, err)
		}
		var m Metric
		if err := json.Unmarshal(line, &m); err != nil {
			return nil, fmt.Errorf("train: %s: line %d: %w", metricsName, len(out)+1, err)
		}
		out = append(out, m)
	}
}

// metricsFile appends lines, each by one write.
type metricsFile struct{ f *os.File }

// openMetrics opens the metrics of the run in a folder, with the lines that a state
// has behind it. A run that goes on writes the others anew.
func openMetrics(dir string, s *runState) (*metricsFile, error) {
	path := filepath.Join(dir, metricsName)
	old, err := ReadMetrics(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var kept bytes.Buffer
	for _, m := range old {
		if m.Trained != nil && m.Step <= s.Step || m.Validated != nil && m.Step <= s.Judged {
			if err := json.NewEncoder(&kept).Encode(m); err != nil {
				return nil, err
			}
		}
	}
	if err := replaceFile(path, kept.Bytes()); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return &metricsFile{f}, nil
}

func (m *metricsFile) write(line Metric) error {
	data, err := json.Marshal(line)
	if err == nil {
		_, err = m.f.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("train: %s: %w", metricsName, err)
	}
	return nil
}

func (m *metricsFile) close() { m.f.Close() }
