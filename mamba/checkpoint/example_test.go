package checkpoint_test

import (
	"fmt"
	"log"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

func ExampleOpen() {
	c, err := checkpoint.Open("../../testdata/reference-lm")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.Config.NLayer, "layers of", c.Config.DModel, "with", c.Config.Parameters(), "parameters")
	t, err := c.Tensor("backbone.layers.0.mixer.A_log")
	if err != nil {
		log.Fatal(err)
	}
	values, err := t.Float32(nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.DType, t.Shape, len(values))
	// Output:
	// 8 layers of 256 with 4552960 parameters
	// F32 [512 16] 8192
}
