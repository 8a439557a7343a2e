package mamba_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mambagpu/mambagpu/mamba"
)

// A layer with the seed's configuration on a batch. With nil in the place of
// the options it runs on the best GPU there is, where (8, 1024, 512) is a
// matter of milliseconds.
func ExampleNewLayer() {
	layer, err := mamba.NewLayer(mamba.Config{DModel: 512, DState: 16, DConv: 4, Expand: 2}, 1, &mamba.Options{Adapter: "go"})
	if err != nil {
		log.Fatal(err)
	}
	defer layer.Close()
	x := mamba.NewTensor(8, 8, 512) // (B, L, d_model)
	for i := range x.Data {
		x.Data[i] = float32(i%7) - 3
	}
	y, err := layer.Forward(context.Background(), x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Shape)
	// Output: [8 8 512]
}

// The layer's parts, one after the other, are its forward pass.
func ExampleLayer_parts() {
	layer, err := mamba.NewLayer(mamba.Config{DModel: 16}, 1, &mamba.Options{Adapter: "go"})
	if err != nil {
		log.Fatal(err)
	}
	defer layer.Close()
	x := mamba.NewTensor(2, 10, 16) // (B, L, d_model)
	for i := range x.Data {
		x.Data[i] = float32(i%7) - 3
	}
	u, err := layer.Conv1D(x) // (B, L, d_inner)
	if err != nil {
		log.Fatal(err)
	}
	dyn, err := layer.SProj(u) // step size and modulations of A, B and C
	if err != nil {
		log.Fatal(err)
	}
	disc, err := layer.Discretization(dyn.Delta) // Abar and phi, complex
	if err != nil {
		log.Fatal(err)
	}
	y, err := layer.SelectiveScan(u, dyn, disc) // (B, L, d_inner)
	if err != nil {
		log.Fatal(err)
	}
	out, err := layer.OutProj(x, y) // x + W_out y + b_out
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("u", u.Shape)
	fmt.Println("delta", dyn.Delta.Shape, "A_mod", dyn.AMod.Shape, "B_mod", dyn.BMod.Shape, "C_mod", dyn.CMod.Shape)
	fmt.Println("Abar", disc.Abar.Shape, "phi", disc.Phi.Shape)
	fmt.Println("out", out.Shape)
	// Output:
	// u [2 10 32]
	// delta [2 10] A_mod [2 10 16] B_mod [2 10 32] C_mod [2 10 32]
	// Abar [2 10 16] phi [2 10 16]
	// out [2 10 16]
}

// A state takes sequences on token by token.
func ExampleLayer_Step() {
	layer, err := mamba.NewLayer(mamba.Config{DModel: 16}, 1, &mamba.Options{Adapter: "go"})
	if err != nil {
		log.Fatal(err)
	}
	defer layer.Close()
	st, err := layer.NewState(2)
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	x := mamba.NewTensor(2, 16) // (B, d_model)
	for range 3 {
		if x, err = layer.Step(context.Background(), st, x); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(x.Shape, "after", st.Tokens(), "tokens")
	// Output: [2 16] after 3 tokens
}

// A Mamba-1 block as in a language model: RMS norm before, residual around.
func ExampleNewBlock() {
	block, err := mamba.NewBlock(mamba.BlockConfig{DModel: 64, Norm: mamba.NormRMS, Residual: true}, 1, &mamba.Options{Adapter: "go"})
	if err != nil {
		log.Fatal(err)
	}
	defer block.Close()
	y, err := block.Forward(context.Background(), mamba.NewTensor(2, 10, 64))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Shape)
	// Output: [2 10 64]
}
