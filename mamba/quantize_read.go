package mamba

import (
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// streamRows streams a matrix of cols columns as its rows lie in GPU memory, padded
// and without scales. What use gets is its only until it returns.
func streamRows(t *checkpoint.Tensor, cols int, use func(rows []byte) error) error {
	dtype := storageType(t)
	size := cols * dtype.Bits() / 8
	if dtype == shaders.Q4 { // padded in the file, too
		size = shaders.RowBytes(dtype, cols)
	}
	first := 0
	return stream(t, size, func(raw []byte) error {
		if dtype.Quantized() {
			if err := checkpoint.CheckIntegers(t, raw, cols, first); err != nil {
				return err
			}
			first += len(raw) / size
		}
		if dtype != shaders.Q4 {
			raw = shaders.PadRows(dtype, raw, cols)
		}
		return use(raw)
	})
}

// readScales reads the scales of a matrix of integers, checked.
func readScales(t *checkpoint.Tensor) ([]byte, error) {
	raw := make([]byte, 0, t.Bytes())
	err := stream(t, t.DType.Size(), func(part []byte) error {
		first := len(raw) / t.DType.Size()
		raw = append(raw, part...)
		return checkpoint.CheckScales(t, part, first)
	})
	return raw, err
}

// readMatrix decodes a whole matrix of rows x cols; scales is nil unless it has
// integers.
func readMatrix(t, scales *checkpoint.Tensor, rows, cols int) ([]float32, error) {
	if scales == nil {
		return readFloats(t)
	}
	dtype := storageType(t)
	image := make([]byte, 0, shaders.MatrixBytes(dtype, rows, cols))
	err := streamRows(t, cols, func(part []byte) error {
		image = append(image, part...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	raw, err := readScales(scales)
	if err != nil {
		return nil, err
	}
	return shaders.Dequantize(dtype, append(image, raw...), rows, cols), nil
}
