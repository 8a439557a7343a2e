package mamba

import (
	"fmt"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// gpuStore uploads parameters to a device. Matrices keep their storage type
// and stream through host memory chunk by chunk.
type gpuStore struct {
	dev  *wgpu.Device
	made []*wgpu.Buffer // all that was made, also by a load that failed
}

func (s *gpuStore) newBuffer(label string, size uint64) (*wgpu.Buffer, error) {
	b, err := newBuffer(s.dev, label, size)
	if err == nil {
		s.made = append(s.made, b)
	}
	return b, err
}

// newBuffer makes a buffer that kernels can bind.
func newBuffer(dev *wgpu.Device, label string, size uint64) (*wgpu.Buffer, error) {
	if most := dev.Limits().MaxStorageBinding; size > most {
		return nil, &wgpu.LimitError{Label: label, Name: "MaxStorageBinding", Need: size, Have: most}
	}
	return dev.NewBuffer(label, size)
}

func (s *gpuStore) array(label string, values []float32) (*wgpu.Buffer, error) {
	b, err := s.newBuffer(label, uint64(len(values))*4)
	if err != nil {
		return nil, err
	}
	return b, wgpu.Upload(b, 0, values)
}

func (s *gpuStore) matrix(label string, t, scales *checkpoint.Tensor, rows, cols int) (matrix[*wgpu.Buffer], error) {
	return s.matrixSeen(label, t, scales, rows, cols, func([]byte) {})
}

// matrixSeen is matrix; see is handed the rows as they lie in GPU memory, then the scales.
func (s *gpuStore) matrixSeen(label string, t, scales *checkpoint.Tensor, rows, cols int, see func(part []byte)) (matrix[*wgpu.Buffer], error) {
	m := matrix[*wgpu.Buffer]{dtype: storageType(t), cols: cols}
	if err := s.makeShards(&m, label, rows); err != nil {
		return m, err
	}
	w := shardWriter{shards: m.shards}
	err := streamRows(t, cols, func(rows []byte) error {
		see(rows)
		return w.write(rows, shaders.RowBytes(m.dtype, cols))
	})
	if err != nil || scales == nil {
		return m, err
	}
	raw, err := readScales(scales)
	if err != nil {
		return m, err
	}
	see(raw)
	return m, writeScales(m, raw)
}

func (s *gpuStore) xProj(label string, t, scales *checkpoint.Tensor, rows, cols int) (matrix[*wgpu.Buffer], *wgpu.Buffer, error) {
	if rows > shaders.MaxInProjStepOutputs {
		m, err := s.matrix(label, t, scales, rows, cols)
		return m, nil, err
	}
	image := make([]byte, 0, shaders.MatrixBytes(storageType(t), rows, cols))
	m, err := s.matrixSeen(label, t, scales, rows, cols, func(part []byte) { image = append(image, part...) })
	if err != nil {
		return m, nil, err
	}
	image = shaders.TransposeQuads(m.dtype, image[:cap(image)], rows, cols)
	turned, err := s.newBuffer(label+" by columns", uint64(len(image)))
	if err != nil {
		return m, nil, err
	}
	return m, turned, turned.Write(0, image)
}

// writeScales writes each shard's scales behind its rows.
func writeScales(m matrix[*wgpu.Buffer], raw []byte) error {
	elements, scales := shaders.RowBytes(m.dtype, m.cols), shaders.ScaleBytes(m.dtype, m.cols)
	for _, s := range m.shards {
		part := make([]byte, int(shaders.MatrixBytes(m.dtype, s.rows, m.cols))-s.rows*elements)
		copy(part, raw[s.first*scales:(s.first+s.rows)*scales])
		if err := s.data.Write(uint64(s.rows*elements), part); err != nil {
			return err
		}
	}
	return nil
}

// makeShards makes as few buffers as a device's bindings allow for a matrix.
func (s *gpuStore) makeShards(m *matrix[*wgpu.Buffer], label string, rows int) error {
	l := s.dev.Limits()
	rowBytes := uint64(shaders.RowBytes(m.dtype, m.cols) + shaders.ScaleBytes(m.dtype, m.cols))
	most := int(min(l.MaxStorageBinding, l.MaxBufferSize) / rowBytes)
	// Whole groups of four rows: columns of a product are written four at a
	// time where a shard's first column allows it.
	if most = most / 4 * 4; most == 0 {
		return &wgpu.LimitError{Label: label, Name: "MaxStorageBinding", Need: 4 * rowBytes, Have: l.MaxStorageBinding}
	}
	for first := 0; first < rows; first += most {
		n := min(most, rows-first)
		b, err := s.newBuffer(fmt.Sprintf("%s[%d:%d]", label, first, first+n), shaders.MatrixBytes(m.dtype, n, m.cols))
		if err != nil {
			return err
		}
		m.shards = append(m.shards, shard[*wgpu.Buffer]{first, n, b})
	}
	return nil
}

// shardWriter writes rows one after the other into a matrix's shards.
type shardWriter struct {
	shards []shard[*wgpu.Buffer]
	row    int // of the first shard left
}

// write takes whole rows of rowBytes, which is a multiple of 16.
func (w *shardWriter) write(rows []byte, rowBytes int) error {
	for len(rows) > 0 {
		s := w.shards[0]
		n := min(len(rows)/rowBytes, s.rows-w.row)
		if err := s.data.Write(uint64(w.row*rowBytes), rows[:n*rowBytes]); err != nil {
			return err
		}
		rows = rows[n*rowBytes:]
		if w.row += n; w.row == s.rows {
			w.shards, w.row = w.shards[1:], 0
		}
	}
	return nil
}

func (s *gpuStore) dtProj(label string, t *checkpoint.Tensor, rows, cols int) (*wgpu.Buffer, shaders.DType, error) {
	dtype := storageType(t)
	raw := make([]byte, 0, t.Bytes())
	err := stream(t, cols*dtype.Bits()/8, func(part []byte) error {
		raw = append(raw, part...)
		return nil
	})
	if err != nil {
		return nil, dtype, err
	}
	image := shaders.TransposePairs(dtype, raw, rows, cols)
	b, err := s.newBuffer(label, uint64(len(image)))
	if err != nil {
		return nil, dtype, err
	}
	return b, dtype, b.Write(0, image)
}
