"""Golden values of GELU with the error function, by Python's own `math.erf` in double precision.

They are where `generate.py` and `parity.py` would put those of `torch.nn.GELU()`, without PyTorch: `gelu` among the
activations of golden.json, and parity/gelu.safetensors with the weights and examples of parity/gelu_tanh.safetensors.

    python tests/golden/gelu.py
"""

import json
import math
import pathlib
import struct

HERE = pathlib.Path(__file__).parent


def phi(h):
    """The normal distribution, `½ (1 + erf(h / √2))`, without loss of digits below zero."""
    return 0.5 * math.erfc(-h / math.sqrt(2))


def gelu(h):
    return h * phi(h)


def slope(h):
    return phi(h) + h * math.exp(-h * h / 2) / math.sqrt(2 * math.pi)


def sigmoid(h):
    return 1 / (1 + math.exp(-h))


def activations():
    path = HERE / "golden.json"
    golden = json.loads(path.read_text())
    points = golden["points"]
    # Of the sum of the squared values, as in generate.py.
    golden["activations"]["gelu"] = {
        "values": [[gelu(h) for h in row] for row in points],
        "gradients": [[2 * gelu(h) * slope(h) for h in row] for row in points],
    }
    path.write_text(json.dumps(golden, indent=1) + "\n")


def read(path):
    """Names to shapes and numbers; all are of 32 bits."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        count = (end - begin) // 4
        numbers = struct.unpack_from(f"<{count}f", data, 8 + length + begin)
        tensors[name] = (about["shape"], list(numbers))
    return tensors


def write(path, tensors, metadata):
    header, body = {"__metadata__": metadata}, b""
    for name, (shape, numbers) in tensors.items():
        piece = struct.pack(f"<{len(numbers)}f", *numbers)
        offsets = [len(body), len(body) + len(piece)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        body += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def layer(tensors, name, rows, activation):
    (outputs, inputs), weight = tensors[f"weights.{name}.weight"]
    bias = tensors[f"weights.{name}.bias"][1]
    return [
        [
            activation(bias[j] + math.fsum(x * weight[j * inputs + i] for i, x in enumerate(row)))
            for j in range(outputs)
        ]
        for row in rows
    ]


def parity():
    tensors = read(HERE / "parity" / "gelu_tanh.safetensors")
    (count, width), numbers = tensors["examples"]
    rows = [numbers[i * width : (i + 1) * width] for i in range(count)]
    codes = layer(tensors, "encoder.2", layer(tensors, "encoder.0", rows, gelu), gelu)
    drawn = layer(tensors, "decoder.2", layer(tensors, "decoder.0", codes, gelu), sigmoid)
    for name, rows in [("codes", codes), ("reconstructions", drawn)]:
        tensors[name] = ([len(rows), len(rows[0])], [x for row in rows for x in row])
    write(HERE / "parity" / "gelu.safetensors", tensors, {"made_by": "tests/golden/gelu.py"})


activations()
parity()
