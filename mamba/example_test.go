package mamba_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/mambagpu/mambagpu/mamba"
)

func Example() {
	model, err := mamba.Load("../testdata/reference-lm", &mamba.Options{Adapter: "go"})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	for token, err := range model.Generate(context.Background(), "And the whale", &mamba.GenerateOptions{MaxTokens: 9}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(token.Text)
	}
	// Output: fishery, the Sperm Whale's head
}

// Several sequences go on at once, each with a state of its own.
func ExampleModel_Step() {
	model, err := mamba.Load("../testdata/reference-lm", &mamba.Options{Adapter: "go"})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	ctx, tok := context.Background(), model.Tokenizer()
	var states []*mamba.State
	var ids [][]int
	texts := []string{"The state of the Union is", "And the whale"}
	for _, text := range texts {
		s, err := model.NewState()
		if err != nil {
			log.Fatal(err)
		}
		defer s.Close()
		states, ids = append(states, s), append(ids, tok.Encode(text))
	}
	logits, err := model.PrefillBatch(ctx, states, ids)
	for range 6 {
		if err != nil {
			log.Fatal(err)
		}
		next := make([]int, len(states))
		for i, row := range logits {
			next[i] = slices.Index(row, slices.Max(row))
			piece, _ := tok.Decode(next[i : i+1])
			texts[i] += piece
		}
		logits, err = model.Step(ctx, states, next)
	}
	for _, text := range texts {
		fmt.Println(text)
	}
	// Output:
	// The state of the Union is to be considered as relieved
	// And the whale fishery, the Sperm
}

// A prompt is read once and its state kept in a file; whoever loads it goes on
// from the prompt's end, as often as wanted.
func ExampleState_Save() {
	model, err := mamba.Load("../testdata/reference-lm", &mamba.Options{Adapter: "go"})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	ctx := context.Background()

	prompt, err := model.NewState()
	if err != nil {
		log.Fatal(err)
	}
	defer prompt.Close()
	if err := model.Prepare(ctx, prompt, model.Tokenizer().Encode("The state of the Union is")); err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := prompt.Save(&file); err != nil {
		log.Fatal(err)
	}

	kept, err := model.LoadState(&file)
	if err != nil {
		log.Fatal(err)
	}
	defer kept.Close()
	for _, more := range []string{"", " not"} {
		s, err := kept.Clone()
		if err != nil {
			log.Fatal(err)
		}
		defer s.Close()
		fmt.Printf("...%s", more)
		// Twice six tokens: the second call goes on where the first one ended.
		for _, text := range []string{more, ""} {
			for token, err := range model.Generate(ctx, text, &mamba.GenerateOptions{MaxTokens: 6, State: s}) {
				if err != nil {
					log.Fatal(err)
				}
				fmt.Print(token.Text)
			}
		}
		fmt.Println()
	}
	// Output:
	// ... to be considered as relieved from the war, and to
	// ... not yet completed. The question is whether we are not in the
}
