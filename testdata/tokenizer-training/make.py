# Makes tokenizer.json and ids.json from sample.txt: pip install tokenizers==0.23.3
import json
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

text = open("sample.txt", newline="", encoding="utf-8").read()
tokenizer = Tokenizer(models.BPE())
tokenizer.normalizer = normalizers.NFC()
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.post_processor = processors.ByteLevel()
tokenizer.train_from_iterator(text.split("<|endoftext|>"), trainers.BpeTrainer(
    vocab_size=900, min_frequency=2, special_tokens=["<|endoftext|>"],
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
tokenizer.save("tokenizer.json")
ids = Tokenizer.from_file("tokenizer.json").encode(text, add_special_tokens=False).ids
json.dump(ids, open("ids.json", "w"), separators=(",", ":"))
