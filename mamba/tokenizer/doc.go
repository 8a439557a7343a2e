// Package tokenizer turns text into the token ids that a language model reads,
// and ids back into text.
//
// It reads the tokenizer.json files of the GPT-NeoX kind that Mamba checkpoints
// come with, and gives the ids that Hugging Face's tokenizers library gives for
// them (with add_special_tokens=False). Encoding has five stages:
//
//  1. added tokens that are not "normalized" (such as <|endoftext|>) are cut out;
//  2. the text between them is brought to Unicode normalization form C, if the
//     file asks for it, and the added tokens that are "normalized" (in GPT-NeoX,
//     runs of spaces) are cut out;
//  3. what is left is split into words by the pattern of GPT-2;
//  4. each word is taken as bytes, one symbol a byte;
//  5. byte pair encoding joins neighbouring symbols, the pair that was learnt
//     first before all others, until no known pair is left.
//
// Because the smallest symbols are bytes, every text has an encoding. Bytes that
// are not UTF-8 are kept: normalization copies them, and the splitter treats
// each as a sign that is neither letter, number nor space.
//
//	tok, err := tokenizer.Load("tokenizer.json")
//	if err != nil {
//		return err
//	}
//	ids := tok.Encode("Call me Ishmael.")
//	text, err := tok.Decode(ids)
//
// [Train] makes such a file from texts.
//
// One difference is known: normalization here follows Unicode 15, where Hugging
// Face's tables are older, so combining marks added to Unicode since (such as
// U+1DF8 or U+1AC4) are put in their standard order here and left in place there.
//
// The truncation, padding and post_processor members of the file are not
// applied; a post_processor that would add tokens is refused.
//
// Sources: the pattern and the byte alphabet are those of GPT-2 (encoder.py);
// the matching of added tokens, the merge order and the decoding follow
// Hugging Face tokenizers 0.22, the training that of its BpeTrainer (0.23).
package tokenizer
