package train

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const tinyFile = "../../testdata/tiny_train.safetensors"

func TestCheckFile(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		r, err := CheckFile(ctx, tinyFile, &opts)
		require.NoError(t, err)
		require.Len(t, r.Checks, 1+1+2*(1+2*10+1))
		require.Equal(t, 20, r.Steps)
		for _, c := range r.Checks {
			t.Logf("%-50s %.2g of %.2g, bound %.2g", c.Name, c.MaxAbs, c.Largest, c.Tolerance)
		}
		require.Empty(t, r.Failed())
	})
}
