"""The eight-bit LiteRT model as C, for microcontrollers: the bytes in one file, what they take and give in another."""

from pathlib import Path
from typing import Any

from mnist_pipeline.runs.files import write_text

_HEADER = """\
/* A digit classifier in eight bits, for LiteRT for Microcontrollers. {about}
 *
 * Takes one 28x28 grey picture, light digit on dark ground, as int8: a pixel of 0..255 goes in as
 * round(pixel / 255 / MNIST_INPUT_SCALE) + MNIST_INPUT_ZERO_POINT{short}.
 * Gives ten int8, for the digits 0 to 9: the probability is (value - MNIST_OUTPUT_ZERO_POINT) * MNIST_OUTPUT_SCALE.
 */
#ifndef MNIST_MODEL_INT8_H
#define MNIST_MODEL_INT8_H

#define MNIST_INPUT_HEIGHT 28
#define MNIST_INPUT_WIDTH 28
#define MNIST_INPUT_DIMENSIONS {{{dimensions}}}
#define MNIST_INPUT_SCALE {input_scale!r}f
#define MNIST_INPUT_ZERO_POINT ({input_zero})
#define MNIST_OUTPUT_CLASSES 10
#define MNIST_OUTPUT_SCALE {output_scale!r}f
#define MNIST_OUTPUT_ZERO_POINT ({output_zero})
#define MNIST_MODEL_SIZE {size}

#ifdef __cplusplus
extern "C" {{
#endif
extern const unsigned char mnist_model[MNIST_MODEL_SIZE]; /* aligned to 16 bytes */
#ifdef __cplusplus
}}
#endif

#endif
"""
_SOURCE = """\
#include "{header}"

#if defined(__GNUC__) || defined(__clang__)
__attribute__((aligned(16)))
#endif
const unsigned char mnist_model[MNIST_MODEL_SIZE] = {{
{numbers}
}};
"""


def save_c(model: bytes, input_: dict[str, Any], output: dict[str, Any], source: Path, about: str) -> None:
    """The source, and beside it the header of the same name."""
    exact = abs(input_["scale"] - 1 / 255) < 1e-9 and input_["zero_point"] == -128
    header = _HEADER.format(
        about=about,
        short=",\n * which here is pixel - 128" if exact else "",
        dimensions=", ".join(["1", *(str(side) for side in input_["shape"][1:])]),
        input_scale=input_["scale"], input_zero=input_["zero_point"],
        output_scale=output["scale"], output_zero=output["zero_point"],
        size=len(model),
    )  # fmt: skip
    rows = (model[at : at + 24] for at in range(0, len(model), 24))
    numbers = ",\n".join("  " + ", ".join(map(str, row)) for row in rows)
    write_text(source.with_suffix(".h"), header)
    write_text(source, _SOURCE.format(header=source.with_suffix(".h").name, numbers=numbers))
