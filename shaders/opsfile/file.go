package opsfile

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// The kinds of cases, which are the first part of their names.
const (
	scanKind = "scan"
	convKind = "conv"
)

// File is one open file. Its cases read their tensors when they are run.
type File struct {
	Cases  []*Case // scans first, then by K, numbers as numbers
	Others int     // tensors that belong to no case

	file *checkpoint.File
}

// Case is one case of a file.
type Case struct {
	Name      string   // its prefix, such as "scan.6"
	Kernel    string   // of its forward pass, such as "selective_scan_complex"
	Unchecked []string // the tensors of a backward pass that is not run, without the prefix

	runs []operation // the forward pass, then the backward pass if the file has one
}

// operation is one pass of a case, forward or backward. Arguments are in the order
// of the twin's.
type operation interface {
	// kernel is the kernel's name.
	kernel() string
	// args reads the tensors and lays them out as the kernel reads them.
	args() ([]arg, error)
	// twin runs the kernel's twin on the arguments.
	twin(args []arg)
	// scratch is the number of words that dispatch needs besides the arguments.
	scratch(k *shaders.Kernels) int
	// dispatch prepares the kernel on the arguments and, if there is any, scratch after
	// them.
	dispatch(k *shaders.Kernels, b []*wgpu.Buffer) ([]*wgpu.Dispatch, error)
	// outputs pairs what the kernel left in the arguments with what the file
	// expects.
	outputs(args []arg) ([]Output, error)
}

// Open opens the file at path and checks names, types and shapes of all its
// cases, of which there must be at least one.
func Open(path string) (*File, error) {
	f, err := checkpoint.OpenFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, f)
}

// OpenReader is [Open] of size bytes in r. The path is used in messages only.
func OpenReader(path string, r io.ReaderAt, size int64) (*File, error) {
	f, err := checkpoint.OpenReader(path, r, size)
	if err != nil {
		return nil, err
	}
	return parse(path, f)
}

// Close releases the file, after which no case can be run. Closing again does
// nothing.
func (f *File) Close() error { return f.file.Close() }

// parse makes a File of an open file, which it closes if there is an error.
func parse(path string, file *checkpoint.File) (*File, error) {
	f := &File{file: file}
	groups := f.groups(path)
	if len(groups) == 0 {
		file.Close()
		return nil, &checkpoint.FormatError{Path: path, Got: fmt.Sprintf("%d tensors, none of them a case's", f.Others),
			Want: "tensors named scan.K.u, conv.K.x and so on"}
	}
	for _, g := range groups {
		c, err := g.parse()
		if err != nil {
			file.Close()
			return nil, err
		}
		f.Cases = append(f.Cases, c)
	}
	return f, nil
}

// groups collects the tensors of each case, in the order of the cases.
func (f *File) groups(path string) []*group {
	byName := map[string]*group{}
	metadata := f.file.Metadata()
	for _, name := range f.file.Names() {
		kind, k, member, ok := splitName(name)
		if !ok {
			f.Others++
			continue
		}
		prefix := kind + "." + k
		g := byName[prefix]
		if g == nil {
			g = &group{path: path, kind: kind, k: k, metadata: metadata,
				tensors: map[string]*checkpoint.Tensor{}, used: map[string]bool{}}
			byName[prefix] = g
		}
		g.tensors[member], _ = f.file.Tensor(name)
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *group) int {
		return cmp.Or(-strings.Compare(a.kind, b.kind), compareNumbers(a.k, b.k))
	})
}

// splitName cuts scan.6.A.re into scan, 6 and A.re; false if the tensor
// belongs to no case.
func splitName(name string) (kind, k, member string, ok bool) {
	kind, rest, _ := strings.Cut(name, ".")
	k, member, ok = strings.Cut(rest, ".")
	return kind, k, member, ok && k != "" && (kind == scanKind || kind == convKind)
}

// compareNumbers orders 2 before 10, and numbers before other text.
func compareNumbers(a, b string) int {
	x, errA := strconv.Atoi(a)
	y, errB := strconv.Atoi(b)
	switch {
	case errA == nil && errB == nil:
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a, b))
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return strings.Compare(a, b)
}
