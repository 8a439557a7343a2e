package opsfile_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzOps opens any bytes as a file: nothing panics, and every case of a file
// that opens can be run and judged.
func FuzzOps(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, imaginary := range []bool{false, true} {
		scan := tensors{}
		scan.addScan(rng, "scan.0", scanSpec{batch: 1, channels: 2, length: 1, states: 1, softplus: true, complex: imaginary, h0: imaginary})
		f.Add(scan.bytes(f, nil))
		f.Add(scan.bytes(f, map[string]string{"delta_softplus": "false"}))
		delete(scan, "scan.0.y")
		f.Add(scan.bytes(f, nil))
	}
	conv := tensors{}
	conv.addConv(rng, "conv.0", 1, 1, 2, 2, true, true)
	f.Add(conv.bytes(f, nil))
	f.Add([]byte("GGUF"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := openBytes(data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, file.Cases)
		for _, c := range file.Cases {
			outputs, err := c.RunTwin()
			require.NoError(t, err)
			require.NotEmpty(t, outputs)
			for _, out := range outputs {
				require.Len(t, out.Got, len(out.Want))
				v := out.Compare()
				require.Equal(t, v.Pass, v.String() == "")
			}
		}
		require.NoError(t, file.Close())
	})
}
