package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Checkpoint is an open model: its configuration and its tensors. It may be
// read from several goroutines at once; nothing may be read during Close or
// after it.
type Checkpoint struct {
	Path   string // the folder, as it was given
	Config Config // sizes as in config.json, booleans as the tensors say

	fsys    fs.FS
	weights string // the file that should hold or list every tensor
	files   []*File
	tensors map[string]*Tensor // by name in the files
}

// Open opens the model in folder dir and checks it as the package's
// documentation says. Weights are mapped into memory, not read, save an
// lm_head.weight that config.json calls tied: it is compared with the
// embedding, and the model is untied where they differ.
//
// Errors are [*FormatError], [*UnsupportedError], or wrap those of the file
// system such as [fs.ErrNotExist].
func Open(dir string) (*Checkpoint, error) {
	d, err := diskFolder(dir)
	if err != nil {
		return nil, err
	}
	return d.checkpoint()
}

// OpenFS opens the model in folder name of fsys, such as an embed.FS, as
// [Open] does. Files that are not an [io.ReaderAt] are read whole.
func OpenFS(fsys fs.FS, name string) (*Checkpoint, error) {
	d, err := fsFolder(fsys, name)
	if err != nil {
		return nil, err
	}
	return d.checkpoint()
}

// Tensor returns a tensor by its name in Hugging Face layout, whichever layout
// the files have. For lm_head.weight of a tied model it is the embedding. A
// name that the files do not hold is a [*FormatError].
func (c *Checkpoint) Tensor(name string) (*Tensor, error) {
	if t := c.lookup(name); t != nil {
		return t, nil
	}
	return nil, &FormatError{Path: c.weights, Tensor: name, Got: "no such tensor", Want: "it"}
}

// Names returns the names of the model's tensors in Hugging Face layout, in
// the order of [Config.Shapes]. Others that the files hold are not among them.
func (c *Checkpoint) Names() []string {
	var names []string
	for name := range c.Config.Shapes() {
		names = append(names, name)
	}
	return names
}

// FS is the model's folder.
func (c *Checkpoint) FS() fs.FS { return c.fsys }

// Close releases the files. Closing again does nothing.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, f := range c.files {
		errs = append(errs, f.Close())
	}
	c.files = nil
	return errors.Join(errs...)
}

func (d *folder) checkpoint() (*Checkpoint, error) {
	data, err := d.readConfig()
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Path: d.path, fsys: d.fsys, tensors: map[string]*Tensor{}}
	if c.Config, err = ParseConfig(d.join(d.path, configFile), data); err != nil {
		return nil, err
	}
	if err = c.openWeights(d); err == nil {
		err = c.validate()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Checkpoint) openWeights(d *folder) error {
	switch {
	case d.exists(weightsFile):
		c.weights = d.join(d.path, weightsFile)
		f, err := d.open(weightsFile)
		if err != nil {
			return err
		}
		return c.add(f)
	case d.exists(indexFile):
		c.weights = d.join(d.path, indexFile)
		return c.openSharded(d)
	}
	return d.noWeights()
}

// validate sets the configuration's booleans by the tensors and checks every
// tensor against it.
func (c *Checkpoint) validate() error {
	c.Config.UseBias = c.anyEndsIn(".mixer.in_proj.bias") || c.anyEndsIn(".mixer.out_proj.bias")
	c.Config.UseConvBias = c.anyEndsIn(".mixer.conv1d.bias")
	head := c.tensors[headName]
	tied := c.Config.Tied
	if head != nil && tied && c.Config.Bits != 0 {
		return head.formatError("this tensor", "none: config.json says that the embedding is the output matrix")
	}
	c.Config.Tied = head == nil
	for s := range c.Config.specs() {
		t := c.lookup(s.name)
		if t == nil {
			return c.missing(s)
		}
		if err := s.match(t); err != nil {
			return err
		}
	}
	if err := c.refuseOthers(); err != nil {
		return err
	}
	if head != nil && tied {
		same, err := sameContent(head, c.lookup(embeddingName))
		if err != nil {
			return err
		}
		c.Config.Tied = same
	}
	return nil
}

func (c *Checkpoint) lookup(name string) *Tensor {
	if name == headName && c.Config.Tied {
		name = embeddingName
	}
	t := c.tensors[name]
	if t == nil && name == embeddingName {
		t = c.tensors[originalEmbeddingName]
	}
	return t
}

func (c *Checkpoint) anyEndsIn(suffix string) bool {
	for name := range c.tensors {
		if strings.HasPrefix(name, layersPrefix) && strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// missing is the error of a tensor that the configuration asks for.
func (c *Checkpoint) missing(s spec) error {
	name := s.name
	if name == embeddingName && c.Config.Layout == Original {
		name = originalEmbeddingName
	}
	return &FormatError{Path: c.weights, Tensor: name, Got: "no such tensor",
		Want: fmt.Sprintf("%s of shape %v", s.types(), s.shape())}
}

// refuseOthers looks through the tensors that the model does not need for
// those that would change what it computes.
func (c *Checkpoint) refuseOthers() error {
	scales := map[string]bool{}
	for s := range c.Config.specs() {
		scales[s.name] = strings.HasSuffix(s.name, scaleSuffix)
	}
	for _, name := range slices.Sorted(maps.Keys(c.tensors)) {
		t := c.tensors[name]
		if strings.HasSuffix(name, ".weight"+scaleSuffix) && !scales[name] {
			return t.formatError("scales", "none: no integers belong to them")
		}
		if i, ok := layerOf(name); ok && i >= c.Config.NLayer {
			return &FormatError{Path: t.path, Tensor: name, Field: fieldNames(c.Config.Layout).nLayer,
				Got: fmt.Sprintf("a tensor of layer %d", i), Want: fmt.Sprintf("layers 0 to %d", c.Config.NLayer-1)}
		}
		if slices.Contains([]string{"backbone.norm_f.bias", "lm_head.bias"}, name) ||
			strings.HasPrefix(name, layersPrefix) && strings.HasSuffix(name, ".norm.bias") {
			return &UnsupportedError{Path: t.path, What: "tensor " + clip(name), Way: "Mamba-1 models have RMS norms and an output matrix without biases"}
		}
	}
	return nil
}

// sameContent compares dtype and bytes of two tensors of one shape.
func sameContent(a, b *Tensor) (bool, error) {
	if a.DType != b.DType || a.Bytes() != b.Bytes() {
		return false, nil
	}
	const chunk = 1 << 20
	n := min(a.Bytes(), chunk)
	p, q := make([]byte, n), make([]byte, n)
	for off := int64(0); off < a.Bytes(); off += n {
		n := min(n, a.Bytes()-off)
		if err := a.readFull(p[:n], off); err != nil {
			return false, err
		}
		if err := b.readFull(q[:n], off); err != nil {
			return false, err
		}
		if !bytes.Equal(p[:n], q[:n]) {
			return false, nil
		}
	}
	return true, nil
}
