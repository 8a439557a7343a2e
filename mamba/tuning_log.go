package mamba

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TuningLog is the stored tuning of an adapter while it is made, kernel by kernel and shape
// by shape. What is in it is stored at once. It is for one goroutine at a time.
type TuningLog struct {
	path string
	file tuningFile
}

// OpenTuningLog goes on with the stored tuning of an adapter, whatever MAMBAGPU_TUNING says,
// or begins one. An error tells of a stored one that cannot be read, is broken or belongs
// to something else; the log is empty then, and replaces it. Without a log, there is no
// folder to store it in.
func OpenTuningLog(info wgpu.AdapterInfo) (*TuningLog, error) {
	path, err := TuningPath(info)
	if err != nil {
		return nil, err
	}
	l := &TuningLog{path, newTuningFile(info)}
	old, err := readTuning(path, info)
	l.file.Tuning, l.file.Measured = maps.Clone(old.Tuning), maps.Clone(old.Measured)
	if l.file.Tuning == nil {
		l.file.Tuning = shaders.Tuning{}
	}
	if l.file.Measured == nil {
		l.file.Measured = map[string]string{}
	}
	return l, err
}

// Path is the file that the tuning is stored in.
func (l *TuningLog) Path() string { return l.path }

// Knows reports whether a kernel was measured at a shape, which key names as in a
// [shaders.Tuning], and had the same variants then.
func (l *TuningLog) Knows(key string, variants []string) bool {
	return l.file.Measured[key] == digestOf(variants)
}

// Choose takes down that of the variants one was measured to be the fastest, or the default
// if chosen is empty, and stores the tuning.
func (l *TuningLog) Choose(key string, variants []string, chosen string) error {
	delete(l.file.Tuning, key)
	if chosen != "" {
		l.file.Tuning[key] = chosen
	}
	l.file.Measured[key] = digestOf(variants)
	return l.file.write(l.path)
}

// digestOf tells lists of variants apart.
func digestOf(variants []string) string {
	sum := sha256.Sum256([]byte(strings.Join(variants, "\n")))
	return hex.EncodeToString(sum[:6])
}
