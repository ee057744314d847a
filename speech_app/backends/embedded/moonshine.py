"""The English model of the moonshine-voice wheel, run by ONNX Runtime. Worker process only.

The wheel's own library says 1.0 of every word, whatever it heard: `align_words` in Moonshine's
core/word-alignment.cpp never computes a confidence. Here the model's own probabilities are at
hand. It is the same model and, of the sample talk, the same words, for 0.027 s of processor time
per second of speech where the library takes 0.094: its threads spin while they wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .recognition_messages import Recognised

SAMPLE_RATE = 16_000
LAYERS = 6
HEADS = 8
HEAD_SIZE = 36
"""Of the tiny model's decoder."""
BEGIN = 1
END = 2
MOST_TOKENS_PER_SECOND = 6.5
"""Where the model finds no end, as in noise. It is what Moonshine's own library allows."""
WORD_MARK = "\u2581".encode()
"""Begins the first token of a word."""


class Moonshine:
    """The tiny English model, loaded once per process; not to be used by two threads at once."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._encoder: Any = onnxruntime.InferenceSession(folder / "encoder_model.ort", options)
        self._decoder: Any = onnxruntime.InferenceSession(
            folder / "decoder_model_merged.ort", options
        )
        self._outputs = [output.name for output in self._decoder.get_outputs()]
        self._tokens = list(_tokens((folder / "tokenizer.bin").read_bytes()))

    def recognise(self, samples: NDArray[np.float32]) -> Recognised:
        """The words in audio of -1 to 1, mono, 16 000 Hz, and how sure the model is of them."""
        audio = samples[np.newaxis]
        heard = np.ones(audio.shape, dtype=np.int64)
        (hidden,) = self._encoder.run(None, {"input_values": audio, "attention_mask": heard})
        most = math.ceil(len(samples) / SAMPLE_RATE * MOST_TOKENS_PER_SECOND)
        text = bytearray()
        words: list[float] = []
        for token, probability in self._decode(hidden, heard, most):
            spelt = self._tokens[token]
            if spelt.startswith(WORD_MARK) or not words:
                words.append(probability)
            else:
                words[-1] *= probability
            text += spelt
        return Recognised(
            text.replace(WORD_MARK, b" ").decode(errors="ignore").strip(),
            sum(words) / len(words) if words else 0.0,
        )

    def _decode(
        self, hidden: NDArray[np.float32], heard: NDArray[np.int64], most: int
    ) -> Iterator[tuple[int, float]]:
        """The likeliest token after each other, with its probability, without the last one."""
        nothing = np.zeros((1, HEADS, 1, HEAD_SIZE), dtype=np.float32)
        past = {
            f"past_key_values.{layer}.{side}.{part}": nothing
            for layer in range(LAYERS)
            for side in ("decoder", "encoder")
            for part in ("key", "value")
        }
        token = BEGIN
        for step in range(most):
            given = {
                "input_ids": np.array([[token]], dtype=np.int64),
                "encoder_hidden_states": hidden,
                "encoder_attention_mask": heard,
                "use_cache_branch": np.array([step > 0]),
                **past,
            }
            found = dict(zip(self._outputs, self._decoder.run(None, given), strict=True))
            for name in past:
                # What is known of the audio comes with the first step and stays as it is.
                if step == 0 or ".decoder." in name:
                    past[name] = found[name.replace("past_key_values", "present")]
            scores = found["logits"][0, -1].astype(np.float64)
            token = int(scores.argmax())
            if token == END:
                return
            yield token, float(1 / np.exp(scores - scores[token]).sum())


def _tokens(content: bytes) -> Iterator[bytes]:
    """The tokens of a `tokenizer.bin` by number; those that are no text, such as <s>, are empty.

    Before each stands its length: one byte, or from 128 on two, the low seven bits first.
    """
    at = 0
    while at < len(content):
        length = content[at]
        at += 1
        if length >= 128:
            length += 128 * content[at] - 128
            at += 1
        token = content[at : at + length]
        at += length
        yield b"" if len(token) > 2 and token[:1] == b"<" and token[-1:] == b">" else token
