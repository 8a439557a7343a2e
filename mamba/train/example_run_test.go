package train_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/mambagpu/mambagpu/mamba/train"
)

// A tokenizer and a model from one text, and then more of the same run.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "train")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	text, err := os.ReadFile("../../testdata/tokenizer-training/sample.txt")
	if err != nil {
		log.Fatal(err)
	}
	learn := func(yield func(string) bool) { yield(string(text)) }
	file, err := tokenizer.Train(context.Background(), learn, &tokenizer.TrainOptions{VocabSize: 320})
	if err != nil {
		log.Fatal(err)
	}
	tok, err := tokenizer.Parse("tokenizer.json", file)
	if err != nil {
		log.Fatal(err)
	}
	tokens := train.Tokenize(tok, string(text))
	run := &train.RunOptions{
		Options: &train.Options{Adapter: "go", Batch: 4, SeqLen: 16},
		Config: mamba.ModelConfig{DModel: 16, NLayer: 1, DInner: 32, DState: 4, DConv: 4, DTRank: 1, VocabSize: 320, NormEps: 1e-5,
			Tied: true, UseConvBias: true},
		Tokenizer: file, Dir: filepath.Join(dir, "model"),
		Data: tokens[1000:], Valid: tokens[:1000], ValidTokens: 320,
		Steps: 20, Schedule: train.Schedule{Decay: train.DecayConstant, Peak: 0.02},
	}
	first, err := train.Run(context.Background(), run)
	if err != nil {
		log.Fatal(err)
	}
	run.Resume, run.Steps, run.Schedule.Steps = true, 40, 40
	second, err := train.Run(context.Background(), run)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Steps, second.Steps, second.Best.Loss < first.Best.Loss)
	// Output: 20 40 true
}
