package train_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/train"
)

// A loop of one's own: the parts of a step, and the gradient of any parameter in
// between. The model learns to count to 7, over and over.
func ExampleTrainer() {
	t, err := train.New(mamba.ModelConfig{
		DModel: 16, NLayer: 1, DInner: 32, DState: 8, DConv: 4, DTRank: 1, VocabSize: 8, NormEps: 1e-5,
		Tied: true, UseConvBias: true,
	}, &train.Options{Adapter: mamba.GoAdapter, Batch: 1, SeqLen: 24, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	ids := make([]uint32, 25)
	for i := range ids {
		ids[i] = uint32(i % 8)
	}
	ctx := context.Background()
	for step := range 60 {
		loss, err := t.Backward(ctx, train.Batch{IDs: ids})
		if err != nil {
			log.Fatal(err)
		}
		gradient, err := t.Gradient("backbone.layers.0.mixer.D")
		if err != nil {
			log.Fatal(err)
		}
		if step%59 == 0 {
			fmt.Printf("step %d: a loss below 0.1 is %v, %d gradients of D\n", step, loss < 0.1, len(gradient))
		}
		if _, err := t.Update(ctx, 0.02); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// step 0: a loss below 0.1 is false, 32 gradients of D
	// step 59: a loss below 0.1 is true, 32 gradients of D
}
