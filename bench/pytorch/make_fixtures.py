"""Makes test/fixtures/pytorch: small models as PyTorch exports them, and what PyTorch makes of them.

    python3 bench/pytorch/make_fixtures.py

For each model an ONNX file and a safetensors file with a batch (`inputs`, `labels`), the gradient of its
cross-entropy for every parameter (`gradient.<name>`) and the losses of 20 steps of Adam on that batch
(`losses`); all float32. Everything is seeded: the same PyTorch makes the same bytes. Debian: python3-torch.
"""

import json
import pathlib
import struct
import sys

import torch
from torch import nn
from torch.nn import functional as F

from models import Cnn, Gpt, Mlp

FOLDER = pathlib.Path(__file__).parent.parent.parent / "test" / "fixtures" / "pytorch"
BATCH, STEPS, RATE, OPSET = 6, 20, 0.01, 16


class Forms(nn.Module):
    """Layers one after the other, then scores of four classes."""

    def __init__(self, features, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.output = nn.Linear(features, 4)

    def forward(self, x):
        return self.output(self.layers(x).flatten(1))


class Recurrent(nn.Module):
    """Both directions of a recurrent layer over a series; scores from the last of its outputs."""

    def __init__(self, kind):
        super().__init__()
        self.recurrent = kind(5, 6, batch_first=True, bidirectional=True)
        self.output = nn.Linear(12, 4)

    def forward(self, x):
        series, _ = self.recurrent(x)
        return self.output(series[:, -1])


class Upsampled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(2, 3, 3)
        self.output = nn.Linear(3 * 5 * 5, 4)

    def forward(self, x):
        x = F.interpolate(self.layer(x), scale_factor=2, mode="bilinear", align_corners=False)
        return self.output(F.avg_pool2d(x, 2, stride=2, padding=1).flatten(1))


def images(channels, size):
    return torch.randn(BATCH, channels, size, size)


MODELS = {
    "mlp": lambda: (Mlp((12, 16, 8, 5)), torch.randn(BATCH, 12), 5),
    "cnn": lambda: (Cnn((1, 4, 6), 8, 5), images(1, 8), 5),
    "gpt": lambda: (Gpt(2, 16, 2, 8, 24), torch.randint(24, (BATCH, 8)), 24),
    "gru": lambda: (Recurrent(nn.GRU), torch.randn(BATCH, 7, 5), 4),
    "lstm": lambda: (Recurrent(nn.LSTM), torch.randn(BATCH, 7, 5), 4),
    "conv-forms": lambda: (
        Forms(
            72,
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.Conv2d(4, 8, 3, padding=2, dilation=2, groups=2),
            nn.Hardswish(),
            nn.Conv2d(8, 8, 3, padding=1, groups=8),
            nn.MaxPool2d(3, stride=2, padding=1),
        ),
        images(2, 11),
        4,
    ),
    "conv-transpose": lambda: (
        Forms(
            108,
            nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1),
            nn.GELU(),
            nn.ConvTranspose2d(4, 3, 2, groups=1),
            nn.ReLU(),
            nn.AvgPool2d(4),
        ),
        images(2, 12),
        4,
    ),
    "group-norm": lambda: (
        Forms(96, nn.Conv2d(2, 6, 3), nn.GroupNorm(3, 6), nn.SiLU(), nn.InstanceNorm2d(6, affine=True), nn.Mish()),
        images(2, 6),
        4,
    ),
    "batch-norm": lambda: (
        Forms(96, nn.Conv2d(2, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ELU(), nn.PReLU(6)),
        images(2, 6),
        4,
    ),
    "upsampled": lambda: (Upsampled(), images(2, 6), 4),
}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        values = tensor.float().contiguous().numpy().tobytes()
        place = [len(data), len(data) + len(values)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": place}
        data += values
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def make(name):
    torch.manual_seed(1)
    model, inputs, classes = MODELS[name]()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                # Scales of one and biases of zero would hide mistakes.
                parameter.add_(torch.randn_like(parameter) * 0.1)
    places = inputs.shape if name == "gpt" else inputs.shape[:1]
    labels = torch.randint(classes, places)
    torch.onnx.export(
        model,
        inputs,
        str(FOLDER / f"{name}.onnx"),
        input_names=["input"],
        output_names=["scores"],
        dynamic_axes={"input": {0: "batch"}, "scores": {0: "batch"}} if name in ("mlp", "cnn") else None,
        training=torch.onnx.TrainingMode.TRAINING,
        do_constant_folding=False,
        opset_version=OPSET,
    )

    def loss():
        return F.cross_entropy(model(inputs).flatten(0, -2), labels.flatten())

    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    losses = []
    gradients = {}
    for step in range(STEPS):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        if step == 0:
            gradients = {f"gradient.{key}": p.grad.clone() for key, p in model.named_parameters()}
        losses.append(value.detach())
        optimizer.step()
    write_safetensors(
        FOLDER / f"{name}.safetensors",
        {"inputs": inputs, "labels": labels, "losses": torch.stack(losses), **gradients},
    )


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or MODELS:
        make(name)


main()
