package checkpoint

import (
	"bytes"
	"io"
)

// magics are the first bytes of what is often found in place of safetensors.
var magics = []struct {
	prefix    string
	what, way string
}{
	{"GGUF", ggufWhat, ggufWay},
	{"PK\x03\x04", "a PyTorch archive (pickle)", pickleWay("pytorch_model.bin")},
	{"\x80\x02\x8a\x0a", "a PyTorch pickle", pickleWay("pytorch_model.bin")},
	{"version https://git-lfs", "a Git LFS pointer in place of the file", `run "git lfs pull" where it was cloned`},
}

// sniff explains a file without a sound header: an [*UnsupportedError] when it
// begins as one of another format does, else nil.
func sniff(path string, r io.ReaderAt, size int64) error {
	head := make([]byte, max(0, min(size, 32)))
	n, _ := r.ReadAt(head, 0)
	for _, m := range magics {
		if bytes.HasPrefix(head[:n], []byte(m.prefix)) {
			return &UnsupportedError{Path: path, What: m.what, Way: m.way}
		}
	}
	return nil
}
