package train_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"strings"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/train"
)

// remember draws sequences x (B, L, 4) whose tokens are a value, 1 or -1, and a mark, 1
// or 0, and makes what the layer should add to them: in the third place the value that
// was marked last.
func remember(rng *rand.Rand, batch, length int) (x, want mamba.Tensor) {
	x, want = mamba.NewTensor(batch, length, 4), mamba.NewTensor(batch, length, 4)
	var last float32
	for t := range batch * length {
		token := x.Data[4*t : 4*t+4]
		token[0] = float32(2*rng.IntN(2) - 1)
		if t%length == 0 || rng.IntN(8) == 0 {
			token[1], last = 1, token[0]
		}
		copy(want.Data[4*t:], token)
		want.Data[4*t+2] = last
	}
	return x, want
}

// A layer learns to remember what is marked, for as long as nothing else is. That takes
// a recurrence that depends on its input: a step size and decays of its own for each
// token.
func ExampleLayerTrainer() {
	ctx := context.Background()
	layer, err := train.NewLayerTrainer(mamba.Config{DModel: 4, DState: 4, Expand: 8}, &train.Options{
		Adapter: "go", Seed: 1, WeightDecay: -1,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer layer.Close()

	const steps, batch, length = 400, 8, 32
	rng := rand.New(rand.NewPCG(1, 2))
	var first, loss float64
	for step := range steps {
		x, want := remember(rng, batch, length)
		y, err := layer.Forward(ctx, x)
		if err != nil {
			log.Fatal(err)
		}
		loss = 0
		dy := mamba.NewTensor(batch, length, 4) // the gradient of the mean square error
		for i := range y.Data {
			off := y.Data[i] - want.Data[i]
			loss += float64(off*off) / (batch * length)
			dy.Data[i] = 2 * off / (batch * length)
		}
		if step == 0 {
			first = loss
		}
		if _, err := layer.Backward(ctx, dy); err != nil {
			log.Fatal(err)
		}
		rate := 0.01 * (1 - float64(step)/steps)
		if _, err := layer.Update(ctx, rate); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("the loss fell to less than a hundredth:", loss < first/100)

	x, _ := remember(rand.New(rand.NewPCG(9, 6)), 1, 24)
	y, err := layer.Forward(ctx, x)
	if err != nil {
		log.Fatal(err)
	}
	var values, marks, remembered strings.Builder
	for t := range 24 {
		values.WriteString(sign(x.Data[4*t]))
		marks.WriteString(sign(x.Data[4*t+1]))
		remembered.WriteString(sign(y.Data[4*t+2]))
	}
	fmt.Println("values    ", values.String())
	fmt.Println("marks     ", marks.String())
	fmt.Println("remembered", remembered.String())
	// Output:
	// the loss fell to less than a hundredth: true
	// values     +++-+++-+--++---++--+++-
	// marks      +...+...++.+.......+....
	// remembered +++++++++--++++++++-----
}

// sign is what a number is nearest to: -1, 0 or 1.
func sign(v float32) string {
	switch {
	case v > 0.5:
		return "+"
	case v < -0.5:
		return "-"
	}
	return "."
}
