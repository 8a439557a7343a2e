package checkpoint

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// parseIndex reads model.safetensors.index.json: which file of the folder
// holds each tensor.
func parseIndex(path string, data []byte) (map[string]string, error) {
	o, err := parseObject(path, data)
	if err != nil {
		return nil, err
	}
	if !o.has("weight_map") {
		o.fail("weight_map", "an object of tensor and file names")
		return nil, *o.err
	}
	shardOf := map[string]string{}
	err = eachMember(o.values["weight_map"], func(name string, value json.RawMessage) error {
		shard, ok := parseString(value)
		if !ok || !isLocal(shard) {
			return &FormatError{Path: path, Tensor: name, Got: "file name " + clip(string(value)),
				Want: "the name of a file inside the model's folder"}
		}
		shardOf[name] = shard
		return nil
	})
	if _, ok := err.(*FormatError); err != nil && !ok {
		err = &FormatError{Path: path, Field: "weight_map", Got: err.Error(), Want: "an object of tensor and file names"}
	}
	if err == nil && len(shardOf) == 0 {
		err = &FormatError{Path: path, Field: "weight_map", Got: "no tensors", Want: "tensor and file names"}
	}
	return shardOf, err
}

// isLocal reports whether name stays inside the folder on every system.
func isLocal(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsAny(name, `\:`) &&
		filepath.IsLocal(filepath.FromSlash(name))
}

// openSharded opens every file that the index lists.
func (c *Checkpoint) openSharded(d *folder) error {
	data, err := fs.ReadFile(d.fsys, indexFile)
	if err != nil {
		return ioError(c.weights, err)
	}
	shardOf, err := parseIndex(c.weights, data)
	if err != nil {
		return err
	}
	files := map[string]*File{}
	for _, shard := range slices.Compact(slices.Sorted(maps.Values(shardOf))) {
		f, err := d.open(shard)
		if err != nil {
			return fmt.Errorf("%w (listed in %s)", err, indexFile)
		}
		files[shard] = f
		if err := c.add(f); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shardOf)) {
		f := files[shardOf[name]]
		if _, ok := f.Tensor(name); !ok {
			return &FormatError{Path: f.path, Tensor: name, Got: "no such tensor", Want: "it, as " + indexFile + " says"}
		}
	}
	return nil
}

// add makes a file and its tensors part of the checkpoint.
func (c *Checkpoint) add(f *File) error {
	c.files = append(c.files, f)
	for _, name := range f.Names() {
		if other := c.tensors[name]; other != nil {
			return &FormatError{Path: f.path, Tensor: name, Got: "it again, beside " + other.path, Want: "each tensor in one file"}
		}
		c.tensors[name] = f.tensors[name]
	}
	return nil
}
