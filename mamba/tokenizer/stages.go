package tokenizer

import (
	"encoding/json"
	"fmt"
)

// kind returns the "type" of a stage of the file, "null" for one that is null or
// absent.
func kind(field string, data json.RawMessage) (string, error) {
	if len(data) == 0 || string(data) == "null" {
		return "null", nil
	}
	var stage struct {
		Type string `json:"type"`
	}
	err := unmarshal(field, data, &stage)
	return stage.Type, err
}

func unsupported(field, name, want string) error {
	return &FormatError{Field: field, Got: fmt.Sprintf("type %q", name), Want: want}
}

func (t *Tokenizer) readNormalizer(field string, data json.RawMessage) error {
	name, err := kind(field, data)
	if err != nil {
		return err
	}
	switch name {
	case "null":
		return nil
	case "NFC":
		t.useNFC = true
		return nil
	case "Sequence":
		return eachStage(field, data, "normalizers", t.readNormalizer)
	}
	return unsupported(field, name, "null, NFC or a Sequence of these")
}

// eachStage calls read for the stages in a Sequence.
func eachStage(field string, data json.RawMessage, member string, read func(string, json.RawMessage) error) error {
	stages, err := sequence(field, data, member)
	if err != nil {
		return err
	}
	for i, stage := range stages {
		if err := read(fmt.Sprintf("%s.%s[%d]", field, member, i), stage); err != nil {
			return err
		}
	}
	return nil
}

func sequence(field string, data json.RawMessage, member string) ([]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := unmarshal(field, data, &members); err != nil {
		return nil, err
	}
	list, ok := members[member]
	if !ok {
		return nil, &FormatError{Field: field + "." + member, Got: "nothing", Want: "a list"}
	}
	var stages []json.RawMessage
	err := unmarshal(field+"."+member, list, &stages)
	return stages, err
}

const wantPreTokenizer = "ByteLevel, or a Sequence of Split by the GPT-2 pattern and ByteLevel with use_regex false"

func (t *Tokenizer) readPreTokenizer(data json.RawMessage) error {
	const field = "pre_tokenizer"
	name, err := kind(field, data)
	if err != nil {
		return err
	}
	switch name {
	case "ByteLevel":
		return t.readByteLevel(field, data)
	case "Sequence":
		return t.readPreTokenizers(field, data)
	}
	return unsupported(field, name, wantPreTokenizer)
}

func (t *Tokenizer) readByteLevel(field string, data json.RawMessage) error {
	var stage struct {
		AddPrefixSpace *bool `json:"add_prefix_space"`
		UseRegex       *bool `json:"use_regex"`
	}
	if err := unmarshal(field, data, &stage); err != nil {
		return err
	}
	if stage.AddPrefixSpace == nil {
		return &FormatError{Field: field + ".add_prefix_space", Got: "nothing", Want: "true or false"}
	}
	t.addPrefixSpace = *stage.AddPrefixSpace
	t.splitWords = stage.UseRegex == nil || *stage.UseRegex
	return nil
}

// readPreTokenizers accepts the GPT-2 pattern written out as a Split. A prefix
// space would then be put before every word, which no known file asks for.
func (t *Tokenizer) readPreTokenizers(field string, data json.RawMessage) error {
	stages, err := sequence(field, data, "pretokenizers")
	if err != nil {
		return err
	}
	field += ".pretokenizers"
	if len(stages) != 2 {
		return &FormatError{Field: field, Got: fmt.Sprintf("%d stages", len(stages)), Want: wantPreTokenizer}
	}
	if err := checkSplit(field+"[0]", stages[0]); err != nil {
		return err
	}
	name, err := kind(field+"[1]", stages[1])
	if err != nil {
		return err
	}
	if name != "ByteLevel" {
		return unsupported(field+"[1]", name, "ByteLevel")
	}
	if err := t.readByteLevel(field+"[1]", stages[1]); err != nil {
		return err
	}
	if t.splitWords || t.addPrefixSpace {
		return &FormatError{Field: field + "[1]", Got: "use_regex or add_prefix_space true", Want: "both false after a Split"}
	}
	t.splitWords = true
	return nil
}

func checkSplit(field string, data json.RawMessage) error {
	name, err := kind(field, data)
	if err != nil {
		return err
	}
	if name != "Split" {
		return unsupported(field, name, "Split")
	}
	var stage struct {
		Pattern struct {
			Regex string
		} `json:"pattern"`
		Behavior string `json:"behavior"`
		Invert   bool   `json:"invert"`
	}
	if err := unmarshal(field, data, &stage); err != nil {
		return err
	}
	if stage.Pattern.Regex != splitPattern {
		return &FormatError{Field: field + ".pattern", Got: fmt.Sprintf("%q", stage.Pattern.Regex), Want: "the GPT-2 pattern " + splitPattern}
	}
	if stage.Behavior != "Isolated" || stage.Invert {
		return &FormatError{Field: field, Got: fmt.Sprintf("behavior %q, invert %t", stage.Behavior, stage.Invert), Want: `behavior "Isolated", invert false`}
	}
	return nil
}

// checkPostProcessor accepts what leaves the ids as they are.
func checkPostProcessor(field string, data json.RawMessage) error {
	name, err := kind(field, data)
	if err != nil {
		return err
	}
	switch name {
	case "null", "ByteLevel":
		return nil
	case "Sequence":
		return eachStage(field, data, "processors", checkPostProcessor)
	case "TemplateProcessing":
		return eachStage(field, data, "single", checkTemplatePart)
	}
	return unsupported(field, name, "null, ByteLevel, or TemplateProcessing that adds no tokens")
}

func checkTemplatePart(field string, data json.RawMessage) error {
	var part struct {
		SpecialToken *struct {
			ID string `json:"id"`
		}
	}
	if err := unmarshal(field, data, &part); err != nil {
		return err
	}
	if part.SpecialToken != nil {
		return &FormatError{Field: field, Got: fmt.Sprintf("SpecialToken %q", part.SpecialToken.ID), Want: "a template that adds no tokens"}
	}
	return nil
}

func checkDecoder(data json.RawMessage) error {
	const field = "decoder"
	name, err := kind(field, data)
	if err == nil && name != "ByteLevel" {
		err = unsupported(field, name, "ByteLevel")
	}
	return err
}
